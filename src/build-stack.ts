import { InvalidOptionError, noCoordination } from './errors.ts'
import { makeFlights } from './flight.ts'
import { type Journal, makeJournal } from './journal.ts'
import { makeL1 } from './l1.ts'
import type { ConnectL2, InternalOperationWrapper } from './l2.ts'
import { DEFAULTS, join, type Settings } from './options.ts'
import { makeLayer } from './make-layer.ts'
import type { L1CacheDriver, MemoryTier } from './ports.ts'
import type { PreparedTier } from './prepare-tier.ts'
import { Scope } from './scope.ts'
import { json } from './serializer.ts'
import type { Stack } from './stack.ts'
import type { StoreEntry } from './store.ts'
import type { Trace } from './trace.ts'

/** Distinct names whose last invalidations an isolate remembers, at least. */
const REMEMBERED = 10_000

export interface StackConfig {
  readonly name: string
  readonly entry: StoreEntry
  /** The global level of options. */
  readonly globals: object
  readonly trace: Trace
  readonly wrap: InternalOperationWrapper | undefined
  /** Makes an L2 of drivers that bring nothing for that. */
  readonly connectPlain: ConnectL2 | undefined
}

/** Makes one store of several, each built by `build`. Drivers hand it over where a store is divided. */
export type DivideStack = (config: StackConfig, build: (config: StackConfig) => Stack) => Stack

/**
 * Makes a store run: drivers, guard, journal.
 *
 * @throws {@link InvalidOptionError}
 */
export function buildStack(config: StackConfig): Stack {
  const { name, globals, trace, wrap, connectPlain } = config
  const given = join(join(DEFAULTS, globals), config.entry.options)
  const entry: Partial<StoreEntry> = given.enabled ? config.entry : {}
  const tier = memoryTier(entry.l1 && makeLayer(entry.l1, given))
  const shared = prepareShared(entry, given, connectPlain)
  const { driver, bus, coordination } = shared ?? {}
  // Alone, nobody else tells of changes: nothing is ever too old to be believed.
  const settings = shared?.settings ?? { ...given, maxStaleness: Infinity, pollInterval: Infinity }
  const root = new Scope(shared?.prefix ?? given.prefix)
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
        if (!trace.active()) return
        trace.tell({ type: 'journal.page', store: name, events: events.length })
        // Where nobody coordinates, all that happens is this isolate's own doing.
        const others = coordination ? events.filter(({ seq }) => seq < ownFrom) : []
        for (const step of shared?.received(name, root, others) ?? []) trace.tell(step)
      },
    },
    Math.max(REMEMBERED, tier?.maxItems ?? 0),
  )
  const l1 = tier && makeL1(tier.entries, journal)
  const l2 = shared?.connect({ ...shared, name, root, journal, trace, wrap, busOptions: entry.bus?.options })
  return {
    name,
    levels: [globals, config.entry.options],
    settings,
    root,
    codec: {
      serializer: settings.serializer ?? json,
      copies: tier?.copies ?? true,
      needsText: driver !== undefined,
    },
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

/** What the isolates share, if anything; what it takes to prepare that comes with the drivers. */
function prepareShared(
  entry: Partial<StoreEntry>,
  given: Settings,
  connectPlain?: ConnectL2,
): PreparedTier | undefined {
  if (!entry.l2 && !entry.bus) return undefined
  const connector = entry.l2?.connect ?? entry.bus?.connect ?? connectPlain
  if (!connector) throw noCoordination()
  return connector.prepare(entry, given, connectPlain)
}

function memoryTier(driver: Partial<L1CacheDriver> | undefined): MemoryTier | undefined {
  if (!driver || driver.tier) return driver?.tier
  throw new InvalidOptionError({
    option: 'useL1Layer',
    received: 'a driver without memory',
    allowed: 'memoryDriver()',
  })
}
