/**
 * Ekiben on a runtime it has no adapter for. What `import 'ekiben'` gives there: the core, any L2 driver of Bentocache's
 * contract as it is, and loggers with children.
 *
 * @module
 */
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'
import { unknownRuntime } from './core.ts'
import { wired } from './process/wiring.ts'

export * from '../src/index.ts'
export { unknownRuntime }

/**
 * Named caches.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m' }).useL1Layer(memoryDriver()) },
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends CoreBentoCache<Stores> {
  constructor(options: BentoCacheOptions<Stores>) {
    super(wired(options, () => unknownRuntime(options.logger)))
  }
}
