import type { Cache, KeyOptions, SuppressOptions } from '../cache.ts'
import { instant } from '../clock.ts'
import type { Duration } from '../durations.ts'
import { freshness } from '../entry.ts'
import { L2CacheError } from '../errors.ts'
import { isUntouched } from '../journal.ts'
import { finite, type L2, namesOf } from '../l2.ts'
import { checkOptions } from '../options.ts'
import { inL1 } from '../serve.ts'
import type { Call } from '../stack.ts'
import { keep, lifeOf, makeEntry } from '../write.ts'
import { callOn, changing } from './reach.ts'

/** Options of {@link touch}. */
export interface TouchOptions extends KeyOptions, SuppressOptions {
  /** How long the value is fresh from now on. @default the store's */
  readonly ttl?: Duration | undefined
  /** How long it may be served from now on. @default the store's */
  readonly grace?: Duration | false | undefined
}

/**
 * Begins the life of a value anew without reading or sending it: one round trip, whatever its size. `false`: it is not
 * there, or L2 did not acknowledge. What was expired by hand (`expire`, `expireByTag`) stays expired.
 *
 * Other isolates ask L2 again for the key, so that a shorter life is one for them too. What only this isolate's memory has is
 * touched there alone.
 *
 * @throws {@link InvalidOptionError}; {@link L2CacheError} if `suppressL2Errors` is off.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { touch } from 'ekiben/entry'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const alive = await touch(bento, { key: 'session:42', ttl: '30m' })
 * ```
 */
export async function touch(cache: Cache, options: TouchOptions): Promise<boolean> {
  checkOptions(options)
  const work = callOn(cache, options, async (call) =>
    call.stack.l2 ? touchL2(call, call.stack.l2) : touchL1(call),
  )
  return changing(cache, [options.key], work)
}

async function touchL2(call: Call, l2: L2): Promise<boolean> {
  const { runtime, settings, stack, id } = call
  const own = inL1(call)
  // What only L1 has, because L2 was not to have it, or has not got it, is newer than what lies in L2.
  const newer = own?.version === undefined ? own : undefined
  const { freshFor, staleFor } = lifeOf(settings)
  const request = {
    op: runtime.randomId(),
    key: call.l2Key,
    version: runtime.randomId(),
    keeps: '*',
    freshFor: finite(freshFor),
    staleFor: finite(staleFor),
    ...namesOf(call),
    mode: { kind: 'set' },
  } as const
  try {
    const { reply } = await l2.ask(runtime, 'commit', request, {
      onReply: ({ at = -1, page }, { gen }) => {
        // The touch itself does not speak against it; what others have done since does.
        if (newer?.gen === gen && gen === stack.journal.gen() && isUntouched(newer, page, at))
          newer.cursor = Math.max(newer.cursor, at)
        return at < 0 ? undefined : at
      },
    })
    if (newer || !reply.stored) return touchL1(call) || reply.stored
    // The copy here may not be the version that was touched; the next read brings that.
    stack.l1?.delete(id)
    return true
  } catch (error) {
    if (error instanceof L2CacheError && settings.suppressL2Errors) return false
    throw error
  }
}

function touchL1(call: Call): boolean {
  const { runtime, settings } = call
  const present = inL1(call)
  const now = instant(runtime)
  if (!present || freshness(present, now) === 'dead') return false
  const text = 'text' in present.body ? present.body.text : undefined
  // It is as old as it was: what began to be made since then still takes its place.
  keep(call, makeEntry(call, { ...present, born: now, ...lifeOf(settings) }, text))
  return true
}
