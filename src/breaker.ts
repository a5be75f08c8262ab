import { age, type Instant } from './clock.ts'

/** Failures in a row that open the breaker. */
const FAILURES = 5

/**
 * Leaves a failing store alone: after five failures in a row nothing is asked for a while, then one call probes.
 * All lazy, no timer. A probe that never reports (its request was cancelled) gives way to another.
 */
export class Breaker {
  readonly #pause: number
  #failures = 0
  /** Start of the pause; moved on by each probe, so that one goes out per pause. */
  #since: Instant | undefined

  /** `pause`: how long to leave the store alone, in milliseconds; 0 is off. */
  constructor(pause: number) {
    this.#pause = pause
  }

  /** Whether a call may go out now. */
  allows(now: Instant): boolean {
    if (this.#since === undefined) return true
    if (age(this.#since, now) < this.#pause) return false
    this.#since = now
    return true
  }

  /** Gives `true` when this closed it. */
  succeeded(): boolean {
    const closed = this.#since !== undefined
    this.#failures = 0
    this.#since = undefined
    return closed
  }

  /** Gives `true` when this opened it. */
  failed(now: Instant): boolean {
    if (this.#pause === 0 || ++this.#failures < FAILURES) return false
    const opened = this.#since === undefined
    this.#since = now
    return opened
  }
}
