import { expect, test } from 'vitest'
import { nameOf, pair } from '../support/pair.ts'
import { gate } from '../support/world.ts'

// What may enter and stay in an isolate's memory when replies are late, lost or out of order.

const SECOND = 1000

test('a late reply does not enter memory after the news of its end', async () => {
  const { a, b, run, hear, clock } = pair()
  await hear(a)
  await run(b.bento.set({ key: 'k', value: 'old' }))
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  expect(reply.waiting()).toBe(true)
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  reply.release()
  expect(await run(reading)).toBe('old')
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a late reply enters memory as stale after the news of its expiry', async () => {
  const { a, b, run, hear, clock, calls } = pair({ grace: '1h' })
  await hear(a)
  await run(b.bento.set({ key: 'k', value: 'old' }))
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  await run(b.bento.expire({ key: 'k' }))
  await hear(a)
  reply.release()
  await run(reading)
  const before = calls()
  expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('old')
  expect(a.story()).toContain('stale.served > l1.hit')
  await clock.settle()
  expect(calls() - before).toBe(2)
  expect(await run(a.bento.get({ key: 'k', grace: false }))).toBe('new')
})

test('a value is as old as the read before its factory, not as its arrival in memory', async () => {
  const { a, b, run, hear, clock } = pair()
  const origin = gate<string>()
  const answer = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  // Until the coordinator refuses the commit, nothing but the entry's own place can keep it out of memory.
  const commit = a.hold('commit', 'request')
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(commit.waiting()).toBe(true)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  commit.release()
  await clock.settle()
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a refused value leaves memory', async () => {
  const { a, b, run, clock } = pair()
  const origin = gate<string>()
  const answer = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  await run(b.bento.set({ key: 'k', value: 'new' }))
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
})

