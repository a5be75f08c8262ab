// oxlint-disable-next-line no-restricted-imports -- Node, Deno and Bun have it, and only their adapters lead here
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestContext } from '../../src/ports.ts'

const scopes = new AsyncLocalStorage<RequestContext>()

/** The scope this code runs in. */
export function currentScope(): RequestContext | undefined {
  return scopes.getStore()
}

/**
 * Runs a request. Whatever caches do in it, and in all it calls and awaits, hands its background work to
 * `request.waitUntil`: for hosts that freeze or end a process between requests and say until when to wait. What is
 * called at module scope of an application need not be handed a bound cache for it.
 *
 * @throws What `run` throws.
 * @example
 * ```ts
 * import { BentoCache, bentostore, withRequest } from 'ekiben/adapters/node'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ grace: '1h' }).useL1Layer(memoryDriver()) },
 * })
 *
 * export function handle(event: { city: string }, context: { waitUntil(work: Promise<unknown>): void }) {
 *   return withRequest(context, () => bento.getOrSet({ key: event.city, factory: () => ({ sky: 'clear' }) }))
 * }
 * ```
 */
export function withRequest<Result>(request: RequestContext, run: () => Result): Result {
  return scopes.run(request, run)
}
