import { makeLayer } from './make-layer.ts'
import { noCoordination } from './errors.ts'
import type { ConnectL2, L2, L2Config } from './l2.ts'
import type { PayloadCodec } from './codecs/codec.ts'
import { invalid, type Settings } from './options.ts'
import type { CacheDriver, Coordination, JournalEvent, MaybePromise } from './ports.ts'
import type { Scope } from './scope.ts'
import type { BusTransport, StoreEntry } from './store.ts'
import type { Step } from './trace.ts'
import { trimColons } from './trim-colons.ts'

/** What the isolates share: values, and what orders their changes. */
export interface Tier {
  readonly driver: CacheDriver | undefined
  readonly bus: { disconnect(): MaybePromise<void> } | undefined
  readonly coordination: Coordination | undefined
  readonly subscribe: Coordination['subscribe']
  readonly transport: BusTransport | undefined
}

/** A shared tier that is ready to be connected. */
export interface PreparedTier extends Tier {
  readonly settings: Settings
  /** What stands before each name in L2. A driver that works alone puts it before its keys itself. */
  readonly prefix: string
  connect(config: L2Config): L2
  /** Other isolates' invalidations, as Bentocache's bus would tell them. */
  received(store: string, root: Scope, events: readonly JournalEvent[]): readonly Step[]
}

/** Makes the drivers of a shared tier, and finds out who coordinates the isolates. */
export function prepareTier(entry: Partial<StoreEntry>, given: Settings, fallback?: ConnectL2): PreparedTier {
  checkCodec(given)
  const tier = makeTier(entry, given)
  const { driver, coordination, subscribe, transport } = tier
  const own = driver && driver.coordination === coordination
  // What listens comes with the bus.
  const connector = (own && !transport && !subscribe ? entry.l2 : entry.bus)?.connect ?? fallback
  if (!connector) throw noCoordination()
  return {
    ...tier,
    settings: coordination ? given : uncoordinated(given, driver),
    prefix: driver && !coordination ? '' : prefixOf(entry, given),
    connect: (config) => connector.connect(config),
    received: (store, root, events) => events.flatMap((event) => toldBy(store, root, event)),
  }
}

/** Who is asked to coordinate: the bus the store was given, unless L2 does so itself by the same means, in one trip. */
function makeTier({ l2, bus: given }: Partial<StoreEntry>, settings: Settings): Tier {
  const bus = given && makeLayer(given, settings)
  const transport = bus && 'publish' in bus ? bus : undefined
  const driver = l2 && makeLayer(l2, settings)
  const none = { driver, bus, coordination: driver?.coordination, subscribe: undefined, transport }
  if (!bus || 'publish' in bus) return none
  // Names in L2 are whole under a coordinator, so its values need no prefix of their own.
  const values = l2 && makeLayer({ ...l2, options: { ...l2.options, prefix: '' } }, settings)
  const offered = bus.coordinate(values)
  const subscribe = offered.subscribe?.bind(offered)
  return driver?.coordination && driver.coordination.kind === offered.kind
    ? { ...none, subscribe }
    : { ...none, driver: values, coordination: offered, subscribe }
}

/** Tags and other stores' names are not the business of Bentocache's bus. */
function toldBy(store: string, root: Scope, { kind, name, soft }: JournalEvent): Step | [] {
  const prefix = root.l2Key('')
  if (kind === 'tag' || !`${name}:`.startsWith(prefix)) return []
  const keys = kind === 'namespace' ? [] : [name.slice(prefix.length)]
  return {
    type: 'received',
    store,
    name,
    message: { type: kind === 'namespace' ? 'clear' : soft ? 'expire' : 'delete', keys },
  }
}

function checkCodec({ codec, schemaVersion }: Settings): void {
  const { seal, open } = (codec ?? {}) as Partial<PayloadCodec>
  if (codec !== undefined && (typeof seal !== 'function' || typeof open !== 'function'))
    invalid('codec', codec, "codecs(...) of 'ekiben/codecs', or an object with seal and open")
  if (schemaVersion !== undefined && typeof schemaVersion !== 'string' && !Number.isFinite(schemaVersion))
    invalid('schemaVersion', schemaVersion, 'a string or a number')
}

function prefixOf({ l2, bus }: Partial<StoreEntry>, { prefix }: Settings): string {
  const own = (l2 ?? bus)?.options['prefix']
  return typeof own === 'string' ? trimColons(own) : prefix
}

/** Where nobody tells of changes, only its own short life bounds what L1 misses. */
function uncoordinated(given: Settings, driver: CacheDriver | undefined): Settings {
  const l1Ttl = given.l1Ttl ?? (driver ? given.maxStaleness : Infinity)
  return { ...given, l1Ttl, maxStaleness: Infinity, pollInterval: Infinity }
}
