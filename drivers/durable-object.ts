import { busCoordination } from '../src/bus-coordination.ts'
import { connectL2 } from '../src/connect-l2.ts'
import { InvalidOptionError, MissingBindingError } from '../src/errors.ts'
import type {
  CacheDriver,
  Coordination,
  CoordinationCalls,
  CreateDriverResult,
  Limits,
} from '../src/ports.ts'
import { checkAddress, checkToken } from '../src/remote-address.ts'
import { type FetchLike, remoteCoordination } from '../src/remote-coordination.ts'
import { systemRuntime } from '../src/runtime.ts'
import { openSubscription, type WebSocketClass } from '../src/socket-subscription.ts'
import type { BusDriver } from '../src/store.ts'

/** What the driver needs of a Durable Object namespace: a binding of the `Coordinator` class has it. */
export interface CoordinatorNamespace {
  idFromName(name: string): unknown
  get(id: unknown, options?: { locationHint?: string }): unknown
}

/** Which object, and what lies in front of its keys. */
export interface DurableObjectOptions {
  /** Name of the object. Caches with the same name share entries and journal. Default `'ekiben'`. */
  readonly name?: string | undefined
  /** Put before every key and namespace. Default: none. */
  readonly prefix?: string | undefined
}

/** Options of {@link durableObjectDriver} in a Worker that the object is bound to. */
export interface DurableObjectBindingOptions extends DurableObjectOptions {
  /**
   * The binding of the `Coordinator` class, or a function that returns it. The function is called for each call to
   * the store, so that it may read the environment of the current request.
   */
  readonly binding: CoordinatorNamespace | (() => CoordinatorNamespace | undefined)
  /** Where the object is created, such as `'weur'`. Only its first call ever decides. Default: near that caller. */
  readonly locationHint?: string | undefined
}

/** Options of {@link durableObjectDriver} everywhere else. */
export interface DurableObjectUrlOptions extends DurableObjectOptions {
  /**
   * Where a Worker gives its requests to `coordinatorHandler` of `ekiben/workers/coordinator-http`, with the path it is
   * mounted at. Only https, or http on this machine.
   */
  readonly url: string | URL
  /** The secret of that handler, or a function that returns it, called for each call to the store. */
  readonly token: string | (() => string | undefined)
  /** Sends the requests. Default: the runtime's own. */
  readonly fetch?: FetchLike | undefined
  /** Opens the connection that tells of changes at once. Default: the runtime's own, where it has one. */
  readonly webSocket?: WebSocketClass | undefined
  /** Lets `url` be http to another machine. The token and all values can then be read on the way. Default `false`. */
  readonly allowInsecure?: boolean | undefined
}

/** Options of {@link durableObjectDriver}: a binding, or a URL with a token. */
export type DurableObjectDriverOptions = DurableObjectBindingOptions | DurableObjectUrlOptions

/** The methods of the object, as its stub offers them. */
type CoordinatorStub = CoordinationCalls & { prune(): Promise<void> }

/** By this the core sees that the L2 and the bus of a store are one thing. */
const KIND = 'durable-object'

/**
 * A row of SQLite in a Durable Object holds 2 MB: https://developers.cloudflare.com/durable-objects/platform/limits/.
 * The rest of the row is left to the key, the version and the epochs of tags.
 */
const LIMITS: Limits = { maxKeyBytes: 2048, maxValueBytes: 1_900_000 }

/**
 * The shared store in a Durable Object: entries, leases and invalidations with one order. The object is a class of
 * `ekiben/workers/coordinator` that your Worker exports and binds. Each operation is one RPC call there, and one POST
 * where the driver is given a URL. A POST is never repeated, and given up after ten seconds if nobody did so before.
 *
 * Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for an option of the wrong type, a `url` that is not safe to send a
 * token to, and a `token` that is not visible ASCII.
 * @throws MissingBindingError (`E_MISSING_BINDING`) at once if there is neither a `binding` nor a `url`, or no `token`
 * beside the latter; at the call if a function returns none.
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
 *
 * @example
 * ```ts
 * import { durableObjectDriver } from 'ekiben/drivers/durable-object'
 *
 * export const makeDriver = (env: Record<string, string | undefined>) =>
 *   durableObjectDriver({ url: 'https://cache.example.com', token: () => env['EKIBEN_SECRET'] })
 * ```
 */
export function durableObjectDriver(options: DurableObjectDriverOptions): CreateDriverResult {
  const store = openStore(options, 'durableObjectDriver')
  return {
    options: shown(options),
    connect: connectL2,
    factory: ({ prefix = '' }) => createDriver(store, trimColons(options.prefix ?? prefix)),
  }
}

/**
 * The journal, leases and epochs of a Durable Object for a store whose values lie elsewhere: in an L2 that only keeps
 * values, or in L1 alone. Options as for {@link durableObjectDriver}. Beside a {@link durableObjectDriver} it
 * only tells of changes at once, where it is given a URL.
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
export function durableObjectBusDriver(options: DurableObjectDriverOptions): CreateDriverResult<BusDriver> {
  const { coordination } = openStore(options, 'durableObjectBusDriver')
  const subscribe = coordination.subscribe?.bind(coordination)
  const bus: BusDriver = {
    coordinate: (values) => ({
      ...busCoordination(coordination, values),
      kind: KIND,
      ...(subscribe && { subscribe }),
    }),
    disconnect: async () => {},
  }
  return { options: shown(options), connect: connectL2, factory: () => bus }
}

interface Store {
  readonly coordination: Coordination
  readonly prune?: () => Promise<void>
}

/** @throws InvalidOptionError, MissingBindingError */
function openStore(options: DurableObjectDriverOptions, driver: string): Store {
  if (typeof (options as unknown) !== 'object' || options === null)
    throw new MissingBindingError({ option: 'binding', driver })
  const { name = 'ekiben', prefix } = options
  checkText(name, 'name', 'a non-empty text')
  if (name === '') throw invalid('name', 'an empty text', 'a non-empty text')
  checkText(prefix, 'prefix', 'a text')
  return 'url' in options && options.url !== undefined
    ? remoteStore(options, { name, driver })
    : boundStore(options as DurableObjectBindingOptions, { name, driver })
}

