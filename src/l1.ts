import type { Instant } from './clock.ts'
import { type Entry, freshness } from './entry.ts'
import type { Journal } from './journal.ts'
import type { Sieve } from './sieve.ts'

/**
 * The memory tier: entries of this isolate, each checked against the journal when it is looked at.
 *
 * An entry is compared with the journal only when events came in since its last check, so a hit costs one comparison
 * of two numbers, and an invalidation costs nothing per entry.
 */
export class L1 {
  readonly #entries: Sieve<Entry>
  readonly #journal: Journal

  constructor(entries: Sieve<Entry>, journal: Journal) {
    this.#entries = entries
    this.#journal = journal
  }

  /** The entry, if no known event speaks against it. A soft one marks it stale. */
  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.cursor === this.#journal.seen) return entry
    return this.#checked(entry)
  }

  /**
   * Puts an entry in, unless what is known by now speaks against it, or a newer one is there.
   * `'older'`: what is there is newer. `'oversized'`: it could never fit.
   */
  keep(entry: Entry, now: Instant): 'kept' | 'refused' | 'older' | 'oversized' {
    if (entry.gen !== this.#journal.gen || !this.#checked(entry)) return 'refused'
    const present = this.#entries.peek(entry.key)
    // A late reply, or a factory that was taken over, must not replace what was read or begun after it.
    const newer = present && present.asOf.monotonic > entry.asOf.monotonic && this.#checked(present)
    if (newer && freshness(newer, now) === 'fresh') return 'older'
    return this.#entries.set(entry) ? 'kept' : 'oversized'
  }

  /** Drops an entry: whatever is under the key, or only `entry` itself. */
  delete(key: string, entry?: Entry): void {
    if (entry === undefined || this.#entries.peek(key) === entry) this.#entries.delete(key)
  }

  /** Marks what is under the key as stale. */
  expire(key: string): void {
    const entry = this.#entries.peek(key)
    if (entry) entry.soft = true
  }

  clear(): void {
    this.#entries.clear()
  }

  #checked(entry: Entry): Entry | undefined {
    const verdict = this.#journal.verdict(entry.l2Key, entry, entry.cursor)
    if (verdict === 'hard') {
      this.delete(entry.key, entry)
      return undefined
    }
    if (verdict === 'soft') entry.soft = true
    entry.cursor = Math.max(entry.cursor, this.#journal.seen)
    return entry
  }
}
