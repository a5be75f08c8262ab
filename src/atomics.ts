/**
 * Locks, counters and values that are set if absent: only where the store takes all changes one after the other.
 *
 * @module
 */
import type { Linearizable } from './atomic-calls.ts'
import { CounterError } from './atomic-errors.ts'
import { MAX_ID, MAX_LOCK, MAX_TEXT } from './atomic-limits.ts'
import { type AtomicStore, openAtomicStore, type Target } from './atomic-store.ts'
import { type Duration, toMilliseconds } from './durations.ts'
import { InvalidOptionError, SerializationError, StoreError, UndefinedValueError } from './errors.ts'
import { findLock, type Lock, takeLock, underLock } from './lock.ts'
import { checkKey, checkName, checkOptions, DEFAULTS, invalid } from './options.ts'
import type { CreateDriverResult, Runtime } from './ports.ts'
import { systemRuntime } from './runtime.ts'
import { Scope } from './scope.ts'
import { json } from './serializer.ts'
import { trimColons } from './trim-colons.ts'

export type * from './atomic-calls.ts'
export * from './atomic-errors.ts'
export type { Lock } from './lock.ts'

/** Options of {@link atomics}. */
export interface AtomicsOptions {
  /** Put before every name, as before the keys of a store. @default the driver's own, else `'bentocache'` */
  readonly prefix?: string | undefined
  /** Deadline of each call to the store; over 0. @default 1 s */
  readonly timeout?: Duration | undefined
  /** What is asked of the surroundings: timers, clocks, randomness. @default the globals of the web */
  readonly runtime?: Runtime | undefined
}

/** Options of one call. */
export interface AtomicOptions {
  /** Deadline of each call to the store; over 0. @default that of {@link AtomicsOptions} */
  readonly timeout?: Duration | undefined
}

/** Options of {@link Atomics.lock}. */
export interface LockOptions extends AtomicOptions {
  /** After what time the lock ends by itself, so that a holder's death is survived. Over 0, at most 30 days. @default 30 s */
  readonly ttl?: Duration | undefined
  /**
   * How long to ask again while somebody else holds it: first after some 25 ms, then ever less often, at least twice a
   * second. Each time is a round trip. @default 0
   */
  readonly wait?: Duration | undefined
}

/** Options of {@link Atomics.add}. */
export interface AddOptions extends AtomicOptions {
  /** How long the value is there, from its creation. `null` or `0` is for ever. @default for ever */
  readonly ttl?: Duration | undefined
  /**
   * Names this very step: once done, it is not done again when it is asked for under the same name within two minutes, and
   * answered as it was. One that was refused has done nothing, and is tried anew. Up to 128 characters. @default a random one
   */
  readonly op?: string | undefined
}

/** Options of {@link Atomics.increment} and {@link Atomics.decrement}. */
export interface CountOptions extends AddOptions {
  /** A safe integer. @default 1 */
  readonly by?: number | undefined
}

/**
 * Locks and atomic values of one store. Each call is one round trip, is thrown when it fails, and sees everything that was
 * acknowledged before it. Locks and values have names of their own: neither meets the other, nor an entry of a cache.
 *
 * All calls throw InvalidOptionError (`E_INVALID_OPTION`) for what is out of range, and NotAcknowledgedError
 * (`E_NOT_ACKNOWLEDGED`) where the store did not say whether it did what it was asked.
 */
export interface Atomics {
  /** The same store with names that nobody outside the namespace can meet. */
  namespace(name: string): Atomics

  /**
   * Takes a lock. `undefined`: somebody else holds it.
   *
   * @throws NotAcknowledgedError, InvalidOptionError
   * @example
   * ```ts
   * import type { Atomics } from 'ekiben/atomics'
   *
   * export async function importOnce(atoms: Atomics, work: (fence: number) => Promise<void>) {
   *   const lock = await atoms.lock('import', { ttl: '1m', wait: '5s' })
   *   if (!lock) return 'somebody else is at it'
   *   await work(lock.fence)
   *   return (await lock.release()) ? 'done' : 'done, but it took longer than the lock lasts'
   * }
   * ```
   */
  lock(name: string, options?: LockOptions): Promise<Lock | undefined>

  /**
   * A lock that was taken elsewhere, by its token. `undefined`: it is that token's no longer. `ttl` is what its `refresh()`
   * prolongs it by.
   *
   * @throws NotAcknowledgedError, InvalidOptionError
   */
  restoreLock(name: string, token: string, options?: Omit<LockOptions, 'wait'>): Promise<Lock | undefined>

