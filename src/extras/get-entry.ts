import type { Cache, GetOptions } from '../cache.ts'
import { get } from '../get.ts'
import type { Loose } from '../loose.ts'
import { operations } from '../operations.ts'
import { checkOptions } from '../options.ts'
import type { Hooks } from '../stack.ts'
import type { EntryInfo } from './entry-info.ts'
import { infoOf, type Served } from './info-of.ts'
import { callOn } from './reach.ts'

/**
 * The value of a key, and what is known of it; `undefined` on a miss, unless a `defaultValue` is given. Nothing is
 * computed or refreshed. At most one round trip.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { getEntry } from 'ekiben/entry'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const entry = await getEntry<string>(bento, { key: 'motd' })
 * console.log(entry ? `${entry.value}, fresh for ${entry.freshFor} ms` : 'nothing there')
 * ```
 */
export async function getEntry<T = Loose>(
  cache: Cache,
  options: GetOptions<T>,
): Promise<EntryInfo<T> | undefined> {
  checkOptions(options)
  return callOn(cache, options, async (plain) => {
    const { defaultValue } = options
    const seen: { last?: Served } = {}
    const hooks: Hooks = { served: (entry, layer, manner) => void (seen.last = { entry, layer, manner }) }
    const call = { ...plain, hooks }
    const value = await operations.run(get, call, undefined)
    const served = seen.last
    if (!served && defaultValue === undefined) return undefined
    return infoOf(call, { served, value, reason: served ? 'grace' : 'default', defaultValue })
  }) as Promise<EntryInfo<T> | undefined>
}

/**
 * Milliseconds for which the key has a fresh value; `Infinity` for ever, `undefined` where there is none, or where that
 * there is nothing is what is cached. At most one
 * round trip, as for {@link getEntry}.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { remainingTtl } from 'ekiben/entry'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const ms = await remainingTtl(bento, { key: 'session' })
 * ```
 */
export async function remainingTtl(
  cache: Cache,
  options: { readonly key: string },
): Promise<number | undefined> {
  const entry = await getEntry(cache, { key: options.key, grace: false })
  return entry && !entry.stale && !entry.negative ? entry.freshFor : undefined
}
