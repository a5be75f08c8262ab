import { describe, expect, test, vi } from 'vitest'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import type { CommitRequest, Coordination } from '../../src/ports.ts'
import { useKvFleets } from '../support/kv-fleet.ts'
import { gate } from '../support/world.ts'

const fleet = useKvFleets()

/** KV at its worst: not even a location's own writes show before its cache runs out. */
const make = () => fleet({ bus: true, ownWrites: false })

const acts = ['delete', 'deleteByTag', 'clear', 'set', 'pull'] as const

describe('KV behind a coordinator', () => {
  test.each(acts)(
    'an acknowledged %s is never followed by the old value, however stale KV is',
    async (act) => {
      const { isolate, clock, kv } = make()
      const isolates = ['a', 'b', 'c'].map((name) => isolate(name))
      const [a, b] = isolates as [(typeof isolates)[0], (typeof isolates)[0]]
      await a.bento.set({ key: 'k', value: 'old', tags: ['t'], grace: '1h' })
      for (const { bento } of isolates) expect(await bento.get({ key: 'k' })).toBe('old')
      // No isolate may hold it in memory any more, while every location's cache of KV still does.
      await clock.advance(5001)
      const does = {
        delete: () => b.bento.delete({ key: 'k' }),
        deleteByTag: () => b.bento.deleteByTag({ tags: ['t'] }),
        clear: () => b.bento.clear(),
        set: () => b.bento.set({ key: 'k', value: 'new', tags: ['t'] }),
        pull: () => b.bento.pull('k'),
      }
      await does[act]()
      const now = act === 'set' ? 'new' : undefined
      const cold = ['a', 'b', 'c', 'd'].map((location) => isolate(`cold ${location}`, {}, { location }))
      for (const { bento } of [...isolates, ...cold]) {
        expect(await bento.get({ key: 'k', grace: '1h' })).toBe(now)
        expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'newer', tags: ['t'] }))).toBe(
          now ?? 'newer',
        )
        await clock.settle()
        if (act !== 'set') await does[act]()
      }
      expect([...kv.records.keys()].some((name) => name.includes('k@'))).toBe(true)
    },
  )

  test.each(['delete', 'deleteByTag', 'clear', 'set'] as const)(
    'a %s acknowledged while a factory runs refuses its commit, and no location ever shows its value',
    async (act) => {
      const { isolate, clock } = make()
      const [a, b] = [isolate('a'), isolate('b')]
      const factory = gate<string>()
      const running = vi.fn(() => factory.promise)
      const answer = a.bento.getOrSet({ key: 'k', tags: ['t'], factory: running })
      await vi.waitFor(() => expect(running).toHaveBeenCalled())
      const does = {
        delete: () => b.bento.delete({ key: 'k' }),
        deleteByTag: () => b.bento.deleteByTag({ tags: ['t'] }),
        clear: () => b.bento.clear(),
        set: () => b.bento.set({ key: 'k', value: 'new' }),
      }
      await does[act]()
      factory.open('old')
      expect(await clock.run(answer)).toBe('old')
      await clock.settle()
      expect(a.steps).toContainEqual(expect.objectContaining({ type: 'commit', stored: false }))
      for (const { bento } of [a, b, isolate('cold', {}, { location: 'a' })]) {
        expect(await bento.get({ key: 'k' })).toBe(act === 'set' ? 'new' : undefined)
      }
    },
  )

  test('a value no longer in KV’s hands is a miss, and made again at once, by one who has the lease', async () => {
    const { isolate, clock, kv, cost } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'old' })
    const [name] = [...kv.records.keys()]
    await kv.at('elsewhere').delete(name as string)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    const begun = clock.elapsed()
    const asked = await cost(() => clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'new' })))
    await clock.settle()
    expect(asked.value).toBe('new')
    // Its body is looked for once; the second question says that it is not there, and is given the lease.
    expect(asked.calls.slice(0, 4)).toEqual(['read', 'read', 'commit', 'get'])
    expect(clock.elapsed()).toBe(begun)
    expect(await isolate('c').bento.get({ key: 'k' })).toBe('new')
  })

  test('a version that is named while the old one does not show is served with its own body', async () => {
    const { isolate, clock, kv, ledger } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'old' })
    const [name] = [...kv.records.keys()]
    await kv.at('elsewhere').delete(name as string)
    let set: Promise<boolean> | undefined
    // Between the first answer and the second question somebody else writes.
    kv.before = async (call) => {
      if (call.startsWith('get ') && !set) await (set = a.bento.set({ key: 'k', value: 'new' }))
    }
    const factory = vi.fn(() => 'made')
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory }))).toBe('new')
    expect([factory.mock.calls.length, ledger.calls.read]).toEqual([0, 2])
  })

  test('names in KV are whole, and fit, however long a key is', async () => {
    const { isolate, kv } = make()
    const { bento } = isolate('a')
    await bento.namespace('users').set({ key: '1', value: 1 })
    expect([...kv.records.keys()]).toEqual([expect.stringMatching(/^bentocache:users:1@a-\d+$/)])
    for (const length of [400, 430, 437, 438, 470, 501, 512, 600, 5000]) {
      const key = 'k'.repeat(length)
      await bento.set({ key, value: length })
      expect(await isolate(`reader ${length}`).bento.get({ key })).toBe(length)
    }
    const longest = Math.max(...[...kv.records.keys()].map((name) => Buffer.byteLength(name)))
    expect(longest).toBeLessThanOrEqual(512)
  })

  test('bodies outlive their entries by a minute, and those without end stay 30 days', async () => {
    const { isolate, clock, kv } = make()
    const { bento } = isolate('a')
    await bento.set({ key: 'short', value: 1, ttl: '1s' })
    await bento.set({ key: 'graced', value: 1, ttl: '1s', grace: '1h' })
    await bento.setForever({ key: 'for ever', value: 1 })
    const day = 24 * 3_600_000
    expect([...kv.records.values()].map(({ expires }) => expires)).toEqual([61_000, 3_660_000, 30 * day])
    await clock.advance(30 * day - 1)
    expect(await isolate('b').bento.get({ key: 'for ever' })).toBe(1)
    await clock.advance(1)
    expect(await isolate('c').bento.get({ key: 'for ever' })).toBeUndefined()
    // The header still names what is gone: who asks first makes it anew.
    expect(await clock.run(isolate('d').bento.getOrSetForever({ key: 'for ever', factory: () => 2 }))).toBe(2)
    await clock.settle()
    expect(await isolate('e').bento.get({ key: 'for ever' })).toBe(2)
  })

  test('a KV that fails costs a factory and not an error, and nothing is left unhandled', async () => {
    const { isolate, clock, kv } = make()
    const { bento } = isolate('a', {}, { l1: false })
    await bento.set({ key: 'k', value: 'old' })
    kv.before = () => {
      throw new Error('KV GET failed: 500 Internal Server Error')
    }
    expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    expect(await clock.run(bento.get({ key: 'k' }))).toBeUndefined()
    expect(await clock.run(bento.set({ key: 'm', value: 1 }))).toBe(false)
    expect(await bento.delete({ key: 'k' })).toBe(true)
  })

  test('a body too large for KV stays in L1, and an event says so', async () => {
    const { isolate, kv } = make()
    const { bento, steps } = isolate('a')
    expect(await bento.set({ key: 'k', value: 'x'.repeat(24 * 1024 * 1024) })).toBe(true)
    expect(steps).toContainEqual(expect.objectContaining({ type: 'oversized', layer: 'l2', key: 'k' }))
    expect([kv.records.size, (await bento.get<string>({ key: 'k' })).length]).toEqual([0, 24 * 1024 * 1024])
  })
})

