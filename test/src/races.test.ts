import { expect, test } from 'vitest'
import type { Cache } from '../../src/index.ts'
import { pair, type Pair } from '../support/pair.ts'
import { gate, type Isolate } from '../support/world.ts'

// An invalidation or a set that is acknowledged while a factory runs: the factory's result comes too late.

const OLD = 'old'

/** A's factory is under way, with the lease, in the namespace `cities:eu`. */
async function underWay(scene: Pair, tags?: string[]): Promise<Late> {
  const { a, clock } = scene
  const origin = gate<string>()
  const late: string[] = []
  const answer = spaceOf(a).getOrSet({
    key: 'k',
    tags,
    factory: async ({ setTags }) => {
      const value = await origin.promise
      setTags(late)
      return value
    },
  })
  await clock.settle()
  expect(a.story()).toBe('flight.lead > journal.page > l2.read > factory.run')
  return {
    tag: (name) => void late.push(name),
    finish: async () => {
      origin.open(OLD)
      expect(await scene.run(answer)).toBe(OLD)
      await clock.settle()
    },
  }
}

interface Late {
  /** Has the factory add a tag to its value. */
  tag(name: string): void
  /** Ends the factory; whoever called before the invalidation gets its value. */
  finish(): Promise<void>
}

function spaceOf({ bento }: Isolate): Cache {
  return bento.namespace('cities').namespace('eu')
}

/** `isolate` gets the lease of `k` and never ends. */
function holdLease({ bento }: Isolate): void {
  bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
}

/** Nobody is given the old value: the next caller on each isolate computes anew, and all agree. */
async function expectForgotten({ a, b, isolate, run, stored }: Pair): Promise<void> {
  expect(stored('cities:eu:k')).toBeUndefined()
  expect(await run(spaceOf(a).get({ key: 'k' }))).toBeUndefined()
  let runs = 0
  const factory = (): string => `new ${++runs}`
  for (const each of [a, b, isolate('c')]) {
    expect(await run(spaceOf(each).getOrSet({ key: 'k', factory }))).toBe('new 1')
  }
}

const invalidations: readonly (readonly [string, (cache: Isolate) => Promise<unknown>])[] = [
  ['delete', (of) => spaceOf(of).delete({ key: 'k' })],
  ['delete through the parent', ({ bento }) => bento.namespace('cities').delete({ key: 'eu:k' })],
  ['deleteMany', (of) => spaceOf(of).deleteMany({ keys: ['other', 'k'] })],
  ['expire', (of) => spaceOf(of).expire({ key: 'k' })],
  ['pull', (of) => spaceOf(of).pull('k')],
  ['deleteByTag with a declared tag', (of) => spaceOf(of).deleteByTag({ tags: ['x', 'declared'] })],
  ['clear of the namespace', (of) => spaceOf(of).clear()],
  ['clear of an ancestor', ({ bento }) => bento.namespace('cities').clear()],
  ['clear of everything', ({ bento }) => bento.clear()],
]

test.each(invalidations)('%s elsewhere beats a factory under way', async (_, invalidate) => {
  const scene = pair()
  const factory = await underWay(scene, ['declared'])
  await scene.run(invalidate(scene.b))
  await factory.finish()
  expect(scene.ledger.ledger.stats()).toMatchObject({ fillsStored: 0, commitsRefused: 1 })
  await expectForgotten(scene)
})

test.each(invalidations)('%s beats a factory under way in its own isolate', async (_, invalidate) => {
  const scene = pair()
  const factory = await underWay(scene, ['declared'])
  await scene.run(invalidate(scene.a))
  await factory.finish()
  expect(scene.ledger.ledger.stats()).toMatchObject({ fillsStored: 0, commitsRefused: 1 })
  await expectForgotten(scene)
})

test.each(['a', 'b'] as const)('deleteByTag in %s with a tag the factory adds beats it', async (name) => {
  const scene = pair()
  const factory = await underWay(scene)
  await scene.run(spaceOf(scene[name]).deleteByTag({ tags: ['late'] }))
  factory.tag('late')
  await factory.finish()
  expect(scene.ledger.ledger.stats()).toMatchObject({ fillsStored: 0, commitsRefused: 1 })
  await expectForgotten(scene)
})

