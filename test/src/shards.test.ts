import { describe, expect, test } from 'vitest'
import { shardOf } from '../../src/shard-of.ts'
import { randomFrom } from '../support/fleet.ts'
import { callsByShard, historyOf, namesByShard } from '../support/shards.ts'
import { gate, type Isolate, world } from '../support/world.ts'

const COUNT = 5

/** Five coordinators, one isolate, the name of a namespace in each shard, and the calls each shard has had. */
function scene(options: Parameters<ReturnType<typeof world>['isolate']>[1] = {}) {
  const made = world({ shards: COUNT })
  return { ...made, a: made.isolate('a', options), names: namesByShard(COUNT), calls: callsByShard(made) }
}

/** One call to each shard listed, of five. */
const only = (...shards: number[]): number[] =>
  Array.from({ length: COUNT }, (_, at) => shards.filter((shard) => shard === at).length)

const ALL = only(0, 1, 2, 3, 4)

function listen({ bento }: Isolate): [string, unknown][] {
  const events: [string, unknown][] = []
  const names = ['cleared', 'unacknowledged', 'deleted', 'expire'].map(
    (name) => `cache:${name}` as 'cache:cleared',
  )
  for (const name of [...names, 'bus:message:published', 'bus:message:received'] as const)
    bento.on(name, (payload) => events.push([name, payload]))
  return events
}

describe('the shard of a name', () => {
  test('is that of its first segment, and never changes: entries are where it says', () => {
    const names = ['users', 'users:1', 'a', 'n:c', '', ':x', 'tenant-7', '日本', '日本:1']
    expect(names.map((name) => shardOf(name, 5))).toEqual([0, 0, 3, 1, 0, 0, 2, 2, 2])
    expect(names.map((name) => shardOf(name, 256))).toEqual([1, 1, 154, 200, 57, 57, 149, 125, 125])
  })

  test.each([2, 4, 5, 16])('takes all of %i alike', (count) => {
    const held = Array.from({ length: count }, () => 0)
    for (let at = 0; at < 4000; at++) held[shardOf(`user${at}`, count)]! += count / 4000
    expect(Math.min(...held)).toBeGreaterThan(0.75)
    expect(Math.max(...held)).toBeLessThan(1.25)
  })
})

describe('a history of random acts', () => {
  test.each([
    ['one isolate, which serves from memory', 1, {}],
    ['one isolate with grace', 1, { grace: '1h' }],
    ['three isolates that always ask', 3, { maxStaleness: 0, grace: '1h' }],
  ] as const)(
    'gives the same answers from one shard and from five: %s',
    async (_, isolates, options) => {
      for (let seed = 1; seed <= 8; seed++) {
        const random = randomFrom(seed)
        const history = historyOf(120, isolates, (below) => Math.floor(random() * below))
        const [one, five] = await Promise.all(
          [1, COUNT].map((shards) => live(history, shards, isolates, options)),
        )
        expect({ seed, answers: five }).toEqual({ seed, answers: one })
      }
    },
    60_000,
  )

  async function live(
    history: ReturnType<typeof historyOf>,
    shards: number,
    isolates: number,
    options: object,
  ): Promise<unknown[]> {
    const made = world({ shards })
    const all = Array.from({ length: isolates }, (_, at) => made.isolate(`i${at}`, { ttl: 200, ...options }))
    const answers: unknown[] = []
    for (const act of history) {
      answers.push(await made.clock.run(act(all)))
      await made.clock.advance(10)
    }
    return answers
  }
})

describe('what an operation costs', () => {
  test('on a key it is one call, to the shard of its first segment', async () => {
    const { a, names, calls } = scene()
    for (const [shard, name] of names.entries()) {
      const cache = a.bento.namespace(name)
      await cache.set({ key: 'k', value: 1 })
      expect(calls()).toEqual(only(shard))
      await a.bento.getOrSet({ key: `${name}:k`, factory: () => 2 })
      expect(calls()).toEqual(only())
      await cache.namespace('below').delete({ key: 'k' })
      await cache.expire({ key: 'k' })
      expect(calls()).toEqual(only(shard, shard))
      await cache.pull('k')
      await a.bento.get({ key: name })
      expect(calls()).toEqual(only(shard, shard))
    }
  })

  test('deleteMany is one call for each shard that has one of the keys', async () => {
    const { a, names, calls } = scene()
    const [zero, one] = [names[0]!, names[1]!]
    expect(await a.bento.deleteMany({ keys: [`${zero}:k`, zero, `${one}:k`, `${zero}:l`] })).toBe(true)
    expect(calls()).toEqual(only(0, 1))
    await a.bento.namespace(one).deleteMany({ keys: ['k', 'l', 'm'] })
    expect(calls()).toEqual(only(1))
  })

  test('tags and clear are one call in a namespace, and one for each shard at the root', async () => {
    const { a, names, calls } = scene()
    for (const [shard, name] of names.entries()) {
      const cache = a.bento.namespace(name)
      await cache.deleteByTag({ tags: ['t', 'u'] })
      await cache.namespace('below').clear()
      expect(calls()).toEqual(only(shard, shard))
    }
    expect(await a.bento.deleteByTag({ tags: ['t', 'u'] })).toBe(true)
    expect(calls()).toEqual(ALL)
    await a.bento.clear()
    expect(calls()).toEqual(ALL)
  })

  test('at most six of the calls are under way', async () => {
    const made = world({ shards: 16 })
    const a = Object.assign(made.isolate('a'), { latency: 10 })
    const begun = made.clock.elapsed()
    await made.clock.run(a.bento.clear())
    expect(made.clock.elapsed() - begun).toBe(3 * 20)
  })
})

