import type { Cache, KeyOptions } from '../cache.ts'
import { TIMED_OUT, within } from '../deadline.ts'
import { encode, type Made, valueOf } from '../entry.ts'
import { FactoryHardTimeout } from '../errors.ts'
import { type Factory, report, runFactory, SKIPPED } from '../factory.ts'
import { find } from '../get.ts'
import { getOrSet } from '../get-or-set.ts'
import { operations } from '../operations.ts'
import { checkOptions, FLIGHT_DEADLINE, invalid } from '../options.ts'
import { isGraced, serve } from '../serve.ts'
import type { Call, Hooks } from '../stack.ts'
import type { ValueSchema } from '../value-schema.ts'
import { refreshEarly } from './early-refresh.ts'
import type { EntryInfo } from './entry-info.ts'
import { type ExtendedFactory, extendFactory, type Extended } from './extended-factory.ts'
import { type ExtraOperationOptions, type ExtraSettings, extrasOf } from './extra-options.ts'
import { type Heard, heardBy, insteadOfFailing, isFailure, refused, remember } from './failures.ts'
import { type Answered, type Fetched, infoOf, type Served, settle } from './info-of.ts'
import type { RunOne } from './get-or-set-many.ts'
import { callOn, changing } from './reach.ts'

/** Options of {@link getOrSetEntry}. */
export interface GetOrSetEntryOptions<T> extends KeyOptions, Omit<ExtraOperationOptions, 'schema'> {
  /** {@link OperationOptions.schema}, of values of this type. */
  readonly schema?: ValueSchema<T> | undefined
  /** Makes the value when there is none. */
  readonly factory: ExtendedFactory<T>
  /**
   * Given when nothing else is left: the factory failed and there is no graced value, nothing is cached and
   * `onlyIfCached` is set, or what is cached is that there is nothing. A function is called only then.
   */
  readonly defaultValue?: T | (() => T | Promise<T>) | undefined
}

/**
 * The value of a key, and what is known of it: where it comes from, why, how old it is and how long it lasts. Does what
 * `getOrSet` does, in as many round trips.
 *
 * @throws As `getOrSet` does, where there is no `defaultValue`.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { getOrSetEntry } from 'ekiben/entry'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const { value, tier, age } = await getOrSetEntry(bento, { key: 'rates', ttl: '1m', factory: () => ({ EUR: 1 }) })
 * ```
 */
export async function getOrSetEntry<T>(
  cache: Cache,
  options: GetOrSetEntryOptions<T>,
): Promise<EntryInfo<T>> {
  return fetching(cache, options, infoOf) as Promise<EntryInfo<T>>
}

/**
 * {@link getOrSetEntry} for who wants the value alone.
 *
 * @throws As `getOrSet` does, where there is no `defaultValue`.
 */
export async function getOrSetExtended<T>(cache: Cache, options: GetOrSetEntryOptions<T>): Promise<T> {
  return fetching(cache, options, valueAlone) as Promise<T>
}

type Finish = (call: Call, fetched: Fetched) => Promise<unknown>

/** The flow around the flow: what may be answered without it, what it served, and what comes after. */
function fetching(cache: Cache, options: GetOrSetEntryOptions<unknown>, finish: Finish): Promise<unknown> {
  checkOptions(options)
  const { factory } = options
  if (typeof factory !== 'function') invalid('factory', factory, 'a function')
  const work = callOn(cache, options, (call) => around(call, options, factory, finish))
  return changing(cache, [options.key], work)
}

/** The value of one key of many, with all that an {@link ExtendedFactory} may answer. */
export function extendedFlow(options: Omit<GetOrSetEntryOptions<unknown>, 'key' | 'factory'>): RunOne {
  return (call, factory) => around(call, options, factory, valueAlone)
}

/** What a caller is given who wants the value alone. */
const valueAlone: Finish = async (_, { served, value, reason, defaultValue }) =>
  served?.entry.notes?.nothing || (!served && reason === 'default') ? settle(defaultValue) : value

