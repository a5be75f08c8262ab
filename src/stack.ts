import type { BusMessage } from './events.ts'
import type { Codec, Entry } from './entry.ts'
import type { Fetched } from './extras/info-of.ts'
import type { FactoryContext } from './factory.ts'
import type { Flights } from './flight.ts'
import type { Journal } from './journal.ts'
import type { L1 } from './l1.ts'
import type { L2 } from './l2.ts'
import type { Settings } from './options.ts'
import type { CacheDriver, Runtime } from './ports.ts'
import type { Scope } from './scope.ts'
import type { Manner } from './serve.ts'
import type { Step, Trace } from './trace.ts'

/** A store as it runs: its tiers and what they share, one per isolate and name. */
export interface Stack {
  readonly name: string
  readonly settings: Settings
  /** The levels of options the settings were made of, as they were given. */
  readonly levels: readonly object[]
  /** Where keys and tags without a namespace live. */
  readonly root: Scope
  readonly codec: Codec
  readonly l1: L1 | undefined
  readonly l2: L2 | undefined
  /** The driver behind `l2`. */
  readonly driver: CacheDriver | undefined
  /** Closes what the drivers hold open. */
  readonly disconnect: () => Promise<void>
  /** Whether other isolates learn of invalidations. */
  readonly coordinated: boolean
  readonly journal: Journal
  readonly flights: Flights
  readonly trace: Trace
  /** Weight of an L1 entry in bytes. */
  readonly weigh: (key: string, text: string | undefined) => number
  /** Where the store is divided: the stack of a key, by the key's `id`. This one is then for what concerns many. */
  readonly shard?: (id: string) => Stack
}

/** One operation: on which store, in which namespace, for which request. */
export interface Operation {
  readonly stack: Stack
  readonly runtime: Runtime
  readonly scope: Scope
  readonly settings: Settings
}

/** What extensions of an operation want to know and to decide. */
export interface Hooks {
  /** Told which entry the caller's value is from. */
  served?(entry: Entry, layer: 'l1' | 'l2' | 'factory', manner: Manner): void
  /** Whether a factory's failure may be answered with a graced value. @default always */
  forgives?(error: unknown): boolean
  /** Adds to what the factory is called with. */
  context?(context: FactoryContext, graced: Entry | undefined, settings: () => Settings): void
  /** Runs an operation that is more than the flow inside it, to see what comes of it. */
  whole?(run: () => Promise<Fetched>): Promise<Fetched>
}

/** One operation on one key. */
export interface Call extends Operation {
  readonly hooks?: Hooks
  /** The name under which its flight asks for the lease. @default one of its own */
  readonly token?: string
  /** As the caller gave it. */
  readonly key: string
  /** Unique in the isolate's store. */
  readonly id: string
  /** As L2 takes it. */
  readonly l2Key: string
}

type Distribute<S> = S extends Step ? Omit<S, 'store' | 'key'> : never

/** Tells the trace of a call, if anybody listens. */
export function tell({ stack, key }: Pick<Call, 'stack' | 'key'>, step: Distribute<Step>): void {
  if (stack.trace.active()) stack.trace.tell({ ...step, store: stack.name, key } as Step)
}

/** Tells that the other isolates have been told, where there is a way to tell them. */
export function publish(
  { trace, name, coordinated }: Stack,
  type: BusMessage['type'],
  keys: readonly string[],
): void {
  if (coordinated) trace.tell({ type: 'published', store: name, message: { type, keys } })
}
