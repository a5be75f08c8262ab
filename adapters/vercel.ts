/**
 * Ekiben in the edge runtime of Vercel, and of Next.js. What `import 'ekiben'` gives there. Background work is handed
 * to the `waitUntil` of the request it belongs to, which is looked up each time. (Functions of Node and Bun take theirs
 * from the adapters of Node and Bun, which do the same.)
 *
 * @module
 */
import { holdPending } from '../src/pending.ts'
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import type { Logger } from '../src/log.ts'
import type { Loose } from '../src/loose.ts'
import type { Runtime } from '../src/ports.ts'
import { systemRuntime, waitUntilOf } from '../src/runtime.ts'
import type { BentoStore } from '../src/store.ts'
import { vercelRequest } from './process/vercel-request.ts'
import { warnOnce } from './process/warn-once.ts'

export * from '../src/index.ts'

const LOST =
  'ekiben: no request of Vercel to keep alive, so the platform may freeze what goes on behind this answer. ' +
  'Call the cache while a request is handled, use bento.bind(ctx), or await bento.flush() before the answer.'

/**
 * The runtime of a function on Vercel. Outside a request writes are waited for, refreshes are held for `flush`, and
 * that this is not safe is said once: to the logger, else to the console.
 */
export function vercelRuntime(logger?: Logger): Runtime {
  return {
    ...systemRuntime,
    pending: holdPending(warnOnce(logger, LOST)),
    get waitUntil() {
      return waitUntilOf(vercelRequest())
    },
  }
}

/**
 * Named caches. Safe at module scope.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { fromEnv, vercelKvDriver } from 'ekiben/drivers/vercel-kv'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: {
 *     main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()).useL2Layer(vercelKvDriver(fromEnv())),
 *   },
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends CoreBentoCache<Stores> {
  constructor(options: BentoCacheOptions<Stores>) {
    super({ ...options, runtime: options.runtime ?? vercelRuntime(options.logger) })
  }
}
