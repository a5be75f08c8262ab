import { instant } from './clock.ts'
import { encode, type Entry, Made, type Making } from './entry.ts'
import { namesOf } from './l2.ts'
import type { Settings } from './options.ts'
import { type Call, tell } from './stack.ts'

/** A value made ready for both tiers. */
export interface Draft {
  readonly value: unknown
  readonly entry: Entry
  /** For L2, where there is one. */
  readonly text: string | undefined
  /** The call's settings, with what the factory changed. */
  readonly settings: Settings
  readonly freshFor: number
  readonly staleFor: number
  readonly keeps: string | undefined
}

/** Completes an entry: where it lies in L1, what it weighs there, and how long it may live where nobody tells of changes. */
export function makeEntry(
  { stack, settings, id, l2Key }: Call,
  parts: Omit<
    Entry,
    'key' | 'l2Key' | 'ttl' | 'life' | 'backoffUntil' | 'bytes' | 'visited' | 'newer' | 'older'
  >,
  text: string | undefined,
): Entry {
  const { l1Ttl = Infinity } = settings
  return {
    ...parts,
    key: id,
    l2Key,
    freshFor: Math.min(parts.freshFor, l1Ttl),
    staleFor: Math.min(parts.staleFor, l1Ttl),
    ttl: parts.freshFor,
    life: parts.staleFor,
    backoffUntil: 0,
    bytes: stack.weigh(id, text),
    visited: false,
    newer: undefined,
    older: undefined,
  }
}

/**
 * Makes a value ready to be kept. `origin` is what its place in the order of changes hangs on.
 *
 * @throws {@link UndefinedValueError}, {@link SerializationError}
 */
export function makeDraft(
  call: Call,
  value: unknown,
  settings: Settings,
  origin: Pick<Entry, 'cursor' | 'gen' | 'asOf'>,
): Draft {
  const { stack, key, runtime } = call
  const making: Making = value instanceof Made ? value.making : { value }
  const { encoded, notes, as, longer = 0, keeps } = making
  const { body, text } = encoded ?? encode(stack.codec, key, making.value)
  const own = { ...call, settings }
  const { freshFor, staleFor } = lifeOf(settings, longer)
  const parts = {
    ...origin,
    ...namesOf(own),
    ...as,
    body,
    notes,
    born: instant(runtime),
    freshFor,
    staleFor,
    soft: false,
  }
  return {
    value: making.value,
    entry: makeEntry(own, parts, text),
    text,
    settings,
    freshFor,
    staleFor,
    keeps,
  }
}

/** How long what is written now lives. */
export function lifeOf({ ttl, grace }: Settings, longer = 0): Pick<Draft, 'freshFor' | 'staleFor'> {
  const freshFor = ttl + longer
  return { freshFor, staleFor: Math.max(freshFor, grace) }
}

/** Puts an entry into L1, as far as what is known by now allows. `false`: something newer is there. */
export function keep(call: Call, entry: Entry): boolean {
  const kept = call.stack.l1?.keep(entry, instant(call.runtime))
  if (kept === 'oversized') tell(call, { type: 'oversized', layer: 'l1', bytes: entry.bytes })
  return kept !== 'older'
}
