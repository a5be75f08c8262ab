import type { Codec } from './entry.ts'
import { InvalidOptionError } from './errors.ts'
import { makeFlights } from './flight.ts'
import { type Journal, makeJournal } from './journal.ts'
import { makeL1 } from './l1.ts'
import type { ConnectL2, InternalOperationWrapper } from './l2.ts'
import { DEFAULTS, join, type Settings } from './options.ts'
import type {
  CacheDriver,
  Coordination,
  CreateDriverResult,
  DriverConfig,
  JournalEvent,
  L1CacheDriver,
  MaybePromise,
  MemoryTier,
} from './ports.ts'
import { Scope } from './scope.ts'
import { json } from './serializer.ts'
import type { Stack } from './stack.ts'
import type { BusTransport, StoreEntry } from './store.ts'
import type { Step, Trace } from './trace.ts'

/** Distinct names whose last invalidations an isolate remembers, at least. */
const REMEMBERED = 10_000

export interface StackConfig {
  readonly name: string
  readonly entry: StoreEntry
  /** The global level of options. */
  readonly globals: object
  readonly trace: Trace
  readonly wrap: InternalOperationWrapper | undefined
  /** Makes an L2 of drivers that bring none. */
  readonly connectPlain: ConnectL2
}

/** Makes one store of several, each built by `build`. Drivers hand it over where a store is divided. */
export type DivideStack = (config: StackConfig, build: (config: StackConfig) => Stack) => Stack

/**
 * Makes a store run: drivers, guard, journal.
 *
 * @throws {@link InvalidOptionError}
 */
export function buildStack({ name, entry, globals, trace, wrap, connectPlain }: StackConfig): Stack {
  const given = join(join(DEFAULTS, globals), entry.options)
  const tier = memoryTier(entry.l1 && make(entry.l1, given))
  const parts = shared(entry, given)
  const { driver, bus, coordination, subscribe, transport } = parts
  const settings = coordination ? given : uncoordinated(given, driver)
  const root = new Scope(driver && !coordination ? '' : prefixOf(entry, settings))
  const flights = makeFlights()
  const journal: Journal = makeJournal(
    {
      onGap: () => {
        l1?.clear()
        flights.detach()
        trace.tell({ type: 'journal.page', store: name, events: 'gap' })
      },
      onEvents: (events, ownFrom) => {
        flights.detachTouched(events)
        // Where nobody coordinates, all that happens is this isolate's own doing.
        tellEvents({ trace, name, root }, events, coordination ? ownFrom : 0)
      },
    },
    Math.max(REMEMBERED, tier?.maxItems ?? 0),
  )
  const l1 = tier && makeL1(tier.entries, journal)
  const codec: Codec = {
    serializer: settings.serializer ?? json,
    copies: tier?.copies ?? true,
    needsText: driver !== undefined,
  }
  const own = driver && driver.coordination === coordination
  // What listens comes with the bus.
  const connect = (own && !transport && !subscribe ? entry.l2 : entry.bus)?.connect ?? connectPlain
  const l2 =
    driver || coordination || transport
      ? connect({ ...parts, name, settings, root, journal, trace, wrap, busOptions: entry.bus?.options })
      : undefined
  return {
    name,
    settings,
    root,
    codec,
    l1,
    l2,
    driver,
    disconnect: async () => {
      l1?.clear()
      l2?.close?.()
      await driver?.disconnect()
      await bus?.disconnect()
    },
    coordinated: coordination !== undefined,
    journal,
    flights,
    trace,
    weigh: (key, text) => tier?.weigh(key, text) ?? 0,
  }
}

/** What the isolates share: values, and what orders their changes. */
interface Shared {
  readonly driver: CacheDriver | undefined
  readonly bus: { disconnect(): MaybePromise<void> } | undefined
  readonly coordination: Coordination | undefined
  readonly subscribe: Coordination['subscribe']
  readonly transport: BusTransport | undefined
}

/** Who is asked to coordinate: the bus the store was given, unless L2 does so itself by the same means, in one trip. */
function shared({ l2, bus: given }: StoreEntry, settings: Settings): Shared {
  const bus = given && make(given, settings)
  const transport = bus && 'publish' in bus ? bus : undefined
  const driver = l2 && make(l2, settings)
  const none = { driver, bus, coordination: driver?.coordination, subscribe: undefined, transport }
  if (!bus || 'publish' in bus) return none
  // Names in L2 are whole under a coordinator, so its values need no prefix of their own.
  const values = l2 && make({ ...l2, options: { ...l2.options, prefix: '' } }, settings)
  const offered = bus.coordinate(values)
  const subscribe = offered.subscribe?.bind(offered)
  return driver?.coordination && driver.coordination.kind === offered.kind
    ? { ...none, subscribe }
    : { ...none, driver: values, coordination: offered, subscribe }
}

function tellEvents(
  { trace, name, root }: Pick<Stack, 'trace' | 'name' | 'root'>,
  events: readonly JournalEvent[],
  ownFrom: number,
): void {
  if (!trace.active()) return
  trace.tell({ type: 'journal.page', store: name, events: events.length })
  for (const event of events) {
    const step = event.seq < ownFrom && received(name, root, event)
    if (step) trace.tell(step)
  }
}

/** Another isolate's invalidation, as Bentocache's bus would tell it. Tags and other stores' names are not its business. */
function received(store: string, root: Scope, { kind, name, soft }: JournalEvent): Step | undefined {
  const prefix = root.l2Key('')
  if (kind === 'tag' || !`${name}:`.startsWith(prefix)) return undefined
  const keys = kind === 'namespace' ? [] : [name.slice(prefix.length)]
  return {
    type: 'received',
    store,
    name,
    message: { type: kind === 'namespace' ? 'clear' : soft ? 'expire' : 'delete', keys },
  }
}

function make<Driver>(layer: CreateDriverResult<Driver>, { prefix }: Settings): Driver {
  return layer.factory({ ...layer.options, prefix: layer.options['prefix'] ?? prefix } as DriverConfig)
}

/** The prefix of names in L2. A driver that works alone puts it before its keys itself. */
function prefixOf({ l2, bus }: StoreEntry, { prefix }: Settings): string {
  const own = (l2 ?? bus)?.options['prefix']
  return typeof own === 'string' ? own.replace(/:+$/, '') : prefix
}

function memoryTier(driver: Partial<L1CacheDriver> | undefined): MemoryTier | undefined {
  if (!driver || driver.tier) return driver?.tier
  throw new InvalidOptionError({
    option: 'useL1Layer',
    received: 'a driver without memory',
    allowed: 'memoryDriver()',
  })
}

/** Where nobody tells of changes, only its own short life bounds what L1 misses. */
function uncoordinated(given: Settings, driver: CacheDriver | undefined): Settings {
  const l1Ttl = given.l1Ttl ?? (driver ? given.maxStaleness : Infinity)
  return { ...given, l1Ttl, maxStaleness: Infinity, pollInterval: Infinity }
}
