/**
 * Any driver that was written for Bentocache, as L2 where everything is bundled.
 *
 * @module
 */
import { InvalidOptionError } from '../src/errors.ts'
import { connectPlainL2 } from '../src/plain-l2.ts'
import type { CreateDriverResult } from '../src/ports.ts'

const ALONE =
  'This L2 only keeps values: it gives no lease, so each isolate computes for itself, and what others change is seen when ' +
  'L1 has had its short life (l1Ttl). Add a bus that coordinates for all of that'

/**
 * Makes an L2 of any driver of Bentocache's contract, as far as one goes that only keeps text: tags, namespaces and
 * grace work; there is no lease across isolates, and what others invalidate is seen when L1's short life ends
 * (`l1Ttl`, `maxStaleness` by default). Needed on runtimes that bundle (Workers); elsewhere such a driver is taken as
 * it is.
 *
 * @throws {@link InvalidOptionError} for anything but what a driver function returns.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { plainDriver } from 'ekiben/drivers/plain'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useL2Layer(plainDriver(memoryDriver()))
 * const bento = new BentoCache({ default: 'main', stores: { main: store } })
 * ```
 */
export function plainDriver(driver: CreateDriverResult): CreateDriverResult {
  if (typeof (driver as CreateDriverResult | undefined)?.factory === 'function') {
    return {
      ...driver,
      factory: (config) => driver.factory(config),
      connect: connectPlainL2,
      alone: (store) => ({ type: 'advice', store, message: ALONE }),
    }
  }
  const allowed = 'what a driver function returns'
  throw new InvalidOptionError({ option: 'driver', received: typeof driver, allowed })
}
