import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import { BentoCache, bentostore, Cache, type Step } from '../../src/index.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'
import { failureOf } from '../support/pair.ts'
import { STACKS } from '../support/stacks.ts'

const VALUES = [null, true, false, 0, -1.5, '', 'bento \u{1f371}', [], {}, [1, [2]], { a: { b: null } }]

describe.each(STACKS)('%s', (_, make) => {
  test.each(VALUES)('%o comes back as it was set', async (value) => {
    const { bento } = make()
    expect(await bento.set({ key: 'k', value })).toBe(true)
    expect(await bento.get({ key: 'k', defaultValue: 'none' })).toEqual(value)
    expect([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })]).toEqual([true, false])
  })

  test.each(VALUES)('%o comes back as it was made', async (value) => {
    const { bento } = make()
    const factory = vi.fn(() => value)
    for (let time = 0; time < 3; time++) {
      expect(await bento.getOrSet<unknown>({ key: 'k', factory })).toEqual(value)
    }
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('a key nobody set is undefined, missing, and may be deleted', async () => {
    const { bento } = make()
    expect([await bento.get({ key: 'k' }), await bento.pull('k')]).toEqual([undefined, undefined])
    expect([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })]).toEqual([false, true])
    expect([await bento.delete({ key: 'k' }), await bento.expire({ key: 'k' })]).toEqual([true, true])
    expect(await bento.deleteByTag({ tags: ['nobody'] })).toBe(true)
  })

  test('a default is given on a miss only, and its function called only then', async () => {
    const { bento } = make()
    const defaultValue = vi.fn(() => 'fallback')
    expect(await bento.get({ key: 'k', defaultValue: 5 })).toBe(5)
    expect(await bento.get({ key: 'k', defaultValue: null })).toBeNull()
    expect(await bento.get({ key: 'k', defaultValue })).toBe('fallback')
    expect(await bento.get({ key: 'k', defaultValue: async () => 'later' })).toBe('later')
    await bento.set({ key: 'k', value: null })
    expect(await bento.get({ key: 'k', defaultValue })).toBeNull()
    expect(defaultValue).toHaveBeenCalledTimes(1)
    expect(await bento.has({ key: 'nobody' })).toBe(false)
  })

  test('a default that fails fails the call, and nothing else', async () => {
    const { bento } = make()
    const defaultValue = (): never => {
      throw new Error('no default')
    }
    expect(await failureOf(bento.get({ key: 'k', defaultValue }))).toEqual(new Error('no default'))
    expect(await bento.get({ key: 'k', defaultValue: 1 })).toBe(1)
  })

  test('setForever and getOrSetForever outlive every ttl', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.set({ key: 'short', value: 1 })
    await bento.setForever({ key: 'set', value: 2 })
    await bento.getOrSetForever({ key: 'made', factory: () => 3 })
    await clock.advance(400 * 86_400_000)
    const left = await Promise.all(['short', 'set', 'made'].map((key) => bento.get({ key })))
    expect(left).toEqual([undefined, 2, 3])
  })

  test('a ttl given to setForever wins', async () => {
    const { bento, clock } = make()
    await bento.setForever({ key: 'k', value: 1, ttl: '1m' })
    await bento.setForever({ key: 'u', value: 2, ttl: undefined })
    await clock.advance(60_000)
    expect([await bento.get({ key: 'k' }), await bento.get({ key: 'u' })]).toEqual([undefined, 2])
  })

  test('an entry is fresh up to its ttl and gone at it', async () => {
    const { bento, clock } = make()
    await bento.set({ key: 'k', value: 1, ttl: 1000 })
    await clock.advance(999)
    expect(await bento.get({ key: 'k' })).toBe(1)
    await clock.advance(1)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await bento.getOrSet({ key: 'k', factory: () => 2 })).toBe(2)
  })

  test('set replaces value, ttl and tags', async () => {
    const { bento, clock } = make()
    await bento.set({ key: 'k', value: 1, ttl: '1s', tags: ['old'] })
    await bento.set({ key: 'k', value: 2, ttl: '1h', tags: ['new'] })
    await clock.advance(2000)
    await bento.deleteByTag({ tags: ['old'] })
    expect(await bento.get({ key: 'k' })).toBe(2)
    await bento.deleteByTag({ tags: ['new'] })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('pull gives a value once', async () => {
    const { bento } = make()
    await bento.set({ key: 'k', value: 'once' })
    const pulled = await Promise.all([bento.pull('k'), bento.pull('k'), bento.pull('k')])
    expect(pulled.filter((value) => value === 'once')).toHaveLength(1)
    expect(await bento.has({ key: 'k' })).toBe(false)
  })

  test('what a factory made before a pull does not come back after it', async () => {
    const { bento, clock } = make()
    let finish!: (value: string) => void
    const origin = new Promise<string>((resolve) => (finish = resolve))
    const made = bento.getOrSet({ key: 'k', factory: () => origin })
    await clock.settle()
    expect(await bento.pull('k')).toBeUndefined()
    finish('old')
    expect(await clock.run(made)).toBe('old')
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test.each(['delete', 'set', 'deleteByTag', 'clear', 'deleteMany'] as const)(
    'what a factory made before a %s does not come back after it',
    async (name) => {
      const { bento, clock } = make()
      let finish!: (value: string) => void
      const origin = new Promise<string>((resolve) => (finish = resolve))
      const made = bento.getOrSet({ key: 'k', tags: ['t'], factory: () => origin })
      await clock.settle()
      const acts = {
        delete: () => bento.delete({ key: 'k' }),
        set: () => bento.set({ key: 'k', value: 'new' }),
        deleteByTag: () => bento.deleteByTag({ tags: ['t'] }),
        clear: () => bento.clear(),
        deleteMany: () => bento.deleteMany({ keys: ['x', 'k'] }),
      }
      await acts[name]()
      finish('old')
      expect(await clock.run(made)).toBe('old')
      await clock.settle()
      expect(await bento.get({ key: 'k' })).toBe(name === 'set' ? 'new' : undefined)
    },
  )

  test('a value that cannot be written fails by name and keeps nothing', async () => {
    const { bento } = make()
    const cycle: unknown[] = []
    cycle.push(cycle)
    const secret = {
      toJSON: () => {
        throw new Error('hunter2')
      },
    }
    for (const value of [
      10n,
      { deep: [1n] },
      cycle,
      () => 1,
      Symbol('s'),
      secret,
      { toJSON: () => undefined },
    ]) {
      const failures = [
        await failureOf(bento.set({ key: 'k', value })),
        await failureOf(bento.getOrSet({ key: 'k', factory: () => value })),
      ]
      for (const failure of failures) {
        expect(failure).toMatchObject({ code: 'E_SERIALIZATION', name: 'SerializationError' })
        expect((failure as Error).message).toContain('key: k')
        expect((failure as Error).message).not.toContain('hunter2')
      }
    }
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect([await bento.getOrSet({ key: 'k', factory: () => 1 }), bento.inflight]).toEqual([1, 0])
  })

  test('clear drops everything', async () => {
    const { bento } = make()
    await bento.set({ key: 'a', value: 1 })
    await bento.namespace('n').set({ key: 'b', value: 2 })
    expect(await bento.clear()).toBeUndefined()
    expect(await bento.get({ key: 'a' })).toBeUndefined()
    expect(await bento.namespace('n').get({ key: 'b' })).toBeUndefined()
  })

  test('no timer is left when all is answered', async () => {
    const { bento, clock } = make()
    await bento.getOrSet({ key: 'k', factory: ({ signal }) => (signal.aborted ? 0 : 1) })
    await bento.set({ key: 'l', value: 2 })
    await bento.delete({ key: 'k' })
    await clock.settle()
    expect(clock.pending()).toBe(0)
  })
})

function twoStores() {
  const clock = manualClock()
  const store = () => bentostore().useL1Layer(memoryDriver())
  const bento = new BentoCache({
    default: 'near',
    stores: { near: store(), far: store() },
    runtime: manualRuntime(clock, 'a'),
  })
  return { clock, bento }
}

test('each store is a cache of its own, under its name', async () => {
  const { bento } = twoStores()
  expect([bento.defaultStoreName, bento.name, bento.use().name, bento.use('far').name]).toEqual([
    'near',
    'near',
    'near',
    'far',
  ])
  await bento.set({ key: 'k', value: 'n' })
  await bento.use('far').set({ key: 'k', value: 'f' })
  expect([await bento.use('near').get({ key: 'k' }), await bento.use('far').get({ key: 'k' })]).toEqual([
    'n',
    'f',
  ])
  await bento.clear()
  expect([await bento.get({ key: 'k' }), await bento.use('far').get({ key: 'k' })]).toEqual([undefined, 'f'])
})

test('use gives the same store each time', async () => {
  const { bento } = twoStores()
  expect(bento.use('far')).toBeInstanceOf(Cache)
  const factory = vi.fn(async () => 1)
  await Promise.all([1, 2, 3].map(() => bento.use('far').getOrSet({ key: 'k', factory })))
  expect(factory).toHaveBeenCalledTimes(1)
})

test('clearAll clears every store', async () => {
  const { bento } = twoStores()
  await bento.set({ key: 'k', value: 1 })
  await bento.use('far').set({ key: 'k', value: 2 })
  await bento.clearAll()
  expect([await bento.has({ key: 'k' }), await bento.use('far').has({ key: 'k' })]).toEqual([false, false])
})

test('bind hands background work to the request it is bound to', async () => {
  const { bento, clock } = twoStores()
  await bento.set({ key: 'k', value: 'old', ttl: '1s', grace: '1h' })
  await clock.advance(1000)
  const work: Promise<unknown>[] = []
  const bound = bento.bind({ waitUntil: (promise) => void work.push(promise) })
  const options = { key: 'k', grace: '1h', factory: () => 'new' }
  expect(await bound.getOrSet(options)).toBe('old')
  expect(work.length).toBeGreaterThan(0)
  await clock.run(Promise.all(work))
  expect(await bento.getOrSet(options)).toBe('new')
})

test('bind calls waitUntil on its context, and survives one that throws', async () => {
  const { bento, clock } = twoStores()
  class Context {
    readonly #work: Promise<unknown>[] = []
    waitUntil(promise: Promise<unknown>): void {
      this.#work.push(promise)
      throw new TypeError('the request is over')
    }
    get size(): number {
      return this.#work.length
    }
  }
  const context = new Context()
  expect(await bento.bind(context).getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
  await clock.settle()
  expect(context.size).toBeGreaterThan(0)
})

test('a bound cache shares values, flights, listeners and stores with its origin', async () => {
  const { bento } = twoStores()
  const hits: unknown[] = []
  bento.on('cache:hit', ({ key }) => hits.push(key))
  const bound = bento.bind({ waitUntil: () => {} })
  const factory = vi.fn(async () => 1)
  await Promise.all([bento, bound, bound.use('near')].map((cache) => cache.getOrSet({ key: 'k', factory })))
  expect(factory).toHaveBeenCalledTimes(1)
  await bound.get({ key: 'k' })
  expect(hits).toEqual(['k', 'k', 'k'])
  expect(bound.inflight).toBe(bento.inflight)
})

test('plugins are told of the cache once, when it is made, and may use it at once', () => {
  const register = vi.fn((bento: BentoCache<never>) => void bento.use('main'))
  const bento = new BentoCache({
    default: 'main',
    stores: { main: bentostore().useL1Layer(memoryDriver()) },
    plugins: [{ register }],
  })
  bento.bind({ waitUntil: () => {} })
  expect(register).toHaveBeenCalledTimes(1)
  expect(register).toHaveBeenCalledWith(bento)
})

test('on, once and off give the cache back', () => {
  const { bento } = twoStores()
  const listen = (): void => {}
  expect(bento.on('cache:hit', listen)).toBe(bento)
  expect(bento.once('cache:hit', listen)).toBe(bento)
  expect(bento.off('cache:hit', listen)).toBe(bento)
})

test('onTrace gives what stops it', async () => {
  const { bento } = twoStores()
  const told: Step['type'][] = []
  const stop = bento.onTrace(({ type }) => told.push(type))
  await bento.getOrSet({ key: 'k', factory: () => 1 })
  expect(told).toEqual(['flight.lead', 'factory.run', 'factory.done', 'written', 'miss'])
  stop()
  stop()
  await bento.get({ key: 'k' })
  expect(told).toHaveLength(5)
})

test('stores are built when first used, not before', () => {
  const factory = vi.fn(() => memoryDriver().factory({}))
  const main = bentostore().useL1Layer({ options: {}, factory })
  const bento = new BentoCache({ default: 'main', stores: { main }, emitter: new EventEmitter() })
  bento.on('cache:hit', () => {})
  expect(factory).not.toHaveBeenCalled()
  bento.use('main')
  bento.use('main')
  expect(factory).toHaveBeenCalledTimes(1)
})

test('a store without layers misses, and works', async () => {
  const bento = new BentoCache({ default: 'none', stores: { none: bentostore() } })
  expect(await bento.set({ key: 'k', value: 1 })).toBe(true)
  expect(await bento.get({ key: 'k' })).toBeUndefined()
  expect(await bento.getOrSet({ key: 'k', factory: () => 2 })).toBe(2)
  expect([await bento.delete({ key: 'k' }), await bento.pull('k')]).toEqual([true, undefined])
})

test('disconnect and prune reach the drivers, disconnectAll those of every store', async () => {
  const told: string[] = []
  const layer = (name: string) => ({
    options: {},
    factory: () =>
      Object.assign(memoryDriver().factory({}), {
        disconnect: () => void told.push(`${name} disconnected`),
        prune: () => void told.push(`${name} pruned`),
      }),
  })
  const store = (name: string) => bentostore().useL2Layer(plainDriver(layer(name)))
  const bento = new BentoCache({ default: 'a', stores: { a: store('a'), b: store('b') } })
  expect(await bento.prune()).toBeUndefined()
  expect(await bento.use('b').disconnect()).toBeUndefined()
  expect(await bento.disconnectAll()).toBeUndefined()
  expect(told).toEqual(['a pruned', 'b disconnected', 'a disconnected', 'b disconnected'])
})
