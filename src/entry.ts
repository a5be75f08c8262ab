import type { Instant } from './clock.ts'
import { age } from './clock.ts'
import { SerializationError, UndefinedValueError } from './errors.ts'
import type { Names } from './ports.ts'
import { isPlain, type Serializer } from './serializer.ts'
import type { SieveNode } from './sieve.ts'

/** A value as the isolate keeps it: `text` to make a new copy from, or the `value` itself where sharing it is safe or wished. */
export type Body = { readonly text: string } | { readonly value: unknown }

/** What an entry carries besides its value, for those who made it and for the next run of its factory. */
export interface Notes {
  /** The factory found that there is nothing: the value is `undefined`, and that is what is kept. */
  readonly nothing?: true | undefined
  /** Milliseconds its factory took. */
  readonly cost?: number | undefined
  /** Milliseconds it was to be fresh. */
  readonly ttl?: number | undefined
  /** Validators of the origin: what it may be asked with whether the value still holds. */
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** A value with all that decides whether it may be served. One object serves as L1 entry and as a flight's result. */
export interface Entry extends SieveNode, Names {
  readonly body: Body
  /** What `freshFor` and `staleFor` count from: the send of its read, or its write. */
  readonly born: Instant
  /** Nothing acknowledged before this is missing from the value: the send of its read, or the start of its factory. */
  readonly asOf: Instant
  readonly freshFor: number
  readonly staleFor: number
  /** The same without regard to `l1Ttl`: as L2 has it. */
  readonly ttl: number
  readonly life: number
  /** When it was written, by the wall clock of who wrote it; for people, never for decisions. Absent: when it was born. */
  readonly created?: number | undefined
  readonly notes?: Notes | undefined
  /** Name of its write in L2; absent where it was not written, or not yet. */
  version?: string | undefined
  /** The generation of the journal the cursor belongs to. */
  gen: number
  /** Name in L2, as journal events of this key carry it. */
  readonly l2Key: string
  /** The journal was checked up to here: no event up to it touches the entry, but as `soft` tells. */
  cursor: number
  /** Softly invalidated: stale, whatever its age. */
  soft: boolean
  /** After a failed factory: the age up to which the graced value is given without another try. */
  backoffUntil: number
}

/** Where an entry is in its life. `backoff` is stale, but its factory has just failed. */
export type Freshness = 'fresh' | 'backoff' | 'stale' | 'dead'

/** Judges an entry by age and marks alone; whether it may be trusted at all is the journal's word. */
export function freshness(entry: Entry, now: Instant): Freshness {
  const old = age(entry.born, now)
  if (!entry.soft && old < entry.freshFor) return 'fresh'
  if (old >= entry.staleFor) return 'dead'
  return old < entry.backoffUntil ? 'backoff' : 'stale'
}

/** A fresh copy of the value, or the value itself where it is shared. */
export function valueOf(body: Body, serializer: Serializer): unknown {
  return 'text' in body ? serializer.deserialize(body.text) : body.value
}

/** How values become bodies in one store. */
export interface Codec {
  readonly serializer: Serializer
  /** Whether L1 hands out copies; else all callers share one object. */
  readonly copies: boolean
  /** Whether values also go to a store that holds text. */
  readonly needsText: boolean
}

export interface Encoded {
  readonly body: Body
  /** The text of the value, where it has one; plain values of a store without L2 need none. */
  readonly text: string | undefined
}

/** What a value is kept as, and what is kept with it. */
export interface Making {
  readonly value: unknown
  /** What it is kept as, where that is known already. @default what the serializer makes of it */
  readonly encoded?: Encoded | undefined
  readonly notes?: Notes | undefined
  /** Milliseconds added to how long it is fresh. */
  readonly longer?: number | undefined
  /** What of an older entry goes on with it. @default the names of the call, and written now */
  readonly as?: (Names & Pick<Entry, 'created'>) | undefined
  /** The version whose text in L2 this is: only its life begins anew. */
  readonly keeps?: string | undefined
}

/** Stands for a value that is told more of, on its way from a factory or into `set`. */
export class Made {
  readonly making: Making

  constructor(making: Making) {
    this.making = making
  }
}

/**
 * Turns a value into what is kept. Hits and misses give equal types: unless the value is plain, or nothing but
 * shared memory holds it, the caller gets what a round trip makes of it.
 *
 * @throws {@link UndefinedValueError}, {@link SerializationError}
 */
export function encode({ serializer, copies, needsText }: Codec, key: string, value: unknown): Encoded {
  if (value === undefined) throw new UndefinedValueError(key)
  const plain = isPlain(value)
  if (!needsText && (plain || !copies))
    return { body: { value }, text: typeof value === 'string' ? value : undefined }
  try {
    const text: unknown = serializer.serialize(value)
    if (typeof text !== 'string') throw new TypeError('serialize did not give a string')
    return { body: plain ? { value } : copies ? { text } : { value: serializer.deserialize(text) }, text }
  } catch (cause) {
    throw new SerializationError(key, cause)
  }
}

/** Turns text read from a store into a body; throws what the serializer throws. */
export function decode({ serializer, copies }: Codec, text: string): Body {
  const value = serializer.deserialize(text)
  if (value === undefined || value instanceof Promise) throw new TypeError('deserialize gave no value')
  return isPlain(value) || !copies ? { value } : { text }
}
