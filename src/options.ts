import { toMilliseconds, typeOf, type Duration } from './durations.ts'
import { type FactoryError, InvalidOptionError } from './errors.ts'
import type { PayloadCodec } from './codecs/codec.ts'
import type { Serializer } from './serializer.ts'
import { trimColons } from './trim-colons.ts'
import type { ValueSchema } from './value-schema.ts'

/**
 * Options of one operation. Each may also stand at a store or globally: operation beats store beats global,
 * and an explicit `undefined` counts as not given. Durations are milliseconds, texts such as `'2.5h'`, or `null`.
 */
export interface OperationOptions {
  /** How long an entry is fresh, from its write. `null` or `0` is for ever. @default 30 minutes */
  readonly ttl?: Duration | undefined
  /**
   * How long an entry may be served, from its write, once it is no longer fresh: while it is refreshed, or when
   * the factory fails. `false` or `0` is off. It never shortens `ttl`. @default false
   */
  readonly grace?: Duration | false | undefined
  /** After a failed factory, how long the graced value counts as fresh in this isolate. From now; never past `grace`. @default 10 s */
  readonly graceBackoff?: Duration | undefined
  /**
   * Soft timeout: how long a caller who could be given a graced value waits for the factory, from the call.
   * `0` gives the graced value at once and refreshes behind it; `null` waits for the factory. @default 0
   */
  readonly timeout?: Duration | undefined
  /**
   * How long a caller waits for the factory at all; also the flight's deadline, at which one waiter takes over and
   * the factory's `signal` aborts. From the start of the factory; what another isolate's lease takes comes before it.
   * `null` or `0` is the default of 25 s. @default null
   */
  readonly hardTimeout?: Duration | undefined
  /** How long a caller waits for another isolate's lease before it runs the factory anyway. `null` is as long as the lease lasts. @default null */
  readonly lockTimeout?: Duration | undefined
  /** Whether failures of L2 stay inside the cache. @default true */
  readonly suppressL2Errors?: boolean | undefined
  /** Called with every failure of a factory. What it throws is dropped. */
  readonly onFactoryError?: ((error: FactoryError) => void) | undefined
  /** Run the factory even if a valid entry exists. @default false */
  readonly forceFresh?: boolean | undefined
  /** Keep the value out of L2. Other isolates are still told. @default false */
  readonly skipL2Write?: boolean | undefined
  /** Do not tell other isolates of the write. @default false */
  readonly skipBusNotify?: boolean | undefined
  /**
   * Judges a value that comes from L2 for a call that bears it: one that does not fit counts as missing. Of the shape of
   * Standard Schema, as zod and valibot make them. It judges only: what it would make of the value is not used. What is in L1,
   * or is being fetched for somebody else, is not looked at again, so all calls for a key have to bear the same one.
   * @default none
   */
  readonly schema?: ValueSchema | undefined
  /** Tags of the entry, for `deleteByTag`. They live in the namespace the entry is written through. */
  readonly tags?: readonly string[] | undefined
  /**
   * Longest life in L1, from the entry's own write or its read of L2; past it L2 is asked. Where no coordinator tells
   * of changes it is the bound of staleness. @default unbounded; `maxStaleness` with an L2 that does not coordinate
   */
  readonly l1Ttl?: Duration | undefined
  /** Whether `getOrSet` waits for its write to L2. @default false where requests have `waitUntil`, else true */
  readonly awaitWrites?: boolean | undefined
  /**
   * With L2 unreachable and nothing heard from it for `maxStaleness`: run the factory, or serve what L1 has, however
   * long ago it was checked. `'stale'` gives up the staleness bound during an outage. @default 'factory'
   */
  readonly onOutage?: 'factory' | 'stale' | undefined
}

