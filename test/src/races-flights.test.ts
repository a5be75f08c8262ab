import { expect, test } from 'vitest'
import { failureOf, pair, type Pair } from '../support/pair.ts'
import { type Gate, gate, type Isolate } from '../support/world.ts'

// Who may be given the value of a computation under way, and who an expired value when it fails.

const SECOND = 1000
const ORIGIN_DOWN = { code: 'E_FACTORY_ERROR' }

function down(): never {
  throw new Error('origin down')
}

/** A call of A whose factory waits. */
async function underWay(
  { a, clock }: Pair,
  tags?: string[],
): Promise<{ origin: Gate<string>; answer: Promise<string> }> {
  const origin = gate<string>()
  const answer = a.bento.getOrSet({ key: 'k', tags, factory: () => origin.promise })
  await clock.settle()
  return { origin, answer }
}

/** A holds an expired value of `k` that may be graced. Callers wait for their factory before they are given it. */
async function withGraced(options: object = {}): Promise<Pair> {
  const scene = pair({ ttl: '1s', grace: '1h', timeout: null, ...options })
  const { a, b, run, clock } = scene
  await run(b.bento.set({ key: 'k', value: 'graced', tags: ['t'] }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('graced')
  await clock.advance(1.5 * SECOND)
  return scene
}

const ownEnds: readonly (readonly [string, (a: Isolate) => Promise<unknown>])[] = [
  ['delete', ({ bento }) => bento.delete({ key: 'k' })],
  ['expire', ({ bento }) => bento.expire({ key: 'k' })],
  ['deleteMany', ({ bento }) => bento.deleteMany({ keys: ['k'] })],
  ['deleteByTag', ({ bento }) => bento.deleteByTag({ tags: ['declared'] })],
  ['clear', ({ bento }) => bento.clear()],
  ['pull', ({ bento }) => bento.pull('k')],
]

test.each(ownEnds)('after an own %s a caller starts a new factory', async (_, end) => {
  const scene = pair()
  const { a, run, clock, stored } = scene
  const { origin, answer } = await underWay(scene, ['declared'])
  await run(end(a))
  expect(await run(a.bento.getOrSet({ key: 'k', tags: ['declared'], factory: () => 'new' }))).toBe('new')
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect([stored('k'), await run(a.bento.get({ key: 'k' }))]).toEqual(['new', 'new'])
})

test.each(ownEnds)('a caller starts a new factory while an own %s is on its way', async (_, end) => {
  const scene = pair()
  const { a, run, clock } = scene
  const { origin, answer } = await underWay(scene, ['declared'])
  a.latency = 10
  const ending = end(a)
  await clock.settle()
  const next = a.bento.getOrSet({ key: 'k', tags: ['declared'], factory: () => 'new' })
  await clock.advance(1)
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await run(ending)
  expect(await run(next)).toBe('new')
  expect(await run(a.bento.getOrSet({ key: 'k', tags: ['declared'], factory: () => 'new' }))).toBe('new')
})

test('after an own set a caller gets what was set', async () => {
  const scene = pair()
  const { a, run, clock, stored } = scene
  const { origin, answer } = await underWay(scene)
  await run(a.bento.set({ key: 'k', value: 'set' }))
  const next = a.bento.getOrSet({ key: 'k', factory: () => 'never asked' })
  origin.open('old')
  expect(await run(next)).toBe('set')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect([stored('k'), await run(a.bento.get({ key: 'k' }))]).toEqual(['set', 'set'])
})

test('after an own deleteByTag a caller does not take a value whose factory adds the tag', async () => {
  const scene = pair()
  const { a, run, clock, stored } = scene
  const origin = gate<string>()
  const answer = a.bento.getOrSet({
    key: 'k',
    factory: async ({ setTags }) => {
      setTags(['late'])
      return origin.promise
    },
  })
  await clock.settle()
  await run(a.bento.deleteByTag({ tags: ['late'] }))
  // Nobody can know yet that the flight bears the tag: the caller boards it and finds out at its end.
  const next = a.bento.getOrSet({ key: 'k', factory: () => 'new' })
  await clock.settle()
  origin.open('old')
  expect(await run(answer)).toBe('old')
  expect(await run(next)).toBe('new')
  await clock.settle()
  expect([stored('k'), await run(a.bento.get({ key: 'k' }))]).toEqual(['new', 'new'])
})

test.each(['expire', 'delete'] as const)(
  'after an own %s a caller does not take what a read before it has found, however late',
  async (end) => {
    for (let ticks = 0; ticks < 20; ticks++) {
      const { a, b, run, hear, clock } = pair()
      await run(b.bento.set({ key: 'k', value: 'old' }))
      await hear(a)
      const reply = a.hold('read')
      const first = a.bento.getOrSet({ key: 'k', factory: () => 'not asked' })
      await clock.settle()
      await run(a.bento[end]({ key: 'k' }))
      reply.release()
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      const next = a.bento.getOrSet({ key: 'k', factory: () => 'new' })
      expect([ticks, await run(first), await run(next)]).toEqual([ticks, 'old', 'new'])
    }
  },
)

test('a caller who comes after the news of a delete starts a new factory', async () => {
  const scene = pair()
  const { a, b, run, hear, clock } = scene
  const { origin, answer } = await underWay(scene)
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
})

test('a flight that its own successor has replaced does not put its value over it', async () => {
  const scene = pair()
  const { a, b, run, hear, clock } = scene
  const { origin, answer } = await underWay(scene)
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  const second = gate<string>()
  const next = a.bento.getOrSet({ key: 'k', factory: () => second.promise })
  await clock.settle()
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(a.bento.inflight).toBe(1)
  // The first flight's end leaves the slot to the second: a third caller boards that one.
  a.story()
  const third = a.bento.getOrSet({ key: 'k', factory: () => 'a third run' })
  await clock.settle()
  expect(a.story()).toBe('flight.join')
  second.open('new')
  expect(await run(Promise.all([next, third]))).toEqual(['new', 'new'])
  expect(a.bento.inflight).toBe(0)
})

test('past maxStaleness a caller asks for news before it joins', async () => {
  const scene = pair()
  const { b, a, run, clock } = scene
  const { origin, answer } = await underWay(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(5.1 * SECOND)
  const next = a.bento.getOrSet({ key: 'k', factory: () => 'new' })
  await clock.settle()
  origin.open('old')
  expect(await run(next)).toBe('new')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
})

test('past maxStaleness a caller joins when there are no news', async () => {
  const scene = pair()
  const { a, run, clock, calls } = scene
  const { origin, answer } = await underWay(scene)
  await clock.advance(5.1 * SECOND)
  const before = calls()
  const next = Array.from({ length: 5 }, () => a.bento.getOrSet({ key: 'k', factory: () => 'not asked' }))
  await clock.settle()
  expect(calls() - before).toBe(1)
  origin.open('one')
  expect(await run(Promise.all([answer, ...next]))).toEqual(Array.from({ length: 6 }, () => 'one'))
})

test('past maxStaleness and without L2 a caller does not join', async () => {
  const scene = pair()
  const { a, b, run, clock } = scene
  const { origin, answer } = await underWay(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(5.1 * SECOND)
  a.fault = () => 'refuse'
  const next = a.bento.getOrSet({ key: 'k', factory: () => 'new' })
  await clock.settle()
  origin.open('old')
  expect(await run(answer)).toBe('old')
  expect(await run(next)).toBe('new')
  expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'not asked' }))).toBe('new')
})

