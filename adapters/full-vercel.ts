/**
 * Everything there is, in the edge runtime of Vercel. What `import 'ekiben/full'` gives there.
 *
 * @module
 */
import { FullBentoCache, type FullBentoCacheOptions } from '../src/extras/full.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'
import { vercelRuntime } from './vercel.ts'

export * from '../src/extras/index.ts'
export { vercelRuntime }

/**
 * Named caches with everything there is as methods and options, wired for Vercel. Safe at module scope.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben/full'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m', jitter: '30s' }).useL1Layer(memoryDriver()) },
 * })
 * const { value, tier } = await bento.getOrSetEntry({ key: 'rates', factory: () => ({ EUR: 1 }) })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends FullBentoCache<Stores> {
  constructor(options: FullBentoCacheOptions<Stores>) {
    super({ ...options, runtime: options.runtime ?? vercelRuntime(options.logger) })
  }
}