describe('values in KV that are kept', () => {
  const NONE = { tags: [], namespaces: [''] }
  const life = { freshFor: 1000, staleFor: 90_000 }

  /** What an isolate in a location asks of the coordinator and KV. */
  function open() {
    const scene = make()
    const at = (location: string): Coordination => {
      const driver = cloudflareKvDriver({ binding: scene.kv.at(location) }).factory({ prefix: 'p' })
      return busCoordination(scene.ledger.coordination, driver)
    }
    const set = { mode: { kind: 'set' }, ...NONE, ...life } as const
    const stored = (key: string): CommitRequest => ({
      op: `set ${key}`,
      key,
      version: 'v',
      payload: key,
      ...set,
    })
    const kept = (key: string, more: Partial<CommitRequest> = {}): CommitRequest => ({
      op: `keep ${key}`,
      key,
      version: 'x',
      keeps: 'v',
      ...set,
      ...more,
    })
    return { ...scene, at, stored, kept }
  }

  test('live on in KV as long as the coordinator says, and are read everywhere', async () => {
    const { at, stored, kept, kv, clock } = open()
    await at('a').commit(stored('k'))
    await clock.advance(80_000)
    const { stored: done } = await at('b').commit(kept('k', { freshFor: 3_600_000, staleFor: 7_200_000 }))
    expect([done, kv.records.get('p:k@v')?.expires]).toEqual([true, 80_000 + 7_200_000 + 60_000])
    await clock.advance(7_200_000 - 1)
    expect((await at('c').read({ key: 'k', ...NONE })).entry?.payload).toBe('k')
    await clock.advance(1)
    expect((await at('c').read({ key: 'k', ...NONE })).entry).toBeUndefined()
  })

  test('are refused within a second of their last write, as KV refuses it, and live on as they did', async () => {
    const { at, stored, kept, clock, kv } = open()
    await at('a').commit(stored('k'))
    expect(await at('a').commit(kept('k', { staleFor: 7_200_000 }))).toMatchObject({ stored: false })
    expect(await at('b').read({ key: 'k', ...NONE })).toMatchObject({
      entry: { payload: 'k' },
      staleFor: 90_000,
    })
    await clock.advance(1000)
    expect(await at('a').commit(kept('k', { staleFor: 7_200_000 }))).toMatchObject({ stored: true })
    expect(kv.records.get('p:k@v')?.expires).toBe(1000 + 7_200_000 + 60_000)
  })

  test('and are gone from KV are refused, each by itself', async () => {
    const { at, stored, kept, clock, kv } = open()
    await at('a').commitMany({ commits: ['1', '2', '3'].map(stored) })
    await clock.advance(2000)
    await kv.at('elsewhere').delete('p:2@v')
    const commits = [kept('1'), kept('2'), kept('3', { keeps: '*' }), stored('4')]
    const reply = await at('b').commitMany({ commits })
    expect(reply.commits.map((outcome) => outcome.stored)).toEqual([true, false, true, true])
    const { entries } = await at('c').readMany({
      reads: ['1', '2', '3', '4'].map((key) => ({ key, ...NONE })),
    })
    expect(entries.map(({ entry }) => entry?.payload)).toEqual(['1', undefined, '3', '4'])
  })

  test('and many that are stored are at most six puts at a time', async () => {
    const { at, stored, kv } = open()
    const under = { now: 0, most: 0 }
    kv.before = async () => {
      under.most = Math.max(under.most, ++under.now)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
      under.now--
    }
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`)
    await at('a').commitMany({ commits: keys.map(stored) })
    expect([under.most, kv.records.size]).toEqual([6, 30])
  })
})

test.each(Array.from({ length: 40 }, (_, at) => at + 1))(
  'whatever happens in whatever order, what was acknowledged is never missing from a read (seed %i)',
  async (seed) => {
    const { isolate, clock, kv } = make()
    let state = seed
    const int = (below: number): number => (state = (state * 48_271) % 0x7fffffff) % below
    const isolates = ['a', 'b', 'c'].map((name) => isolate(name, {}, { l1: false }))
    let told = 0
    const old: string[] = []
    const check = (served: number | undefined, known: number): void => {
      if (served !== undefined && served < known) old.push(`${served} after ${known}`)
    }
    const one = async (step: number): Promise<void> => {
      const { bento } = isolates[int(3)] as (typeof isolates)[0]
      const [act, known] = [int(8), told]
      if (act < 4) {
        check(await bento.get<number | undefined>({ key: 'k', grace: '1h' }), known)
      } else if (act === 4) {
        check(await bento.getOrSet({ key: 'k', tags: ['t'], factory: () => step }), known)
      } else {
        const changes = [
          () => bento.set({ key: 'k', value: step, tags: ['t'] }),
          () => bento.deleteByTag({ tags: ['t'] }),
          () => bento.delete({ key: 'k' }),
        ]
        if (await changes[act - 5]?.()) told = Math.max(told, step)
      }
    }
    for (let step = 1; step <= 80; step++) {
      // Two at a time now and then; calls of KV come in any order, and some of them fail.
      kv.before = async (call) => {
        for (let turns = int(4); turns > 0; turns--) await Promise.resolve()
        if (int(20) === 0) throw new Error(`KV failed at ${call.split('@')[0]}`)
      }
      await clock.run(Promise.all(int(3) === 0 ? [one(step), one(step)] : [one(step)]))
      await clock.advance(int(30_000))
    }
    expect([old, told > 0]).toEqual([[], true])
  },
)

describe('round trips', () => {
  const cold = async () => {
    const made = make()
    const [a, b] = [made.isolate('a'), made.isolate('b')]
    await a.bento.set({ key: 'k', value: 'v', tags: ['t'] })
    return { made, clock: made.clock, cost: made.cost, a, b }
  }

  test('a hit in L1 costs nothing', async () => {
    const { a, cost } = await cold()
    expect(await cost(() => a.bento.get({ key: 'k' }))).toEqual({ value: 'v', calls: [] })
  })

  test('a version never seen costs the coordinator’s answer, then one get', async () => {
    const { b, cost } = await cold()
    expect(await cost(() => b.bento.get({ key: 'k' }))).toEqual({ value: 'v', calls: ['read', 'get'] })
  })

  test('a version seen is fetched while the coordinator is asked', async () => {
    const { made, a, b, clock, cost } = await cold()
    await b.bento.get({ key: 'k' })
    for (const { bento } of [a, b]) {
      await clock.advance(5001)
      const stop = gate<void>()
      const under: string[] = []
      const hold = async (call: string): Promise<void> => {
        under.push(call)
        await stop.promise
      }
      made.before = hold
      made.kv.before = hold
      const work = cost(() => bento.get({ key: 'k' }))
      await vi.waitFor(() => expect(under).toEqual(['read', expect.stringContaining('get bentocache:k@')]))
      stop.open()
      expect(await work).toEqual({ value: 'v', calls: ['read', 'get'] })
    }
  })

  test('a version that has moved costs one get more', async () => {
    const { a, b, clock, cost } = await cold()
    await b.bento.get({ key: 'k' })
    await a.bento.set({ key: 'k', value: 'w' })
    await clock.advance(5001)
    expect(await cost(() => b.bento.get({ key: 'k' }))).toEqual({ value: 'w', calls: ['read', 'get', 'get'] })
  })

  test('what was deleted is not looked for', async () => {
    const { a, cost } = await cold()
    await a.bento.delete({ key: 'k' })
    expect((await cost(() => a.bento.get({ key: 'k' }))).calls).toEqual(['read'])
  })

  test('a cold miss costs a question, a put and a commit; a set the latter two', async () => {
    const { a, clock, cost } = await cold()
    const miss = await cost(async () => {
      await clock.run(a.bento.getOrSet({ key: 'l', factory: () => 1 }))
      await clock.settle()
    })
    expect(miss.calls).toEqual(['read', 'commit', 'put'])
    expect((await cost(() => a.bento.set({ key: 'm', value: 1 }))).calls).toEqual(['commit', 'put'])
  })

  test.each(['delete', 'deleteByTag', 'clear'] as const)('%s costs one call, and none of KV', async (act) => {
    const { a, cost } = await cold()
    const does: Record<typeof act, () => Promise<unknown>> = {
      delete: () => a.bento.delete({ key: 'k' }),
      deleteByTag: () => a.bento.deleteByTag({ tags: Array.from({ length: 100 }, (_, at) => `t${at}`) }),
      clear: () => a.bento.clear(),
    }
    expect((await cost(does[act])).calls).toEqual(['invalidate'])
  })
})
