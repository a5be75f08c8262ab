import type { Cache, GetOrSetOptions } from '../cache.ts'
import { CacheError } from '../errors.ts'
import type { Factory, FactoryContext } from '../factory.ts'
import { getOrSet } from '../get-or-set.ts'
import { operations } from '../operations.ts'
import { invalid } from '../options.ts'
import type { Call } from '../stack.ts'
import { type BatchFactory, makeBatchRun } from './batch-factory.ts'
import { callsOn, distinctKeys } from './many-calls.ts'
import { changing } from './reach.ts'

/** Options of {@link getOrSetMany}: those of `getOrSet`, for all keys. */
export interface GetOrSetManyOptions<T> extends Omit<GetOrSetOptions<T>, 'key' | 'factory'> {
  readonly keys: readonly string[]
  /** Makes the values of the keys that are missing or expired, in one call. */
  readonly factory: BatchFactory<T>
}

/** Some keys have a value and some have failed. Nothing that was found is lost. */
export class SomeFailedError extends CacheError {
  static override readonly code: string = 'E_SOME_FAILED'
  static override readonly title: string = 'SomeFailedError'
  /** What was found or made, by key. */
  readonly values: ReadonlyMap<string, unknown>
  /** Why the others failed, by key. */
  readonly errors: ReadonlyMap<string, unknown>

  constructor(values: ReadonlyMap<string, unknown>, errors: ReadonlyMap<string, unknown>) {
    super(
      `${errors.size} of ${errors.size + values.size} keys have no value. Those that have one stand in error.values, the reasons in error.errors`,
      [...errors.values()][0],
    )
    this.values = values
    this.errors = errors
  }
}

/** Does what `getOrSet` does with one key of many. */
export type RunOne = (call: Call, factory: Factory<unknown>) => Promise<unknown>

/**
 * The values of keys, in their order; the factory makes those that are missing, in one call. What goes for `getOrSet`
 * goes for each key: grace, timeouts, leases, and that those who ask for the same key at a time share one run, be it by
 * `getOrSet` or by this. One round trip for what is in L2, and one for what is made.
 *
 * What the factory leaves out, or gives as `undefined`, is not cached, and is `undefined` in the answer.
 *
 * @throws {@link SomeFailedError} (`E_SOME_FAILED`) when keys fail, with the values of the others;
 * {@link InvalidOptionError}.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { getOrSetMany } from 'ekiben/many'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const load = async (ids: string[]) => new Map(ids.map((id) => [id, { id, name: 'Mei' }]))
 * const users = await getOrSetMany(bento, { keys: ['1', '2'], ttl: '5m', factory: load })
 * ```
 */
export function getOrSetMany<T>(cache: Cache, options: GetOrSetManyOptions<T>): Promise<(T | undefined)[]> {
  return getOrSetEach(cache, options, () => (call, factory) => operations.run(getOrSet, call, factory))
}

/** {@link getOrSetMany} with a flow around that of each key. */
export async function getOrSetEach<T, Context extends FactoryContext>(
  cache: Cache,
  options: Omit<GetOrSetManyOptions<T>, 'factory'> & { readonly factory: BatchFactory<T, Context> },
  flowOf: (call: Call) => RunOne,
): Promise<(T | undefined)[]> {
  const keys = distinctKeys(options)
  const { factory, ...rest } = options
  if (typeof factory !== 'function') invalid('factory', factory, 'a function')
  const run = makeBatchRun(cache['runtime'], factory as unknown as BatchFactory<unknown>, keys)
  const { calls, batches } = await callsOn(cache, keys, () => rest, run.watch)
  const asked = [...calls.values()].map((call) => flowOf(call)(call, run.factoryOf(call)))
  run.launched()
  for (const batch of batches) batch.flushReads()
  const told = await changing(cache, keys, Promise.allSettled(asked))
  const values = new Map<string, unknown>()
  const errors = new Map<string, unknown>()
  keys.forEach((key, at) => {
    const one = told[at]
    if (one?.status === 'fulfilled') values.set(key, one.value)
    else errors.set(key, one?.reason)
  })
  if (errors.size > 0) throw new SomeFailedError(values, errors)
  return options.keys.map((key) => values.get(key) as T | undefined)
}
