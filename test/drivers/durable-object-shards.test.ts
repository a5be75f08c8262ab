import { describe, expect, test } from 'vitest'
import {
  type CoordinatorNamespace,
  durableObjectBusDriver,
  durableObjectDriver,
} from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { sharded, type ShardedOptions } from '../../drivers/sharded.ts'
import { BentoCache, bentostore } from '../../src/index.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'
import {
  bentocacheDriverSuite,
  type DriverSuite,
  ekibenDriverSuite,
} from '../support/bentocache-driver-suite.ts'
import { type LedgerCoordination, ledgerCoordination } from '../support/ledger-coordination.ts'
import { namesByShard } from '../support/shards.ts'

/** A namespace whose objects are ledgers in this process. */
function openNamespace(now: () => number = () => 0) {
  const objects = new Map<string, LedgerCoordination>()
  const pruned: string[] = []
  const namespace: CoordinatorNamespace = {
    idFromName: (name) => name,
    get(id) {
      const name = id as string
      const object = objects.get(name) ?? ledgerCoordination({ now })
      objects.set(name, object)
      return { ...object.coordination, prune: async () => void pruned.push(name) }
    },
  }
  const calls = (method: keyof LedgerCoordination['calls']): Record<string, number> =>
    Object.fromEntries([...objects].map(([name, object]) => [name, object.calls[method]]))
  return { namespace, objects, pruned, calls }
}

const clock = { now: 1_800_000_000_000 }
const { namespace: shared } = openNamespace(() => clock.now)
const fiveShards: DriverSuite = {
  makeDriver: (prefix) =>
    sharded({ shards: 5 }, (name) => durableObjectDriver({ binding: shared, name })).factory({ prefix }),
  pass: (ms) => {
    clock.now += ms
  },
}
bentocacheDriverSuite('Bentocache’s driver suite, over five shards', fiveShards)
ekibenDriverSuite('The driver suite of ekiben/test_suite, over five shards', fiveShards)

const objectsOf = (binding: CoordinatorNamespace) => (name: string) => durableObjectDriver({ binding, name })
const buses = (binding: CoordinatorNamespace) => (name: string) => durableObjectBusDriver({ binding, name })

describe('a sharded L2', () => {
  test('names one object for each shard, and a single one as ever', async () => {
    const { namespace, objects } = openNamespace()
    const names = namesByShard(3)
    const driver = sharded({ name: 'mine', shards: 3 }, objectsOf(namespace)).factory({
      prefix: 'p',
    })
    for (const name of names) await driver.namespace(name).set('k', 'x')
    expect([...objects.keys()]).toEqual(['mine:0', 'mine:1', 'mine:2'])
    await sharded({ shards: 1 }, objectsOf(namespace)).factory({}).get('k')
    expect([...objects.keys()].slice(3)).toEqual(['ekiben'])
  })

  test('is found by a cache where the plain contract wrote it, and prunes all', async () => {
    const { namespace, pruned } = openNamespace()
    const layer = sharded({ shards: 3 }, objectsOf(namespace))
    const store = bentostore({ prefix: 'p' }).useL2Layer(layer)
    const bento = new BentoCache({ default: 'main', stores: { main: store } })
    const plain = layer.factory({ prefix: 'p' })
    for (const name of namesByShard(3)) {
      await bento.namespace(name).set({ key: 'k', value: name })
      expect(await plain.namespace(name).get('k')).toContain(name)
      expect(await plain.get(`${name}:k`)).toContain(name)
      expect(await plain.namespace(name).delete('k')).toBe(true)
      expect(await bento.has({ key: `${name}:k` })).toBe(false)
    }
    await bento.prune()
    expect(pruned.toSorted()).toEqual(['ekiben:0', 'ekiben:1', 'ekiben:2'])
  })

  test('splits a list by shard, and each shard’s part by what one call carries', async () => {
    const { namespace, calls } = openNamespace()
    const driver = sharded({ shards: 2 }, objectsOf(namespace)).factory({})
    const [zero, one] = namesByShard(2) as [string, string]
    await driver.set(`${zero}:7`, 'x')
    const keys = Array.from({ length: 2500 }, (_, at) => `${zero}:${at}`)
    expect(await driver.deleteMany([...keys, `${one}:k`])).toBe(true)
    expect(calls('invalidate')).toEqual({ 'ekiben:0': 3, 'ekiben:1': 1 })
    expect(await driver.get(`${zero}:7`)).toBeUndefined()
  })

  test.each([0, -1, 2.5, 257, '2', null])('refuses %o shards when it is built', (shards) => {
    const options = { shards } as unknown as ShardedOptions
    expect(() => sharded(options, objectsOf(openNamespace().namespace))).toThrow(/shards.*256/)
  })
})

describe('a sharded bus', () => {
  test('keeps each name’s journal in its own object', async () => {
    const { namespace, calls } = openNamespace()
    const time = manualClock()
    const store = bentostore()
      .useL1Layer(memoryDriver())
      .useBus(sharded({ shards: 3 }, buses(namespace)))
    const stores = { main: store }
    const bento = new BentoCache({ default: 'main', stores, runtime: manualRuntime(time, 'a') })
    for (const key of namesByShard(3)) expect(await bento.delete({ key })).toBe(true)
    expect(calls('invalidate')).toEqual({ 'ekiben:0': 1, 'ekiben:1': 1, 'ekiben:2': 1 })
    await bento.disconnect()
  })

  test('goes with an L2 in as many shards', async () => {
    const { namespace, calls } = openNamespace()
    const store = bentostore()
      .useL2Layer(sharded({ shards: 2 }, objectsOf(namespace)))
      .useBus(sharded({ shards: 2 }, buses(namespace)))
    const bento = new BentoCache({ default: 'main', stores: { main: store } })
    for (const key of namesByShard(2)) expect(await bento.set({ key, value: 1 })).toBe(true)
    expect(calls('commit')).toEqual({ 'ekiben:0': 1, 'ekiben:1': 1 })
  })

  test('cannot be used without a store, which knows the shard of a name', () => {
    const layer = sharded({ shards: 2 }, buses(openNamespace().namespace))
    expect(() => layer.factory({})).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })
})
