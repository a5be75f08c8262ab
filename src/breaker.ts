import { age, type Instant } from './clock.ts'

/** Failures in a row that open the breaker. */
const FAILURES = 5

/** Leaves a failing store alone. */
export interface Breaker {
  /** Whether a call may go out now. */
  allows(now: Instant): boolean
  /** Gives `true` when this closed it. */
  succeeded(): boolean
  /** Gives `true` when this opened it. */
  failed(now: Instant): boolean
}

/**
 * Makes a breaker: after five failures in a row nothing is asked for `pause` milliseconds (0 is off), then one call
 * probes. All lazy, no timer. A probe that never reports (its request was cancelled) gives way to another.
 */
export function makeBreaker(pause: number): Breaker {
  let failures = 0
  /** Start of the pause; moved on by each probe, so that one goes out per pause. */
  let since: Instant | undefined
  return {
    allows: (now) => {
      if (!since) return true
      if (age(since, now) < pause) return false
      since = now
      return true
    },
    succeeded: () => {
      const closed = since !== undefined
      failures = 0
      since = undefined
      return closed
    },
    failed: (now) => {
      if (pause === 0 || ++failures < FAILURES) return false
      const opened = !since
      since = now
      return opened
    },
  }
}
