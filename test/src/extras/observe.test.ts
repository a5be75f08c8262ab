import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../../drivers/memory.ts'
import { bentostore, FullBentoCache } from '../../../src/extras/full.ts'
import { getMany, getOrSetMany, setMany } from '../../../src/extras/many.ts'
import { memo } from '../../../src/extras/memo.ts'
import { type ObservedOperation, observe } from '../../../src/extras/observe.ts'
import { BentoCache, type Runtime, systemRuntime, tracingChannels } from '../../../src/index.ts'
import { holdPending } from '../../../src/pending.ts'
import { manualClock, manualRuntime } from '../../support/clock.ts'
import { gate, world } from '../../support/world.ts'

function full(waits = true) {
  const clock = manualClock()
  const [main, other] = [0, 1].map(() =>
    bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()),
  ) as [ReturnType<typeof bentostore>, ReturnType<typeof bentostore>]
  const runtime = manualRuntime(clock, 'one', waits)
  return { clock, bento: new FullBentoCache({ default: 'main', stores: { main, other }, runtime }) }
}

/** Operations in a few words each: what, of which keys, why and from where. */
function inWords(operations: readonly ObservedOperation[]): string[] {
  return operations.map(({ operation, store, keys, answer, error }) =>
    [
      operation,
      store === 'main' ? '' : store,
      keys.join('+'),
      answer?.reason,
      answer?.collapsed && 'collapsed',
      answer?.tier,
      answer?.negative && 'nothing',
      error !== undefined && 'rejected',
    ]
      .filter(Boolean)
      .join(' '),
  )
}

