/**
 * A Durable Object as L2, leases and journal in one, for what is no Worker and reaches it over HTTP.
 *
 * @module
 */
import type { AtomicDriver } from '../src/atomic-calls.ts'
import { connectL2 } from '../src/connect-l2.ts'
import { connectPushedL2 } from '../src/connect-pushed-l2.ts'
import { InvalidOptionError, MissingBindingError } from '../src/errors.ts'
import type { CreateDriverResult } from '../src/ports.ts'
import { checkAddress, checkToken } from '../src/remote-address.ts'
import type { AtomicBusDriver } from '../src/store.ts'
import { ask, type FetchLike, remoteCoordination } from './coordinator-protocol/remote-coordination.ts'
import { openSubscription, type WebSocketClass } from './coordinator-protocol/socket-subscription.ts'
import {
  checkNames,
  type DurableObjectOptions,
  objectBus,
  type ObjectLink,
  objectStore,
} from './coordinator-protocol/store.ts'

/** Options of {@link durableObjectHttpDriver}. */
export interface DurableObjectHttpOptions extends DurableObjectOptions {
  /**
   * Where a Worker gives its requests to `coordinatorHandler` of `ekiben/workers/coordinator-http`, with the path it is
   * mounted at. Only https, or http on this machine.
   */
  readonly url: string | URL
  /** The secret of that handler, or a function that returns it, called for each call to the store. */
  readonly token: string | (() => string | undefined)
  /** Sends the requests. @default the runtime's own */
  readonly fetch?: FetchLike | undefined
  /** Opens the connection that tells of changes at once. @default the runtime's own, where it has one */
  readonly webSocket?: WebSocketClass | undefined
  /** Lets `url` be http to another machine. The token and all values can then be read on the way. @default false */
  readonly allowInsecure?: boolean | undefined
}

/**
 * What `durableObjectDriver` is to Workers, for everything else: each operation is one POST to a Worker of yours that
 * answers with `coordinatorHandler`. A POST is never repeated, and given up after ten seconds if nobody did so before.
 *
 * Lists of more than 1,000 keys to delete, 200 to read or 200 to write take a call for each such part and are not one
 * step; so do values to write that are more than 1.9 million characters together.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for an option of the wrong type, a `url` that is not safe to send a
 * token to, and a `token` that is not visible ASCII.
 * @throws MissingBindingError (`E_MISSING_BINDING`) at once if there is no `url` or `token`; at the call if the function
 * returns none.
 *
 * @example
 * ```ts
 * import { durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
 *
 * export const makeDriver = (env: Record<string, string | undefined>) =>
 *   durableObjectHttpDriver({ url: 'https://cache.example.com', token: () => env['EKIBEN_SECRET'] })
 * ```
 */
export function durableObjectHttpDriver(options: DurableObjectHttpOptions): CreateDriverResult<AtomicDriver> {
  return objectStore(options, open(options, 'durableObjectHttpDriver'), connectL2)
}

/**
 * The journal, leases and epochs of a Durable Object for a store whose values lie elsewhere. Beside a
 * {@link durableObjectHttpDriver} it only pushes: processes that outlive their requests hear of changes at once, over a
 * WebSocket. Options as for {@link durableObjectHttpDriver}.
 *
 * @throws InvalidOptionError, MissingBindingError as {@link durableObjectHttpDriver} does.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { durableObjectHttpBusDriver, durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * export function makeStore(token: string) {
 *   const coordinator = { url: 'https://cache.example.com', token }
 *   return bentostore()
 *     .useL1Layer(memoryDriver())
 *     .useL2Layer(durableObjectHttpDriver(coordinator))
 *     .useBus(durableObjectHttpBusDriver(coordinator))
 * }
 * ```
 */
export function durableObjectHttpBusDriver(
  options: DurableObjectHttpOptions,
): CreateDriverResult<AtomicBusDriver> {
  return objectBus(options, open(options, 'durableObjectHttpBusDriver'), connectPushedL2)
}

/** @throws InvalidOptionError, MissingBindingError */
function open(options: DurableObjectHttpOptions, driver: string): ObjectLink {
  const given = options as Partial<DurableObjectHttpOptions> | null | undefined
  if (given?.url === undefined) throw new MissingBindingError({ option: 'url', driver })
  const { fetch, webSocket, allowInsecure } = options
  for (const [option, value] of Object.entries({ fetch, webSocket }))
    if (value !== undefined && typeof value !== 'function') throw invalid(option, value, 'a function')
  if (allowInsecure !== undefined && typeof allowInsecure !== 'boolean')
    throw invalid('allowInsecure', allowInsecure, 'true or false')
  const token = (): string => {
    const text = typeof options.token === 'function' ? options.token() : options.token
    if (text === undefined) throw new MissingBindingError({ option: 'token', driver })
    return checkToken(text)
  }
  if (typeof options.token !== 'function') token()
  const address = `${checkAddress(options)}/v1/${segmentOf(checkNames(options))}`
  const remote = { address, token, fetch }
  return {
    calls: remoteCoordination(remote),
    atomic: (request) => ask(remote, 'atomic', request),
    subscribe: (subscriber) =>
      openSubscription({ address: `${address}/subscribe`, token, webSocket }, subscriber),
  }
}

/** A name as one segment of a path: what would lead out of it is none. */
function segmentOf(name: string): string {
  if (name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)) return encodeURIComponent(name)
  throw new InvalidOptionError({
    option: 'name',
    received: 'a text that is no segment of a path',
    allowed: 'well-formed text, and neither . nor ..',
  })
}

function invalid(option: string, value: unknown, allowed: string): InvalidOptionError {
  return new InvalidOptionError({ option, received: typeof value, allowed })
}
