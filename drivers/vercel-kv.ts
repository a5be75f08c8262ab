/**
 * Redis over HTTP by the names of Vercel: L2, leases and journal in one.
 *
 * @module
 */
import type { AtomicDriver } from '../src/atomic-calls.ts'
import type { CreateDriverResult } from '../src/ports.ts'
import type { AtomicBusDriver } from '../src/store.ts'
import { type HostedOptions, hostedBus, hostedStore, readVariables } from './redis-protocol/hosted.ts'

export type { UpstashClient } from './redis-protocol/client.ts'

/** Options of {@link vercelKvDriver}: `{ url, token }`, or `{ client }` of `@vercel/kv`. */
export type VercelKvOptions = HostedOptions

/**
 * The shared store in Vercel KV, or in the Redis that a marketplace integration of Vercel has put in its place: what
 * `upstashDriver` is, by the names that Vercel gives the variables.
 *
 * Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for an address, token or client that is none.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { fromEnv, vercelKvDriver } from 'ekiben/drivers/vercel-kv'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useL2Layer(vercelKvDriver(fromEnv()))
 * const bento = new BentoCache({ default: 'main', stores: { main: store } })
 * ```
 */
export function vercelKvDriver(options: VercelKvOptions): CreateDriverResult<AtomicDriver> {
  return hostedStore(options)
}

/**
 * The journal, leases and epochs in Vercel KV, for a store whose values lie elsewhere; beside a Redis as L2 it only
 * pushes. Options as for {@link vercelKvDriver}.
 *
 * @throws InvalidOptionError as {@link vercelKvDriver} does.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { fromEnv, vercelKvBusDriver } from 'ekiben/drivers/vercel-kv'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useBus(vercelKvBusDriver(fromEnv()))
 * ```
 */
export function vercelKvBusDriver(options: VercelKvOptions): CreateDriverResult<AtomicBusDriver> {
  return hostedBus(options)
}

/**
 * Address and token from `KV_REST_API_URL` and `KV_REST_API_TOKEN`: of `env` where it is given, else of the process.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) naming the variable that is missing.
 *
 * @example
 * ```ts
 * import { fromEnv, vercelKvDriver } from 'ekiben/drivers/vercel-kv'
 *
 * const driver = vercelKvDriver({ ...fromEnv(), prefix: 'shop' })
 * ```
 */
export function fromEnv(env?: object): { url: string; token: string } {
  return readVariables(['KV_REST_API_URL', 'KV_REST_API_TOKEN'], env)
}
