import type { Context, MiddlewareHandler, Next } from 'hono'
import type { BentoCache, BentoCacheOptions } from '../../src/bento-cache.ts'
import { bindTo, type Bound } from '../../src/extras/bind-to.ts'
import { observe } from '../../src/extras/observe.ts'
import { checkOptions, invalid } from '../../src/options.ts'
import type { RequestContext } from '../../src/ports.ts'
import type { BentoStore } from '../../src/store.ts'
import { checkTelling, tell, type TellingOptions } from './tell.ts'

/**
 * What handlers find in `c.var`, for `new Hono<{ Variables: BentoVariables<typeof cache> }>()`. No interface: older
 * releases of Hono take records, which interfaces are not.
 */
export type BentoVariables<C extends BentoCache = BentoCache> = {
  /** The cache, bound to the request. */
  cache: Bound<C>
}

/** A middleware that puts a cache at `c.var.cache`. */
export type BentoMiddleware<C extends BentoCache> = MiddlewareHandler<{ Variables: BentoVariables<C> }>

/** Makes the middleware of a cache that stands, or of the options of one, which is then made once. */
export interface Bento {
  <C extends BentoCache>(options: TellingOptions & { readonly cache: C }): BentoMiddleware<C>
  <Stores extends Record<string, BentoStore>>(
    options: TellingOptions & BentoCacheOptions<Stores>,
  ): BentoMiddleware<BentoCache<Stores>>
}

type MakeCache = (options: BentoCacheOptions<Record<string, BentoStore>>) => BentoCache

/** The middleware, with the cache of a runtime. */
export function middlewareOf(makeCache: MakeCache): Bento {
  return (options: TellingOptions) => {
    const { when, cacheStatus, serverTiming, ...rest } = checkOptions(options)
    const telling = { when, cacheStatus, serverTiming }
    checkTelling(telling)
    const cache = cacheOf(rest, makeCache)
    return async (c: Context, next: Next): Promise<void> => {
      const context = contextOf(c)
      const tells = (cacheStatus || serverTiming) && (!when || (await when(c)))
      if (!tells) {
        c.set('cache', context ? bindTo(cache, context).cache : cache)
        return next()
      }
      const observation = observe(cache, context)
      c.set('cache', observation.cache)
      try {
        await next()
        tell(c, observation.operations, telling)
      } finally {
        observation.stop()
      }
    }
  }
}

function cacheOf(given: object, makeCache: MakeCache): BentoCache {
  if (!('cache' in given)) return makeCache(given as BentoCacheOptions<Record<string, BentoStore>>)
  const cache = given.cache as BentoCache | undefined
  return typeof cache?.bind === 'function' ? cache : invalid('cache', cache, 'a BentoCache')
}

/** Hono's context throws where nobody waits for what goes on behind the answer. */
function contextOf(c: Context): RequestContext | undefined {
  try {
    const { executionCtx } = c
    return typeof executionCtx.waitUntil === 'function' ? executionCtx : undefined
  } catch {
    return undefined
  }
}