async function around(
  call: Call,
  options: Omit<GetOrSetEntryOptions<unknown>, 'key' | 'factory'>,
  factory: ExtendedFactory<unknown>,
  finish: Finish,
): Promise<unknown> {
  const run = (): Promise<Fetched> => fetched(call, options, factory)
  return finish(call, await (call.hooks?.whole?.(run) ?? run()))
}

async function fetched(
  plain: Call,
  options: Omit<GetOrSetEntryOptions<unknown>, 'key' | 'factory'>,
  factory: ExtendedFactory<unknown>,
): Promise<Fetched> {
  const { defaultValue } = options
  const extras = extrasOf(plain.stack, options)
  const extended = extendFactory(plain, extras, factory)
  const seen: { last?: Served; heard?: Heard } = {}
  const hooks: Hooks = {
    served: (entry, layer, manner) => void (seen.last = { entry, layer, manner }),
    context: (...run) => {
      seen.heard = heardBy(plain)
      extended.context(...run)
    },
    forgives: (error) => {
      const forgiven = forgives(extras, error)
      if (!forgiven) refused.set(plain, true)
      return forgiven
    },
  }
  // What the last failure made unusable is not given again before it is known how this run ends.
  const waits = extras.graceOn !== undefined && refused.get(plain)
  const settings = waits ? { ...plain.settings, timeout: Infinity } : plain.settings
  const call: Call = { ...plain, settings, hooks }
  const alone = extras.noStore || extras.onlyIfCached
  let answered: Omit<Answered, 'defaultValue'>
  try {
    answered = await answer(call, extras, extended)
  } catch (error) {
    if (!isFailure(error)) throw error
    if (extras.errorTtl > 0 && !alone && seen.heard) remember(call, error, seen.heard)
    if (defaultValue === undefined) throw error
    return { value: undefined, reason: 'default', defaultValue, served: undefined }
  }
  const served = seen.last
  if (served && !isGraced(served.manner)) refused.delete(plain)
  if (served?.manner === false && !alone) refreshEarly(call, extras, extended.factory, served.entry)
  return { ...answered, defaultValue, served }
}

/** What the caller's own judge says; one that fails has not said no. */
function forgives({ graceOn }: ExtraSettings, error: unknown): boolean {
  try {
    return graceOn?.(error) !== false
  } catch {
    return true
  }
}

/** What the flow gives, or what is given without it. */
async function answer(
  call: Call,
  extras: ExtraSettings,
  { factory }: Extended,
): Promise<Omit<Answered, 'defaultValue'>> {
  const { onlyIfCached, noStore, errorTtl } = extras
  if (onlyIfCached || noStore) {
    const hit = call.settings.forceFresh ? undefined : await find(call)
    if (hit) return { value: serve(call, hit.entry, hit.layer, hit.graced), reason: 'grace' }
    return onlyIfCached ? { value: undefined, reason: 'default' } : runOnce(call, factory)
  }
  const instead =
    errorTtl > 0 && !call.settings.forceFresh
      ? await insteadOfFailing(call, errorTtl, (error) => forgives(extras, error))
      : undefined
  if (instead) return { ...instead, reason: 'error' }
  const value = await operations.run(getOrSet, call, factory)
  return { value, reason: value === undefined ? 'skipped' : 'error' }
}

/** Runs the factory for this caller alone. The value has been through the serializer, as any other has. */
async function runOnce(call: Call, factory: Factory<unknown>): Promise<Omit<Answered, 'defaultValue'>> {
  const deadline = call.settings.hardTimeout ?? FLIGHT_DEADLINE
  const run = runFactory({ call, factory, background: false, deadline, graced: undefined })
  const produced = await within(call.runtime, run, deadline)
  if (produced === TIMED_OUT) throw report(call, new FactoryHardTimeout(call.key))
  const { codec } = call.stack
  if (produced.value === SKIPPED) return { value: undefined, reason: 'no-store' }
  const { value, encoded, notes } = (produced.value as Made).making
  if (notes?.nothing) return { value: undefined, reason: 'default' }
  const { body } = encoded ?? encode(codec, call.key, value)
  return { value: valueOf(body, codec.serializer), reason: 'no-store' }
}