describe('what lies in several shards', () => {
  test('goes with a tag of the root and with a clear of the root, here and elsewhere', async () => {
    const { a, isolate, names } = scene()
    const b = isolate('b')
    const fill = async (): Promise<void> => {
      for (const name of names) {
        await a.bento.set({ key: `${name}:own`, value: 1, tags: ['t'] })
        await a.bento.namespace(name).set({ key: 'k', value: 1, tags: ['t'] })
      }
    }
    const left = async ({ bento }: Isolate): Promise<number[]> => {
      const held = names.map(async (name) => [
        await bento.has({ key: `${name}:own` }),
        await bento.namespace(name).has({ key: 'k' }),
      ])
      const all = await Promise.all(held)
      return [0, 1].map((at) => all.filter((pair) => pair[at]).length)
    }
    await fill()
    expect(await left(b)).toEqual([COUNT, COUNT])
    await a.bento.deleteByTag({ tags: ['t'] })
    expect([await left(a), await left(isolate('c'))]).toEqual([
      [0, COUNT],
      [0, COUNT],
    ])
    await fill()
    await a.bento.clear()
    expect([await left(a), await left(isolate('d'))]).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  test('meets: a parent reads what a child wrote, and deletes it', async () => {
    const { a, isolate, names } = scene()
    const b = isolate('b')
    for (const name of names) {
      await a.bento.namespace(name).namespace('deep').set({ key: 'k', value: name })
      expect(await b.bento.get({ key: `${name}:deep:k` })).toBe(name)
      await b.bento.delete({ key: `${name}:deep:k` })
      expect(await isolate('c').bento.namespace(name).has({ key: 'deep:k' })).toBe(false)
    }
  })

  test('is found and deleted under keys too long for the store, whose names are cut', async () => {
    const { a, isolate } = scene()
    const keys = ['x', 'y', 'z'].map((start) => start.repeat(600))
    for (const key of keys) await a.bento.set({ key, value: key })
    expect(await isolate('b').bento.get({ key: keys[1]! })).toBe(keys[1])
    expect(await a.bento.deleteMany({ keys })).toBe(true)
    const c = isolate('c')
    expect(await Promise.all(keys.map((key) => c.bento.has({ key })))).toEqual([false, false, false])
  })

  test('is counted together: computations under way', async () => {
    const { a, clock, names } = scene()
    const origin = gate<string>()
    const works = names.map((key) => a.bento.getOrSet({ key, factory: () => origin.promise }))
    await clock.settle()
    expect(a.bento.inflight).toBe(COUNT)
    origin.open('v')
    await clock.run(Promise.all(works))
    expect(a.bento.inflight).toBe(0)
  })

  test('is computed anew after a clear of the root, though its computation was under way', async () => {
    const { a, clock, names } = scene()
    const origin = gate<string>()
    const old = names.map((key) => a.bento.getOrSet({ key, factory: () => origin.promise }))
    await clock.settle()
    const clearing = a.bento.clear()
    const now = names.map((key) => a.bento.getOrSet({ key, factory: () => 'new' }))
    await clock.run(Promise.all([clearing, ...now]))
    origin.open('old')
    await clock.run(Promise.all([...old, ...a.runtime.background]))
    expect(await Promise.all(names.map((key) => a.bento.get({ key })))).toEqual(names.map(() => 'new'))
  })
})

describe('one shard out of reach', () => {
  const TRUST = { maxStaleness: 1000, pollInterval: 100, ttl: '1h' } as const

  test('longer than its bound: its entries are not served from memory, those of the others are', async () => {
    const { a, clock, names } = scene(TRUST)
    for (const key of names) await a.bento.set({ key, value: 'old' })
    a.fault = (_, shard) => (shard === 2 ? 'refuse' : undefined)
    const served: Record<string, unknown[]> = {}
    for (let round = 0; round < 30; round++) {
      await clock.advance(100)
      for (const key of names) {
        const value = await clock.run(a.bento.getOrSet({ key, factory: () => `made ${round}` }))
        ;(served[key] ??= []).push(value)
      }
    }
    const [down, ...up] = [names[2]!, ...names.filter((_, shard) => shard !== 2)]
    for (const key of up) expect(new Set(served[key])).toEqual(new Set(['old']))
    // For as long as its bound, then what the isolate makes itself, each believed for as long again.
    expect(served[down]!.filter((value) => value === 'old')).toHaveLength(10)
    expect(served[down]!.at(-1)).toBe('made 21')
  })

  test('a gap in its journal drops what memory has of it and nothing else', async () => {
    const { a, clock, ledgers, names, calls } = scene(TRUST)
    for (const key of names) await a.bento.set({ key, value: 'old' })
    ledgers[3]!.sql.exec('DELETE FROM journal')
    await clock.advance(500)
    for (const key of names) await a.bento.get({ key })
    await clock.run(Promise.all(a.runtime.background))
    calls()
    for (const key of names) expect(await a.bento.get({ key })).toBe('old')
    expect(calls()).toEqual(only(3))
  })

  test('a clear of the root is not acknowledged, and only that shard is asked again', async () => {
    const { a, clock, isolate, names, calls } = scene()
    const events = listen(a)
    for (const key of names) await a.bento.set({ key, value: 1 })
    events.length = 0
    calls()
    a.fault = (_, shard) => (shard === 2 || shard === 4 ? 'refuse' : undefined)
    await clock.run(a.bento.clear())
    expect(events).toEqual([['cache:unacknowledged', { store: 'main', names: ['bentocache'] }]])
    expect(calls()).toEqual(only(0, 1, 3))
    const b = isolate('b')
    expect(await Promise.all(names.map((key) => b.bento.has({ key })))).toEqual([
      false,
      false,
      true,
      false,
      true,
    ])
    a.fault = undefined
    await clock.advance(1000)
    expect(await Promise.all(names.map((key) => isolate('c').bento.has({ key })))).not.toContain(true)
    expect(events).toHaveLength(1)
  })

  test('a tag of the root is answered with false, and retried there until it is acknowledged', async () => {
    const { a, clock, calls } = scene()
    a.fault = (_, shard) => (shard === 1 ? 'refuse' : undefined)
    expect(await clock.run(a.bento.deleteByTag({ tags: ['t'] }))).toBe(false)
    expect(calls()).toEqual(only(0, 2, 3, 4))
    a.fault = undefined
    await clock.advance(1000)
    expect(calls()).toEqual(only(1))
    expect(clock.pending()).toBe(0)
  })

  test('deleteMany tells the names of each shard that did not acknowledge', async () => {
    const { a, clock, names } = scene()
    const events = listen(a)
    a.fault = (_, shard) => (shard === 0 || shard === 1 ? 'refuse' : undefined)
    expect(await clock.run(a.bento.deleteMany({ keys: names }))).toBe(false)
    const told = events.map(([name, payload]) => [name, (payload as { names: string[] }).names])
    expect(told).toEqual(names.slice(0, 2).map((name) => ['cache:unacknowledged', [`bentocache:${name}`]]))
  })

  test('is thrown to who asks for it, after all others were told', async () => {
    const made = world({ shards: 16 })
    const a = made.isolate('a')
    a.fault = (_, shard) => (shard < 8 ? 'refuse' : undefined)
    const failed = a.bento.deleteByTag({ tags: ['t'], suppressL2Errors: false })
    await expect(made.clock.run(failed)).rejects.toMatchObject({ code: 'E_L2_CACHE_ERROR' })
    expect(made.calls()).toBe(8)
  })
})

describe('events', () => {
  test('of one operation are told once, whatever the number of shards', async () => {
    const { a, isolate, clock, names } = scene({ pollInterval: 100 })
    const b = isolate('b', { pollInterval: 100 })
    for (const key of names) await b.bento.set({ key, value: 1 })
    const [here, there, steps] = [listen(a), listen(b), a.steps]
    await a.bento.clear()
    await a.bento.deleteByTag({ tags: ['t'] })
    expect(here).toEqual([
      ['cache:cleared', { store: 'main' }],
      ['bus:message:published', { message: { type: 'clear', keys: [] } }],
    ])
    expect(steps.filter(({ type }) => type === 'tags.deleted')).toHaveLength(1)
    await clock.advance(1000)
    for (const key of names) await b.bento.get({ key })
    await clock.run(Promise.all(b.runtime.background))
    expect(there).toEqual([['bus:message:received', { message: { type: 'clear', keys: [] } }]])
  })

  test('of a namespace are told by its shard', async () => {
    const { a, isolate, clock, names } = scene()
    const b = isolate('b', { pollInterval: 100 })
    for (const key of names) await b.bento.set({ key, value: 1 })
    const there = listen(b)
    for (const name of names) await a.bento.namespace(name).clear()
    await clock.advance(1000)
    for (const key of names) await b.bento.get({ key })
    await clock.run(Promise.all(b.runtime.background))
    expect(there).toHaveLength(COUNT)
  })
})
