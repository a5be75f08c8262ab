/**
 * Ekiben where no adapter of its own is needed: processes that outlive their requests. What `import 'ekiben'` gives
 * there: the core, any L2 driver of Bentocache's contract as it is, and loggers with children.
 *
 * @module
 */
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import { childLogger } from '../src/child-logger.ts'
import { loadPlainL2 } from '../src/load-plain-l2.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'

export * from '../src/index.ts'

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
    const { connectPlain = loadPlainL2, logger } = options
    super({ ...options, connectPlain, logger: logger && childLogger(logger) })
  }
}
