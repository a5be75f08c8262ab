/**
 * What a cache has done at set times on Cloudflare Workers, by a cron trigger.
 *
 * @module
 */
import type { BentoCache } from '../src/bento-cache.ts'

/** What a cron trigger tells of itself. */
export interface Schedule {
  /** The trigger's expression, as in the configuration. */
  readonly cron: string
  /** When it was due, milliseconds since the Unix epoch. */
  readonly scheduledTime: number
}

/** Options of {@link scheduledHandler}. */
export interface ScheduledOptions {
  /** Makes values before anybody asks for them. @default nothing */
  readonly warm?: ((schedule: Schedule) => unknown) | undefined
  /** Whether stores drop what has expired from their L2, where it does not do so by itself. @default true */
  readonly prune?: boolean | undefined
}

/**
 * The `scheduled` handler of a Worker: prunes all stores and warms up. What one part fails at does not keep the others
 * from being done; the trigger then counts as failed. What runs in L1 of the isolate that the trigger happens to hit
 * warms that one alone, so warming is for L2.
 *
 * @throws AggregateError of what failed.
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { BentoCache, bentostore, scheduledHandler } from 'ekiben/adapters/cloudflare'
 * import { durableObjectDriver } from 'ekiben/drivers/durable-object'
 *
 * const l2 = durableObjectDriver({ binding: () => env.COORDINATOR })
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL2Layer(l2) } })
 * const rates = (forceFresh = false) =>
 *   bento.getOrSet({ key: 'rates', ttl: '1h', forceFresh, factory: () => ({ EUR: 1 }) })
 *
 * export default {
 *   fetch: async () => Response.json(await rates()),
 *   scheduled: scheduledHandler(bento, { warm: () => rates(true) }),
 * }
 * ```
 */
export function scheduledHandler(
  bento: BentoCache,
  { warm, prune = true }: ScheduledOptions = {},
): (schedule: Schedule) => Promise<void> {
  return async (schedule) => {
    const names = prune ? Object.keys(bento['options'].stores) : []
    const done = await Promise.allSettled([
      ...names.map(async (name) => bento.use(name).prune()),
      (async () => warm?.(schedule))(),
    ])
    const errors = done.flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []))
    if (errors.length > 0)
      throw new AggregateError(errors, `ekiben: ${errors.length} of ${done.length} scheduled tasks failed`)
  }
}
