/**
 * Everything there is, in Node, Deno and Bun. What `import 'ekiben/full'` gives there.
 *
 * @module
 */
import { FullBentoCache, type FullBentoCacheOptions } from '../src/extras/full.ts'
import type { Loose } from '../src/loose.ts'
import type { BentoStore } from '../src/store.ts'
import { inProcess } from './process/in-process.ts'

export * from '../src/extras/index.ts'
export { type CloseOptions, closeOnSignals, type EndSignal } from './process/close-on-signals.ts'
export { withRequest } from './process/request-scope.ts'

/**
 * Named caches with everything there is as methods and options.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben/full'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m', eagerRefresh: 0.8 }).useL1Layer(memoryDriver()) },
 * })
 * const { value, tier } = await bento.getOrSetEntry({ key: 'rates', factory: () => ({ EUR: 1 }) })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends FullBentoCache<Stores> {
  constructor(options: FullBentoCacheOptions<Stores>) {
    super(inProcess(options))
  }
}
