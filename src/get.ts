import { instant } from './clock.ts'
import { type Entry, freshness } from './entry.ts'
import { L2CacheError } from './errors.ts'
import { gracedEntry, uncheckedEntry } from './graced.ts'
import { invalidate } from './invalidate.ts'
import { confirmed } from './look.ts'
import { held, inL1, serve } from './serve.ts'
import { type Call, tell } from './stack.ts'
import { keep } from './write.ts'

/** Where a value was found; `graced` if it is expired and the call takes such. */
export interface Hit {
  readonly entry: Entry
  readonly layer: 'l1' | 'l2'
  readonly graced: boolean
}

/** Looks in L1, then in L2. Nothing is computed or refreshed. */
export async function find(call: Call): Promise<Hit | undefined> {
  const { settings } = call
  const now = instant(call.runtime)
  const own = held(call, now)
  if (own?.state === 'fresh') return { entry: own.entry, layer: 'l1', graced: false }
  let blind = false
  try {
    const found = await call.stack.l2?.read(call)
    const entry = found?.entry
    if (entry) keep(call, entry)
    if (entry && (!found.stale || settings.grace > 0)) return { entry, layer: 'l2', graced: found.stale }
    const only = entry ? undefined : confirmed(call)
    if (only) return { entry: only, layer: 'l1', graced: false }
  } catch (error) {
    if (!(error instanceof L2CacheError) || !settings.suppressL2Errors) throw error
    blind = true
  }
  const entry = (blind && uncheckedEntry(call, now)) || gracedEntry(call, undefined, instant(call.runtime))
  return entry && { entry, layer: 'l1', graced: true }
}

/** The value, or the default: a function is only called on a miss. */
export async function get(call: Call, defaultValue: unknown): Promise<unknown> {
  const hit = await find(call)
  const value = hit && serve(call, hit.entry, hit.layer, hit.graced)
  if (value !== undefined) return value
  if (!hit) tell(call, { type: 'miss' })
  return typeof defaultValue === 'function' ? (defaultValue as () => unknown)() : defaultValue
}

/** Whether there is a fresh value. A graced one counts as missing, and so does what is known to be nothing. */
export async function has(call: Call): Promise<boolean> {
  const hit = await find(call)
  return hit !== undefined && !hit.graced && !hit.entry.notes?.nothing
}

/**
 * Reads and deletes in one step of the coordinator, so that of many callers one gets the value. With L2 out of reach
 * nobody gets it: a value that may be taken twice is worse than a miss.
 */
export async function pull(call: Call): Promise<unknown> {
  const { codec, flights, l1, l2 } = call.stack
  flights.detach(call.id)
  const own = codec.needsText ? undefined : inL1(call)
  l1?.delete(call.id)
  const taken = await (l2
    ? l2.take(call)
    : invalidate(call, [{ kind: 'key', name: call.l2Key, soft: false }]))
  l1?.delete(call.id)
  const entry = taken && (own ?? ('entry' in taken ? taken.entry : undefined))
  const state = entry && freshness(entry, instant(call.runtime))
  if (!entry || state === 'dead' || (state !== 'fresh' && call.settings.grace === 0)) {
    return void tell(call, { type: 'miss' })
  }
  const value = serve(call, entry, own ? 'l1' : 'l2', state !== 'fresh')
  tell(call, { type: 'deleted' })
  return value
}
