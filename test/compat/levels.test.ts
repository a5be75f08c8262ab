import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import {
  BentoCache,
  bentostore,
  type CacheDriver,
  type CreateDriverResult,
  L2CacheError,
  type StoreOptions,
} from '../../src/index.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'
import { failureOf } from '../support/pair.ts'

/** A store of text that notes what it is asked for, and fails while `down`. */
function noting() {
  const link = { down: false, calls: [] as string[], texts: new Map<string, string>(), prefix: '' }
  const at = (key: string): string => (link.prefix ? `${link.prefix}:${key}` : key)
  const ask = async <T>(call: string, run: () => T): Promise<T> => {
    link.calls.push(call)
    if (link.down) throw new Error('store is down')
    return run()
  }
  const driver: CacheDriver = {
    type: 'l2',
    namespace: () => driver,
    get: (key) => ask(`get ${at(key)}`, () => link.texts.get(at(key))),
    pull: (key) => ask(`pull ${at(key)}`, () => link.texts.get(at(key))),
    set: (key, text) => ask(`set ${at(key)}`, () => Boolean(link.texts.set(at(key), text))),
    delete: (key) => ask(`delete ${at(key)}`, () => link.texts.delete(at(key))),
    deleteMany: (keys) => ask('deleteMany', () => keys.map((key) => link.texts.delete(at(key))).length > 0),
    clear: () => ask('clear', () => link.texts.clear()),
    disconnect: async () => {},
  }
  const create = (options: object = {}): CreateDriverResult => ({
    options: { ...options },
    factory: ({ prefix = '' }) => {
      link.prefix = prefix
      return driver
    },
  })
  return { link, create }
}

interface Levels {
  readonly global?: object
  readonly store?: StoreOptions
  readonly driver?: object
  readonly memory?: boolean
}

function scene({ global = {}, store = {}, driver = {}, memory = false }: Levels = {}) {
  const clock = manualClock()
  const { link, create } = noting()
  const main = bentostore(store).useL2Layer(plainDriver(create(driver)))
  if (memory) main.useL1Layer(memoryDriver())
  const runtime = manualRuntime(clock, 'a', false)
  const bento = new BentoCache({ ...global, default: 'main', stores: { main }, runtime })
  return { clock, bento, link }
}

describe('suppressL2Errors', () => {
  const levels: [string, Levels, object, boolean][] = [
    ['nowhere', {}, {}, true],
    ['globally', { global: { suppressL2Errors: false } }, {}, false],
    ['at the store', { store: { suppressL2Errors: false } }, {}, false],
    ['at the operation', {}, { suppressL2Errors: false }, false],
    [
      'at the store, over the global level',
      { global: { suppressL2Errors: false }, store: { suppressL2Errors: true } },
      {},
      true,
    ],
    [
      'at the operation, over the store',
      { store: { suppressL2Errors: false } },
      { suppressL2Errors: true },
      true,
    ],
  ]

  test.each(levels)('given %s decides for every operation', async (_, level, operation, suppressed) => {
    for (const memory of [false, true]) {
      const { bento, clock, link } = scene({ ...level, memory })
      link.down = true
      const outcomes = [
        bento.get({ key: 'k', ...operation }),
        bento.set({ key: 'k', value: 1, ...operation }),
        bento.getOrSet({ key: 'l', factory: () => 1, ...operation }),
        bento.has({ key: 'm', ...operation }),
        bento.delete({ key: 'k', ...operation }),
        bento.deleteMany({ keys: ['k'], ...operation }),
        bento.deleteByTag({ tags: ['t'], ...operation }),
        bento.expire({ key: 'k', ...operation }),
        bento.clear(operation),
      ].map(failureOf)
      for (const outcome of await clock.run(Promise.all(outcomes)))
        expect(outcome instanceof L2CacheError).toBe(!suppressed)
    }
  })
})

describe('l2CircuitBreakerDuration', () => {
  test.each<[string, Levels, number]>([
    ['nowhere', {}, 10_000],
    ['globally', { global: { l2CircuitBreakerDuration: '3s' } }, 3000],
    ['at the store', { store: { l2CircuitBreakerDuration: 4000 } }, 4000],
    [
      'at the store, over the global level',
      { global: { l2CircuitBreakerDuration: '3s' }, store: { l2CircuitBreakerDuration: '4s' } },
      4000,
    ],
  ])('given %s is how long L2 is left alone', async (_, level, pause) => {
    const { bento, clock, link } = scene(level)
    link.down = true
    for (let failure = 0; failure < 5; failure++) await clock.run(bento.get({ key: 'k' }))
    link.calls.length = 0
    await clock.advance(pause - 1)
    await clock.run(bento.get({ key: 'k' }))
    expect(link.calls).toEqual([])
    await clock.advance(1)
    await clock.run(bento.get({ key: 'k' }))
    expect(link.calls).not.toEqual([])
  })
})

