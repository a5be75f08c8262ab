import { instant } from './clock.ts'
import { L2CacheError } from './errors.ts'
import { acknowledge, unacknowledged } from './invalidate.ts'
import type { Call } from './stack.ts'
import { commit, type Draft, draft, keep } from './write.ts'

/**
 * Writes a value into both tiers and tells the other isolates, in one round trip. `false`: L2 did not acknowledge it;
 * this isolate has the value, and the key is invalidated elsewhere as soon as L2 is back.
 *
 * @throws {@link UndefinedValueError}, {@link SerializationError}; {@link L2CacheError} if `suppressL2Errors` is off.
 */
export async function set(call: Call, value: unknown): Promise<boolean> {
  const { stack, runtime, settings, l2Key, key, id } = call
  const { journal, trace, name: store } = stack
  const made = draft(call, value, settings, {
    cursor: journal.seen,
    gen: journal.gen,
    asOf: instant(runtime),
  })
  stack.flights.detach(id)
  stack.l1?.delete(id)
  const own = { kind: 'key', name: l2Key } as const
  if (made.payload === undefined) return setL1Only(call, made)
  try {
    await commit(call, made, { kind: 'set' })
    keep(call, made.entry)
    if (trace.active) trace.tell({ type: 'published', store, message: { type: 'set', keys: [key] } })
    return true
  } catch (error) {
    if (!(error instanceof L2CacheError)) throw error
    keep(call, made.entry)
    // Not written again: a late write could bury a newer one. A late invalidation buries nothing that is not computed anew.
    unacknowledged(call, [{ ...own, soft: false }])
    if (!settings.suppressL2Errors) throw error
    return false
  }
}

/** L2 must not go on with the old value: where the new one is only skipped it turns stale, else it goes. */
async function setL1Only(call: Call, { entry, value }: Draft): Promise<boolean> {
  const { stack, settings, l2Key, key } = call
  const event = { kind: 'key', name: l2Key, soft: settings.skipL2Write } as const
  const request = { events: [event], cursor: stack.journal.cursor }
  const told = settings.skipBusNotify || (await acknowledge(call, 'invalidate', request, [event]))
  keep(call, typeof told === 'object' ? { ...entry, ...told.origin } : entry)
  stack.trace.tell({ type: 'written', store: stack.name, key, value })
  return told !== undefined
}