/** Options of a store, or of all stores: those of its operations, and those that concern the store itself. */
export interface StoreOptions extends Omit<OperationOptions, 'tags' | 'forceFresh' | 'schema'> {
  /**
   * Off, nothing is cached: every `getOrSet` runs its factory, though who asks at the same time still shares one run.
   * @default true
   */
  readonly enabled?: boolean | undefined
  /** First segment of every key in L2. @default 'bentocache' */
  readonly prefix?: string | undefined
  /** Deadline of each call to L2. @default 1 s */
  readonly l2Timeout?: Duration | undefined
  /** How long L2 is left alone after five failures in a row; then one call probes it. `null` or `0` is off. @default 10 s */
  readonly l2CircuitBreakerDuration?: Duration | undefined
  /** Life of a lease. @default 10 s; where `hardTimeout` is given, that and `l2Timeout` */
  readonly leaseTtl?: Duration | undefined
  /** How old the last news from the coordinator may be before an L1 hit asks for more in the background. @default 1 s */
  readonly pollInterval?: Duration | undefined
  /** How old the last news may be for L1 to be trusted: the bound of staleness. @default 5 s */
  readonly maxStaleness?: Duration | undefined
  /** Turns values into text and back. @default JSON */
  readonly serializer?: Serializer | undefined
  /** Changes what is kept in L2, such as `codecs(compression(), encryption({ keys }))` of `ekiben/codecs`. @default none */
  readonly codec?: PayloadCodec | undefined
  /** Says how values are built. What was written under another, or none, counts as missing. @default none */
  readonly schemaVersion?: string | number | undefined
}

/** All options after the levels are joined: milliseconds, `Infinity` for ever. */
export interface Settings {
  ttl: number
  grace: number
  graceBackoff: number
  timeout: number
  hardTimeout?: number | undefined
  lockTimeout: number
  suppressL2Errors: boolean
  onFactoryError?: ((error: FactoryError) => void) | undefined
  forceFresh: boolean
  skipL2Write: boolean
  skipBusNotify: boolean
  schema?: ValueSchema | undefined
  tags: readonly string[]
  awaitWrites?: boolean | undefined
  onOutage: 'factory' | 'stale'
  enabled: boolean
  prefix: string
  l2Timeout: number
  l2CircuitBreakerDuration: number
  leaseTtl?: number | undefined
  pollInterval: number
  maxStaleness: number
  l1Ttl?: number | undefined
  serializer?: Serializer | undefined
  codec?: PayloadCodec | undefined
  schemaVersion?: string | number | undefined
}

/** How long a flight may take where no `hardTimeout` is given. `waitUntil` ends 30 s after the response on Workers. */
export const FLIGHT_DEADLINE = 25_000

/** The defaults, in the only place they stand. */
export const DEFAULTS: Settings = {
  ttl: 1_800_000,
  grace: 0,
  graceBackoff: 10_000,
  timeout: 0,
  lockTimeout: Infinity,
  suppressL2Errors: true,
  forceFresh: false,
  skipL2Write: false,
  skipBusNotify: false,
  tags: [],
  onOutage: 'factory',
  enabled: true,
  prefix: 'bentocache',
  l2Timeout: 1000,
  l2CircuitBreakerDuration: 10_000,
  pollInterval: 1000,
  maxStaleness: 5000,
}

function isSerializer(value: unknown): value is Serializer {
  const { serialize, deserialize } = (value ?? {}) as Partial<Serializer>
  return typeof serialize === 'function' && typeof deserialize === 'function'
}

/** Reads one option: gives it as settings hold it. @throws {@link InvalidOptionError} */
export type Parse = (value: unknown, option: string) => unknown

/** @throws {@link InvalidOptionError} */
export function invalid(option: string, value: unknown, allowed: string): never {
  throw new InvalidOptionError({
    option,
    received: value === '' ? 'an empty string' : typeOf(value),
    allowed,
  })
}

const forEver: Parse = (value, option) => toMilliseconds(value, option) || Infinity
const orUnset: Parse = (value, option) => toMilliseconds(value, option) || undefined
const orOff: Parse = (value, option) => (value === false ? 0 : (toMilliseconds(value, option) ?? 0))
const unbounded: Parse = (value, option) => toMilliseconds(value, option) ?? Infinity
const flag: Parse = (value, option) =>
  typeof value === 'boolean' ? value : invalid(option, value, 'a boolean')