test('a tag invalidated before the read does not refuse a factory that adds it', async () => {
  const scene = pair()
  await scene.run(spaceOf(scene.b).deleteByTag({ tags: ['late'] }))
  const factory = await underWay(scene)
  factory.tag('late')
  await factory.finish()
  expect(scene.stored('cities:eu:k')).toBe(OLD)
})

test('an invalidation of a soft tag beats a factory under way', async () => {
  const scene = pair()
  const factory = await underWay(scene, ['soft'])
  const name = 'bentocache:cities:eu#soft'
  scene.ledger.ledger.invalidate({ events: [{ kind: 'tag', name, soft: true }] })
  await factory.finish()
  expect(scene.ledger.ledger.stats()).toMatchObject({ fillsStored: 0, commitsRefused: 1 })
  await expectForgotten(scene)
})

test('what concerns a sibling does not refuse a factory under way', async () => {
  const scene = pair()
  const factory = await underWay(scene, ['declared'])
  const { bento } = scene.b
  await scene.run(bento.namespace('cities').namespace('europe').clear())
  await scene.run(bento.namespace('cit').clear())
  await scene.run(bento.deleteByTag({ tags: ['declared'] }))
  await scene.run(spaceOf(scene.b).delete({ key: 'kk' }))
  await factory.finish()
  expect(scene.stored('cities:eu:k')).toBe(OLD)
})

test.each(['a', 'b'] as const)('a set in %s beats a factory under way', async (name) => {
  const scene = pair()
  const { a, b, run, stored, isolate } = scene
  const factory = await underWay(scene)
  expect(await run(spaceOf(scene[name]).set({ key: 'k', value: 'set' }))).toBe(true)
  await factory.finish()
  expect(stored('cities:eu:k')).toBe('set')
  for (const each of [a, b, isolate('c')]) expect(await run(spaceOf(each).get({ key: 'k' }))).toBe('set')
})

test('each of several sets wins over the factory that runs at the time', async () => {
  const scene = pair()
  for (const value of ['one', 'two', 'three']) {
    await scene.run(scene.b.bento.delete({ key: 'k' }))
    await scene.hear(scene.a)
    const origin = gate<string>()
    const answer = scene.a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
    await scene.clock.settle()
    await scene.run(scene.b.bento.set({ key: 'k', value }))
    origin.open(OLD)
    await scene.run(answer)
    expect(await scene.run(scene.a.bento.get({ key: 'k' }))).toBe(value)
  }
})

test('a late holder does not write with the lease of its successor', async () => {
  const { a, b, run, clock, stored, isolate, ledger } = pair()
  const [first, second] = [gate<string>(), gate<string>()]
  const late = a.bento.getOrSet({ key: 'k', factory: () => first.promise })
  await clock.settle()
  await run(b.bento.delete({ key: 'k' }))
  const successor = b.bento.getOrSet({ key: 'k', factory: () => second.promise })
  await clock.settle()
  first.open(OLD)
  expect(await run(late)).toBe(OLD)
  await clock.settle()
  expect([stored('k'), ledger.ledger.stats().commitsRefused]).toEqual([undefined, 1])
  // The refusal left the successor's lease alone: a third isolate waits for it.
  const waiter = isolate('c').bento.getOrSet({ key: 'k', factory: () => 'a third run' })
  await clock.advance(100)
  second.open('new')
  expect(await run(successor)).toBe('new')
  expect(await run(waiter)).toBe('new')
  expect([stored('k'), await run(a.bento.get({ key: 'k' }))]).toEqual(['new', 'new'])
})

