import type { Factory } from './factory.ts'
import { clear, forget } from './forget.ts'
import { get, has, pull } from './get.ts'
import { getOrSet } from './get-or-set.ts'
import { invalidate } from './invalidate.ts'
import { nameInL2 } from './key.ts'
import type { Loose } from './loose.ts'
import { operations } from './operations.ts'
import {
  checkKey,
  checkList,
  checkOptions,
  checkTags,
  invalid,
  join,
  type OperationOptions,
} from './options.ts'
import type { Runtime } from './ports.ts'
import type { Scope } from './scope.ts'
import { set } from './set.ts'
import type { ValueSchema } from './value-schema.ts'
import type { Call, Operation, Stack } from './stack.ts'

/** What an operation on one key needs. */
export interface KeyOptions {
  /** A string that is not empty. */
  readonly key: string
}

/** Options of every operation that only fails because of L2. */
export type SuppressOptions = Pick<OperationOptions, 'suppressL2Errors'>

/** Options of {@link Cache.get}. */
export interface GetOptions<T> extends KeyOptions, Omit<OperationOptions, 'tags' | 'forceFresh' | 'schema'> {
  /** {@link OperationOptions.schema}, of values of this type. */
  readonly schema?: ValueSchema<T> | undefined
  /** Given on a miss; a function is called only then. */
  readonly defaultValue?: T | Promise<T> | (() => T | Promise<T>) | undefined
}

/** Options of {@link Cache.set}. */
export interface SetOptions extends KeyOptions, Omit<OperationOptions, 'forceFresh' | 'schema'> {
  /** Anything the serializer can write, but `undefined`. */
  readonly value: unknown
}

/** Options of {@link Cache.getOrSet}. */
export interface GetOrSetOptions<T> extends KeyOptions, Omit<OperationOptions, 'schema'> {
  /** {@link OperationOptions.schema}, of values of this type. */
  readonly schema?: ValueSchema<T> | undefined
  /** Makes the value when there is none. */
  readonly factory: Factory<T>
}

/** Options of {@link Cache.getOrSetForever}. */
export type GetOrSetForeverOptions<T> = Omit<GetOrSetOptions<T>, 'ttl'>
/** Options of {@link Cache.delete}, and of others that only name a key. */
export interface DeleteOptions extends KeyOptions, SuppressOptions {}
/** Options of {@link Cache.deleteMany}. */
export interface DeleteManyOptions extends SuppressOptions {
  readonly keys: readonly string[]
}
/** Options of {@link Cache.deleteByTag} and {@link Cache.expireByTag}. */
export interface DeleteByTagOptions extends SuppressOptions {
  readonly tags: readonly string[]
}

/**
 * A cache: one store, seen from one namespace, for one runtime. Cheap to make and to throw away; all that is kept is
 * kept by the store.
 */
export class Cache {
  protected readonly store: () => Stack
  protected readonly scope: Scope | undefined
  protected readonly runtime: Runtime

  constructor(store: () => Stack, runtime: Runtime, scope?: Scope) {
    this.store = store
    this.runtime = runtime
    this.scope = scope
  }

  /** Name of the store. */
  get name(): string {
    return this.store().name
  }

  /** Computations under way in this isolate's store. */
  get inflight(): number {
    return this.store().flights.size()
  }

  /**
   * The value of a key; the factory makes it when there is none. However many ask at a time, one factory runs.
   *
   * @throws {@link FactoryError} (`E_FACTORY_ERROR`) when the factory fails and no graced value is left,
   * {@link FactoryHardTimeout} (`E_FACTORY_HARD_TIMEOUT`) at the deadline, {@link UndefinedValueError}
   * (`E_UNDEFINED_VALUE`), {@link SerializationError} (`E_SERIALIZATION`), {@link InvalidOptionError}
   * (`E_INVALID_OPTION`), and {@link L2CacheError} (`E_L2_CACHE_ERROR`) if `suppressL2Errors` is off.
   * @example
   * ```ts
   * import { BentoCache, bentostore } from 'ekiben'
   * import { memoryDriver } from 'ekiben/drivers/memory'
   *
   * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
   * const rates = await bento.getOrSet({ key: 'rates', ttl: '1m', factory: async () => ({ EUR: 1 }) })
   * ```
   */
  async getOrSet<T>(options: GetOrSetOptions<T>): Promise<T> {
    const { factory } = checkOptions(options)
    if (typeof factory !== 'function') invalid('factory', factory, 'a function')
    return this.call(options, getOrSet, factory) as Promise<T>
  }

  /** {@link getOrSet} with a value that never expires by itself. */
  getOrSetForever<T>(options: GetOrSetForeverOptions<T>): Promise<T> {
    return this.getOrSet({ ...options, ttl: null })
  }

