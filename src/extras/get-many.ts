import type { Cache, GetOptions } from '../cache.ts'
import { get } from '../get.ts'
import type { Loose } from '../loose.ts'
import { operations } from '../operations.ts'
import { callsOn, distinctKeys } from './many-calls.ts'

/** Options of {@link getMany}: those of `get`. */
export interface GetManyOptions<T> extends Omit<GetOptions<T>, 'key'> {
  readonly keys: readonly string[]
}

/**
 * The values of keys, in their order; for a miss `defaultValue`, else `undefined`. One round trip for all that are not
 * in L1, none if all are.
 *
 * @throws {@link InvalidOptionError}; {@link L2CacheError} if `suppressL2Errors` is off.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { getMany } from 'ekiben/many'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const [first, second] = await getMany<string>(bento, { keys: ['a', 'b'] })
 * ```
 */
export async function getMany<T = Loose>(cache: Cache, options: GetManyOptions<T>): Promise<T[]> {
  const keys = distinctKeys(options)
  const { defaultValue } = options
  const { calls, batches } = await callsOn(cache, keys, () => options)
  const asked = [...calls.values()].map((call) => operations.run(get, call, defaultValue))
  for (const batch of batches) batch.flushReads()
  const found = await Promise.all(asked)
  const values = new Map([...calls.keys()].map((key, at) => [key, found[at]]))
  return options.keys.map((key) => values.get(key) as T)
}
