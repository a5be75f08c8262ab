import type { Instant } from './clock.ts'
import { type Entry, freshness } from './entry.ts'
import { L2CacheError } from './errors.ts'
import { inL1 } from './serve.ts'
import type { Call } from './stack.ts'

/** The value that may be served if the factory fails: L2's own verdict, else what L1 still holds and may be trusted. */
export function gracedEntry(call: Call, found: Entry | undefined, now: Instant): Entry | undefined {
  const { journal, settings } = call.stack
  if (call.settings.grace === 0) return undefined
  const entry = found ?? inL1(call)
  if (!entry || freshness(entry, now) === 'dead') return undefined
  if (entry.gen !== journal.gen() || journal.verdict(entry) === 'hard') return undefined
  return journal.trusts(entry.asOf, settings.maxStaleness, now) ? entry : undefined
}

/** Whether a graced value may stand in for what failed. Who wants to hear of L2's failures hears of them. */
export function forgives({ hooks }: Call, error: unknown): boolean {
  return !(error instanceof L2CacheError) && hooks?.forgives?.(error) !== false
}

/** What L1 holds, however long ago it was checked: for callers who asked for that while L2 is out of reach. */
export function uncheckedEntry(call: Call, now: Instant): Entry | undefined {
  const entry = call.settings.onOutage === 'stale' ? inL1(call) : undefined
  return entry && freshness(entry, now) !== 'dead' ? entry : undefined
}
