/**
 * Ekiben in Hono: a middleware that gives each request the cache, bound to it. What `import 'ekiben/adapters/hono'` gives
 * is the same on every runtime; a cache it makes is the one that `import 'ekiben'` gives there.
 *
 * @module
 */
import { type Bento, middlewareOf } from './hono/middleware.ts'
import { BentoCache } from './system.ts'

export type { Bento, BentoMiddleware, BentoVariables } from './hono/middleware.ts'
export type { TellingOptions } from './hono/tell.ts'

/**
 * The cache at `c.var.cache`, bound to the request: background work is handed to the `waitUntil` of `c.executionCtx`;
 * where there is none, the runtime's own ways stay as they are. Takes the options of a cache, which is then made once,
 * or as `cache` one that stands; one of `ekiben/full` stays one. On request it tells in the headers `Cache-Status` and
 * `Server-Timing` what the cache did.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { bento } from 'ekiben/adapters/hono'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { Hono } from 'hono'
 *
 * const cache = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) },
 * })
 *
 * export default new Hono()
 *   .use(bento({ cache, cacheStatus: true, serverTiming: true }))
 *   .get('/rates', async (c) =>
 *     c.json(await c.var.cache.getOrSet({ key: 'rates', factory: () => ({ EUR: 1 }) })),
 *   )
 * ```
 */
export const bento: Bento = /* @__PURE__ */ middlewareOf((options) => new BentoCache(options))
