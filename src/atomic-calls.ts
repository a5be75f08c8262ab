/** What a store offers whose changes have one order: locks, counters, and values that are set if absent. Types only. */

import type { CacheDriver, MaybePromise } from './ports.ts'

/** Whether a lock is the asker's. */
export interface Hold {
  readonly held: boolean
  /** Grows with each lock that is given, so a store can refuse who had an earlier one. 0 where it is not held. */
  readonly fence: number
  /** Milliseconds left on the store's clock: of the own lock, or of whose it is instead. 0 where nobody's is known. */
  readonly left: number
}

/**
 * Steps that are only worth something in a store whose changes have one order. Each is one atomic round trip: all of it
 * happens or none. It rejects when not acknowledged.
 *
 * `name` is a full name. Locks and values have names of their own, and neither meets an entry's. Lives are whole
 * milliseconds on the store's clock; `null` is for ever.
 */
export interface AtomicCalls {
  /** Gives a lock to one token at a time. Repeated by the same token it gives the same grant and prolongs nothing. */
  acquire(request: { readonly name: string; readonly token: string; readonly ttl: number }): Promise<Hold>
  /** Has a lock end `ttl` from now, if it is still `token`'s; without a `ttl` only tells whether it is. */
  extend(request: {
    readonly name: string
    readonly token: string
    readonly ttl?: number | undefined
  }): Promise<Hold>
  /** Ends a lock, if it is still `token`'s. */
  surrender(request: {
    readonly name: string
    readonly token: string
  }): Promise<{ readonly released: boolean }>
  /** Sets a value where there is none. Repeated under the same `op` it gives the first one's answer. */
  add(request: {
    readonly name: string
    readonly text: string
    readonly ttl: number | null
    readonly op: string
  }): Promise<{ readonly added: boolean }>
  /**
   * Adds to a whole number; what is absent is 0, and only then begins to live for `ttl`. Repeated under the same `op` it
   * gives the first one's answer. `refused` changes nothing: `type`, there is something else; `range`, no safe integer.
   */
  increment(request: {
    readonly name: string
    readonly by: number
    readonly ttl: number | null
    readonly op: string
  }): Promise<{ readonly value?: number; readonly refused?: 'type' | 'range' }>
  /** Never answered by a replica: what was acknowledged before is seen. */
  read(request: { readonly name: string }): Promise<{ readonly text?: string }>
  remove(request: { readonly name: string }): Promise<{ readonly removed: boolean }>
}

/** One of {@link AtomicCalls}, by name. */
export type AtomicStep = keyof AtomicCalls

/** A step with what it is asked, as it travels where one door leads to all of them. */
export type AtomicRequest = {
  [Step in AtomicStep]: { readonly step: Step } & Parameters<AtomicCalls[Step]>[0]
}[AtomicStep]

/** The answer to a step. */
export type AtomicReply<Step extends AtomicStep = AtomicStep> = Awaited<ReturnType<AtomicCalls[Step]>>

/** A driver or bus whose store takes all steps one after the other. */
export interface Linearizable {
  readonly atomics: AtomicCalls
  disconnect(): MaybePromise<void>
}

/** A driver of such a store. */
export interface AtomicDriver extends CacheDriver {
  readonly atomics: AtomicCalls
}
