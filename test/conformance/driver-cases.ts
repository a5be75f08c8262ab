import type { CacheDriver } from '../../src/ports.ts'
import { atomicCases } from './atomic-cases.ts'
import { atomicCaseOver } from './atomic-scene.ts'
import { boundCases } from './bounds.ts'
import { equal, present } from './check.ts'
import { coordinationCases } from './coordination-cases.ts'
import type { OpenedStore } from './conformance-case.ts'
import { placeCases } from './places.ts'
import { type Offer, plainCase, type StoreCase } from './plain-scene.ts'
import { caseOver, ofStore } from './scene.ts'
import { valueCases } from './values.ts'

/**
 * All that must hold for a driver. The cases follow from what it has: `getMany`, `prune`, `limits`, `coordination`,
 * its `subscribe` and `atomics` each bring theirs, and none can be left out. Nothing of `driver` is called; each case opens a store of
 * its own.
 *
 * @example
 * ```ts
 * import { driverCases } from 'ekiben/conformance'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const open = () => {
 *   const root = memoryDriver({ maxItems: 10_000 }).factory({ prefix: '' })
 *   return {
 *     connect: (prefix: string) => (prefix ? root.namespace(prefix) : root),
 *     pass: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
 *   }
 * }
 * for (const { name, run } of driverCases(memoryDriver().factory({}))) {
 *   await run(open)
 *   console.log(`passed: ${name}`)
 * }
 * ```
 */
export function driverCases(driver: Offer | CacheDriver): StoreCase[] {
  return [
    plainCase(undefined, 'driver: what is opened offers what the cases were made for', async (scene) => {
      equal(offerOf(scene.driver), offerOf(driver), 'what the driver offers')
    }),
    ...valueCases(driver),
    ...placeCases(driver),
    ...boundCases(driver),
    ...(driver.coordination
      ? coordinationCases(driver.coordination).map((each) => caseOver(each, ofStore))
      : []),
    ...(driver.atomics ? atomicCases() : []).map((each) =>
      atomicCaseOver<OpenedStore>(each, (store) =>
        present(store.connect('').atomics, 'atomics of the driver'),
      ),
    ),
  ]
}

function offerOf({ getMany, prune, limits, coordination, atomics }: Offer | CacheDriver): object {
  return {
    getMany: getMany !== undefined,
    prune: prune !== undefined,
    limits: { ...limits },
    coordination: coordination !== undefined,
    subscribe: coordination?.subscribe !== undefined,
    atomics: atomics !== undefined,
  }
}