test('a caller who joined before a gap is not given the value of a flight from before it', async () => {
  const scene = pair({}, { pageLimit: 3 })
  const { a, b, run, hear, clock, noise } = scene
  const { origin, answer } = await underWay(scene)
  await run(b.bento.delete({ key: 'k' }))
  noise(4)
  await hear(a)
  const next = a.bento.getOrSet({ key: 'k', factory: () => 'new' })
  await clock.settle()
  origin.open('old')
  expect(await run(answer)).toBe('old')
  expect(await run(next)).toBe('new')
})

test('an expired value is served when the factory fails', async () => {
  const { a, run } = await withGraced()
  expect(await run(a.bento.getOrSet({ key: 'k', factory: down }))).toBe('graced')
  expect(a.story()).toContain('factory.error > stale.served')
})

test.each(['delete', 'deleteByTag', 'clear'] as const)(
  'after an own %s no expired value is served, whatever the factory does',
  async (end) => {
    const { a, run, clock } = await withGraced()
    const origin = gate<string>()
    const first = failureOf(a.bento.getOrSet({ key: 'k', tags: ['t'], factory: () => origin.promise }))
    await clock.settle()
    if (end === 'delete') await run(a.bento.delete({ key: 'k' }))
    if (end === 'deleteByTag') await run(a.bento.deleteByTag({ tags: ['t'] }))
    if (end === 'clear') await run(a.bento.clear())
    const next = failureOf(a.bento.getOrSet({ key: 'k', tags: ['t'], factory: down }))
    await clock.settle()
    origin.fail(new Error('origin down'))
    expect(await run(next)).toMatchObject(ORIGIN_DOWN)
    await run(first)
    expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  },
)