test('a value refused for a reason the journal does not tell leaves memory too', async () => {
  const { a, run, clock, ledger } = pair()
  const origin = gate<string>()
  const answer = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  // A lost epoch is an invalidation without an event.
  ledger.sql.exec('DELETE FROM epochs')
  origin.open('old')
  expect(await run(answer)).toBe('old')
  await clock.settle()
  expect(ledger.ledger.stats().commitsRefused).toBe(1)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('an own set stays in memory, and the next event elsewhere ends it', async () => {
  const { a, b, run, hear, calls } = pair()
  await hear(a)
  await run(a.bento.set({ key: 'k', value: 'mine' }))
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('mine')
  expect(calls()).toBe(before)
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a set that was answered after a later delete elsewhere is not kept', async () => {
  const { a, b, run, hear, clock } = pair()
  await hear(a)
  const reply = a.hold('commit')
  const setting = a.bento.set({ key: 'k', value: 'mine' })
  await clock.settle()
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  reply.release()
  expect(await run(setting)).toBe(true)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('of two sets in one isolate the coordinator’s order decides, however their replies arrive', async () => {
  const { a, b, run, hear, clock, stored } = pair()
  await hear(a)
  const reply = a.hold('commit')
  const first = a.bento.set({ key: 'k', value: 'first' })
  await clock.settle()
  await run(a.bento.set({ key: 'k', value: 'second' }))
  reply.release()
  await run(first)
  expect(stored('k')).toBe('second')
  for (const { bento } of [a, b]) expect(await run(bento.get({ key: 'k' }))).toBe('second')
})

test('a late reply does not enter memory after a gap', async () => {
  const { a, b, run, hear, clock, noise } = pair({}, { pageLimit: 3 })
  await run(b.bento.set({ key: 'k', value: 'old' }))
  await hear(a)
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  await run(b.bento.delete({ key: 'k' }))
  noise(4)
  a.story()
  await hear(a)
  expect(a.story()).toContain('journal.page')
  reply.release()
  expect(await run(reading)).toBe('old')
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a late reply does not enter memory after the loss of the journal', async () => {
  const { a, b, run, hear, clock, noise, ledger } = pair()
  await run(b.bento.set({ key: 'k', value: 'old' }))
  noise(9)
  await hear(a)
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  ledger.sql.exec('DELETE FROM journal')
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  reply.release()
  expect(await run(reading)).toBe('old')
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  // Nor has its place, high in the old journal, been taken for one in the new.
  await run(b.bento.set({ key: 'k', value: 'new' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a set answered again after a clear and a gap is not kept', async () => {
  const { a, b, run, hear, clock, noise, stored } = pair({}, { pageLimit: 3 })
  await hear(a)
  Object.assign(a, {
    latency: 20,
    fault: (operation: string) => (operation === 'commit' ? 'repeat' : undefined),
  })
  const setting = a.bento.set({ key: 'k', value: 'mine' })
  await clock.advance(30)
  expect(stored('k')).toBe('mine')
  await run(b.bento.clear())
  noise(4)
  expect(await run(setting)).toBe(true)
  expect(stored('k')).toBeUndefined()
  Object.assign(a, { latency: 0, fault: undefined })
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a set answered again after a delete is not kept', async () => {
  const { a, b, run, hear, clock, stored } = pair()
  await hear(a)
  Object.assign(a, {
    latency: 20,
    fault: (operation: string) => (operation === 'commit' ? 'repeat' : undefined),
  })
  const setting = a.bento.set({ key: 'k', value: 'mine' })
  await clock.advance(30)
  await run(b.bento.delete({ key: 'k' }))
  expect(await run(setting)).toBe(true)
  Object.assign(a, { latency: 0, fault: undefined })
  expect([stored('k'), await run(a.bento.get({ key: 'k' }))]).toEqual([undefined, undefined])
})

test('more news than one page holds drop all memory', async () => {
  const { a, b, run, hear, calls } = pair({}, { pageLimit: 3 })
  for (const key of ['k', 'l']) await run(b.bento.set({ key, value: 'old' }))
  for (const key of ['k', 'l']) expect(await run(a.bento.get({ key }))).toBe('old')
  for (const key of ['m', 'n', 'o']) await run(b.bento.set({ key, value: 'x' }))
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  expect(await run(a.bento.get({ key: 'l' }))).toBe('old')
  expect(calls() - before).toBe(2)
})

test('an entry of a namespace goes with any of its ancestors', async () => {
  const { a, b, run, hear } = pair()
  const inner = a.bento.namespace('x').namespace('y')
  for (const clear of [
    () => b.bento.namespace('x').namespace('y').clear(),
    () => b.bento.namespace('x').clear(),
    () => b.bento.clear(),
  ]) {
    await run(inner.set({ key: 'k', value: 'old' }))
    await run(a.bento.namespace('xy').set({ key: 'k', value: 'beside' }))
    await run(clear())
    await hear(a)
    expect(await run(inner.get({ key: 'k' }))).toBeUndefined()
  }
  expect(await run(a.bento.namespace('xy').get({ key: 'k' }))).toBeUndefined()
})

test('an isolate that wakes after a pause asks before it believes its memory', async () => {
  const { a, b, run, clock } = pair()
  await run(b.bento.set({ key: 'k', value: 'old' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await clock.advance(1)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(60 * SECOND)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a wait that the monotonic clock slept through counts by the wall clock', async () => {
  const { a, b, run, clock } = pair()
  await run(b.bento.set({ key: 'k', value: 'old' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(6 * SECOND)
  a.runtime.monotonicSkew = -6 * SECOND
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('news are as old as the question, not as the answer', async () => {
  const { a, b, run, clock } = pair({ l2Timeout: '20s' })
  await run(b.bento.set({ key: 'k', value: 'old' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await clock.advance(1100)
  const reply = a.hold('pull')
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await clock.settle()
  expect(reply.waiting()).toBe(true)
  await clock.advance(1)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(4 * SECOND)
  reply.release()
  // 5,001 ms after the pull was sent, and 5,000 ms after the delete.
  await clock.advance(1000)
  expect(clock.elapsed()).toBe(6101)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a read is as old as its question too', async () => {
  const { a, b, run, clock } = pair({ l2Timeout: '20s' })
  await run(b.bento.set({ key: 'k', value: 'old' }))
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  await clock.advance(1)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(4 * SECOND)
  reply.release()
  expect(await run(reading)).toBe('old')
  await clock.advance(1 * SECOND)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a read that an own delete overtakes is not kept', async () => {
  const { a, b, run, hear, clock } = pair()
  await run(b.bento.set({ key: 'k', value: 'old' }))
  await hear(a)
  const reply = a.hold('read')
  const reading = a.bento.get({ key: 'k' })
  await clock.settle()
  expect(await run(a.bento.delete({ key: 'k' }))).toBe(true)
  reply.release()
  expect(await run(reading)).toBe('old')
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a read that an own deleteByTag or clear overtakes is not kept', async () => {
  for (const end of ['tag', 'clear'] as const) {
    const { a, b, run, hear, clock } = pair()
    await run(b.bento.set({ key: 'k', value: 'old', tags: ['t'] }))
    await hear(a)
    const reply = a.hold('read')
    const reading = a.bento.get({ key: 'k' })
    await clock.settle()
    await run<unknown>(end === 'tag' ? a.bento.deleteByTag({ tags: ['t'] }) : a.bento.clear())
    reply.release()
    expect(await run(reading)).toBe('old')
    expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  }
})

test.each(['set', 'getOrSet'] as const)(
  'a %s that is answered across the loss of the journal raises nothing in the new one',
  async (kind) => {
    const { a, b, run, hear, clock, noise, ledger } = pair()
    noise(8)
    await hear(a)
    const reply = a.hold('commit')
    const work =
      kind === 'set'
        ? a.bento.set({ key: 'k', value: 'v' })
        : a.bento.getOrSet({ key: 'k', factory: () => 'v' })
    await clock.settle()
    expect(reply.waiting()).toBe(true)
    ledger.sql.exec('DELETE FROM journal')
    await hear(a)
    expect(await run(a.bento.get({ key: 'k' }))).toBe('v')
    reply.release()
    await run<unknown>(work)
    await clock.settle()
    expect(await run(a.bento.get({ key: 'k' }))).toBe('v')
    await run(b.bento.delete({ key: 'k' }))
    await hear(a)
    expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  },
)

test.each(['delete', 'set', 'clear'] as const)(
  'an own %s whose answer comes after a gap is not missed',
  async (kind) => {
    const { a, b, run, hear, clock, noise } = pair({}, { pageLimit: 3 })
    await run(b.bento.set({ key: 'k', value: 'old' }))
    await hear(a)
    noise(4)
    const [read, end] = [a.hold('read'), a.hold(kind === 'set' ? 'commit' : 'invalidate')]
    const reading = a.bento.get({ key: 'k' })
    await clock.settle()
    const ending: Promise<unknown> =
      kind === 'delete'
        ? a.bento.delete({ key: 'k' })
        : kind === 'clear'
          ? a.bento.clear()
          : a.bento.set({ key: 'k', value: 'new' })
    await clock.settle()
    expect([read.waiting(), end.waiting()]).toEqual([true, true])
    read.release()
    expect(await run(reading)).toBe('old')
    end.release()
    await run(ending)
    expect(await run(a.bento.get({ key: 'k' }))).toBe(kind === 'set' ? 'new' : undefined)
  },
)

test.each([
  ['key', nameOf('k')],
  ['tag', 'bentocache#t'],
] as const)('what L2 gives as stale after a soft %s event is not kept as fresh', async (kind, name) => {
  const { a, b, run, hear, ledger, clock } = pair()
  await run(b.bento.set({ key: 'k', value: 'old', grace: '1h', tags: ['t'] }))
  await hear(a)
  ledger.ledger.invalidate({ events: [{ kind, name, soft: true }] })
  await hear(a)
  expect(await run(a.bento.get({ key: 'k', grace: '1h' }))).toBe('old')
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  const factory = (): string => 'new'
  expect(await run(a.bento.getOrSet({ key: 'k', grace: '1h', factory }))).toBe('old')
  await clock.settle()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
})