describe('what a request did', () => {
  test('is told of each operation, in the order in which they began', async () => {
    const { clock, ...made } = world()
    const { bento } = made.isolate('a', { ttl: '1m', grace: '1h' })
    const other = made.isolate('b', { ttl: '1m', grace: '1h' })
    await clock.run(other.bento.set({ key: 'shared', value: 1, tags: ['t'] }))
    const seen = observe(bento)
    const { cache } = seen
    const slow = cache.getOrSet({
      key: 'made',
      factory: () => new Promise<number>((resolve) => void clock.setTimer(() => resolve(1), 50)),
    })
    const quick = cache.get({ key: 'shared' })
    await clock.run(Promise.all([slow, quick]))
    await cache.getOrSet({ key: 'made', factory: () => 2 })
    await clock.run(cache.get({ key: 'nowhere', defaultValue: 0 }))
    await clock.run(cache.has({ key: 'shared' }))
    await clock.run(cache.set({ key: 'k', value: 1 }))
    await clock.run(cache.expire({ key: 'k' }))
    await clock.run(cache.pull('shared'))
    await clock.run(cache.delete({ key: 'k' }))
    await clock.run(cache.deleteMany({ keys: ['k', 'l'] }))
    await clock.run(cache.expireByTag({ tags: ['t'] }))
    await clock.run(cache.deleteByTag({ tags: ['t'] }))
    await clock.run(cache.clear())
    expect(inWords(seen.operations)).toEqual([
      'getOrSet made miss factory',
      'get shared hit l2',
      'getOrSet made hit l1',
      'get nowhere miss',
      'has shared',
      'set k',
      'expire k',
      'pull shared hit l2',
      'delete k',
      'deleteMany k+l',
      'expireByTag',
      'deleteByTag',
      'clear',
    ])
    const [first] = seen.operations
    expect(first).toMatchObject({ store: 'main', answer: { freshFor: 60_000, stale: false, tags: [] } })
    expect(first?.ms).toBeGreaterThanOrEqual(50)
    expect(JSON.stringify(seen.operations)).not.toContain('value')
  })

  test('is told of namespaces, named stores, and of many keys each', async () => {
    const { bento } = full()
    const seen = observe(bento)
    const { cache } = seen
    await cache.namespace('users').getOrSet({ key: '1', factory: () => 'Mei' })
    await cache.use('other').set({ key: 'k', value: 1 })
    await cache.use('other').namespace('n').delete({ key: 'k' })
    await cache.setMany({ entries: [{ key: 'a', value: 1 }] })
    expect(await cache.getMany({ keys: ['a', 'b', 'a'] })).toEqual([1, undefined, 1])
    await cache.getOrSetMany({ keys: ['a', 'b'], factory: (keys) => keys.map(() => 2) })
    await getOrSetMany(cache.namespace('m'), { keys: ['x'], factory: (keys) => keys.map(() => 3) })
    await setMany(cache.namespace('m'), { entries: [{ key: 'y', value: 4 }] })
    await getMany(cache.namespace('m'), { keys: ['y'] })
    expect(inWords(seen.operations)).toEqual([
      'getOrSet users:1 miss factory',
      'set other k',
      'delete other n:k',
      'set a',
      'get a hit l1',
      'get b miss',
      'getOrSet a hit l1',
      'getOrSet b miss factory',
      'getOrSet m:x miss factory',
      'set m:y',
      'get m:y hit l1',
    ])
  })

  test('is told as getOrSetEntry tells it, whatever answers there are', async () => {
    const { bento, clock } = full()
    const seen = observe(bento)
    const { cache } = seen
    const failing = async (): Promise<number> => {
      throw new Error('down')
    }
    const ask = (key: string, options: Partial<Parameters<typeof cache.getOrSet<number>>[0]>) =>
      clock.run(cache.getOrSet({ key, factory: failing, ...options }).catch(() => 'failed'))
    await ask('nothing', { factory: (ctx) => ctx.notFound() as never, defaultValue: 1 })
    await ask('nothing', {})
    await ask('skipped', { factory: (ctx) => ctx.skip() as never })
    await ask('default', { defaultValue: 1 })
    await ask('default', {})
    await ask('remembered', { errorTtl: '10s' })
    await ask('remembered', { errorTtl: '10s' })
    await ask('cached', { onlyIfCached: true })
    await ask('alone', { noStore: true, factory: () => 1 })
    await ask('k', { factory: () => 1 })
    await ask('k', { onlyIfCached: true })
    await cache.getEntry({ key: 'k' })
    await cache.getEntry({ key: 'none', defaultValue: 1 })
    await clock.advance(61_000)
    await ask('k', { timeout: null })
    expect(inWords(seen.operations)).toEqual([
      'getOrSet nothing miss factory nothing',
      'getOrSet nothing hit l1 nothing',
      'getOrSet skipped skipped',
      'getOrSet default default',
      'getOrSet default failed rejected',
      'getOrSet remembered failed rejected',
      'getOrSet remembered failed rejected',
      'getOrSet cached default',
      'getOrSet alone no-store factory',
      'getOrSet k miss factory',
      'getOrSet k hit l1',
      'get k hit l1',
      'get none miss',
      'getOrSet k error l1',
    ])
  })

  test('does not hold refreshes behind answers, and calls no default of its own', async () => {
    const { bento, clock } = full()
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const seen = observe(bento)
    const defaultValue = vi.fn(() => 'default')
    const factory = vi.fn(() => 'new')
    expect(await seen.cache.getOrSet({ key: 'k', factory, defaultValue })).toBe('old')
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(1)
    expect(inWords(seen.operations)).toEqual(['getOrSet k refresh l1'])
    expect(seen.operations[0]?.answer).toMatchObject({ stale: true, freshFor: -1000 })
    expect(defaultValue).not.toHaveBeenCalled()
  })

  test('is bounded, and does not grow once nobody wants it', async () => {
    const { bento } = full()
    const seen = observe(bento)
    const keys = Array.from({ length: 150 }, (_, at) => `${at}`)
    await seen.cache.getMany({ keys })
    expect(seen.operations).toHaveLength(100)
    const ended = observe(bento)
    const late = gate<number>()
    const pending = ended.cache.getOrSet({ key: 'late', factory: () => late.promise })
    expect(ended.operations).toEqual([])
    ended.stop()
    late.open(1)
    expect(await pending).toBe(1)
    await ended.cache.get({ key: 'late' })
    expect(ended.operations).toEqual([])
  })

  test('holds what is read, not what is remembered', async () => {
    const { bento } = full()
    const seen = observe(bento)
    const cache = memo(seen.cache)
    for (const _ of [1, 2]) await cache.getOrSet({ key: 'k', factory: () => 1 })
    expect(inWords(seen.operations)).toEqual(['getOrSet k miss factory'])
  })
})

describe('requests at the same time', () => {
  test('see nothing of each other, though they share a run', async () => {
    const { bento, clock } = full()
    const value = gate<string>()
    const [a, b, other] = [observe(bento), observe(bento), observe(bento)]
    const factory = vi.fn(() => value.promise)
    const asked = [a, b].map(({ cache }) => cache.getOrSet({ key: 'k', factory }))
    const direct = bento.getOrSet({ key: 'unseen', factory: () => 1 })
    const own = b.cache.get({ key: 'own' })
    value.open('v')
    expect(await clock.run(Promise.all(asked))).toEqual(['v', 'v'])
    await Promise.all([direct, own])
    expect(factory).toHaveBeenCalledTimes(1)
    expect(inWords(a.operations)).toEqual(['getOrSet k miss factory'])
    expect(inWords(b.operations)).toEqual(['getOrSet k miss collapsed factory', 'get own miss'])
    expect(other.operations).toEqual([])
  })
})

