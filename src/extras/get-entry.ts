import type { Cache, GetOptions } from '../cache.ts'
import { find } from '../get.ts'
import type { Loose } from '../loose.ts'
import { checkOptions } from '../options.ts'
import { serve } from '../serve.ts'
import { tell } from '../stack.ts'
import type { EntryInfo } from './entry-info.ts'
import { infoOf, infoWithout } from './info-of.ts'
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
  return callOn(cache, options, async (call) => {
    const { defaultValue } = options
    const hit = await find(call)
    if (hit) {
      const value = serve(call, hit.entry, hit.layer, hit.graced)
      return infoOf(
        call,
        { entry: hit.entry, layer: hit.layer, manner: hit.graced },
        { value, reason: 'grace', defaultValue },
      )
    }
    tell(call, { type: 'miss' })
    return defaultValue === undefined
      ? undefined
      : infoWithout(call, { value: undefined, reason: 'default', defaultValue })
  }) as Promise<EntryInfo<T> | undefined>
}

/**
 * Milliseconds for which the key has a fresh value; `Infinity` for ever, `undefined` where there is none. At most one
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
  return entry && !entry.stale ? entry.freshFor : undefined
}
