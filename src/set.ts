import { instant } from './clock.ts'
import { L2CacheError } from './errors.ts'
import { invalidate } from './invalidate.ts'
import { type Call, publish, tell } from './stack.ts'
import { type Draft, keep, makeDraft } from './write.ts'

/**
 * Writes a value into both tiers and tells the other isolates, in one round trip. `false`: L2 did not acknowledge it;
 * this isolate keeps the value if nothing newer is there, and the key is invalidated elsewhere as soon as L2 is back.
 *
 * @throws {@link UndefinedValueError}, {@link SerializationError}; {@link L2CacheError} if `suppressL2Errors` is off.
 */
export async function set(call: Call, value: unknown): Promise<boolean> {
  const { stack, settings, id } = call
  const { journal, flights, l1, l2 } = stack
  const origin = { cursor: journal.seen(), gen: journal.gen(), asOf: instant(call.runtime) }
  const draft = makeDraft(call, value, settings, origin)
  flights.detach(id)
  l1?.delete(id)
  let told: boolean | undefined
  try {
    told = await (l2 ? l2.commit(call, draft, { kind: 'set' }) : setAlone(call, draft))
  } catch (error) {
    if (!(error instanceof L2CacheError) || !settings.suppressL2Errors) throw error
  } finally {
    keep(call, draft.entry)
  }
  tell(call, { type: 'written', value: draft.value })
  if (!told) return false
  if (!settings.skipBusNotify) publish(stack, 'set', [call.key])
  return true
}

/** Flights of the isolate that began before must not put their value over this one. */
async function setAlone(call: Call, { entry }: Draft): Promise<boolean> {
  const told = await invalidate(call, [{ kind: 'key', name: call.l2Key, soft: false }])
  entry.cursor = told?.page.head.seq ?? entry.cursor
  return true
}
