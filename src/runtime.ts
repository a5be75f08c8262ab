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

/**
 * The `waitUntil` of whoever has one, to be called by itself: some refuse any other owner. Absent stays absent, which is not
 * the same as doing nothing: writes are then waited for.
 */
export function waitUntilOf(owner: Pick<Runtime, 'waitUntil'> | undefined): Runtime['waitUntil'] {
  return owner?.waitUntil && ((work) => owner.waitUntil?.(work))
}

function noop(): void {}