  /**
   * Runs something under a lock, and gives the lock back whatever becomes of it. A lock that ran out meanwhile is not told:
   * `lock.left()` and `lock.refresh()` are for what takes long.
   *
   * @throws LockHeldError (`E_LOCK_HELD`) if somebody else holds it for all of `wait`; then nothing was run.
   * NotAcknowledgedError, InvalidOptionError. What `run` throws.
   */
  withLock<T>(name: string, options: LockOptions, run: (lock: Lock) => T | Promise<T>): Promise<T>

  /**
   * Sets a value where there is none, and tells whether it did. Values are JSON of up to 65,536 characters.
   *
   * @throws SerializationError (`E_SERIALIZATION`), UndefinedValueError (`E_UNDEFINED_VALUE`), NotAcknowledgedError,
   * InvalidOptionError
   */
  add(name: string, value: unknown, options?: AddOptions): Promise<boolean>

  /**
   * Adds to a whole number, and gives the new one. What is absent is 0; only then does `ttl` count, so a window of time
   * does not begin anew with each step.
   *
   * @throws CounterError (`E_COUNTER`) if there is something else or the result is no safe integer. NotAcknowledgedError,
   * whose `op` makes repeating safe. InvalidOptionError
   * @example
   * ```ts
   * import type { Atomics } from 'ekiben/atomics'
   *
   * // At most 100 requests a minute for each address.
   * export async function allows(atoms: Atomics, address: string): Promise<boolean> {
   *   return (await atoms.namespace('rate').increment(address, { ttl: '1m' })) <= 100
   * }
   * ```
   */
  increment(name: string, options?: CountOptions): Promise<number>

  /** As {@link Atomics.increment}, downwards. Below 0 it goes on. */
  decrement(name: string, options?: CountOptions): Promise<number>

  /** The value of a name, or `undefined`. @throws NotAcknowledgedError, InvalidOptionError */
  get<T = unknown>(name: string): Promise<T | undefined>

  /** Deletes a value, and tells whether there was one. @throws NotAcknowledgedError, InvalidOptionError */
  delete(name: string): Promise<boolean>

  /** Closes the connection, where there is one. */
  disconnect(): Promise<void>
}

const DEFAULT_LOCK = 30_000

/** Longer than anything is kept, and still exact in the numbers of every store. */
const FOR_EVER = 1e14

/**
 * Makes locks, counters and set-if-absent of what is given to `useL2Layer` or `useBus`, where its store takes all changes
 * one after the other: a Durable Object, or Redis. Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws NotLinearizableError (`E_NOT_LINEARIZABLE`) for any other driver; such do not compile either.
 * InvalidOptionError (`E_INVALID_OPTION`)
 *
 * @example
 * ```ts
 * import { atomics } from 'ekiben/atomics'
 * import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
 *
 * const atoms = atomics(upstashDriver(fromEnv()), { prefix: 'shop' })
 *
 * export const isFirst = (order: string): Promise<boolean> => atoms.add(`mailed:${order}`, true, { ttl: '1d' })
 * ```
 */
export function atomics(driver: CreateDriverResult<Linearizable>, options: AtomicsOptions = {}): Atomics {
  if (typeof (driver as Partial<typeof driver> | undefined)?.factory !== 'function')
    invalid('driver', driver, 'what a driver function such as upstashDriver() returns')
  checkOptions(options)
  const { runtime = systemRuntime, timeout = DEFAULTS.l2Timeout } = options
  const own = driver.options['prefix'] ?? options.prefix ?? DEFAULTS.prefix
  const prefix = typeof own === 'string' ? trimColons(own) : invalid('prefix', own, 'a string')
  const store = openAtomicStore(driver, { prefix, runtime })
  return inScope({ store, scope: new Scope(prefix), timeout: deadline(timeout) })
}

interface Place {
  readonly store: AtomicStore
  readonly scope: Scope
  /** Milliseconds. */
  readonly timeout: number
}

function inScope(place: Place): Atomics {
  const { store } = place
  return {
    namespace: (name) => inScope({ ...place, scope: place.scope.child(name) }),
    disconnect: () => store.disconnect(),
    ...locks(place),
    ...values(place),
  }
}

