import type { PayloadCodec } from './codecs/codec.ts'
import { TIMED_OUT, within } from './deadline.ts'
import type { Entry } from './entry.ts'
import { InvalidOptionError, L2CacheError } from './errors.ts'
import type { Guard } from './guard.ts'
import { utf8Length } from './key.ts'
import { finite } from './l2.ts'
import { seal } from './payload.ts'
import type { CommitMode, Limits, MaybePromise } from './ports.ts'
import { placeOf } from './read-l2.ts'
import { acknowledge, unacknowledged } from './retry.ts'
import { type Call, tell } from './stack.ts'
import { type Draft, keep } from './write.ts'

/** A value on its way into L2. */
interface Commit {
  readonly call: Call
  readonly draft: Draft
  readonly mode: CommitMode
}

/**
 * Asks the coordinator to take a value, in one round trip. The entry's own place is raised to the write's, so that
 * the write does not evict it but whatever comes after does; refused, it leaves L1.
 */
export async function commit(guard: Guard, limits: Limits, work: Commit): Promise<boolean | undefined> {
  const { call, draft, mode } = work
  // What is kept as it is need not be sent again, unless it is no longer there.
  if (draft.keeps !== undefined && (await send(guard, work, undefined))) return true
  const made = payloadOf(call, draft, limits)
  const payload = made instanceof Promise ? await made : made
  if (payload !== undefined && (await send(guard, work, payload))) return true
  // What was set or asked for anew is newer than whatever L2 has, even where it may not take its place.
  if (mode.kind === 'set' || call.settings.forceFresh) return replaceNothing(guard, work)
  return payload === undefined ? undefined : false
}

/** Absent when L2 is not to get the value: it keeps none, it is told so, or the value is too large for it. */
function payloadOf(
  call: Call,
  { entry, text, settings }: Draft,
  limits: Limits,
): MaybePromise<string | undefined> {
  if (text === undefined || !call.stack.codec.needsText || settings.skipL2Write) return undefined
  const { codec, schemaVersion: schema } = call.stack.settings
  const fullKey = call.scope.l2Key(call.id)
  const key = fullKey === call.l2Key ? undefined : fullKey
  const payload = seal({
    created: entry.created ?? call.runtime.now(),
    key,
    notes: entry.notes,
    schema,
    text,
  })
  return codec ? sealed(call, codec, { payload, entry, limits }) : fitting(call, payload, limits)
}

/** A codec that fails, or takes longer than L2 may, leaves the value in L1: L2 is not to get it unsealed. */
async function sealed(
  call: Call,
  codec: PayloadCodec,
  { payload, entry, limits }: { readonly payload: string; readonly entry: Entry; readonly limits: Limits },
): Promise<string | undefined> {
  const { runtime, stack } = call
  const work = async (): Promise<string> => codec.seal(payload, placeOf(call, entry.namespaces))
  let failure: unknown
  const stored = await within(runtime, work(), stack.settings.l2Timeout).catch(
    (error: unknown): typeof TIMED_OUT => {
      failure = error
      return TIMED_OUT
    },
  )
  if (stored !== TIMED_OUT) return fitting(call, stored, limits)
  tell(call, { type: 'unsealed' })
  // Nothing was set up for it: whoever waits is to know, and for who does not it is told.
  if (failure instanceof InvalidOptionError) throw failure
  return undefined
}

function fitting(call: Call, payload: string, { maxValueBytes = Infinity }: Limits): string | undefined {
  if (payload.length * 3 <= maxValueBytes) return payload
  const bytes = utf8Length(payload)
  if (bytes <= maxValueBytes) return payload
  tell(call, { type: 'oversized', layer: 'l2', bytes })
  return undefined
}

async function send(
  guard: Guard,
  { call, draft, mode }: Commit,
  payload: string | undefined,
): Promise<boolean> {
  const { entry, freshFor, staleFor, keeps } = draft
  const { stack, runtime } = call
  const { journal, l1 } = stack
  const request = {
    op: runtime.randomId(),
    key: call.l2Key,
    version: (payload === undefined && keeps) || runtime.randomId(),
    payload,
    keeps: payload === undefined ? keeps : undefined,
    freshFor: finite(freshFor),
    staleFor: finite(staleFor),
    tags: entry.tags,
    namespaces: entry.namespaces,
    mode,
  }
  const told = await guard
    .ask(runtime, 'commit', request, {
      onReply: ({ stored, at = -1 }, sent) => {
        // What is only not there any more may still be written whole.
        if (!stored && payload !== undefined) l1?.delete(entry.key, entry)
        // Only within one generation of the journal can places be compared.
        if (stored && sent.gen === journal.gen() && sent.gen === entry.gen)
          entry.cursor = Math.max(entry.cursor, at)
        return mode.kind === 'lease' || at < 0 ? undefined : at
      },
    })
    .catch((error: unknown) => {
      // Not written again: a late write could bury a newer one. A late invalidation only has it computed anew.
      if (error instanceof L2CacheError && mode.kind === 'set')
        unacknowledged(guard, call, [ownKey(call, false)])
      throw error
    })
  const { stored, at, page } = told.reply
  if (stored) entry.version = request.version
  if (stored && entry.gen !== told.gen && told.gen === journal.gen() && at === page.head.seq) {
    // The page emptied L1, but what the coordinator has just accepted is as new as the journal's end.
    entry.gen = told.gen
    entry.cursor = at
    if (mode.kind !== 'set') keep(call, entry)
  }
  tell(call, { type: 'commit', stored, mode: mode.kind })
  return stored
}

/** L2 must not go on with the old value: where the new one is only skipped it turns stale, else it goes. */
async function replaceNothing(guard: Guard, { call, draft }: Commit): Promise<boolean> {
  const { skipL2Write, skipBusNotify } = draft.settings
  if (skipL2Write && skipBusNotify) return true
  const events = [ownKey(call, skipL2Write)]
  const told = await acknowledge(guard, call, events, { name: 'invalidate', request: { events } })
  if (!told) return false
  // The invalidation makes way for the entry, it does not speak against it.
  draft.entry.gen = told.gen
  draft.entry.cursor = told.reply.page.head.seq
  return true
}

function ownKey({ l2Key }: Call, soft: boolean): { kind: 'key'; name: string; soft: boolean } {
  return { kind: 'key', name: l2Key, soft }
}
