import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import { BentoCache, bentostore, type BusDriver, type CreateDriverResult } from '../../src/index.ts'
import { inShards } from '../../src/shards.ts'
import { manualRuntime } from '../support/clock.ts'
import { namesByShard } from '../support/shards.ts'
import { world } from '../support/world.ts'

const COUNT = 5

describe('a bus in shards', () => {
  /** A store over memory alone or over one that keeps text, told of changes by five ledgers. */
  function busScene(values?: CreateDriverResult) {
    const { clock, ledgers } = world({ shards: COUNT })
    const closed: string[] = []
    let opened = 0
    const bus = (): CreateDriverResult<BusDriver> =>
      inShards<BusDriver>(
        { name: 'bus', shards: COUNT },
        (name) => {
          const coordination = ledgers[Number(name.slice('bus:'.length))]!.coordination
          const driver: BusDriver = {
            coordinate: (own) => busCoordination(coordination, own),
            disconnect: () => void closed.push(name),
          }
          return { options: {}, connect: connectL2, factory: () => driver }
        },
        ([first]) => first!,
      )
    const l2 = values && {
      ...values,
      factory: (config: Parameters<CreateDriverResult['factory']>[0]) => {
        opened++
        const driver = values.factory(config)
        return Object.assign(driver, { disconnect: () => void closed.push('values') })
      },
    }
    const isolate = (name: string): BentoCache => {
      const store = bentostore().useL1Layer(memoryDriver()).useBus(bus())
      if (l2) store.useL2Layer(l2)
      return new BentoCache({ default: 'main', stores: { main: store }, runtime: manualRuntime(clock, name) })
    }
    return { clock, isolate, closed, opened: () => opened, names: namesByShard(COUNT) }
  }

  test('tells stores of memory alone of each other’s changes', async () => {
    const { isolate, names, clock } = busScene()
    const [a, b] = [isolate('a'), isolate('b')]
    for (const key of names) await b.getOrSet({ key, factory: () => 'old' })
    await a.delete({ key: names[1]! })
    await clock.advance(6000)
    const served = names.map((key) => b.getOrSet({ key, factory: () => 'new' }))
    expect(await clock.run(Promise.all(served))).toEqual(names.map((_, at) => (at === 1 ? 'new' : 'old')))
  })

  test('shares one store of values, which is opened once and closed once', async () => {
    const values = memoryDriver().factory({ prefix: '' })
    const { isolate, names, closed, opened, clock } = busScene({ options: {}, factory: () => values })
    const [a, b] = [isolate('a'), isolate('b')]
    for (const key of names) await a.set({ key, value: key })
    expect(await clock.run(Promise.all(names.map((key) => b.get({ key }))))).toEqual(names)
    // Once with the store's prefix and once for whole names, in each of two isolates.
    expect(opened()).toBe(4)
    await a.disconnect()
    expect(closed.filter((name) => name === 'values')).toHaveLength(1)
    expect(new Set(closed).size).toBe(COUNT + 1)
  })
})

describe('refuses', () => {
  const layer = (shards: number, own = true): CreateDriverResult<never> =>
    inShards<never>(
      { name: 'n', shards },
      () => ({
        options: {},
        connect: connectL2,
        factory: () => ({ ...(own ? { coordination: {} } : {}), coordinate: () => ({}) }) as never,
      }),
      ([first]) => first as never,
    )

  test.each([
    [layer(2), layer(3)],
    [layer(2), layer(1)],
    [layer(1), layer(2)],
  ])('an L2 and a bus that are not divided alike', (l2, bus) => {
    const store = bentostore().useL2Layer(l2).useBus(bus)
    const bento = new BentoCache({ default: 'main', stores: { main: store } })
    expect(() => bento.use()).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
    expect(() => bento.use()).toThrow(/useBus/)
  })

  test.each([0, 1.5, 257, Number.NaN, '5', null])('%o shards', (shards) => {
    const options = { name: 'n', shards } as { name: string; shards: number }
    expect(() =>
      inShards(
        options,
        () => layer(1),
        ([first]) => first!,
      ),
    ).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })

  test('memory that is none, as in one shard', () => {
    const none = { options: {}, factory: () => ({}) } as never
    const store = bentostore().useL1Layer(none).useL2Layer(layer(2))
    expect(() => new BentoCache({ default: 'main', stores: { main: store } }).use()).toThrow(/useL1Layer/)
  })
})