interface Named {
  readonly name: string
  readonly driver: string
}

/** A stub belongs to the request that made it and is broken by an error, so each call makes its own. */
function boundStore({ binding, locationHint }: DurableObjectBindingOptions, { name, driver }: Named): Store {
  checkText(locationHint, 'locationHint', 'a text')
  const open = (): CoordinatorNamespace => {
    const namespace = typeof binding === 'function' ? binding() : binding
    if (typeof namespace?.idFromName === 'function') return namespace
    throw new MissingBindingError({ option: 'binding', driver })
  }
  if (typeof binding !== 'function') open()
  const stub = (): CoordinatorStub => {
    const namespace = open()
    const id = namespace.idFromName(name)
    const object = locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint })
    // The namespace is typed by shape alone, to work with bindings of every version of Cloudflare's types.
    return object as CoordinatorStub
  }
  const coordination: Coordination = {
    kind: KIND,
    read: async (request) => stub().read(request),
    readMany: async (request) => stub().readMany(request),
    take: async (request) => stub().take(request),
    commit: async (request) => stub().commit(request),
    release: async (request) => stub().release(request),
    invalidate: async (request) => stub().invalidate(request),
    pull: async (request) => stub().pull(request),
  }
  return { coordination, prune: async () => stub().prune() }
}

function remoteStore(options: DurableObjectUrlOptions, { name, driver }: Named): Store {
  const { token: given, fetch, webSocket, allowInsecure } = options
  for (const [option, value] of Object.entries({ fetch, webSocket }))
    if (value !== undefined && typeof value !== 'function') throw invalid(option, typeof value, 'a function')
  if (allowInsecure !== undefined && typeof allowInsecure !== 'boolean')
    throw invalid('allowInsecure', typeof allowInsecure, 'true or false')
  const token = (): string => {
    const text = typeof given === 'function' ? given() : given
    if (text === undefined) throw new MissingBindingError({ option: 'token', driver })
    return checkToken(text)
  }
  if (typeof given !== 'function') token()
  const address = `${checkAddress(options)}/v1/${encodeURIComponent(name)}`
  return {
    coordination: {
      kind: KIND,
      ...remoteCoordination({ address, token, fetch }),
      subscribe: (subscriber) =>
        openSubscription({ address: `${address}/subscribe`, token, webSocket }, subscriber),
    },
  }
}

/** What a driver tells of its options. A token is no part of that. */
function shown({ name, prefix }: DurableObjectDriverOptions): Readonly<Record<string, unknown>> {
  return { name, prefix }
}

/** `path` is the prefix and the namespaces so far, joined by colons. */
function createDriver(store: Store, path: string): CacheDriver {
  const { coordination } = store
  const inPath = (name: string): string => (path === '' ? name : `${path}:${name}`)
  // Written into all namespaces above; read by naming the own one, as whatever is stored is stored with it.
  const reader = { tags: [], namespaces: [path] }
  const deleteMany = async (keys: string[]): Promise<number> => {
    const events = keys.map((key) => ({ kind: 'key', name: inPath(key), soft: false }) as const)
    const { existed } = await coordination.invalidate({ events })
    return existed
  }
  return {
    type: 'l2',
    coordination,
    limits: LIMITS,
    namespace: (name) => createDriver(store, inPath(name)),
    get: async (key) => (await coordination.read({ key: inPath(key), ...reader })).entry?.payload,
    pull: async (key) => (await coordination.take({ key: inPath(key), ...reader })).entry?.payload,
    set: async (key, payload, ttl) => {
      const life = ttl === undefined || ttl === 0 ? null : ttl
      const { stored } = await coordination.commit({
        op: systemRuntime.randomId(),
        key: inPath(key),
        version: systemRuntime.randomId(),
        payload,
        freshFor: life,
        staleFor: life,
        mode: { kind: 'set' },
        tags: [],
        namespaces: lineage(path),
      })
      return stored
    },
    delete: async (key) => (await deleteMany([key])) > 0,
    deleteMany: async (keys) => {
      if (keys.length > 0) await deleteMany(keys)
      return true
    },
    clear: async () => {
      await coordination.invalidate({ events: [{ kind: 'namespace', name: path, soft: false }] })
    },
    ...(store.prune && { prune: store.prune }),
    // There is no connection to close.
    disconnect: async () => {},
  }
}

/** A path and its ancestors, outermost first: `a:b` lies in ``, `a` and `a:b`, and not in `ab`. */
function lineage(path: string): string[] {
  if (path === '') return ['']
  const segments = path.split(':')
  return ['', ...segments.map((_, index) => segments.slice(0, index + 1).join(':'))]
}

function trimColons(prefix: string): string {
  return prefix.replace(/:+$/, '')
}

function checkText(text: unknown, option: string, allowed: string): void {
  if (text === undefined || typeof text === 'string') return
  throw invalid(option, typeof text, allowed)
}

function invalid(option: string, received: string, allowed: string): InvalidOptionError {
  return new InvalidOptionError({ option, received, allowed })
}
