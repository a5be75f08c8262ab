import { cacheStatus, type CacheStatusOptions } from './cache-status.ts'
import type { ObservedOperation } from './sighting.ts'

/** Options of {@link cacheStatuses}: those of `cacheStatus`. */
export type CacheStatusesOptions = CacheStatusOptions

/** Proxies refuse responses whose headers are long: this many members at most, and this many characters. */
const MOST_MEMBERS = 20
const MOST_CHARACTERS = 3000
const LONGEST_KEY = 100

/**
 * A value of the header `Cache-Status` that tells of the reads of a request, a member each, in the order in which they
 * began: the first 20 of them, fewer if keys are long. What the header held before stands in front. `undefined`: there
 * is nothing to tell.
 *
 * @throws {@link InvalidOptionError} for a name that no header can hold.
 */
export function cacheStatuses(
  operations: readonly ObservedOperation[],
  { received, ...options }: CacheStatusesOptions = {},
): string | undefined {
  const members = operations.flatMap(({ answer }) =>
    answer ? cacheStatus({ ...answer, key: shortened(answer.key) }, options) : [],
  )
  return [received, fitting(members)].filter(Boolean).join(', ') || undefined
}

/**
 * A value of the header `Server-Timing`: a metric for each operation of a request, in the order in which they began, with
 * what it was, where the value came from, and how long it took. The first 20 of them. No keys. `undefined`: there is
 * nothing to tell.
 */
export function serverTiming(operations: readonly ObservedOperation[]): string | undefined {
  return fitting(operations.map((one) => `cache;desc="${describe(one)}";dur=${duration(one)}`)) || undefined
}

function fitting(members: readonly string[]): string {
  let text = ''
  for (const member of members.slice(0, MOST_MEMBERS)) {
    const longer = text ? `${text}, ${member}` : member
    if (longer.length > MOST_CHARACTERS) break
    text = longer
  }
  return text
}

function shortened(key: string): string {
  return key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}...` : key
}

/** Made of words of this project alone, so it needs no escaping. */
function describe({ operation, answer, error }: ObservedOperation): string {
  if (!answer) return error === undefined ? operation : `${operation} failed`
  const { tier, reason, negative, collapsed } = answer
  return [operation, reason, collapsed && 'collapsed', tier, negative && 'nothing'].filter(Boolean).join(' ')
}

function duration({ ms }: ObservedOperation): number {
  return Number.isFinite(ms) ? Math.round(ms * 10) / 10 : 0
}