function locks(place: Place): Pick<Atomics, 'lock' | 'restoreLock' | 'withLock'> {
  const { store } = place
  const wishOf = ({ ttl = DEFAULT_LOCK, wait = 0 }: LockOptions) => ({
    ttl: lockLife(ttl),
    wait: bounded(wait, 'wait', 0),
    readTtl: lockLife,
  })
  return {
    lock: async (name, options = {}) => takeLock(store, at(place, name, options), wishOf(options)),
    restoreLock: async (name, token, options = {}) =>
      findLock(store, at(place, name, options), { ...wishOf(options), token: checkId(token, 'token') }),
    withLock: async (name, options, run) => {
      const target = at(place, name, options)
      if (typeof run !== 'function') invalid('run', run, 'a function')
      return underLock(store, target, { ...wishOf(options), run })
    },
  }
}

function values(place: Place): Pick<Atomics, 'add' | 'increment' | 'decrement' | 'get' | 'delete'> {
  const { store } = place
  const count = async (name: string, options: CountOptions, sign: 1 | -1): Promise<number> => {
    const target = at(place, name, options)
    const { by = 1 } = options
    if (!Number.isSafeInteger(by)) invalid('by', by, 'a safe integer')
    // Not `-0`, which is no integer to everybody.
    const details = { by: sign * by || 0, ...stepOf(place, options) }
    const { value, refused } = await store.ask('increment', target, details)
    if (value === undefined) throw new CounterError(name, refused ?? 'type')
    return value
  }
  return {
    add: async (name, value, options = {}) => {
      const target = at(place, name, options)
      const text = textOf(value, name)
      return (await store.ask('add', target, { text, ...stepOf(place, options) })).added
    },
    increment: (name, options = {}) => count(name, options, 1),
    decrement: (name, options = {}) => count(name, options, -1),
    get: async <T>(name: string) => {
      const { text } = await store.ask('read', at(place, name), {})
      return text === undefined ? undefined : (valueOf(text) as T)
    },
    delete: async (name) => (await store.ask('remove', at(place, name), {})).removed,
  }
}

function at({ scope, timeout }: Place, name: string, options: AtomicOptions = {}): Target {
  checkOptions(options)
  const own = options.timeout
  return { scope, name: checkKey(name, 'name'), timeout: own === undefined ? timeout : deadline(own) }
}

/** What `add` and `increment` have in common. */
function stepOf({ store }: Place, { ttl, op }: AddOptions): { ttl: number | null; op: string } {
  const life = ttl === undefined ? null : toMilliseconds(ttl, 'ttl')
  return {
    ttl: life && life < FOR_EVER ? Math.ceil(life) : null,
    op: op === undefined ? store.runtime.randomId() : checkId(op, 'op'),
  }
}

function textOf(value: unknown, name: string): string {
  if (value === undefined) throw new UndefinedValueError(name)
  const text = written(value, name)
  if (text.length <= MAX_TEXT) return text
  const received = `${text.length} characters of JSON`
  throw new InvalidOptionError({ option: 'value', received, allowed: `at most ${MAX_TEXT}` })
}

function written(value: unknown, name: string): string {
  try {
    const text: unknown = json.serialize(value)
    if (typeof text === 'string') return text
  } catch (error) {
    throw new SerializationError(name, error)
  }
  throw new SerializationError(name, undefined)
}

function valueOf(text: string): unknown {
  try {
    return json.deserialize(text)
  } catch {
    // Without the parser's error, which quotes the text.
    throw new StoreError('The store', 'it gave a value that is no JSON')
  }
}

function lockLife(ttl: Duration): number {
  return Math.ceil(bounded(ttl, 'ttl', 1, MAX_LOCK))
}

function deadline(timeout: Duration): number {
  return bounded(timeout, 'timeout', 1)
}

function bounded(value: Duration, option: string, least: number, most = MAX_LOCK): number {
  const ms = toMilliseconds(value, option)
  if (ms !== null && ms >= least && ms <= most) return ms
  const allowed = least > 0 ? 'a duration over 0 and of at most 30 days' : 'a duration of at most 30 days'
  throw new InvalidOptionError({ option, received: ms === null ? 'null' : 'one out of range', allowed })
}

function checkId(id: unknown, option: string): string {
  const text = checkName(id, option)
  if (text.length <= MAX_ID) return text
  throw new InvalidOptionError({
    option,
    received: `${text.length} characters`,
    allowed: `at most ${MAX_ID}`,
  })
}
