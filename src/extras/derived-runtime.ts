import type { Runtime } from '../ports.ts'
import { waitUntilOf } from '../runtime.ts'

/**
 * A runtime that does what another does. That may be an instance of a class, with methods and private state, and its
 * `waitUntil` may be another one in each request: it is called, not copied.
 */
export function derivedRuntime(runtime: Runtime): Runtime {
  return {
    now: () => runtime.now(),
    monotonic: () => runtime.monotonic(),
    setTimer: (run, ms) => runtime.setTimer(run, ms),
    randomId: () => runtime.randomId(),
    random: () => runtime.random(),
    pending: runtime.pending,
    get waitUntil() {
      return waitUntilOf(runtime)
    },
  }
}