describe('who traces', () => {
  const { cacheOperation } = tracingChannels

  test.each(['before', 'after'])(
    'and begins %s the first observation is told as without one',
    async (when) => {
      vi.resetModules()
      const fresh = await import('../../../src/extras/observe.ts')
      const core = await import('../../../src/index.ts')
      const { memoryDriver: memory } = await import('../../../drivers/memory.ts')
      const stores = { main: core.bentostore({ grace: '1h' }).useL1Layer(memory()) }
      const bento = new core.BentoCache({ default: 'main', stores })
      const messages: string[] = []
      const listener = {
        asyncEnd: ({ operation, hit, tier }: { operation: string; hit?: boolean; tier?: string }) =>
          void messages.push([operation, hit, tier].filter((part) => part !== undefined).join(' ')),
      }
      const listen = (): void => core.tracingChannels.cacheOperation.subscribe(listener)
      if (when === 'before') listen()
      const seen = fresh.observe(bento)
      if (when === 'after') listen()
      await seen.cache.set({ key: 'k', value: 1 })
      await seen.cache.getOrSet({ key: 'k', factory: () => 2 })
      await seen.cache.pull('k')
      expect(messages).toEqual(['set', 'getOrSet true l1', 'get true l1', 'delete'])
      core.tracingChannels.cacheOperation.unsubscribe(listener)
      await seen.cache.get({ key: 'k' })
      expect(messages).toHaveLength(4)
      const words = ['set k', 'getOrSet k hit l1', 'pull k hit l1', 'get k miss']
      expect(inWords(seen.operations)).toEqual(words)
    },
  )

  test('goes on being told of those who are not observed', async () => {
    const { bento } = full()
    observe(bento)
    const keys: unknown[] = []
    const listener = { start: ({ key }: { key?: string }) => void keys.push(key) }
    cacheOperation.subscribe(listener)
    await bento.get({ key: 'k' })
    cacheOperation.unsubscribe(listener)
    expect(keys).toEqual(['bentocache:k'])
  })
})

describe('the runtime', () => {
  const stores = { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) }

  test('hands work to the context, where there is one', async () => {
    const { bento, clock } = full()
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const waitUntil = vi.fn()
    await observe(bento, { waitUntil }).cache.getOrSet({ key: 'k', factory: () => 'new' })
    expect(waitUntil).toHaveBeenCalled()
  })

  test('without a context does what it did: holds work for flush, and looks waitUntil up each time', async () => {
    const given: string[] = []
    let request = ''
    const runtime: Runtime = {
      ...systemRuntime,
      pending: holdPending(),
      get waitUntil() {
        const now = request
        return now === '' ? undefined : () => void given.push(now)
      },
    }
    const bento = new BentoCache({ default: 'main', stores, runtime })
    const { cache } = observe(bento)
    const refreshed = gate<string>()
    await bento.set({ key: 'k', value: 'old', ttl: 1 })
    await bento.expire({ key: 'k' })
    expect(await cache.getOrSet({ key: 'k', factory: () => refreshed.promise })).toBe('old')
    let flushed = false
    const flush = cache.flush().then(() => (flushed = true))
    await Promise.resolve()
    expect(flushed).toBe(false)
    refreshed.open('new')
    await flush
    expect(await cache.get({ key: 'k' })).toBe('new')
    request = 'later'
    await cache.expire({ key: 'k' })
    await cache.getOrSet({ key: 'k', factory: () => 'newer' })
    expect(given).toContain('later')
  })

  test('may be an instance of a class, with state of its own', async () => {
    class OwnRuntime implements Runtime {
      readonly #origin = systemRuntime.now()
      now(): number {
        return systemRuntime.now()
      }
      monotonic(): number {
        return systemRuntime.now() - this.#origin
      }
      setTimer(run: () => void, ms: number): () => void {
        return systemRuntime.setTimer(run, ms)
      }
      randomId(): string {
        return `${this.#origin} ${systemRuntime.randomId()}`
      }
      random(): number {
        return this.#origin % 1
      }
    }
    for (const Cache of [BentoCache, FullBentoCache]) {
      const bento = new Cache({ default: 'main', stores, runtime: new OwnRuntime() })
      const waitUntil = vi.fn()
      for (const context of [undefined, { waitUntil }]) {
        const { cache } = observe(bento, context)
        expect(await cache.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
        expect(await cache.namespace('n').getOrSet({ key: 'k', factory: () => 2 })).toBe(2)
        await cache.clear()
      }
      expect(waitUntil).toHaveBeenCalled()
    }
    const own = new FullBentoCache({ default: 'main', stores, runtime: new OwnRuntime() })
    expect(await own.bind({ waitUntil: () => {} }).getOrSet({ key: 'k', factory: () => 3 })).toBe(3)
  })
})
