import type { Runtime } from './ports.ts'

/** The runtime of a process that outlives its requests: web-standard globals, and no `waitUntil`. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (run, ms) => {
    // Timers hold 31 bits of milliseconds; a longer one would fire at once.
    const timer = setTimeout(run, Math.min(ms, 0x7fffffff))
    return () => clearTimeout(timer)
  },
  randomId: () => crypto.randomUUID(),
  random: () => Math.random(),
}

/**
 * Hands work that outlives the answer to the runtime. Its failures are already told in the trace, so here they end.
 * A `waitUntil` that throws (no request to live in) loses nothing: the promise runs on, and is held, as without one.
 */
export function inBackground(runtime: Runtime, work: Promise<unknown>): void {
  const settled = work.then(noop, noop)
  try {
    if (runtime.waitUntil) return runtime.waitUntil(settled)
  } catch {
    // Outside a request there is nothing to keep alive.
  }
  runtime.pending?.add(settled)
}

function noop(): void {}
