import { afterEach, beforeEach, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type Coordination,
  type CoordinationCalls,
  type Step,
  type StoreOptions,
} from '../../src/index.ts'
import { connectPlainL2 } from '../../src/plain-l2.ts'
import { manualClock, type ManualClock, type ManualRuntime, manualRuntime } from './clock.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'
import { overCalls } from './over-calls.ts'

export interface Member {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly runtime: ManualRuntime
  readonly steps: Step[]
}

/** Isolates whose values lie in a store that only keeps text, or in memory alone; a bus may tell them of changes. */
export interface BusFleet {
  readonly clock: ManualClock
  readonly ledger: LedgerCoordination
  /** The store that only keeps text. */
  readonly values: CacheDriver
  /** Calls it has received, such as `get bentocache:k@a-2`. */
  readonly asked: string[]
  isolate(name: string, options?: StoreOptions): Member
}

export interface BusFleetOptions {
  /** Whether a coordinator tells the isolates of each other's changes. */
  readonly bus: boolean
  readonly l1?: boolean
  readonly l2?: boolean
  readonly limits?: CacheDriver['limits']
  /** Stands before the coordinator. */
  readonly fault?: (operation: keyof CoordinationCalls) => boolean
}

/** Makes one. Its store of text takes its time from `Date.now`, which the caller lets follow the clock. */
function busFleet({ bus, l1 = true, l2 = false, limits, fault }: BusFleetOptions): BusFleet {
  const clock = manualClock()
  const ledger = ledgerCoordination({ now: () => clock.elapsed() })
  const asked: string[] = []
  const values = watched(memoryDriver().factory({ prefix: '' }), asked, limits)
  const coordination = fault ? faulty(ledger.coordination, fault) : ledger.coordination
  const isolate = (name: string, options: StoreOptions = {}): Member => {
    const runtime = manualRuntime(clock, name)
    const store = bentostore(options)
    if (l1) store.useL1Layer(memoryDriver())
    if (l2) store.useL2Layer({ options: {}, factory: () => values })
    if (bus) {
      const driver = {
        coordinate: (own: CacheDriver | undefined) => busCoordination(coordination, own),
        disconnect: () => {},
      }
      store.useBus({ options: {}, connect: connectL2, factory: () => driver })
    }
    const stores = { main: store }
    const bento = new BentoCache({ default: 'main', stores, runtime, connectPlain: connectPlainL2 })
    const steps: Step[] = []
    bento.onTrace((step) => void steps.push(step))
    return { bento, runtime, steps }
  }
  return { clock, ledger, values, asked, isolate }
}

/** A driver of Bentocache's contract and nothing else, asynchronous as one over a network is. */
function watched(driver: CacheDriver, asked: string[], limits: CacheDriver['limits']): CacheDriver {
  const over = <Result>(call: string, run: () => Result | Promise<Result>): Promise<Result> => {
    asked.push(call)
    return Promise.resolve().then(run)
  }
  return {
    type: 'l2',
    ...(limits ? { limits } : {}),
    namespace: (name) => watched(driver.namespace(name), asked, limits),
    get: (key) => over(`get ${key}`, () => driver.get(key)),
    pull: (key) => over(`pull ${key}`, () => driver.pull(key)),
    set: (key, text, ttl) => over(`set ${key}`, () => driver.set(key, text, ttl)),
    delete: (key) => over(`delete ${key}`, () => driver.delete(key)),
    deleteMany: (keys) => over(`delete ${keys.join(' ')}`, () => driver.deleteMany(keys)),
    clear: () => over('clear', () => driver.clear()),
    disconnect: () => driver.disconnect(),
  }
}

function faulty(
  coordination: Coordination,
  fault: (operation: keyof CoordinationCalls) => boolean,
): Coordination {
  return overCalls(coordination, async (operation, call) => {
    if (fault(operation)) throw new Error('connection refused')
    return call()
  })
}

/**
 * Registers the fleets of a test file: gives what makes one. Stores that only keep text take the time of their machine,
 * which during a test is the fleet's.
 */
export function useFleets(): (options: BusFleetOptions) => BusFleet {
  let current: BusFleet | undefined
  beforeEach(() => {
    vi.spyOn(Date, 'now').mockImplementation(() => 1_000_000_000_000 + (current?.clock.elapsed() ?? 0))
  })
  afterEach(() => {
    current = undefined
    vi.restoreAllMocks()
  })
  return (options) => (current = busFleet(options))
}
