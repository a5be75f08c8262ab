// oxlint-disable-next-line no-restricted-imports -- Node, Deno and Bun have it, and only their adapters lead here
import process from 'node:process'
import type { BentoCache } from '../../src/bento-cache.ts'
import { within } from '../../src/deadline.ts'
import { type Duration, toMilliseconds } from '../../src/durations.ts'
import { systemRuntime } from '../../src/runtime.ts'

/** Signals that ask a process to end. */
export type EndSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** Options of {@link closeOnSignals}. */
export interface CloseOptions {
  /** @default ['SIGTERM', 'SIGINT'] */
  readonly signals?: readonly EndSignal[] | undefined
  /** Comes before, and is waited for: closing the server, so that no new requests arrive. What it throws is dropped. */
  readonly first?: (() => unknown) | undefined
  /** How long all of it is waited for. `null` is for ever. @default 4000: Deno Deploy kills after 5 s, most hosts later */
  readonly timeout?: Duration | undefined
}

/**
 * Ends a process in order when it is asked to: waits for `first`, then for what goes on behind answers
 * ({@link BentoCache.flush}), closes what drivers hold open, and lets the signal do what it does without this: end the
 * process, unless somebody else listens to it. A second signal is not held up. Returns what takes it back.
 *
 * @throws {@link InvalidOptionError} unless `timeout` is a duration.
 * @example
 * ```ts
 * import { BentoCache, bentostore, closeOnSignals } from 'ekiben/adapters/node'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * closeOnSignals(bento, { timeout: '10s' })
 * ```
 */
export function closeOnSignals(
  bento: BentoCache,
  { signals = ['SIGTERM', 'SIGINT'], first, timeout = 4000 }: CloseOptions = {},
): () => void {
  const ms = toMilliseconds(timeout, 'timeout') ?? Infinity
  const close = async (): Promise<void> => {
    try {
      await first?.()
    } catch {
      // Whatever does not close is no reason to lose work.
    }
    await bento.flush()
  }
  const end = async (signal: EndSignal): Promise<void> => {
    stop()
    try {
      await within(systemRuntime, close(), ms)
      await within(systemRuntime, bento.disconnectAll(), 1000)
    } finally {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    }
  }
  const onSignal = (signal: EndSignal): void => void end(signal).catch(() => {})
  const stop = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return stop
}
