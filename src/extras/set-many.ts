import type { Cache, SetOptions } from '../cache.ts'
import { operations } from '../operations.ts'
import { checkKey, checkOptions, invalid } from '../options.ts'
import { set } from '../set.ts'
import { callsOn } from './many-calls.ts'
import { changing } from './reach.ts'

/** Options of {@link setMany}: those of `set`, for all entries. An entry's own stand above them. */
export interface SetManyOptions extends Omit<SetOptions, 'key' | 'value'> {
  readonly entries: readonly SetOptions[]
}

/**
 * Writes values, in one round trip. `false`: L2 did not acknowledge all of them, and other isolates may go on with old
 * ones for a while. Each is written by itself: a value that cannot be written rejects when the others are.
 *
 * @throws {@link InvalidOptionError}, also for two entries of one key; {@link UndefinedValueError},
 * {@link SerializationError}; {@link L2CacheError} if `suppressL2Errors` is off.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { setMany } from 'ekiben/many'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * await setMany(bento, { ttl: '5m', entries: [{ key: 'a', value: 1 }, { key: 'b', value: 2, tags: ['twos'] }] })
 * ```
 */
export async function setMany(cache: Cache, options: SetManyOptions): Promise<boolean> {
  checkOptions(options)
  const { entries, ...shared } = options
  if (!Array.isArray(entries)) invalid('entries', entries, 'an array of { key, value }')
  const byKey = new Map<string, SetOptions>()
  for (const [at, entry] of entries.entries()) {
    if (typeof entry !== 'object' || entry === null)
      invalid(`entries[${at}]`, entry, 'an object { key, value }')
    const key = checkKey(entry.key, `entries[${at}].key`)
    if (byKey.has(key)) invalid(`entries[${at}].key`, key, 'a key that no other entry has')
    byKey.set(key, entry)
  }
  const { calls, batches } = await callsOn(cache, [...byKey.keys()], (key) => ({
    ...shared,
    ...byKey.get(key),
  }))
  const written = [...calls].map(([key, call]) => operations.run(set, call, byKey.get(key)?.value))
  for (const batch of batches) batch.flushCommits()
  const told = await changing(cache, [...byKey.keys()], Promise.allSettled(written))
  for (const one of told) if (one.status === 'rejected') throw one.reason
  return told.every((one) => one.status === 'fulfilled' && one.value)
}
