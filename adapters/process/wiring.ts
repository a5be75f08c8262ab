import type { BentoCacheOptions } from '../../src/bento-cache.ts'
import { childLogger } from '../../src/child-logger.ts'
import { loadPlainL2 } from '../../src/load-plain-l2.ts'
import type { Runtime } from '../../src/ports.ts'
import type { BentoStore } from '../../src/store.ts'

/** What is wired. */
export type Wired = Pick<BentoCacheOptions<Record<string, BentoStore>>, 'connectPlain' | 'logger' | 'runtime'>

/**
 * Options of a cache where modules load from disk: any L2 driver of Bentocache's contract as it is, loggers with
 * children, and the runtime, made for this cache alone.
 */
export function wired<Options extends Wired>(options: Options, makeRuntime: () => Runtime): Options {
  const { connectPlain = loadPlainL2, logger, runtime = makeRuntime() } = options
  return { ...options, connectPlain, runtime, logger: logger && childLogger(logger) }
}
