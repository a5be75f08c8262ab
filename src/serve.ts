import type { Instant } from './clock.ts'
import { type Entry, type Freshness, freshness, valueOf } from './entry.ts'
import { type Call, tell } from './stack.ts'

/** Why an expired value is given: its refresh runs behind, the soft timeout passed, the factory failed, or L2 is away. */
export type StaleReason = 'refresh' | 'timeout' | 'error' | 'outage'

/** What L1 has of a key. An entry written through a parent is not the child's, whatever its key looks like. */
export function inL1({ stack, scope, id }: Call): Entry | undefined {
  const entry = stack.l1?.find(id)
  return entry && entry.namespaces.length >= scope.namespaces.length ? entry : undefined
}

/** What L1 has of a key, if it may be trusted. News are asked for behind the answer when they are due. */
export function held(
  call: Call,
  now: Instant,
): { readonly entry: Entry; readonly state: Freshness } | undefined {
  const { l2, journal, settings } = call.stack
  const entry = inL1(call)
  if (!entry || !journal.trusts(entry.asOf, settings.maxStaleness, now)) return undefined
  const state = freshness(entry, now)
  if (state === 'dead') call.stack.l1?.delete(entry.key, entry)
  if (state === 'fresh' || state === 'backoff') l2?.pollIfDue(call.runtime, now)
  return { entry, state }
}

/** The caller's own copy of a value. */
export function valueFor({ stack }: Call, entry: Entry): unknown {
  return valueOf(entry.body, stack.codec.serializer)
}

/** How a value is given: fresh (`false`), made just now by whoever's factory (`'flight'`), or graced, and why if that is known. */
export type Manner = boolean | StaleReason | 'flight'

/** Whether a value is given although it is expired. */
export function isGraced(manner: Manner): boolean {
  return manner !== false && manner !== 'flight'
}

/** Hands a value out of a tier, or of the caller's own factory. */
export function serve(call: Call, entry: Entry, layer: 'l1' | 'l2' | 'factory', manner: Manner): unknown {
  call.hooks?.served?.(entry, layer, manner)
  const graced = isGraced(manner)
  // Listeners have a copy of their own: what they do with it is not the caller's.
  if (layer !== 'factory' && call.stack.trace.active())
    tell(call, { type: `${layer}.hit`, graced, value: valueFor(call, entry) })
  return valueFor(call, entry)
}

/** Hands an expired value out, and says why. */
export function serveStale(call: Call, entry: Entry, layer: 'l1' | 'l2', reason: StaleReason): unknown {
  tell(call, { type: 'stale.served', reason })
  return serve(call, entry, layer, reason)
}
