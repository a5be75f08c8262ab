import { bridgeIfWatched } from '../diagnostics-channel.ts'
import { processRuntime } from './runtime.ts'
import { wired, type Wired } from './wiring.ts'

/**
 * Options of a cache in Node, Deno or Bun. Whoever listens to the tracing channel `bentocache.cache.operation` of
 * `node:diagnostics_channel` by now is told of its operations, as by Bentocache; who begins later takes
 * `bridgeDiagnosticsChannel`. Until somebody listens, operations pay nothing for it.
 */
export function inProcess<Options extends Wired>(options: Options): Options {
  bridgeIfWatched()
  return wired(options, processRuntime)
}
