/**
 * What the operations of one request did.
 *
 * @module
 */
import type { BentoCache } from '../bento-cache.ts'
import type { RunOperation } from '../operations.ts'
import type { RequestContext, Runtime } from '../ports.ts'
import { overseenBy } from '../run-by.ts'
import { bindTo, type Bound } from './bind-to.ts'
import { type ObservedOperation, Sighting, type SightingLog } from './sighting.ts'

export { cacheStatuses, type CacheStatusesOptions, serverTiming } from './observed-headers.ts'
export type { ObservedAnswer, ObservedOperation } from './sighting.ts'

/** What {@link observe} gives. */
export interface Observation<C> {
  /** The cache for this request. What goes through it, and through its namespaces and named stores, is observed. */
  readonly cache: C
  /** What is over, in the order in which it began; at most 100. */
  readonly operations: readonly ObservedOperation[]
  /** Ends it: what is over later is not added. Whoever forgets all of it need not. */
  stop(): void
}

/** More are not noted down: a request may do thousands. */
const MOST = 100

/** Operations go by their request's runtime: each has one, and no two requests the same. */
const logs = new WeakMap<Runtime, SightingLog>()

/** What marks an operation that has been seen, and whatever is made of it. */
const SEEN = Symbol('seen')

type Marked<O> = O & { readonly [SEEN]?: Sighting }

/** Has operations of observed requests seen; all others are run as if nobody observed. */
function overseeing(run: RunOperation): RunOperation {
  return (work, operation, ...given) => {
    type Own = Marked<typeof operation>
    const present = (operation as Own)[SEEN]
    const log = present ? undefined : logs.get(operation.runtime)
    if (!present && !log) return run(work, operation, ...given)
    const sighting = present ?? new Sighting(operation, log as SightingLog)
    const marked: Own = { ...sighting.hook(operation), [SEEN]: sighting }
    return sighting.watch(work, given, () => run(work, marked, ...given))
  }
}

/**
 * The cache for one request, and what that request does with it: which keys it asked for, where their values came from
 * and why, how long each took. Requests at the same time see nothing of each other. With a context, background work is
 * handed to its `waitUntil`, as by `bind`; without one it goes where it went before.
 *
 * No values are noted down; keys are. Refreshes behind answers are no operations.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { cacheStatuses, observe } from 'ekiben/observe'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 *
 * export default {
 *   async fetch(request: Request, env: unknown, ctx: { waitUntil(work: Promise<unknown>): void }) {
 *     const seen = observe(bento, ctx)
 *     const rates = await seen.cache.getOrSet({ key: 'rates', factory: () => ({ EUR: 1 }) })
 *     const status = cacheStatuses(seen.operations)
 *     return Response.json(rates, { headers: status ? { 'Cache-Status': status } : {} })
 *   },
 * }
 * ```
 */
export function observe<C extends BentoCache>(cache: C, context?: RequestContext): Observation<Bound<C>> {
  overseenBy(overseeing)
  const { cache: bound, runtime } = bindTo(cache, context)
  const log: SightingLog = { open: true, most: MOST, sightings: [] }
  logs.set(runtime, log)
  return {
    cache: bound,
    get operations() {
      return log.sightings.flatMap(({ told }) => told ?? [])
    },
    stop: () => {
      log.open = false
      logs.delete(runtime)
    },
  }
}
