import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Runs what is called outside the request that calls it. Within one, `fetch` is Next's: it counts as a `fetch` of the
 * page, and rejects once the page is done, while what is stored is on its way. And no request is kept in memory by
 * work of the cache that outlives it. Next loads handlers before it renders anything, so that is where this leads.
 */
export const outside: <Result>(run: () => Result) => Result = AsyncLocalStorage.snapshot()