  /** The value of a key, else `defaultValue`, else `undefined`. A graced value only with `grace`. */
  async get<T = Loose>(options: GetOptions<T>): Promise<T> {
    return this.call(checkOptions(options), get, options.defaultValue) as Promise<T>
  }

  /**
   * Writes a value. `false`: L2 did not acknowledge it, so other isolates may go on with the old one for a while.
   *
   * @throws {@link UndefinedValueError}, {@link SerializationError}, {@link InvalidOptionError}
   */
  async set(options: SetOptions): Promise<boolean> {
    return this.call(checkOptions(options), set, options.value)
  }

  /** {@link set} without an end, unless a `ttl` is given. */
  setForever(options: SetOptions): Promise<boolean> {
    return this.set({ ...options, ttl: options.ttl === undefined ? null : options.ttl })
  }

  /** Whether the key has a fresh value. */
  async has(options: DeleteOptions): Promise<boolean> {
    return this.call(checkOptions(options), has)
  }

  /** Whether the key has no fresh value. */
  async missing(options: DeleteOptions): Promise<boolean> {
    return !(await this.has(options))
  }

  /** Gives the value and deletes it; where L2 coordinates, of all who pull at once one gets it. */
  async pull<T = Loose>(key: string): Promise<T | undefined> {
    return this.call({ key }, pull) as Promise<T | undefined>
  }

  /** Deletes a key everywhere. `false`: not acknowledged; it is tried again in the background. */
  async delete(options: DeleteOptions): Promise<boolean> {
    return operations.run(forget, this.operation(checkOptions(options)), checkKey(options.key), 'deleted')
  }

  /** Deletes keys, in one round trip. */
  async deleteMany(options: DeleteManyOptions): Promise<boolean> {
    const operation = this.operation(checkOptions(options))
    return operations.run(forget, operation, checkList(options.keys, 'keys'), 'deleted')
  }

  /** Makes a key stale everywhere. Its value may still be served as graced. */
  async expire(options: DeleteOptions): Promise<boolean> {
    return operations.run(forget, this.operation(checkOptions(options)), checkKey(options.key), 'expired')
  }

  /** Drops all entries of this namespace that bear one of the tags, in one round trip. They are not served as graced. */
  deleteByTag(options: DeleteByTagOptions): Promise<boolean> {
    return this.#forgetTags(options, false)
  }

  /** Makes all entries of this namespace that bear one of the tags stale, in one round trip. They may still be served as graced. */
  expireByTag(options: DeleteByTagOptions): Promise<boolean> {
    return this.#forgetTags(options, true)
  }

  /** Drops everything in this namespace and below, in one round trip, however much that is. */
  async clear(options?: SuppressOptions): Promise<void> {
    return operations.run(clear, this.operation(options))
  }

  /** Removes what is expired from L2, where it does not do so by itself. */
  async prune(): Promise<void> {
    await this.store().driver?.prune?.()
  }

  /**
   * A cache whose keys and tags are its own. It is stored with its parent, which reads its entries as `name:key` and
   * drops them with its own.
   *
   * @throws {@link InvalidOptionError} unless the name is a string that is not empty.
   */
  namespace(name: string): Cache {
    const scope = (this.scope ?? this.store().root).child(name)
    return new Cache(this.store, this.runtime, scope)
  }

  /** Closes what the store's drivers hold open. */
  async disconnect(): Promise<void> {
    await this.store().disconnect()
  }

  protected operation(options: object | undefined, key?: string): Operation {
    const store = this.store()
    const scope = this.scope ?? store.root
    const stack = (key && store.shard?.(scope.path + key)) || store
    return { stack, runtime: this.runtime, scope, settings: join(stack.settings, options) }
  }

  /** Runs an operation on a key, at once unless the key must be hashed first: an L1 hit waits for nothing. */
  protected call<Given extends unknown[], Result>(
    options: KeyOptions,
    work: (call: Call, ...given: Given) => Promise<Result>,
    ...given: Given
  ): Promise<Result> {
    const key = checkKey(options.key)
    const operation = this.operation(options, key)
    const id = operation.scope.path + key
    const run = (l2Key: string): Promise<Result> =>
      operations.run(work, { ...operation, key, id, l2Key }, ...given)
    const name = nameInL2(operation, id)
    return typeof name === 'string' ? run(name) : name.then(run)
  }

  async #forgetTags(options: DeleteByTagOptions, soft: boolean): Promise<boolean> {
    const operation = this.operation(checkOptions(options))
    const tags = checkTags(options.tags)
    const names = operation.scope.tags(tags)
    if (tags.length === 0) return true
    const told = await operations.run(
      invalidate,
      operation,
      names.map((name) => ({ kind: 'tag', name, soft })),
    )
    const { trace, name: store } = operation.stack
    if (told) trace.tell({ type: soft ? 'tags.expired' : 'tags.deleted', store, tags })
    return told !== undefined
  }
}
