import type { CacheDriver, MaybePromise } from '../../src/ports.ts'
import type { BusDriver } from '../../src/store.ts'

/** One thing that must hold, as data: any test runner can run it. */
export interface ConformanceCase<Opened> {
  /** A sentence in the present tense. No two cases of a list share one. */
  readonly name: string
  /** Opens what it needs, tries, and closes it again. Rejects, saying what was expected and what came, if it does not hold. */
  run(open: Open<Opened>): Promise<void>
}

/** Opens something empty that nobody else uses. It may be called more than once by one case, one after the other. */
export type Open<Opened> = () => MaybePromise<Opened>

/** What every opened store lets a case do. */
export interface OpenedClock {
  /** Lets milliseconds pass on the store's clock: moves a clock on, or really waits. */
  pass(ms: number): MaybePromise<void>
  /** Ends what was opened. */
  close?(): MaybePromise<void>
}

/** An empty store. */
export interface OpenedStore extends OpenedClock {
  /**
   * Makes a driver of this store, as another isolate would: nothing is shared between two of them but the store.
   * `prefix` is the first segment of its keys; `''` is none.
   */
  connect(prefix: string): CacheDriver
}

/** An empty coordinator. */
export interface OpenedBus extends OpenedClock {
  /** Makes a bus driver of this coordinator, as another isolate would. */
  connect(): BusDriver
}
