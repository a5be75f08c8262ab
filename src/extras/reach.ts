import type { Cache, KeyOptions } from '../cache.ts'
import type { Call, Operation } from '../stack.ts'

/*
 * Operations in modules of their own work on what a cache keeps to itself. They reach it here, and nowhere else.
 */

/** An operation on a cache, with its options joined. @throws {@link InvalidOptionError} */
export function operationOf(cache: Cache, options: object | undefined, key?: string): Operation {
  return cache['operation'](options, key)
}

/** Runs an operation on one key. @throws {@link InvalidOptionError} */
export function callOn<T>(cache: Cache, options: KeyOptions, run: (call: Call) => Promise<T>): Promise<T> {
  return cache['call'](options, run)
}

/** Keys that are changed; `'all'` where they cannot be named. */
export type Changed = readonly string[] | 'all'

const memories = new WeakMap<Cache, (changed: Changed) => void>()

/** Has somebody who remembers what a cache gave told of what is changed through it. */
export function rememberFor(cache: Cache, forget: (changed: Changed) => void): void {
  memories.set(cache, forget)
}

/** Work that changes keys. It is told when it begins and when it is done, as somebody may have read in between. */
export function changing<T>(cache: Cache, changed: Changed, work: Promise<T>): Promise<T> {
  const forget = memories.get(cache)
  forget?.(changed)
  return forget ? work.finally(() => forget(changed)) : work
}
