/**
 * What the core asks of the world: stores, coordinators, runtimes. Types only.
 *
 * Capability is the presence of an object or a method, never a boolean beside it.
 */

import type { AtomicCalls } from './atomic-calls.ts'
import type { DivideStack } from './build-stack.ts'
import type { Entry } from './entry.ts'
import type { ConnectL2 } from './l2.ts'
import type { Loose } from './loose.ts'
import type { Settings } from './options.ts'
import type { Sieve } from './sieve.ts'
import type { Step } from './trace.ts'

export type * from './atomic-calls.ts'

/** A value that may come now or later; Bentocache's drivers may answer synchronously. */
export type MaybePromise<T> = T | Promise<T>

/** Names one event of the journal. The `id` is random, so a lost and refilled journal is recognised. */
export interface Cursor {
  readonly seq: number
  readonly id: string
}

/** What an invalidation covers. `name` is the full key, full tag or full namespace path. */
export interface Invalidation {
  readonly kind: 'key' | 'tag' | 'namespace'
  readonly name: string
  /** Soft: the old value may still be served as graced. Namespaces have no soft form. */
  readonly soft: boolean
}

/** An {@link Invalidation} with the place the coordinator gave it. */
export interface JournalEvent extends Invalidation {
  readonly seq: number
}

/** All events after a cursor up to `head`, or `'gap'` when they cannot all be named: drop L1. */
export interface Page {
  readonly head: Cursor
  readonly events: readonly JournalEvent[] | 'gap'
}

/** What an entry hangs on: its tags, and every namespace path it lies in, outermost first. */
export interface Names {
  readonly tags: readonly string[]
  readonly namespaces: readonly string[]
}

/** An entry as the coordinator gives it out. `payload` is opaque to it. */
export interface StoredEntry extends Names {
  readonly payload: string
  /** Random name of this very write. */
  readonly version: string
}

/** A look at one key, at what has happened since `cursor`, and if wanted for its lease. */
export interface ReadRequest extends Names {
  readonly key: string
  /** Ask for the lease if the entry is missing or stale. Repeating a read with one token repeats its grant. */
  readonly lease?: { readonly token: string; readonly ttl: number } | undefined
  /** A version the caller could not use (corrupt, another key's), or `'*'` for any: counts as missing. */
  readonly unusable?: string | undefined
  readonly cursor?: Cursor | undefined
}

/** What a coordinator answers to a read. */
export interface ReadReply {
  /** Absent when missing, dead or `unusable`. */
  readonly entry?: StoredEntry | undefined
  /** The entry is past its fresh time or softly invalidated. */
  readonly stale: boolean
  /** Milliseconds left on the coordinator's clock; `null` is for ever; 0 or less is past. */
  readonly freshFor: number | null
  readonly staleFor: number | null
  /** Present when a lease was asked for and given. */
  readonly lease?: { readonly grant: Cursor } | undefined
  /** Milliseconds left of another holder's live lease, when one was asked for and refused. */
  readonly leaseLeft?: number | undefined
  readonly page: Page
}

/** A look at many keys in one step. */
export interface ReadManyRequest {
  readonly reads: readonly (Names & { readonly key: string } & Pick<ReadRequest, 'unusable'>)[]
  /** Ask for the lease of each key that is missing or stale. */
  readonly lease?: ReadRequest['lease']
  readonly cursor?: Cursor | undefined
}

/** What a coordinator answers to a read of many keys. */
export interface ReadManyReply {
  /** One per read, in order. */
  readonly entries: readonly Omit<ReadReply, 'page'>[]
  readonly page: Page
}

/**
 * Why a commit may be accepted.
 * - `lease`: the lease still stands; one that merely ran out is judged as `free` since its grant.
 * - `free`: nothing after `since` touches the entry.
 * - `set`: always; ordered by arrival.
 */
export type CommitMode =
  | { readonly kind: 'lease'; readonly token: string; readonly grant: Cursor }
  | { readonly kind: 'free'; readonly since: Cursor }
  | { readonly kind: 'set' }

