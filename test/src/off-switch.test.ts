import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { durableObjectBusDriver, durableObjectDriver } from '../../drivers/durable-object.ts'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { sharded } from '../../drivers/sharded.ts'
import { BentoCache, bentostore, type BentoStore, type StoreOptions } from '../../src/index.ts'
import { gate } from '../support/world.ts'

const binding = vi.fn(() => undefined as never)
const objects = (name: string) => durableObjectDriver({ binding, name })

const STORES: readonly (readonly [string, (options: StoreOptions) => BentoStore])[] = [
  ['memory', (options) => bentostore(options).useL1Layer(memoryDriver())],
  ['L2 alone', (options) => bentostore(options).useL2Layer(objects('main'))],
  ['L1 and L2', (options) => bentostore(options).useL1Layer(memoryDriver()).useL2Layer(objects('main'))],
  [
    'KV and a bus',
    (options) =>
      bentostore(options)
        .useL1Layer(memoryDriver())
        .useL2Layer(cloudflareKvDriver({ binding }))
        .useBus(durableObjectBusDriver({ binding })),
  ],
  [
    'shards',
    (options) =>
      bentostore(options)
        .useL1Layer(memoryDriver())
        .useL2Layer(sharded({ name: 'main', shards: 3 }, objects)),
  ],
]

describe.each(STORES)('%s', (_, make) => {
  test.each(['at the store', 'globally'])('%s: nothing is kept, and nobody is asked', async (level) => {
    const off = { enabled: false }
    const bento = new BentoCache({
      default: 'main',
      stores: { main: make(level === 'globally' ? {} : off) },
      ...(level === 'globally' ? off : {}),
    })
    const factory = vi.fn(() => ({ n: 1 }))
    expect(await bento.getOrSet({ key: 'k', tags: ['t'], factory })).toEqual({ n: 1 })
    expect(await bento.getOrSet({ key: 'k', tags: ['t'], factory })).toEqual({ n: 1 })
    expect(factory).toHaveBeenCalledTimes(2)
    expect(await bento.set({ key: 'k', value: 1 })).toBe(true)
    expect(await bento.get({ key: 'k', defaultValue: 'd' })).toBe('d')
    expect(await bento.has({ key: 'k' })).toBe(false)
    expect(await bento.pull('k')).toBeUndefined()
    expect(await bento.delete({ key: 'k' })).toBe(true)
    expect(await bento.deleteMany({ keys: ['k', 'l'] })).toBe(true)
    expect(await bento.expire({ key: 'k' })).toBe(true)
    expect(await bento.deleteByTag({ tags: ['t'] })).toBe(true)
    expect(await bento.expireByTag({ tags: ['t'] })).toBe(true)
    await bento.namespace('n').clear()
    await bento.prune()
    await bento.disconnect()
    expect(binding).not.toHaveBeenCalled()
  })

  test('who asks at the same time shares a run', async () => {
    const bento = new BentoCache({ default: 'main', stores: { main: make({ enabled: false }) } })
    const run = gate<string>()
    const factory = vi.fn(() => run.promise)
    const asked = Promise.all([1, 2, 3].map(() => bento.getOrSet({ key: 'k', factory })))
    run.open('v')
    expect(await asked).toEqual(['v', 'v', 'v'])
    expect(factory).toHaveBeenCalledTimes(1)
  })
})

test('a store may be on while all others are off', async () => {
  const bento = new BentoCache({
    default: 'off',
    enabled: false,
    stores: {
      off: bentostore().useL1Layer(memoryDriver()),
      on: bentostore({ enabled: true }).useL1Layer(memoryDriver()),
    },
  })
  for (const name of ['off', 'on'] as const) await bento.use(name).set({ key: 'k', value: name })
  expect(await bento.use('off').get({ key: 'k' })).toBeUndefined()
  expect(await bento.use('on').get({ key: 'k' })).toBe('on')
})

test('what is no switch is refused', () => {
  const stores = { main: bentostore().useL1Layer(memoryDriver()) }
  expect(() => new BentoCache({ default: 'main', stores, enabled: 'off' as never })).toThrow(
    'Invalid enabled',
  )
})
