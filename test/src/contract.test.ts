import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import { BentoCache, bentostore, type Step, type StoreOptions } from '../../src/index.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'
import { world } from '../support/world.ts'

/** The same contract for every kind of stack. */
const stacks = {
  'L1 alone': (options: StoreOptions) => single(bentostore(options).useL1Layer(memoryDriver())),
  'L2 alone': (options: StoreOptions) => fleetOf(options, false),
  'L1 and L2': (options: StoreOptions) => fleetOf(options, {}),
  'L1 and a plain L2': (options: StoreOptions) =>
    single(bentostore(options).useL1Layer(memoryDriver()).useL2Layer(plainDriver(memoryDriver()))),
}

function single(store: ReturnType<typeof bentostore>) {
  const clock = manualClock()
  const runtime = manualRuntime(clock, 'one')
  return { clock, bento: new BentoCache({ default: 'main', stores: { main: store }, runtime }) }
}

function fleetOf(options: StoreOptions, memory: false | object) {
  const { clock, isolate } = world()
  return { clock, bento: isolate('one', options, memory).bento }
}

describe.each(Object.entries(stacks))('%s', (_, make) => {
  test('a value is made once and given again', async () => {
    const { bento } = make({})
    const factory = vi.fn(() => ({ dish: 'taimeshi' }))
    expect(await bento.getOrSet({ key: 'k', factory })).toEqual({ dish: 'taimeshi' })
    expect(await bento.getOrSet({ key: 'k', factory })).toEqual({ dish: 'taimeshi' })
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('what is set can be read, told, pulled and deleted', async () => {
    const { bento } = make({})
    expect(await bento.set({ key: 'k', value: [1, null, 'two'] })).toBe(true)
    expect(await bento.get({ key: 'k' })).toEqual([1, null, 'two'])
    expect([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })]).toEqual([true, false])
    expect(await bento.pull('k')).toEqual([1, null, 'two'])
    expect([await bento.has({ key: 'k' }), await bento.pull('k')]).toEqual([false, undefined])
    await bento.set({ key: 'k', value: 1 })
    expect(await bento.delete({ key: 'k' })).toBe(true)
    expect(await bento.get({ key: 'k', defaultValue: () => 'none' })).toBe('none')
  })

  test('null is a value and undefined is none', async () => {
    const { bento } = make({})
    await bento.set({ key: 'k', value: null })
    expect([await bento.get({ key: 'k' }), await bento.has({ key: 'k' })]).toEqual([null, true])
    await expect(bento.set({ key: 'k', value: undefined })).rejects.toMatchObject({
      code: 'E_UNDEFINED_VALUE',
    })
    const factory = (): undefined => undefined
    await expect(bento.getOrSet({ key: 'u', factory })).rejects.toMatchObject({ code: 'E_UNDEFINED_VALUE' })
  })

  test('many keys are deleted at once', async () => {
    const { bento } = make({})
    for (const key of ['a', 'b', 'c']) await bento.set({ key, value: key })
    expect(await bento.deleteMany({ keys: ['a', 'b', 'nothing'] })).toBe(true)
    const left = await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
    expect(left).toEqual([undefined, undefined, 'c'])
    expect(await bento.deleteMany({ keys: [] })).toBe(true)
  })

  test('a tag drops what bears it, and nothing else', async () => {
    const { bento } = make({ grace: '1h' })
    await bento.set({ key: 'a', value: 1, tags: ['red', 'round'] })
    await bento.set({ key: 'b', value: 2, tags: ['blue'] })
    await bento.getOrSet({ key: 'c', factory: ({ setTags }) => (setTags(['red']), 3) })
    expect(await bento.deleteByTag({ tags: ['red'] })).toBe(true)
    const left = await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
    expect(left).toEqual([undefined, 2, undefined])
  })

  test('an entry written after its tag was dropped lives', async () => {
    const { bento } = make({})
    await bento.set({ key: 'k', value: 1, tags: ['t'] })
    await bento.deleteByTag({ tags: ['t'] })
    await bento.set({ key: 'k', value: 2, tags: ['t'] })
    expect(await bento.get({ key: 'k' })).toBe(2)
  })

  test('namespaces keep to themselves; their parent reads and drops them', async () => {
    const { bento } = make({})
    const [users, userships] = [bento.namespace('users'), bento.namespace('userships')]
    await users.set({ key: '1', value: 'u', tags: ['t'] })
    await userships.set({ key: '1', value: 's', tags: ['t'] })
    await bento.set({ key: '1', value: 'root', tags: ['t'] })
    expect(await bento.get({ key: 'users:1' })).toBe('u')
    await users.deleteByTag({ tags: ['t'] })
    const all = () =>
      Promise.all([users.get({ key: '1' }), userships.get({ key: '1' }), bento.get({ key: '1' })])
    expect(await all()).toEqual([undefined, 's', 'root'])
    await users.set({ key: '1', value: 'u2' })
    await userships.clear()
    expect(await all()).toEqual(['u2', undefined, 'root'])
    await bento.clear()
    expect(await all()).toEqual([undefined, undefined, undefined])
  })

  test('tenants cannot meet by way of separators', async () => {
    const { bento } = make({})
    await bento.namespace('a').set({ key: 'b:c', value: 1 })
    await bento.namespace('a:b').set({ key: 'c', value: 2 })
    await bento.namespace('a%3Ab').set({ key: 'c', value: 3 })
    expect(await bento.namespace('a').get({ key: 'b:c' })).toBe(1)
    expect(await bento.namespace('a:b').get({ key: 'c' })).toBe(2)
    expect(await bento.namespace('a%3Ab').get({ key: 'c' })).toBe(3)
  })

  test('an expired key is graced for who takes that, a deleted one for nobody', async () => {
    const { bento } = make({})
    await bento.set({ key: 'k', value: 1, grace: '1h' })
    expect(await bento.expire({ key: 'k' })).toBe(true)
    expect([await bento.has({ key: 'k' }), await bento.get({ key: 'k' })]).toEqual([false, undefined])
    expect(await bento.get({ key: 'k', grace: '1h' })).toBe(1)
    await bento.delete({ key: 'k' })
    expect(await bento.get({ key: 'k', grace: '1h' })).toBeUndefined()
  })

  test('each caller has a copy of its own', async () => {
    const { bento } = make({})
    const ask = (): Promise<{ list: number[] }> =>
      bento.getOrSet({ key: 'k', factory: () => ({ list: [1] }) })
    const [leader, follower] = await Promise.all([ask(), ask()])
    leader.list.push(2)
    follower.list.push(3)
    expect(await ask()).toEqual({ list: [1] })
  })

  test('a miss gives the types a hit gives', async () => {
    const { bento } = make({})
    const factory = (): unknown => ({ at: new Date(0), no: undefined, nan: Number.NaN, list: [undefined] })
    const miss = await bento.getOrSet({ key: 'k', factory })
    expect(await bento.getOrSet({ key: 'k', factory })).toStrictEqual(miss)
    expect(await bento.getOrSet({ key: 'z', factory: () => -0 })).toStrictEqual(await bento.get({ key: 'z' }))
  })

  test('a value that cannot be written is refused by name', async () => {
    const { bento } = make({})
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const value of [cycle, 10n, () => 1]) {
      await expect(bento.set({ key: 'k', value })).rejects.toMatchObject({ code: 'E_SERIALIZATION' })
    }
    expect(await bento.getOrSet({ key: 'k', factory: () => 'usable' })).toBe('usable')
  })

  test('forceFresh runs the factory and replaces the value', async () => {
    const { bento } = make({})
    await bento.set({ key: 'k', value: 'old' })
    expect(await bento.getOrSet({ key: 'k', forceFresh: true, factory: () => 'new' })).toBe('new')
    expect(await bento.get({ key: 'k' })).toBe('new')
  })

  test('events tell what Bentocache tells', async () => {
    const { bento } = make({})
    const told: unknown[] = []
    for (const event of [
      'cache:hit',
      'cache:miss',
      'cache:written',
      'cache:deleted',
      'cache:expire',
    ] as const) {
      bento.on(event, (payload) => told.push([event, payload]))
    }
    bento.on('cache:cleared', (payload) => told.push(['cache:cleared', payload]))
    await bento.getOrSet({ key: 'k', factory: () => 7 })
    await bento.get({ key: 'nothing' })
    await bento.expire({ key: 'k' })
    await bento.delete({ key: 'k' })
    await bento.clear()
    const store = 'main'
    expect(told).toEqual([
      ['cache:written', { key: 'k', value: 7, store }],
      ['cache:miss', { key: 'k', store }],
      ['cache:miss', { key: 'nothing', store }],
      ['cache:expire', { key: 'k', store }],
      ['cache:deleted', { key: 'k', store }],
      ['cache:cleared', { store }],
    ])
  })
})

test.each(['l1', 'l2'] as const)('a hit tells its layer: %s', async (layer) => {
  const { isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await a.bento.set({ key: 'k', value: { n: 1 } })
  const reader = layer === 'l1' ? a : b
  const told: unknown[] = []
  reader.bento.on('cache:hit', (payload) => told.push(payload))
  await reader.bento.get({ key: 'k' })
  expect(told).toEqual([{ key: 'k', value: { n: 1 }, store: 'main', layer, graced: false }])
})

test('nothing is built for the trace while nobody listens', async () => {
  const { bento } = single(bentostore().useL1Layer(memoryDriver()))
  const steps: Step[] = []
  const stop = bento.onTrace((step) => steps.push(step))
  await bento.getOrSet({ key: 'k', factory: () => 1 })
  stop()
  const seen = steps.length
  await bento.getOrSet({ key: 'k', factory: () => 1 })
  expect([seen > 0, steps.length]).toEqual([true, seen])
})
