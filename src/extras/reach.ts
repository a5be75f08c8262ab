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