/** A write, to be judged by the coordinator. */
export interface CommitRequest extends Names {
  /** Random id of the operation: a repeated commit gets the first one's answer. */
  readonly op: string
  readonly key: string
  readonly version: string
  /**
   * Absent: what is stored stays, and so do its tags and `version`; only its life begins anew. Refused if it is not there
   * any more. Under a lease, or free, it is as good as just written; as a `set` it stays softly invalidated if it is, and
   * a lease goes on: whoever computes may still bring what is newer.
   */
  readonly payload?: string | undefined
  /** Without a payload: the version that must be there. `'*'` for any. */
  readonly keeps?: string | undefined
  /** Milliseconds from now on the coordinator's clock; `null` is for ever. */
  readonly freshFor: number | null
  readonly staleFor: number | null
  readonly mode: CommitMode
  readonly cursor?: Cursor | undefined
}

/** Many writes in one step. */
export interface CommitManyRequest {
  readonly commits: readonly Omit<CommitRequest, 'cursor'>[]
  readonly cursor?: Cursor | undefined
}

/** What a coordinator answers to many writes. */
export interface CommitManyReply {
  /** One per commit, in order. Each is judged by itself. */
  readonly commits: readonly Omit<CommitReply, 'page'>[]
  readonly page: Page
}

/** What a coordinator answers to a write. */
export interface CommitReply {
  readonly stored: boolean
  /** Place of the write in the journal. Absent when refused, or when a repeat's event is no longer in the journal. */
  readonly at?: number | undefined
  readonly page: Page
}

/** News that came unasked: what followed the event that `after` names. */
export interface Push {
  readonly after: Cursor
  readonly page: Page
}

/** Who is told of what a subscription hears. Methods never throw. */
export interface Subscriber {
  /** The connection stands. What was said before it is not told: it must be asked for. */
  onOpen(): void
  /**
   * Something was heard, be it only a heartbeat. `within`: milliseconds in which a live connection is heard again,
   * where the other side promises that.
   */
  onAlive(within?: number): void
  /** News. Without them: something happened, and what it was must be asked for. */
  onPush(push?: Push): void
  /** The connection is over, or could not be opened. Told once, and not after `close`. */
  onEnd(error?: unknown): void
}

/** A subscription under way. */
export interface Subscription {
  /** Asks the other side for a sign of life, where it gives none by itself. */
  ping?(): void
  close(): void
}

/**
 * Whether a call has ended for its caller. A commit that takes several requests asks before each: once the caller knows
 * that it was not acknowledged, a late one could bury what has been written since.
 */
export type IsOver = () => boolean

/** What is asked of a coordinator. Each call is one atomic round trip: all of it happens or none. It rejects when not acknowledged. */
export interface CoordinationCalls {
  read(request: ReadRequest): Promise<ReadReply>
  readMany(request: ReadManyRequest): Promise<ReadManyReply>
  /** Reads and deletes in one step. */
  take(request: Names & { readonly key: string; readonly cursor?: Cursor | undefined }): Promise<ReadReply>
  commit(request: CommitRequest, isOver?: IsOver): Promise<CommitReply>
  /** Commits in the order given; no two of one key. */
  commitMany(request: CommitManyRequest, isOver?: IsOver): Promise<CommitManyReply>
  /** Gives a lease back unused, if it is still `token`'s. */
  release(request: {
    readonly key: string
    readonly token: string
    readonly cursor?: Cursor | undefined
  }): Promise<{ readonly page: Page }>
  /** `existed` counts the key events whose key held an entry. Repeating is harmless. */
  invalidate(request: {
    readonly events: readonly Invalidation[]
    readonly cursor?: Cursor | undefined
  }): Promise<{ readonly existed: number; readonly page: Page }>
  pull(request: { readonly cursor?: Cursor | undefined }): Promise<{ readonly page: Page }>
}

/** A store that issues leases and epochs, keeps entries, and orders all changes in one journal. */
export interface Coordination extends CoordinationCalls {
  /** What coordinates, such as `'redis'`. A bus of the L2's own kind leaves coordinating to it and only pushes. */
  readonly kind?: string
  /**
   * Opens one connection that tells of changes at once, for processes that outlive their requests. Opening it again,
   * silence and what was missed are the core's business: nothing that is promised rests on it.
   */
  subscribe?(subscriber: Subscriber): Subscription
}

