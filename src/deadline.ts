import type { IsOver, Runtime } from './ports.ts'

/** What {@link within} gives when time ran out first. */
export const TIMED_OUT: unique symbol = Symbol('timed out')

/**
 * Waits for `promise` at most `ms`, on a timer of the caller's own.
 *
 * The promise may belong to another request whose cancellation settles nothing: only the waiter's own timer is
 * sure to fire. The timer is cleared as soon as the promise settles.
 */
export function within<T>(runtime: Runtime, promise: Promise<T>, ms: number): Promise<T | typeof TIMED_OUT> {
  if (ms === Infinity) return promise
  return new Promise((resolve, reject) => {
    const cancel = runtime.setTimer(() => resolve(TIMED_OUT), Math.ceil(ms))
    promise.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error) => {
        cancel()
        reject(error)
      },
    )
  })
}

/** Ends a call of several requests that nobody waits for any more. */
export function checkWanted(isOver: IsOver | undefined): void {
  if (isOver?.()) throw new Error('the caller has given up')
}

/** Waits `ms` on a timer of the caller's own. */
export function sleep(runtime: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => {
    runtime.setTimer(resolve, Math.ceil(ms))
  })
}