const asIs: Parse = (value) => value

/** Readers of options, by their names. */
export type Parsers = Readonly<Partial<Record<string, Parse>>>

/** Those of a store. Without a prototype, so that an option named like a method of all objects is none. */
export const PARSERS: Parsers = {
  __proto__: null as never,
  ttl: forEver,
  grace: orOff,
  graceBackoff: orOff,
  timeout: unbounded,
  hardTimeout: orUnset,
  lockTimeout: unbounded,
  suppressL2Errors: flag,
  onFactoryError: (value, option) =>
    typeof value === 'function' ? value : invalid(option, value, 'a function'),
  forceFresh: flag,
  // Looked at where they are needed: who has no L2 does not carry what it takes.
  schema: asIs,
  codec: asIs,
  schemaVersion: asIs,
  skipL2Write: flag,
  skipBusNotify: flag,
  tags: (value) => checkTags(value),
  awaitWrites: flag,
  onOutage: (value, option) =>
    value === 'factory' || value === 'stale' ? value : invalid(option, value, "'factory' or 'stale'"),
  enabled: flag,
  prefix: (value, option) =>
    typeof value === 'string' ? trimColons(value) : invalid(option, value, 'a string'),
  l2Timeout: unbounded,
  l2CircuitBreakerDuration: orOff,
  leaseTtl: orUnset,
  pollInterval: unbounded,
  maxStaleness: unbounded,
  l1Ttl: forEver,
  serializer: (value, option) =>
    isSerializer(value) ? value : invalid(option, value, 'an object with serialize and deserialize'),
} satisfies Record<keyof Settings | '__proto__', Parse>

/**
 * Joins one level of options onto the settings below it. Gives `base` itself when the level changes nothing.
 *
 * @throws {@link InvalidOptionError} on a value of the wrong type or range.
 */
export function join<Base extends object = Settings>(
  base: Base,
  level: object | undefined,
  parsers: Parsers = PARSERS,
): Base {
  let joined: Record<string, unknown> | undefined
  for (const option in level) {
    const value = (level as Record<string, unknown>)[option]
    const parse = value === undefined ? undefined : parsers[option]
    if (parse) (joined ??= { ...base } as Record<string, unknown>)[option] = parse(value, option)
  }
  return (joined as Base | undefined) ?? base
}

/** @throws {@link InvalidOptionError} unless it is an object, such as `{ key }`. */
export function checkOptions<Options>(options: Options): Options {
  return typeof options === 'object' && options !== null ? options : invalid('options', options, 'an object')
}

/** @throws {@link InvalidOptionError} unless `key` is a string that is not empty. */
export function checkKey(key: unknown, option = 'key'): string {
  return typeof key === 'string' && key !== '' ? key : invalid(option, key, 'a string that is not empty')
}

/** @throws {@link InvalidOptionError} unless it is a list of strings that are not empty. Drops repeats. */
export function checkTags(tags: unknown): readonly string[] {
  return checkList(tags, 'tags').map((tag) => checkName(tag, 'tags'))
}

/** @throws {@link InvalidOptionError} unless it is a string that is not empty and well-formed Unicode. */
export function checkName(name: unknown, option: string): string {
  const checked = checkKey(name, option)
  if (!/\p{Surrogate}/u.test(checked)) return checked
  throw new InvalidOptionError({ option, received: 'half a surrogate pair', allowed: 'well-formed Unicode' })
}

/** @throws {@link InvalidOptionError} unless it is a list of strings that are not empty. Drops repeats. */
export function checkList(list: unknown, option: string): readonly string[] {
  if (!Array.isArray(list)) invalid(option, list, 'an array of strings')
  return [...new Set((list as unknown[]).map((item, at) => checkKey(item, `${option}[${at}]`)))]
}
