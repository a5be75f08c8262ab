import { afterEach, beforeEach, vi } from 'vitest'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import {
  BentoCache,
  bentostore,
  type CacheDriver,
  type Coordination,
  type CoordinationCalls,
  type StoreOptions,
} from '../../src/index.ts'
import type { Member } from './bus.ts'
import { manualClock, type ManualClock, manualRuntime } from './clock.ts'
import { type KvSimulator, type KvSimulatorOptions, kvSimulator } from './kv-simulator.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'
import { overCalls } from './over-calls.ts'

/** Isolates in several locations over one KV, each location with a cache of its own; a coordinator may order them. */
export interface KvFleet {
  readonly clock: ManualClock
  readonly kv: KvSimulator
  readonly ledger: LedgerCoordination
  /** Stands before each call to the coordinator: what it throws or waits for befalls the call. */
  before: ((operation: keyof CoordinationCalls) => Promise<void> | void) | undefined
  /** Makes an isolate; by default in a location named as it. */
  isolate(name: string, options?: StoreOptions, place?: { location?: string; l1?: boolean }): Member
  /** What `work` cost: calls of KV and of the coordinator, in order. */
  cost<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly calls: readonly string[] }>
}

export interface KvFleetOptions extends Partial<KvSimulatorOptions> {
  /** Whether a coordinator decides. */
  readonly bus: boolean
}

function kvFleet({ bus, ...simulated }: KvFleetOptions): KvFleet {
  const clock = manualClock()
  const ledger = ledgerCoordination({ now: () => clock.elapsed() })
  const kv = kvSimulator({ now: () => clock.elapsed(), ...simulated })
  const calls: string[] = []
  const fleet: KvFleet = {
    clock,
    kv,
    ledger,
    before: undefined,
    isolate: (name, options = {}, { location = name, l1 = true } = {}) => {
      const runtime = manualRuntime(clock, name)
      const store = bentostore(options).useL2Layer(cloudflareKvDriver({ binding: kv.at(location) }))
      if (l1) store.useL1Layer(memoryDriver())
      const coordinate = (values: CacheDriver | undefined): Coordination =>
        busCoordination(
          watched(ledger.coordination, async (operation) => {
            calls.push(operation)
            await fleet.before?.(operation)
          }),
          values,
        )
      const driver = { coordinate, disconnect: () => {} }
      if (bus) store.useBus({ options: {}, connect: connectL2, factory: () => driver })
      const bento = new BentoCache({ default: 'main', stores: { main: store }, runtime })
      const steps: Member['steps'] = []
      bento.onTrace((step) => void steps.push(step))
      return { bento, runtime, steps }
    },
    cost: async (work) => {
      calls.length = 0
      kv.calls.length = 0
      const value = await work()
      return { value, calls: [...calls, ...kv.calls.map((call) => call.split(' ')[0] as string)] }
    },
  }
  return fleet
}

/** A coordination whose calls are told before they are made. */
function watched(
  coordination: Coordination,
  tell: (operation: keyof CoordinationCalls) => Promise<void>,
): Coordination {
  return overCalls(coordination, async (operation, call) => {
    await tell(operation)
    return call()
  })
}

/** Registers the fleets of a test file: gives what makes one. The machine's clock, by which KV's values end, is theirs. */
export function useKvFleets(): (options: KvFleetOptions) => KvFleet {
  let current: KvFleet | undefined
  beforeEach(() => {
    vi.spyOn(Date, 'now').mockImplementation(() => 1_000_000_000_000 + (current?.clock.elapsed() ?? 0))
  })
  afterEach(() => {
    current = undefined
    vi.restoreAllMocks()
  })
  return (options) => (current = kvFleet(options))
}
