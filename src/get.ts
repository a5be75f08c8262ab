import { instant } from './clock.ts'
import { type Entry, freshness } from './entry.ts'
import { L2CacheError } from './errors.ts'
import { gracedEntry } from './produce.ts'
import { openEntry, readL2 } from './read-l2.ts'
import { acknowledge } from './invalidate.ts'
import { serve } from './serve.ts'
import type { Call } from './stack.ts'
import { keep } from './write.ts'

/** Where a value was found; `graced` if it is expired and the call takes such. */
interface Hit {
  readonly entry: Entry
  readonly layer: 'l1' | 'l2'
  readonly graced: boolean
}

/** Looks in L1, then in L2. Nothing is computed or refreshed. */
async function find(call: Call): Promise<Hit | undefined> {
  const { stack, settings, runtime } = call
  const now = instant(runtime)
  const held = stack.l1?.find(call.id)
  if (
    held &&
    freshness(held, now) === 'fresh' &&
    stack.journal.trusts(held.asOf, stack.settings.maxStaleness, now)
  ) {
    stack.sync.pollIfDue(runtime, now)
    return { entry: held, layer: 'l1', graced: false }
  }
  try {
    const { entry, stale } = await readL2(call)
    if (entry) keep(call, entry)
    if (entry && (!stale || settings.grace > 0)) return { entry, layer: 'l2', graced: stale }
  } catch (error) {
    if (!(error instanceof L2CacheError) || !settings.suppressL2Errors) throw error
    const unchecked = settings.onOutage === 'stale' ? stack.l1?.find(call.id) : undefined
    if (unchecked && freshness(unchecked, now) !== 'dead')
      return { entry: unchecked, layer: 'l1', graced: true }
  }
  const graced = gracedEntry(call, undefined, instant(runtime))
  return graced && { entry: graced, layer: 'l1', graced: true }
}

/** The value, or the default: a function is only called on a miss. */
export async function get(call: Call, defaultValue: unknown): Promise<unknown> {
  const hit = await find(call)
  if (hit) return serve(call, hit.entry, hit.layer, hit.graced)
  miss(call)
  return typeof defaultValue === 'function' ? (defaultValue as () => unknown)() : defaultValue
}

/** Whether there is a fresh value. A graced one counts as missing. */
export async function has(call: Call): Promise<boolean> {
  const hit = await find(call)
  return hit !== undefined && !hit.graced
}

/**
 * Reads and deletes in one step of the coordinator, so that of many callers one gets the value. With L2 out of reach
 * nobody gets it: a value that may be taken twice is worse than a miss.
 */
export async function pull(call: Call): Promise<unknown> {
  const { stack, scope, runtime, settings, l2Key } = call
  const { journal, l1 } = stack
  const now = instant(runtime)
  const held = stack.driver ? undefined : l1?.find(call.id)
  const request = {
    key: l2Key,
    tags: scope.tags(settings.tags),
    namespaces: scope.namespaces,
    cursor: journal.cursor,
  }
  const taken = await acknowledge(call, 'take', request, [{ kind: 'key', name: l2Key, soft: false }])
  l1?.delete(call.id)
  const entry = held ?? (taken && openEntry(call, taken.reply, taken.sentAt, taken.origin.gen))
  const graced = held ? freshness(held, now) !== 'fresh' : taken?.reply.stale === true
  if (!entry || (graced && (settings.grace === 0 || freshness(entry, now) === 'dead'))) return void miss(call)
  const value = serve(call, entry, held ? 'l1' : 'l2', graced)
  stack.trace.tell({ type: 'deleted', store: stack.name, key: call.key })
  return value
}

function miss({ stack, key }: Call): void {
  if (stack.trace.active) stack.trace.tell({ type: 'miss', store: stack.name, key })
}
