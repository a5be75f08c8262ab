import type { AtomicCalls } from './atomic-calls.ts'
import { invalid, type StoreOptions } from './options.ts'
import type { CacheDriver, Coordination, CreateDriverResult, L1CacheDriver, MaybePromise } from './ports.ts'

/** What tells isolates of each other's invalidations where L2 does not, or not at once. */
export interface BusDriver {
  /**
   * Coordination for a store whose values lie in `values`, or in L1 alone. Where L2 coordinates by the same kind,
   * nothing of it is used but `subscribe`.
   */
  coordinate(values: CacheDriver | undefined): Coordination
  /** Offered by coordinators that also keep locks and counters, for `atomics`. */
  readonly atomics?: AtomicCalls
  disconnect(): MaybePromise<void>
}

/** A bus of a coordinator that also keeps locks and counters. */
export interface AtomicBusDriver extends BusDriver {
  readonly atomics: AtomicCalls
}

/** A message of Bentocache's bus: what changed, never to what. Keys are relative to the namespace. */
export interface TransportMessage {
  readonly type: 'set' | 'clear' | 'delete' | 'expire'
  readonly keys: string[]
  readonly namespace?: string
}

/**
 * The bus of Bentocache 1.x, as `@boringnode/bus` makes it: it only carries messages. It remembers nothing, so it makes
 * news faster and no promise truer.
 */
export interface BusTransport {
  setId(id: string): BusTransport
  onReconnect(callback: () => void): void
  publish(channel: string, message: unknown): Promise<void>
  subscribe(channel: string, handler: (message: never) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  disconnect(): Promise<void>
}

/** What a store is made of, before it runs. */
export interface StoreEntry {
  readonly options: StoreOptions
  readonly l1: CreateDriverResult<L1CacheDriver> | undefined
  readonly l2: CreateDriverResult | undefined
  readonly bus: CreateDriverResult<BusDriver | BusTransport> | undefined
}

/**
 * A store: its options and its layers. Building one does nothing; drivers are made when the store is first used.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const store = bentostore({ ttl: '5m', grace: '1h' }).useL1Layer(memoryDriver())
 * ```
 */
export class BentoStore {
  readonly #options: StoreOptions
  #l1: CreateDriverResult<L1CacheDriver> | undefined
  #l2: CreateDriverResult | undefined
  #bus: CreateDriverResult<BusDriver | BusTransport> | undefined

  constructor(options: StoreOptions = {}) {
    this.#options = options
  }

  /** The isolate's memory: `memoryDriver()`. */
  useL1Layer(driver: CreateDriverResult<L1CacheDriver>): this {
    this.#l1 = checkDriver(driver, 'useL1Layer')
    return this
  }

  /** The store all isolates share. */
  useL2Layer(driver: CreateDriverResult): this {
    this.#l2 = checkDriver(driver, 'useL2Layer')
    return this
  }

  /** How isolates learn of each other's invalidations, where L2 does not tell them itself. */
  useBus(driver: CreateDriverResult<BusDriver | BusTransport>): this {
    this.#bus = checkDriver(driver, 'useBus')
    return this
  }

  get entry(): StoreEntry {
    return { options: this.#options, l1: this.#l1, l2: this.#l2, bus: this.#bus }
  }
}

/** Begins a store. Its options stand above the global ones and below those of an operation. */
export function bentostore(options?: StoreOptions): BentoStore {
  return new BentoStore(options)
}

function checkDriver<Driver>(driver: Driver, option: string): Driver {
  if (typeof (driver as CreateDriverResult | undefined)?.factory === 'function') return driver
  return invalid(option, driver, 'what a driver function such as memoryDriver() returns')
}
