import { expect, test } from 'vitest'
import { connectL2 } from '../../../src/connect-l2.ts'
import { chunkedCalls } from '../../../src/chunked-calls.ts'
import { setMany } from '../../../src/extras/many.ts'
import { BentoCache, bentostore, type CacheDriver, type Coordination } from '../../../src/index.ts'
import { versionedValues } from '../../../src/versioned-values.ts'
import { manualRuntime } from '../../support/clock.ts'
import { world } from '../../support/world.ts'

/** Sets 40 keys by a store in which each request takes a while, and one of them anew when that was given up. */
async function lateSet(over: (coordination: Coordination, wait: () => Promise<void>) => Coordination) {
  const made = world()
  const { clock, ledger } = made
  const wait = (): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, 200))
  const driver = { coordination: over(ledger.coordination, wait), limits: {} } as unknown as CacheDriver
  const l2 = { options: {}, factory: () => driver, connect: connectL2 }
  const stores = { main: bentostore({ ttl: '1h' }).useL2Layer(l2) }
  const bento = new BentoCache({ default: 'main', stores, runtime: manualRuntime(clock, 'a') })
  const entries = Array.from({ length: 40 }, (_, at) => ({ key: `k${at}`, value: 'older' }))
  const acknowledged = await clock.run(setMany(bento, { entries }))
  await clock.advance(200)
  await clock.run(made.isolate('b', { ttl: '1h' }).bento.set({ key: 'k39', value: 'newer' }))
  await clock.advance(20_000)
  return { acknowledged, found: await clock.run(made.isolate('c').bento.get({ key: 'k39' })) }
}

test('a list of many parts that was not acknowledged writes nothing over what is set after it', async () => {
  const parts = (coordination: Coordination, wait: () => Promise<void>): Coordination =>
    chunkedCalls(
      {
        ...coordination,
        commitMany: async (request) => {
          await wait()
          return coordination.commitMany(request)
        },
      },
      { reads: 100, events: 1000, commits: 2 },
    )
  expect(await lateSet(parts)).toEqual({ acknowledged: false, found: 'newer' })
})

test('neither does one whose values are put one by one', async () => {
  const puts = (coordination: Coordination, wait: () => Promise<void>): Coordination =>
    versionedValues({ set: async () => (await wait(), true) } as unknown as CacheDriver, coordination)
  expect(await lateSet(puts)).toEqual({ acknowledged: false, found: 'newer' })
})
