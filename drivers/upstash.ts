/**
 * Upstash Redis over HTTP, or any Redis behind `ekiben gateway`: L2, leases and journal in one.
 *
 * @module
 */
import type { AtomicDriver } from '../src/atomic-calls.ts'
import type { CreateDriverResult } from '../src/ports.ts'
import type { AtomicBusDriver } from '../src/store.ts'
import { type HostedOptions, hostedBus, hostedStore, readVariables } from './redis-protocol/hosted.ts'

export type { UpstashClient } from './redis-protocol/client.ts'

/** Options of {@link upstashDriver}: `{ url, token }`, or `{ client }` of `@upstash/redis`. */
export type UpstashOptions = HostedOptions

/**
 * The shared store in Upstash Redis, or in any Redis behind `ekiben gateway`: entries, leases and invalidations with
 * one order. Each operation is one HTTP request with one command, a script.
 *
 * Nothing is done before the first call, so it can be built at module scope. With `{ url, token }` nothing but `fetch`
 * is used; a `client` is used without its automatic pipelines.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for an address, token or client that is none.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useL2Layer(upstashDriver(fromEnv()))
 * const bento = new BentoCache({ default: 'main', stores: { main: store } })
 * ```
 */
export function upstashDriver(options: UpstashOptions): CreateDriverResult<AtomicDriver> {
  return hostedStore(options)
}

/**
 * The journal, leases and epochs in Upstash Redis, for a store whose values lie elsewhere: in an L2 that only keeps
 * values, or in L1 alone. Beside an L2 that is Redis itself it only pushes: processes that outlive their requests hear
 * of changes at once. Options as for {@link upstashDriver}.
 *
 * @throws InvalidOptionError as {@link upstashDriver} does.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { fromEnv, upstashBusDriver, upstashDriver } from 'ekiben/drivers/upstash'
 *
 * const store = bentostore()
 *   .useL1Layer(memoryDriver())
 *   .useL2Layer(upstashDriver(fromEnv()))
 *   .useBus(upstashBusDriver(fromEnv()))
 * ```
 */
export function upstashBusDriver(options: UpstashOptions): CreateDriverResult<AtomicBusDriver> {
  return hostedBus(options)
}

/**
 * Address and token from `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`: of `env` where it is given, as on
 * Workers, else of the process.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) naming the variable that is missing.
 *
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
 *
 * const driver = upstashDriver({ ...fromEnv(env), prefix: 'shop' })
 * ```
 */
export function fromEnv(env?: object): { url: string; token: string } {
  return readVariables(['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'], env)
}
