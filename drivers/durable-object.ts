import { busCoordination } from '../src/bus-coordination.ts'
import { chunkedCalls, type ChunkLimits } from '../src/chunked-calls.ts'
import { connectL2 } from '../src/connect-l2.ts'
import { InvalidOptionError, MissingBindingError } from '../src/errors.ts'
import type {
  CacheDriver,
  Coordination,
  CoordinationCalls,
  CreateDriverResult,
  Limits,
} from '../src/ports.ts'
import { systemRuntime } from '../src/runtime.ts'
import { shardedDriver } from '../src/sharded-driver.ts'
import { inShards } from '../src/shards.ts'
import type { BusDriver } from '../src/store.ts'

/** What the driver needs of a Durable Object namespace: a binding of the `Coordinator` class has it. */
export interface CoordinatorNamespace {
  idFromName(name: string): unknown
  get(id: unknown, options?: { locationHint?: string }): unknown
}

/** Options of {@link durableObjectDriver}. */
export interface DurableObjectDriverOptions {
  /**
   * The binding of the `Coordinator` class, or a function that returns it. The function is called for each call to
   * the store, so that it may read the environment of the current request.
   */
  readonly binding: CoordinatorNamespace | (() => CoordinatorNamespace | undefined)
  /**
   * Objects the store is divided among, by the first namespace of a key, or by the key's text before the first colon:
   * a whole number from 1 to 256. Shard `i` is the object `name:i`. With another number entries are looked for
   * elsewhere, which leaves those that are stored out of reach. Default 1: the object `name`.
   */
  readonly shards?: number | undefined
  /** Name of the object. Caches with the same name share entries and journal. Default `'ekiben'`. */
  readonly name?: string | undefined
  /** Where the object is created, such as `'weur'`. Only its first call ever decides. Default: near that caller. */
  readonly locationHint?: string | undefined
  /** Put before every key and namespace. Default: none. */
  readonly prefix?: string | undefined
}

/** The methods of the object, as its stub offers them. */
type CoordinatorStub = Coordination & { prune(): Promise<void> }

/**
 * A row of SQLite in a Durable Object holds 2 MB: https://developers.cloudflare.com/durable-objects/platform/limits/.
 * The rest of the row is left to the key, the version and the epochs of tags.
 */
const LIMITS: Limits = { maxKeyBytes: 2048, maxValueBytes: 1_900_000 }

/**
 * An RPC call carries 32 MiB each way: https://developers.cloudflare.com/workers/runtime-apis/rpc/. Names of 1,000
 * keys are 2 MB at most, and 200 values fit with 160 kB each.
 */
const IN_ONE_CALL: ChunkLimits = { reads: 200, events: 1_000 }

const NAME = 'ekiben'

/**
 * The shared store in a Durable Object: entries, leases and invalidations with one order. Each operation is one RPC
 * call. The object is a class of `ekiben/workers/coordinator` that your Worker exports and binds.
 *
 * Lists of more than 1,000 keys to delete, or 200 to read, take a call for each such part and are not one step.
 *
 * Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for a `name`, `prefix` or `locationHint` that is no text, and for a
 * number of `shards` that is none.
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
export function durableObjectDriver(options: DurableObjectDriverOptions): CreateDriverResult {
  checkOptions(options)
  const { name = NAME, shards } = options
  return inShards({ name, shards }, (object) => openDriver({ ...options, name: object }), shardedDriver)
}

function openDriver(options: DurableObjectDriverOptions): CreateDriverResult {
  const stub = (): CoordinatorStub => openStub(options)
  const store: Store = { stub, coordination: coordinate(stub) }
  return {
    options: { ...options },
    connect: connectL2,
    factory: ({ prefix = '' }) => createDriver(store, trimColons(options.prefix ?? prefix)),
  }
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
export function durableObjectBusDriver(options: DurableObjectDriverOptions): CreateDriverResult<BusDriver> {
  checkOptions(options)
  const { name = NAME, shards } = options
  return inShards({ name, shards }, (object) => openBus({ ...options, name: object }), noBus)
}

function openBus(options: DurableObjectDriverOptions): CreateDriverResult<BusDriver> {
  const coordination = coordinate(() => openStub(options))
  const bus: BusDriver = {
    coordinate: (values) => busCoordination(coordination, values),
    disconnect: async () => {},
  }
  return { options: { ...options }, connect: connectL2, factory: () => bus }
}

/** Each shard has a journal of its own, so only a store, which knows the shard of a name, can be told by them. */
function noBus(): never {
  throw new InvalidOptionError({ option: 'shards', received: 'a use outside of useBus()', allowed: '1' })
}

interface Store {
  readonly stub: () => CoordinatorStub
  readonly coordination: Coordination
}

/** A stub belongs to the request that made it and is broken by an error, so each call makes its own. */
function openStub({ binding, name = NAME, locationHint }: DurableObjectDriverOptions): CoordinatorStub {
  const namespace = checkNamespace(typeof binding === 'function' ? binding() : binding)
  const id = namespace.idFromName(name)
  const stub = locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint })
  // The namespace is typed by shape alone, to work with bindings of every version of Cloudflare's types.
  return stub as CoordinatorStub
}

function coordinate(stub: () => CoordinatorStub): Coordination {
  const calls: CoordinationCalls = {
    read: async (request) => stub().read(request),
    readMany: async (request) => stub().readMany(request),
    take: async (request) => stub().take(request),
    commit: async (request) => stub().commit(request),
    release: async (request) => stub().release(request),
    invalidate: async (request) => stub().invalidate(request),
    pull: async (request) => stub().pull(request),
  }
  return chunkedCalls(calls, IN_ONE_CALL)
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
    prune: async () => store.stub().prune(),
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

function checkOptions(options: DurableObjectDriverOptions): void {
  if (typeof (options as unknown) !== 'object' || options === null) checkNamespace(undefined)
  checkText(options.name, 'name', 'a non-empty text')
  if (options.name === '')
    throw new InvalidOptionError({ option: 'name', received: 'an empty text', allowed: 'a non-empty text' })
  checkText(options.prefix, 'prefix', 'a text')
  checkText(options.locationHint, 'locationHint', 'a text')
  if (typeof options.binding !== 'function') checkNamespace(options.binding)
}

function checkNamespace(binding: CoordinatorNamespace | undefined): CoordinatorNamespace {
  if (typeof binding?.idFromName === 'function') return binding
  throw new MissingBindingError({ option: 'binding', driver: 'durableObjectDriver' })
}

function checkText(text: unknown, option: string, allowed: string): void {
  if (text === undefined || typeof text === 'string') return
  throw new InvalidOptionError({ option, received: typeof text, allowed })
}
