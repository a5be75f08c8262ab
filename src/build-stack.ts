import type { Codec } from './entry.ts'
import { InvalidOptionError } from './errors.ts'
import { busCoordination } from './bus-coordination.ts'
import { emulatedCoordination } from './emulated-coordination.ts'
import { Flights } from './flight.ts'
import { Journal } from './journal.ts'
import { L1 } from './l1.ts'
import { type InternalOperationWrapper, L2 } from './l2.ts'
import { localCoordination } from './local-coordination.ts'
import { DEFAULTS, join, type Settings } from './options.ts'
import type { CacheDriver, CreateDriverResult, L1CacheDriver, MemoryTier } from './ports.ts'
import { Scope } from './scope.ts'
import { json } from './serializer.ts'
import type { Stack } from './stack.ts'
import type { StoreEntry } from './store.ts'
import { Sync } from './sync.ts'
import type { Trace } from './trace.ts'

export interface StackConfig {
  readonly name: string
  readonly entry: StoreEntry
  /** The global level of options. */
  readonly globals: object
  readonly trace: Trace
  readonly wrap: InternalOperationWrapper | undefined
}

/**
 * Makes a store run: drivers, guard, journal.
 *
 * @throws {@link InvalidOptionError}
 */
export function buildStack({ name, entry, globals, trace, wrap }: StackConfig): Stack {
  const given = join(join(DEFAULTS, globals), entry.options)
  const tier = memoryTier(entry.l1 && make(entry.l1, given))
  const driver = entry.l2 && make(entry.l2, given)
  const bus = entry.bus && make(entry.bus, given)
  const coordination = driver?.coordination ?? busCoordination(bus, driver)
  const settings = coordination ? given : uncoordinated(given, driver)
  const flights = new Flights()
  const journal: Journal = new Journal({
    onGap: () => {
      l1?.clear()
      flights.detach()
    },
    onEvents: (events) => flights.detachTouched(events),
  })
  const l1 = tier && new L1(tier.entries, journal)
  const codec: Codec = {
    serializer: settings.serializer ?? json,
    copies: tier?.copies ?? true,
    needsText: driver !== undefined,
  }
  const l2 = new L2({
    store: name,
    coordination: coordination ?? (driver ? emulatedCoordination(driver) : localCoordination()),
    limits: driver?.limits ?? {},
    timeout: driver || coordination ? settings.l2Timeout : Infinity,
    pause: settings.l2CircuitBreakerDuration,
    wrap,
    trace,
  })
  return {
    name,
    settings,
    root: new Scope(prefixOf(entry, settings, driver)),
    codec,
    l1,
    l2,
    driver,
    coordinated: coordination !== undefined,
    journal,
    sync: new Sync(name, journal, l2, settings, trace),
    flights,
    trace,
    retries: 0,
    weigh: tier?.weigh ?? (() => 0),
  }
}

function make<Driver extends CacheDriver>(layer: CreateDriverResult<Driver>, { prefix }: Settings): Driver {
  return layer.factory({ prefix, ...layer.options })
}

/** A driver without coordination puts the prefix before its keys itself. */
function prefixOf({ l2, bus }: StoreEntry, { prefix }: Settings, driver: CacheDriver | undefined): string {
  if (driver && !driver.coordination) return ''
  const own = (l2 ?? bus)?.options['prefix']
  return typeof own === 'string' ? own.replace(/:$/, '') : prefix
}

function memoryTier(driver: Partial<L1CacheDriver> | undefined): MemoryTier | undefined {
  if (!driver || driver.tier) return driver?.tier
  throw new InvalidOptionError({ option: 'useL1Layer', received: 'a driver without memory', allowed: 'memoryDriver()' })
}

/** Where nobody tells of changes, only its own short life bounds what L1 misses. */
function uncoordinated(given: Settings, driver: CacheDriver | undefined): Settings {
  const l1Ttl = given.l1Ttl ?? (driver ? given.maxStaleness : Infinity)
  return { ...given, l1Ttl, maxStaleness: Infinity, pollInterval: Infinity }
}