/** The limits of a store, in numbers. What is absent is unlimited. */
export interface Limits {
  /** Longest key in UTF-8 bytes; longer ones are hashed. */
  readonly maxKeyBytes?: number
  /** Largest payload in UTF-8 bytes; larger ones stay in L1. */
  readonly maxValueBytes?: number
  /** Shortest life of a value in milliseconds. A shorter one is kept longer; when it ends is in the value itself. */
  readonly minTtl?: number
  /** How long a write may stay unseen by other readers, in milliseconds. */
  readonly staleness?: number
}

/** Bentocache's driver contract: the minimum every store offers. `ttl` in milliseconds, absent is for ever. */
export interface CacheDriver {
  readonly type?: 'l1' | 'l2'
  namespace(name: string): CacheDriver
  get(key: string): MaybePromise<string | undefined>
  pull(key: string): MaybePromise<string | undefined>
  set(key: string, value: string, ttl?: number): MaybePromise<boolean>
  delete(key: string): MaybePromise<boolean>
  deleteMany(keys: string[]): MaybePromise<boolean>
  clear(): MaybePromise<void>
  disconnect(): MaybePromise<void>
  prune?(): MaybePromise<void>
  /** Values of several keys, in their order, in as few requests as the store allows. */
  getMany?(keys: readonly string[]): MaybePromise<readonly (string | undefined)[]>
  /** Offered by stores that can coordinate isolates. */
  readonly coordination?: Coordination
  /** Offered by stores whose changes have one order: locks and counters, for `atomics`. */
  readonly atomics?: AtomicCalls
  readonly limits?: Limits
}

/** Whoever keeps a request alive for what goes on behind its answer. */
export interface RequestContext {
  waitUntil(work: Promise<unknown>): void
}

/** Work that goes on behind answers, so that the end of a process can wait for it. */
export interface Pending {
  /** @param work never rejects */
  add(work: Promise<unknown>): void
  /** Settles when nothing is left, what began meanwhile included. */
  settled(): Promise<unknown>
}

/** What a runtime gives the core. Made by an adapter, asked lazily, never captured from a first request. */
export interface Runtime {
  /** Keeps the current request's context alive for `promise`. Absent where processes outlive requests. */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  /** Holds what goes on behind answers where `waitUntil` is absent or has no request to live in. */
  readonly pending?: Pending | undefined
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number
  /** Monotonic clock in milliseconds, from any origin. */
  monotonic(): number
  /** Calls `run` once after `ms`; returns what cancels it. */
  setTimer(run: () => void, ms: number): () => void
  /** An unguessable string. */
  randomId(): string
  /** A number in [0, 1), for jitter. */
  random(): number
}

/** Offered by memory drivers: a bounded place for the entries of one isolate. */
export interface MemoryTier {
  readonly entries: Sieve<Entry>
  /** Most entries it holds. */
  readonly maxItems: number
  /** Whether callers get copies; else they share one object. */
  readonly copies: boolean
  /** Weight of an entry in bytes. `text` is absent for values that are no text. */
  weigh(key: string, text: string | undefined): number
}

/** What the driver of the L1 layer must be. */
export interface L1CacheDriver extends CacheDriver {
  readonly tier: MemoryTier
}

/** What a driver's factory is given: the store's prefix, overridden by the driver's own options. */
export interface DriverConfig {
  readonly prefix?: string | undefined
  readonly [option: string]: Loose
}

/** What functions such as `memoryDriver()` return; the store makes the driver from it when it is first used. */
export interface CreateDriverResult<Driver = CacheDriver> {
  readonly options: Readonly<Record<string, Loose>>
  factory(config: DriverConfig): Driver
  /** Makes an L2 of the driver. It comes with the driver, so that a cache of memory alone does not carry it. */
  readonly connect?: ConnectL2
  /** Where the store is divided: what each of its shards is made of. */
  readonly shards?: readonly CreateDriverResult<Driver>[]
  /** Makes one store of its shards. It comes with the driver, as `connect` does. */
  readonly divide?: DivideStack
  /**
   * What the driver cannot promise by itself, told once to whoever builds a store of it without a bus. Throws where the
   * settings count on just that.
   */
  alone?(store: string, settings: Settings): Step
}
