/**
 * A bridge from the cache's tracing channel to Node's `diagnostics_channel`, for whoever already listens there. Needs
 * `node:diagnostics_channel`: Node, Deno, Bun, or a Worker with `nodejs_compat`.
 *
 * @module
 */
// oxlint-disable-next-line no-restricted-imports -- the bridge is for those who have Node's channel
import { tracingChannel } from 'node:diagnostics_channel'
import { type CacheOperationMessage, tracingChannels } from '../src/tracing-channels.ts'

let stop: (() => void) | undefined

/**
 * Tells Node's tracing channel `bentocache.cache.operation` all that `tracingChannels.cacheOperation` tells: the same
 * messages, the same objects, stores bound to its `start` included. Once is enough: while the bridge stands, calling
 * this again changes nothing. Returns what takes it down.
 *
 * @example
 * ```ts
 * import { bridgeDiagnosticsChannel } from 'ekiben/adapters/diagnostics-channel'
 *
 * const takeDown = bridgeDiagnosticsChannel()
 * ```
 */
export function bridgeDiagnosticsChannel(): () => void {
  return (stop ??= build())
}

/** {@link bridgeDiagnosticsChannel}, if anybody listens to Node's channel by now. */
export function bridgeIfWatched(): void {
  const { start, end, asyncStart, asyncEnd, error } = tracingChannel(tracingChannels.cacheOperation.name)
  if ([start, end, asyncStart, asyncEnd, error].some(({ hasSubscribers }) => hasSubscribers))
    bridgeDiagnosticsChannel()
}

function build(): () => void {
  const { cacheOperation } = tracingChannels
  const { start, end, asyncStart, asyncEnd, error } = tracingChannel(cacheOperation.name)
  // Not a subscriber: stores that are bound to Node's channel must hold the message while the operation runs.
  const begin = {
    run: <Result>(message: CacheOperationMessage, callback: () => Result): Result =>
      start.runStores(message, callback),
  }
  const others = {
    end: (message: object) => end.publish(message),
    asyncStart: (message: object) => asyncStart.publish(message),
    asyncEnd: (message: object) => asyncEnd.publish(message),
    error: (message: object) => error.publish(message),
  }
  cacheOperation.start.bindStore(begin)
  cacheOperation.subscribe(others)
  return function takeDown() {
    if (stop !== takeDown) return
    cacheOperation.start.unbindStore(begin)
    cacheOperation.unsubscribe(others)
    stop = undefined
  }
}
