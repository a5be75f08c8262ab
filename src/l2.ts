import type { Instant } from './clock.ts'
import type { Entry } from './entry.ts'
import type { Flight, Look } from './flight.ts'
import type { Guard } from './guard.ts'
import type { Journal } from './journal.ts'
import type { Settings } from './options.ts'
import type {
  CacheDriver,
  CommitMode,
  Coordination,
  Cursor,
  Invalidation,
  Names,
  Page,
  ReadReply,
  Runtime,
} from './ports.ts'
import type { prepareTier } from './prepare-tier.ts'
import type { Scope } from './scope.ts'
import type { Call, Operation } from './stack.ts'
import type { BusTransport } from './store.ts'
import type { Trace } from './trace.ts'
import type { Draft } from './write.ts'

/**
 * The shared tier, as the flow sees it. Types only: what it takes to work with a store comes with the store's driver,
 * so a cache of memory alone does not carry it.
 */
export interface L2 {
  /** A key as the store takes it. */
  key(name: string): string | Promise<string>
  /**
   * Reads a key in one round trip: entry, verdict, lease and news.
   *
   * @throws {@link L2CacheError}
   */
  read(call: Call, options?: ReadOptions): Promise<Found>
  /** Waits for the value or the lease while another isolate holds it. `'elsewhere'`: the caller need not wait on. */
  awaitLease(call: Call, flight: Flight, start: Start): Promise<Start | 'elsewhere'>
  /**
   * Hands a value to the store in one round trip. Gives whether the store has it; `undefined` where it is not to have
   * it and was not asked.
   *
   * @throws {@link L2CacheError} when the outcome is unknown.
   */
  commit(call: Call, draft: Draft, mode: CommitMode): Promise<boolean | undefined>
  /** Gives an unused lease back, so that nobody waits for its end. */
  release(call: Call, token: string): void
  /**
   * Sends invalidations in one round trip. `undefined`: not acknowledged; they are tried again in the background.
   *
   * @throws {@link L2CacheError} if `suppressL2Errors` is off.
   */
  invalidate(operation: Operation, events: readonly Invalidation[]): Promise<Invalidated | undefined>
  /** Reads and deletes a key, acknowledged as an invalidation is. */
  take(call: Call): Promise<{ readonly entry: Entry | undefined } | undefined>
  /** Makes one call to the coordinator, guarded as all are: for operations on many keys. */
  readonly ask: Guard['ask']
  /** Tries an invalidation again as it does by itself: for operations on many keys. */
  readonly retry: Guard['retry']
  /** Asks for news behind the answer, if the last are older than `pollInterval` and nobody else is asking. */
  pollIfDue(runtime: Runtime, now: Instant): void
  /** Waits for news at most `l2Timeout`. Callers at the same time share one pull. */
  pull(runtime: Runtime): Promise<unknown>
  /** Ends what it keeps open and all its timers, for good. */
  close?(): void
}

/** What a reply is worth. */
export interface Told {
  /** When the call was sent: nothing acknowledged before is missing from its reply. */
  readonly at: Instant
  /** The generation of the journal the reply belongs to; what it brings may be kept only while that lasts. */
  readonly gen: number
}

/** An acknowledged invalidation. */
export interface Invalidated {
  readonly gen: number
  readonly page: Page
}

export interface ReadOptions {
  /** Ask for the lease under this token, if the entry is missing or stale. */
  readonly token?: string
  /** A version to count as missing; `'*'` for any. */
  readonly unusable?: string | undefined
  /** Told the place of the read before its page is taken in. */
  readonly onReply?: (seq: number) => void
}

/** What one read told, already compared with the journal. */
export interface Found extends Told, Pick<ReadReply, 'stale' | 'lease' | 'leaseLeft'> {
  /** Decoded; absent when missing, dead or unusable. */
  readonly entry: Entry | undefined
  /** The journal's end at the read. */
  readonly head: Cursor
}

/** What a leader knows when it has read L2; `found` is absent when L2 was not asked, or gave no answer. */
export interface Start extends Look {
  readonly found: Found | undefined
}

/** Wraps every call to L2, as Bentocache's option of the same name does. */
export type InternalOperationWrapper = <T>(run: () => T) => T

/** What an L2 is made of. */
export interface L2Config {
  /** Name of the store. */
  readonly name: string
  readonly settings: Settings
  /** Where keys without a namespace live. */
  readonly root: Scope
  readonly journal: Journal
  readonly trace: Trace
  /** The driver behind it; absent where values stay in L1. */
  readonly driver: CacheDriver | undefined
  /** What coordinates the isolates; absent where only the driver's plain methods are there. */
  readonly coordination: Coordination | undefined
  /** Tells of changes at once where processes live long enough to hear it. */
  readonly subscribe: Coordination['subscribe']
  /** Carries messages between processes, where the bus is one of Bentocache's. */
  readonly transport: BusTransport | undefined
  /** What the bus was made with. */
  readonly busOptions: Readonly<Record<string, unknown>> | undefined
  readonly wrap: InternalOperationWrapper | undefined
}

/** Makes an L2. Drivers hand it over: `connectL2` by those that coordinate. */
export interface ConnectL2 {
  /** Makes the drivers. `fallback` connects those that bring nothing. */
  readonly prepare: typeof prepareTier
  connect(config: L2Config): L2
}

/** Names of a call, as a coordinator takes them. */
export function namesOf({ scope, settings }: Operation): Names {
  return { tags: scope.tags(settings.tags), namespaces: scope.namespaces }
}

/** A life as a coordinator takes it. */
export function finite(ms: number): number | null {
  return ms === Infinity ? null : ms
}