describe('prefix', () => {
  test.each<[string, Levels, string]>([
    ['nowhere', {}, 'bentocache:k'],
    ['globally', { global: { prefix: 'g' } }, 'g:k'],
    ['at the store', { global: { prefix: 'g' }, store: { prefix: 's:' } }, 's:k'],
    ['at the driver', { global: { prefix: 'g' }, store: { prefix: 's' }, driver: { prefix: 'd' } }, 'd:k'],
    ['as nothing', { global: { prefix: '' } }, 'k'],
  ])('given %s stands before the key in L2', async (_, level, key) => {
    const { bento, clock, link } = scene(level)
    await clock.run(bento.set({ key: 'k', value: 1 }))
    expect([...link.texts.keys()]).toContain(key)
  })
})

describe('serializer', () => {
  const marked = (mark: string) => ({
    serialize: (value: unknown) => mark + JSON.stringify(value),
    deserialize: (text: string) => JSON.parse(text.slice(mark.length)) as unknown,
  })

  test.each<[string, Levels, string]>([
    ['globally', { global: { serializer: marked('global ') } }, 'global '],
    [
      'at the store, over the global level',
      { global: { serializer: marked('global ') }, store: { serializer: marked('store ') } },
      'store ',
    ],
  ])('given %s writes what L2 keeps, and reads it', async (_, level, mark) => {
    const { bento, clock, link } = scene(level)
    await clock.run(bento.set({ key: 'k', value: { n: 1 } }))
    expect([...link.texts.values()].some((text) => text.endsWith(`${mark}{"n":1}`))).toBe(true)
    expect(await clock.run(bento.get({ key: 'k' }))).toEqual({ n: 1 })
  })
})

describe('internalOperationWrapper', () => {
  test('is around every call to L2, and neither around memory nor around factories', async () => {
    // As a tracer does it, to keep its own instruments quiet.
    const storage = new AsyncLocalStorage<boolean>()
    const internalOperationWrapper = <T>(run: () => T): T => storage.run(true, run)
    const { bento, clock, link } = scene({ global: { internalOperationWrapper }, memory: true })
    const inside: (boolean | undefined)[] = []
    Object.assign(link, { calls: { push: () => void inside.push(storage.getStore()) } })
    const factory = (): string => String(storage.getStore())
    expect(await clock.run(bento.getOrSet({ key: 'k', factory }))).toBe('undefined')
    await clock.run(bento.set({ key: 'k', value: 1 }))
    await clock.run(bento.delete({ key: 'k' }))
    expect(inside.length).toBeGreaterThanOrEqual(3)
    expect(new Set(inside)).toEqual(new Set([true]))
  })

  test('is not asked where memory answers', async () => {
    let wrapped = 0
    const internalOperationWrapper = <T>(run: () => T): T => (wrapped++, run())
    const { bento, clock } = scene({ global: { internalOperationWrapper }, memory: true })
    await clock.run(bento.set({ key: 'k', value: 1 }))
    const asked = wrapped
    expect(await clock.run(bento.get({ key: 'k' }))).toBe(1)
    expect([asked > 0, wrapped]).toEqual([true, asked])
  })
})

describe('stores', () => {
  test('each has its own options over those of all', async () => {
    const clock = manualClock()
    const stores = {
      short: bentostore({ ttl: '1m' }).useL1Layer(memoryDriver()),
      long: bentostore().useL1Layer(memoryDriver()),
    }
    const bento = new BentoCache({
      default: 'long',
      ttl: '1h',
      stores,
      runtime: manualRuntime(clock, 'a'),
    })
    for (const name of ['short', 'long'] as const) await bento.use(name).set({ key: 'k', value: name })
    await clock.advance(120_000)
    expect([await bento.use('short').get({ key: 'k' }), await bento.get({ key: 'k' })]).toEqual([
      undefined,
      'long',
    ])
  })
})