test.each(['delete', 'deleteByTag', 'clear'] as const)(
  'after the news of a %s no expired value is served, whatever the factory does',
  async (end) => {
    const { a, b, run, hear, clock } = await withGraced()
    const origin = gate<string>()
    const first = failureOf(a.bento.getOrSet({ key: 'k', factory: () => origin.promise }))
    await clock.settle()
    if (end === 'delete') await run(b.bento.delete({ key: 'k' }))
    if (end === 'deleteByTag') await run(b.bento.deleteByTag({ tags: ['t'] }))
    if (end === 'clear') await run(b.bento.clear())
    await hear(a)
    const next = failureOf(a.bento.getOrSet({ key: 'k', factory: down }))
    await clock.settle()
    origin.fail(new Error('origin down'))
    expect(await run(next)).toMatchObject(ORIGIN_DOWN)
    // The isolate knows by now, so not even the earlier caller is given it.
    expect(await run(first)).toMatchObject(ORIGIN_DOWN)
  },
)

test('with L2 silent the news heard before still end the expired value', async () => {
  const { a, b, run, hear } = await withGraced()
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  a.fault = () => 'refuse'
  expect(await run(failureOf(a.bento.getOrSet({ key: 'k', factory: down })))).toMatchObject(ORIGIN_DOWN)
})

test('an expired value in memory is not served without recent news', async () => {
  const { a, b, run, clock } = await withGraced()
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(10 * SECOND)
  a.fault = () => 'refuse'
  expect(await run(failureOf(a.bento.getOrSet({ key: 'k', factory: down })))).toMatchObject(ORIGIN_DOWN)
  expect(await run(failureOf(a.bento.getOrSet({ key: 'k', timeout: 0, factory: down })))).toMatchObject(
    ORIGIN_DOWN,
  )
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('an expired value in memory is served while the news are recent', async () => {
  const { a, run } = await withGraced()
  a.fault = () => 'refuse'
  expect(await run(a.bento.getOrSet({ key: 'k', factory: down }))).toBe('graced')
})

test('without recent news memory is served during an outage only if asked for', async () => {
  const { a, b, run, clock } = await withGraced({ onOutage: 'stale' })
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(10 * SECOND)
  // L2 answers: what it says counts, whatever the caller accepts in an outage.
  expect(await run(b.bento.get({ key: 'k' }))).toBeUndefined()
  a.fault = () => 'refuse'
  expect(await run(a.bento.getOrSet({ key: 'k', factory: down }))).toBe('graced')
  expect(a.steps.find(({ type }) => type === 'stale.served')).toMatchObject({ reason: 'outage' })
  a.fault = undefined
  expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
})

test('an expired value in L2 is not served after it was deleted there, though the read found it', async () => {
  const { b, run, hear, isolate, clock } = await withGraced()
  const c = isolate('c', { ttl: '1s', grace: '1h', timeout: null })
  const origin = gate<string>()
  c.bento.getOrSet({ key: 'k', factory: () => origin.promise }).catch(() => {})
  await clock.settle()
  await run(b.bento.delete({ key: 'k' }))
  await hear(c)
  const next = failureOf(c.bento.getOrSet({ key: 'k', factory: down }))
  expect(await run(next)).toMatchObject(ORIGIN_DOWN)
  expect(await run(c.bento.get({ key: 'k' }))).toBeUndefined()
})
