import { expect, test } from 'vitest'
import { inMemory, nameOf, pair } from '../support/pair.ts'

// What the clocks of an isolate may do without it believing old news.

const SECOND = 1000
const HOUR = 3_600_000

test('time counts when the monotonic clock stands still', async () => {
  const scene = pair({ ttl: '10s' })
  const { a, b, run, clock } = scene
  await inMemory(scene, { ttl: '10s' })
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(6 * SECOND)
  a.runtime.monotonicSkew -= 6 * SECOND
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('time counts when the wall clock stands still', async () => {
  const scene = pair()
  const { a, b, run, clock } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(6 * SECOND)
  a.runtime.wallSkew -= 6 * SECOND
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a wall clock that is set back makes memory unbelievable', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, clock, calls } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(10)
  a.runtime.wallSkew -= HOUR
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  await run(b.bento.set({ key: 'k', value: 'new' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
  // The clock stays where it is: what was read since is believed as ever.
  const before = calls()
  await clock.advance(500)
  expect(await run(a.bento.get({ key: 'k' }))).toBe('new')
  expect(calls() - before).toBe(0)
})

test('a wall clock that is set forward makes memory old, not invalid', async () => {
  const scene = pair({ ttl: '1m' })
  const { a, run, calls } = scene
  await inMemory(scene, { ttl: '1m' })
  a.runtime.wallSkew += HOUR
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(calls() - before).toBe(1)
})

test.each([
  ['an hour ahead of', -HOUR],
  ['an hour behind', HOUR],
])('isolates %s the coordinator live and die by the same times', async (_, skew) => {
  const scene = pair({ ttl: '10s', grace: '20s' })
  const { a, b, run, clock } = scene
  scene.coordinatorSkew = skew
  a.runtime.wallSkew = skew * 2
  a.latency = 0
  expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'one' }))).toBe('one')
  await clock.advance(4 * SECOND)
  for (const { bento } of [a, b]) expect(await run(bento.get({ key: 'k', grace: false }))).toBe('one')
  await run(a.bento.deleteByTag({ tags: ['unrelated'] }))
  await clock.advance(5.9 * SECOND)
  for (const { bento } of [a, b]) expect(await run(bento.get({ key: 'k', grace: false }))).toBe('one')
  await clock.advance(0.1 * SECOND)
  for (const { bento } of [a, b]) {
    expect(await run(bento.get({ key: 'k', grace: false }))).toBeUndefined()
    expect(await run(bento.get({ key: 'k' }))).toBe('one')
  }
  await clock.advance(10 * SECOND)
  for (const { bento } of [a, b]) expect(await run(bento.get({ key: 'k' }))).toBeUndefined()
})

test.each([
  ['ahead of', -HOUR],
  ['behind', HOUR],
])('an isolate whose clocks are an hour %s the others keeps the bound', async (_, skew) => {
  const scene = pair({ ttl: '2h' })
  const { a, b, run, clock, hear } = scene
  Object.assign(a.runtime, { wallSkew: skew, monotonicSkew: -skew })
  await inMemory(scene, { ttl: '2h' })
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(5001)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  await run(a.bento.set({ key: 'k', value: 'a’s' }))
  expect(await run(b.bento.get({ key: 'k' }))).toBe('a’s')
  await run(a.bento.delete({ key: 'k' }))
  await hear(b)
  expect(await run(b.bento.get({ key: 'k' }))).toBeUndefined()
})

test('clocks that stand still in a request tie nothing: the coordinator’s order decides', async () => {
  const { a, b, run, hear, clock, ledger } = pair()
  for (let round = 0; round < 20; round++) {
    await run(a.bento.set({ key: 'k', value: round }))
    await hear(b)
    expect(await run(b.bento.get({ key: 'k' }))).toBe(round)
    await run(b.bento.delete({ key: 'k' }))
    await hear(a)
    expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  }
  expect([clock.elapsed(), ledger.ledger.read({ key: nameOf('k'), tags: [], namespaces: [] }).entry]).toEqual(
    [0, undefined],
  )
})
