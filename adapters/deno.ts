/**
 * Ekiben in Deno: servers, and Deno Deploy. What `import 'ekiben'` gives there. What goes on behind answers is held for
 * `flush`, as Deno has no `waitUntil`: {@link closeOnSignals} waits for it before the process ends.
 *
 * @module
 */
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'
import { inProcess } from './process/in-process.ts'

export * from '../src/index.ts'
export { type CloseOptions, closeOnSignals, type EndSignal } from './process/close-on-signals.ts'
export { withRequest } from './process/request-scope.ts'
export { processRuntime } from './process/runtime.ts'

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
 *   stores: { main: bentostore({ ttl: '5m', grace: '1h' }).useL1Layer(memoryDriver()) },
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends CoreBentoCache<Stores> {
  constructor(options: BentoCacheOptions<Stores>) {
    super(inProcess(options))
  }
}
