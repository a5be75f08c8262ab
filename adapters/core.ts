/**
 * The core, wired for no runtime and small in a bundle. What `import 'ekiben/core'` gives everywhere.
 *
 * @module
 */
import { holdPending } from '../src/pending.ts'
import { BentoCache as CoreBentoCache, type BentoCacheOptions } from '../src/bento-cache.ts'
import type { Logger } from '../src/log.ts'
import type { Loose } from '../src/loose.ts'
import type { Runtime } from '../src/ports.ts'
import { systemRuntime } from '../src/runtime.ts'
import type { BentoStore } from '../src/store.ts'
import { warnOnce } from './process/warn-once.ts'

export * from '../src/index.ts'

const HELD =
  'ekiben: no adapter is used, so nobody keeps the runtime alive for what goes on behind answers. ' +
  "Import 'ekiben/adapters/<runtime>', use bento.bind(ctx) in each request, or pass `runtime`; " +
  'at the end of a process await bento.flush().'

/**
 * Globals of the web and no `waitUntil`: writes are waited for, refreshes are held for `flush`. The first of them says
 * so: to the logger, else to the console.
 */
export function unknownRuntime(logger?: Logger): Runtime {
  return { ...systemRuntime, pending: holdPending(warnOnce(logger, HELD)) }
}

/**
 * Named caches.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore, systemRuntime } from 'ekiben/core'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m' }).useL1Layer(memoryDriver()) },
 *   runtime: systemRuntime,
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends CoreBentoCache<Stores> {
  constructor(options: BentoCacheOptions<Stores>) {
    super({ ...options, runtime: options.runtime ?? unknownRuntime(options.logger) })
  }
}
