import { expect, test } from 'vitest'
import { gate, world } from '../support/world.ts'
import { makeSieve, type SieveNode } from '../../src/sieve.ts'

// Each title names the symptom a reviewer or a user has seen.

test('a bounded memory does not hang when an entry that was dropped at once comes back', () => {
  interface Node extends SieveNode {
    readonly key: string
  }
  const node = (key: string): Node => ({ key, bytes: 0, visited: false, newer: undefined, older: undefined })
  const sieve = makeSieve<Node>(3, Infinity)
  const [first, second] = [node('a'), node('b')]
  sieve.set(first)
  sieve.set(second)
  sieve.clear()
  sieve.set(first)
  sieve.delete('a')
  for (const key of ['c', 'd', 'e', 'f', 'g']) sieve.set(node(key))
  expect([...sieve.values()].map(({ key }) => key)).toEqual(['e', 'f', 'g'])
})

test('a waiter times out though the wall clock was set back, and sets no timer after timer', async () => {
  const { clock, isolate } = world()
  const a = isolate('a')
  const work = a.bento
    .getOrSet({ key: 'k', factory: () => new Promise(() => {}) })
    .catch((error: unknown) => error)
  await clock.settle()
  a.runtime.wallSkew = -3_600_000
  await clock.advance(1)
  expect(clock.pending()).toBeLessThan(5)
  expect(await clock.run(work)).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
  expect(clock.elapsed()).toBeLessThanOrEqual(25_000)
})

test('hardTimeout is the factory’s: a store that hangs does not use it up', async () => {
  const { clock, isolate } = world()
  const a = isolate('a')
  a.fault = () => 'hang'
  const value = await clock.run(a.bento.getOrSet({ key: 'k', hardTimeout: 500, factory: () => 'made' }))
  expect([value, clock.elapsed()]).toEqual(['made', 1000])
})

test('hardTimeout holds though the factory began after a wait for the lease', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a', { leaseTtl: 1000 }), isolate('b')]
  a.bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
  await clock.settle()
  let began = 0
  const factory = (): Promise<never> => {
    began = clock.elapsed()
    return new Promise(() => {})
  }
  const failed = b.bento.getOrSet({ key: 'k', hardTimeout: 100, factory }).catch((error: unknown) => error)
  expect(await clock.run(failed)).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
  expect(clock.elapsed() - began).toBe(100)
})

test('a value asked for anew is not lost to a read of the old one meanwhile', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await b.bento.set({ key: 'k', value: 'old' })
  const origin = gate<string>()
  const forced = a.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => origin.promise })
  await clock.advance(10)
  expect(await a.bento.get({ key: 'k' })).toBe('old')
  origin.open('new')
  expect(await clock.run(forced)).toBe('new')
  await Promise.all(a.runtime.background)
  expect([await a.bento.get({ key: 'k' }), await isolate('c').bento.get({ key: 'k' })]).toEqual([
    'new',
    'new',
  ])
})

test('of two values asked for anew the older does not stay for its whole life', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await a.bento.set({ key: 'k', value: 0 })
  const [first, second] = [gate<number>(), gate<number>()]
  const ask = (by: typeof a, origin: typeof first): Promise<number> =>
    by.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => origin.promise })
  const works = [ask(a, first)]
  await clock.settle()
  works.push(ask(b, second))
  await clock.settle()
  first.open(1)
  await clock.settle()
  second.open(2)
  expect(await clock.run(Promise.all(works))).toEqual([1, 2])
  await clock.run(Promise.all([...a.runtime.background, ...b.runtime.background]))
  expect(await isolate('c').bento.getOrSet({ key: 'k', factory: () => 3 })).not.toBe(1)
})

test('a value asked for anew that is too large for L2 ends the old one there', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await b.bento.set({ key: 'k', value: 'old' })
  const large = 'x'.repeat(200_000)
  expect(await clock.run(a.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => large }))).toBe(large)
  await Promise.all(a.runtime.background)
  expect(await a.bento.get({ key: 'k' })).toBe(large)
  expect(await isolate('c').bento.get({ key: 'k' })).toBeUndefined()
})

test('a leader who wants to hear of L2’s failures does not decide for a follower who does not', async () => {
  const { clock, isolate } = world()
  const a = Object.assign(isolate('a'), { latency: 10 })
  a.fault = () => 'refuse'
  const leader = a.bento
    .getOrSet({ key: 'k', suppressL2Errors: false, factory: () => 'leader' })
    .catch((error: unknown) => error)
  const follower = a.bento.getOrSet({ key: 'k', factory: () => 'follower' })
  expect(await clock.run(leader)).toMatchObject({ code: 'E_L2_CACHE_ERROR' })
  expect(await clock.run(follower)).toBe('follower')
})

test('a key spelled like the hashed name of another does not read its value', async () => {
  const { isolate, ledger } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await a.bento.set({ key: 'k'.repeat(2000), value: 'of the long key' })
  const [row] = ledger.sql.exec('SELECT key FROM entries').toArray()
  const alias = String(row?.['key']).replace(/^bentocache:/, '')
  expect(await b.bento.get({ key: alias })).toBeUndefined()
})

test('a pull is not lost when the clock ticks while it is under way', async () => {
  const { clock, isolate } = world()
  const a = Object.assign(isolate('a'), { latency: 3 })
  await clock.run(isolate('b').bento.set({ key: 'k', value: 'once' }))
  const now = a.runtime.now
  let ticks = 0
  a.runtime.now = () => now() + ticks++
  expect(await clock.run(a.bento.pull('k'))).toBe('once')
})
