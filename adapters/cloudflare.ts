/**
 * Ekiben on Cloudflare Workers. What `import 'ekiben'` gives there: the core, with background work kept alive by
 * `waitUntil`.
 *
 * @module
 */
import { waitUntil } from 'cloudflare:workers'
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import type { Runtime } from '../src/ports.ts'
import { systemRuntime } from '../src/runtime.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'

export * from '../src/index.ts'
export { type Schedule, scheduledHandler, type ScheduledOptions } from './cloudflare-scheduled.ts'

/**
 * The runtime of a Worker. The imported `waitUntil` belongs to whatever request is running when it is called, so
 * nothing of a first request is captured.
 */
export const cloudflareRuntime: Runtime = { ...systemRuntime, waitUntil: (work) => waitUntil(work) }

/**
 * Named caches, wired for Workers. Safe at module scope.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { BentoCache, bentostore } from 'ekiben'
 * import { durableObjectDriver } from 'ekiben/drivers/durable-object'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: {
 *     main: bentostore({ ttl: '1m', grace: '1h' })
 *       .useL1Layer(memoryDriver())
 *       .useL2Layer(durableObjectDriver({ binding: () => env.COORDINATOR })),
 *   },
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends CoreBentoCache<Stores> {
  constructor(options: BentoCacheOptions<Stores>) {
    super({ ...options, runtime: options.runtime ?? cloudflareRuntime })
  }
}
