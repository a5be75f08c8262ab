// oxlint-disable-next-line no-restricted-imports -- Node, Deno and Bun have it, and only their adapters lead here
import process from 'node:process'
import type { BentoCache } from '../../src/bento-cache.ts'
import { within } from '../../src/deadline.ts'
import { type Duration, toMilliseconds } from '../../src/durations.ts'
import { systemRuntime } from '../../src/runtime.ts'

/** What listens here, for all caches of the process, and how many of those are being closed: the last lets the signal do the rest. */
const own = new Set<unknown>()
let closing = 0

/** Signals that ask a process to end. */
export type EndSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** Options of {@link closeOnSignals}. */
export interface CloseOptions {
  /** @default ['SIGTERM', 'SIGINT'] */
  readonly signals?: readonly EndSignal[] | undefined
  /** Comes before, and is waited for: closing the server, so that no new requests arrive. What it throws is dropped. */
  readonly first?: (() => unknown) | undefined
  /** How long work is waited for; closing gets a second more. `null`: for ever. @default 4000: Deno Deploy kills after 5 s */
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
    closing += 1
    // Now, as who listens once is not to be seen later.
    const left = isHeard(signal)
    try {
      await within(systemRuntime, close(), ms)
      await within(systemRuntime, bento.disconnectAll(), 1000)
    } finally {
      closing -= 1
      if (closing === 0 && !left && !isHeard(signal)) process.kill(process.pid, signal)
    }
  }
  const onSignal = (signal: string): void => void end(signal as EndSignal).catch(() => {})
  const stop = (): void => {
    own.delete(onSignal)
    for (const signal of signals) process.off(signal, onSignal)
  }
  own.add(onSignal)
  // In front of others, of whom some are gone once they have been called. Deno knows no order but that of coming.
  for (const signal of signals) process.prependListener(signal, onSignal)
  return stop
}

/** Whether somebody else listens, who then decides how the process ends. */
function isHeard(signal: EndSignal): boolean {
  return process.listeners(signal).some((listener) => !own.has(listener))
}
