import type { Instant } from './clock.ts'
import { type Entry, freshness } from './entry.ts'
import type { Journal } from './journal.ts'
import type { Sieve } from './sieve.ts'

/** The memory tier: entries of this isolate, each checked against the journal when it is looked at. */
export interface L1 {
  /** What is under the key, whatever speaks against it; looking counts for nothing. */
  peek(key: string): Entry | undefined
  /** The entry, if no known event speaks against it. A soft one marks it stale. */
  find(key: string): Entry | undefined
  /**
   * Puts an entry in, unless what is known by now speaks against it, or a newer one is there.
   * `'older'`: what is there is newer. `'oversized'`: it could never fit.
   */
  keep(entry: Entry, now: Instant): 'kept' | 'refused' | 'older' | 'oversized'
  /** Drops an entry: whatever is under the key, or only `entry` itself. */
  delete(key: string, entry?: Entry): void
  /** Marks what is under the key as stale. */
  expire(key: string): void
  clear(): void
}

/**
 * Makes the memory tier. An entry is compared with the journal only when events came in since its last check, so a
 * hit costs one comparison of two numbers, and an invalidation costs nothing per entry.
 */
export function makeL1(entries: Sieve<Entry>, journal: Journal): L1 {
  const drop = (key: string, entry?: Entry): void => {
    if (!entry || entries.peek(key) === entry) entries.delete(key)
  }
  const checked = (entry: Entry): Entry | undefined => {
    const verdict = journal.verdict(entry)
    if (verdict === 'hard') return void drop(entry.key, entry)
    if (verdict === 'soft') entry.soft = true
    entry.cursor = Math.max(entry.cursor, journal.seen())
    return entry
  }
  return {
    peek: (key) => entries.peek(key),
    find: (key) => {
      const entry = entries.get(key)
      return !entry || entry.cursor === journal.seen() ? entry : checked(entry)
    },
    keep: (entry, now) => {
      if (entry.gen !== journal.gen() || !checked(entry)) return 'refused'
      const present = entries.peek(entry.key)
      // A late reply, or a factory that was taken over, must not replace what was read or begun after it.
      const newer = present && present.asOf.monotonic > entry.asOf.monotonic && checked(present)
      if (newer && freshness(newer, now) === 'fresh') return 'older'
      // A failing origin is spared for as long, however often its graced value is read again.
      if (present) entry.backoffUntil = present.backoffUntil + present.born.monotonic - entry.born.monotonic
      return entries.set(entry) ? 'kept' : 'oversized'
    },
    delete: drop,
    expire: (key) => {
      const entry = entries.peek(key)
      if (entry) entry.soft = true
    },
    clear: () => entries.clear(),
  }
}
