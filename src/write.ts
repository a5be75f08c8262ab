import { type Instant, instant } from './clock.ts'
import { encode, type Entry } from './entry.ts'
import type { Settings } from './options.ts'
import { seal } from './payload.ts'
import type { CommitMode } from './ports.ts'
import { fitsL2 } from './read-l2.ts'
import { type Call, tell } from './stack.ts'

/** A value made ready for both tiers. */
export interface Draft {
  readonly value: unknown
  readonly entry: Entry
  /** Absent when L2 is not to get it: there is none, it is told so, or the value is too large for it. */
  readonly payload: string | undefined
  readonly freshFor: number
  readonly staleFor: number
}

/** What a value's place in the order of changes hangs on. */
export interface Origin {
  /** Place in the journal the value is as new as. */
  readonly cursor: number
  readonly gen: number
  /** When its computation began. */
  readonly asOf: Instant
}

/**
 * Makes a value ready to be kept.
 *
 * @throws {@link UndefinedValueError}, {@link SerializationError}
 */
export function draft(call: Call, value: unknown, settings: Settings, origin: Origin): Draft {
  const { stack, scope, id, key, l2Key, runtime } = call
  const { body, text } = encode(stack.codec, key, value)
  const { l1Ttl = Infinity } = stack.settings
  const freshFor = settings.ttl
  const staleFor = Math.max(freshFor, settings.grace)
  const entry: Entry = {
    key: id,
    l2Key,
    body,
    tags: scope.tags(settings.tags),
    namespaces: scope.namespaces,
    born: instant(runtime),
    ...origin,
    freshFor: Math.min(freshFor, l1Ttl),
    staleFor: Math.min(staleFor, l1Ttl),
    soft: false,
    backoffUntil: 0,
    bytes: stack.weigh(id, 'text' in body ? body.text : text),
    visited: false,
    newer: undefined,
    older: undefined,
  }
  return { value, entry, payload: payloadOf(call, text, settings), freshFor, staleFor }
}

function payloadOf(call: Call, text: string | undefined, settings: Settings): string | undefined {
  if (text === undefined || settings.skipL2Write) return undefined
  const fullKey = call.scope.l2Key(call.id)
  const key = fullKey === call.l2Key ? undefined : fullKey
  const payload = seal({ created: call.runtime.now(), key, text })
  if (fitsL2(call, payload)) return payload
  tell(call, { type: 'oversized', layer: 'l2', bytes: payload.length })
  return undefined
}

/** Puts an entry into L1, as far as what is known by now allows. `false`: something newer is there. */
export function keep(call: Call, entry: Entry): boolean {
  const kept = call.stack.l1?.keep(entry, instant(call.runtime))
  if (kept === 'oversized') tell(call, { type: 'oversized', layer: 'l1', bytes: entry.bytes })
  return kept !== 'older'
}

/**
 * Asks the coordinator to take a value, in one round trip. The entry's own place is raised to the write's, so that
 * the write does not evict it but whatever comes after does; refused, it leaves L1. `undefined`: L2 is not to have it.
 *
 * @throws {@link L2CacheError} when the outcome is unknown.
 */
export async function commit(
  call: Call,
  made: Draft,
  mode: CommitMode | undefined,
): Promise<boolean | undefined> {
  const { entry, payload, value, freshFor, staleFor } = made
  if (!mode || payload === undefined) return void tell(call, { type: 'written', value })
  const { stack, runtime, l2Key } = call
  const { journal } = stack
  const sent = journal.sent(instant(runtime))
  const reply = await stack.l2.call(runtime, 'commit', {
    op: runtime.randomId(),
    key: l2Key,
    version: runtime.randomId(),
    payload,
    freshFor: finite(freshFor),
    staleFor: finite(staleFor),
    tags: entry.tags,
    namespaces: entry.namespaces,
    mode,
    cursor: journal.cursor,
  })
  const { stored, at, page } = reply
  if (!stored) stack.l1?.delete(entry.key, entry)
  else if (at !== undefined && sent.gen === journal.gen && sent.gen === entry.gen)
    entry.cursor = Math.max(entry.cursor, at)
  const applied = journal.apply(page, sent, instant(runtime), mode.kind === 'lease' ? undefined : at)
  if (stored && applied && entry.gen !== journal.gen && at === page.head.seq) {
    // The page emptied L1, but what the coordinator has just accepted is as new as the journal's end.
    entry.gen = journal.gen
    entry.cursor = at
    keep(call, entry)
  }
  tell(call, { type: 'commit', stored, mode: mode.kind })
  if (stored) tell(call, { type: 'written', value })
  return stored
}

function finite(ms: number): number | null {
  return ms === Infinity ? null : ms
}
