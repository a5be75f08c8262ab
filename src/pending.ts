import type { Pending } from './ports.ts'

/**
 * Holds what goes on behind answers until it is done, for `bento.flush()`: the `pending` of a runtime. One for each
 * cache. `begun` is called with each piece of work.
 *
 * @example
 * ```ts
 * import { holdPending, systemRuntime, type Runtime } from 'ekiben/core'
 *
 * export const makeRuntime = (): Runtime => ({ ...systemRuntime, pending: holdPending() })
 * ```
 */
export function holdPending(begun?: () => void): Pending {
  const pending = new Set<Promise<unknown>>()
  return {
    add: (work) => {
      const end = (): boolean => pending.delete(work)
      pending.add(work)
      work.then(end, end)
      begun?.()
    },
    settled: async () => {
      // What is done may have begun more.
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