test('a holder whose lease ran out does not write over what came after an invalidation', async () => {
  const { a, b, run, clock, stored, isolate } = pair({ leaseTtl: 2000 })
  const origin = gate<string>()
  const late = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  const successor = b.bento.getOrSet({ key: 'k', factory: () => 'same generation' })
  expect(await run(successor)).toBe('same generation')
  await run(b.bento.delete({ key: 'k' }))
  expect(await run(b.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
  origin.open(OLD)
  expect(await run(late)).toBe(OLD)
  await clock.settle()
  expect(stored('k')).toBe('new')
  for (const each of [a, b, isolate('c')]) expect(await run(each.bento.get({ key: 'k' }))).toBe('new')
})

test('a slow factory whose lease merely ran out is not wasted', async () => {
  const { a, run, clock, stored, ledger } = pair({ leaseTtl: 2000 })
  const origin = gate<string>()
  const slow = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.advance(5000)
  origin.open('slow')
  expect(await run(slow)).toBe('slow')
  await clock.settle()
  expect([stored('k'), ledger.ledger.stats().commitsRefused]).toEqual(['slow', 0])
})

test('a factory that runs without the lease after lockTimeout is refused after an invalidation', async () => {
  const { a, b, isolate, run, clock, stored, ledger } = pair()
  holdLease(isolate('c'))
  await clock.settle()
  const origin = gate<string>()
  const late = a.bento.getOrSet({ key: 'k', lockTimeout: 300, factory: () => origin.promise })
  await clock.advance(300)
  expect(a.story()).toContain('factory.run')
  await run(b.bento.delete({ key: 'k' }))
  origin.open(OLD)
  expect(await run(late)).toBe(OLD)
  await clock.settle()
  expect([stored('k'), ledger.ledger.stats().commitsRefused]).toEqual([undefined, 1])
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a factory that runs without the lease after lockTimeout is stored if nothing happened', async () => {
  const { a, isolate, run, clock, stored } = pair()
  holdLease(isolate('c'))
  await clock.settle()
  expect(await run(a.bento.getOrSet({ key: 'k', lockTimeout: 300, factory: () => 'mine' }))).toBe('mine')
  await clock.settle()
  expect(stored('k')).toBe('mine')
})

test('a factory that ran while L2 was silent is refused after an invalidation', async () => {
  const { a, b, hear, run, clock, stored, ledger } = pair()
  await hear(a)
  const origin = gate<string>()
  a.fault = () => 'refuse'
  const late = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  a.fault = undefined
  await run(b.bento.delete({ key: 'k' }))
  origin.open(OLD)
  expect(await run(late)).toBe(OLD)
  await clock.settle()
  expect([stored('k'), ledger.ledger.stats().commitsRefused]).toEqual([undefined, 1])
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a factory that ran before its isolate ever heard of L2 writes nothing there', async () => {
  const { a, b, hear, run, clock, stored, ledger } = pair()
  const origin = gate<string>()
  a.fault = () => 'refuse'
  const late = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  a.fault = undefined
  await run(b.bento.delete({ key: 'k' }))
  origin.open(OLD)
  expect(await run(late)).toBe(OLD)
  await clock.settle()
  expect([stored('k'), ledger.calls.commit]).toEqual([undefined, 0])
  await hear(a)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('of two isolates that miss at once one computes', async () => {
  const { a, b, run, ledger } = pair()
  Object.assign(a, { latency: 3 })
  Object.assign(b, { latency: 2 })
  let runs = 0
  const factory = async (): Promise<number> => ++runs
  const values = await run(
    Promise.all([a.bento.getOrSet({ key: 'k', factory }), b.bento.getOrSet({ key: 'k', factory })]),
  )
  expect([values, ledger.ledger.stats().leasesGranted]).toEqual([[1, 1], 1])
})

test('dropping a namespace drops what lies below and nothing beside it', async () => {
  const { a, b, isolate, run, hear } = pair()
  const put = (cache: Cache, value: string): Promise<boolean> => cache.set({ key: 'k', value })
  for (const path of ['x', 'xy']) await run(put(a.bento.namespace(path).namespace('y'), path))
  await run(put(a.bento, 'root'))
  await run(b.bento.namespace('x').clear())
  await hear(a)
  for (const { bento } of [a, b, isolate('c')]) {
    expect(await run(bento.namespace('x').namespace('y').get({ key: 'k' }))).toBeUndefined()
    expect(await run(bento.get({ key: 'x:y:k' }))).toBeUndefined()
    expect(await run(bento.namespace('xy').namespace('y').get({ key: 'k' }))).toBe('xy')
    expect(await run(bento.get({ key: 'k' }))).toBe('root')
  }
})
