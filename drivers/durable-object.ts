/**
 * A Durable Object as L2, leases and journal in one, for Workers that have it as a binding.
 *
 * @module
 */
import type { AtomicDriver } from '../src/atomic-calls.ts'
import { connectL2 } from '../src/connect-l2.ts'
import { MissingBindingError } from '../src/errors.ts'
import type { CoordinationCalls, CreateDriverResult } from '../src/ports.ts'
import type { AtomicBusDriver } from '../src/store.ts'
import type { AskAtomic } from './coordinator-protocol/object-atomics.ts'
import {
  checkNames,
  checkText,
  type DurableObjectOptions,
  objectBus,
  type ObjectLink,
  objectStore,
} from './coordinator-protocol/store.ts'

/** What the driver needs of a Durable Object namespace: a binding of the `Coordinator` class has it. */
export interface CoordinatorNamespace {
  idFromName(name: string): unknown
  get(id: unknown, options?: { locationHint?: string }): unknown
}

/** Options of {@link durableObjectDriver}. */
export interface DurableObjectDriverOptions extends DurableObjectOptions {
  /**
   * The binding of the `Coordinator` class, or a function that returns it. The function is called for each call to
   * the store, so that it may read the environment of the current request.
   */
  readonly binding: CoordinatorNamespace | (() => CoordinatorNamespace | undefined)
  /** Where the object is created, such as `'weur'`. Only its first call ever decides. @default near that caller */
  readonly locationHint?: string | undefined
}

/** The methods of the object, as its stub offers them. */
type CoordinatorStub = CoordinationCalls & { prune(): Promise<void>; atomic: AskAtomic }

/**
 * The shared store in a Durable Object: entries, leases and invalidations with one order. Each operation is one RPC
 * call. The object is a class of `ekiben/workers/coordinator` that your Worker exports and binds. What is no Worker takes
 * `ekiben/drivers/durable-object-http`.
 *
 * Lists of more than 1,000 keys to delete, 200 to read or 200 to write take a call for each such part and are not one
 * step; so do values to write that are more than 1.9 million characters together.
 *
 * Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for a `name`, `prefix` or `locationHint` that is no text.
 * @throws MissingBindingError (`E_MISSING_BINDING`) at once if `binding` is neither a namespace nor a function; at the
 * call if the function returns none.
 *
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { BentoCache, bentostore } from 'ekiben'
 * import { durableObjectDriver } from 'ekiben/drivers/durable-object'
 *
 * const bento = new BentoCache({
 *   default: 'edge',
 *   stores: { edge: bentostore().useL2Layer(durableObjectDriver({ binding: () => env.CACHE })) },
 * })
 * ```
 */
export function durableObjectDriver(options: DurableObjectDriverOptions): CreateDriverResult<AtomicDriver> {
  return objectStore(options, open(options, 'durableObjectDriver'), connectL2)
}

/**
 * The journal, leases and epochs of a Durable Object for a store whose values lie elsewhere: in an L2 that only keeps
 * values, or in L1 alone. Options as for {@link durableObjectDriver}.
 *
 * @throws InvalidOptionError, MissingBindingError as {@link durableObjectDriver} does.
 *
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { bentostore } from 'ekiben'
 * import { durableObjectBusDriver } from 'ekiben/drivers/durable-object'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const store = bentostore()
 *   .useL1Layer(memoryDriver())
 *   .useBus(durableObjectBusDriver({ binding: () => env.COORDINATOR }))
 * ```
 */
export function durableObjectBusDriver(
  options: DurableObjectDriverOptions,
): CreateDriverResult<AtomicBusDriver> {
  return objectBus(options, open(options, 'durableObjectBusDriver'), connectL2)
}

/**
 * A stub belongs to the request that made it and is broken by an error, so each call makes its own.
 *
 * @throws InvalidOptionError, MissingBindingError
 */
function open(options: DurableObjectDriverOptions, driver: string): ObjectLink {
  if (typeof (options as unknown) !== 'object' || options === null)
    throw new MissingBindingError({ option: 'binding', driver })
  const { binding, locationHint } = options
  const name = checkNames(options)
  checkText(locationHint, 'locationHint', 'a text')
  const find = (): CoordinatorNamespace => {
    const namespace = typeof binding === 'function' ? binding() : binding
    if (typeof namespace?.idFromName === 'function') return namespace
    throw new MissingBindingError({ option: 'binding', driver })
  }
  if (typeof binding !== 'function') find()
  const stub = (): CoordinatorStub => {
    const namespace = find()
    const id = namespace.idFromName(name)
    const object = locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint })
    // The namespace is typed by shape alone, to work with bindings of every version of Cloudflare's types.
    return object as CoordinatorStub
  }
  const calls: CoordinationCalls = {
    read: async (request) => stub().read(request),
    readMany: async (request) => stub().readMany(request),
    take: async (request) => stub().take(request),
    commit: async (request) => stub().commit(request),
    commitMany: async (request) => stub().commitMany(request),
    release: async (request) => stub().release(request),
    invalidate: async (request) => stub().invalidate(request),
    pull: async (request) => stub().pull(request),
  }
  return { calls, atomic: async (request) => stub().atomic(request), prune: async () => stub().prune() }
}
