import { CacheError } from './errors.ts'

/** A driver was given to `atomics` whose store has no one order of its changes. */
export class NotLinearizableError extends CacheError {
  static override readonly code: string = 'E_NOT_LINEARIZABLE'
  static override readonly title: string = 'NotLinearizableError'

  constructor() {
    super(
      'This driver cannot keep locks or counters: memory belongs to one isolate, Cloudflare KV shows a change late, and ' +
        'plain drivers cannot compare. Give atomics() what durableObjectDriver, durableObjectHttpDriver, upstashDriver, ' +
        'vercelKvDriver or redisDriver returns, or one of their buses',
    )
  }
}

/**
 * The store did not say whether it did what it was asked: it cannot be reached, was too slow, or its answer was lost. What
 * went wrong is the `cause`. Repeating is safe: `add` and `increment` with `op`, all others as they were.
 */
export class NotAcknowledgedError extends CacheError {
  static override readonly code: string = 'E_NOT_ACKNOWLEDGED'
  static override readonly title: string = 'NotAcknowledgedError'
  /** What was asked, such as `'increment'`. */
  readonly step: string
  /** Of `add` and `increment`: given again as their option `op`, the step is done once, however often it is asked. */
  readonly op: string | undefined

  constructor(step: string, cause: unknown, op?: string) {
    super(`The store did not acknowledge ${step}: it may have been done, or not`, cause)
    this.step = step
    this.op = op
  }
}

/** What a counter would have to count is no number it can. Nothing was changed. */
export class CounterError extends CacheError {
  static override readonly code: string = 'E_COUNTER'
  static override readonly title: string = 'CounterError'
  /** `type`: the name holds something that is no whole number. `range`: the result is no safe integer. */
  readonly reason: 'type' | 'range'

  constructor(name: string, reason: 'type' | 'range') {
    const why =
      reason === 'type' ? 'it holds something that is no whole number' : 'the result is no safe integer'
    super(`Cannot count, name: ${name}: ${why}`)
    this.reason = reason
  }
}

/** `withLock` did not get the lock: somebody else holds it, and did so for all of `wait`. */
export class LockHeldError extends CacheError {
  static override readonly code: string = 'E_LOCK_HELD'
  static override readonly title: string = 'LockHeldError'

  constructor(name: string) {
    super(`Somebody else holds the lock, name: ${name}`)
  }
}
