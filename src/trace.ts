import type { BusMessage } from './events.ts'
import type { StaleReason } from './serve.ts'

/**
 * What happened, step by step. The flow tells the trace and nobody else; events, logs and metrics listen to it.
 * Keys are as the caller gave them, relative to their namespace.
 */

interface At {
  readonly store: string
  readonly key: string
}

/** A step of an operation, or of what goes on behind it. */
export type Step =
  /** A value is handed out from a tier. `graced`: past its fresh time. */
  | (At & { readonly type: 'l1.hit' | 'l2.hit'; readonly graced: boolean; readonly value: unknown })
  /** Nothing was found: told after the factory succeeded, or when `get` gives nothing. */
  | (At & { readonly type: 'miss' })
  /** L2 answered a read. */
  | (At & {
      readonly type: 'l2.read'
      readonly found: 'fresh' | 'stale' | 'nothing'
      readonly lease: 'granted' | 'refused' | 'none'
    })
  /** One computation per key and isolate: led, joined, taken over at its deadline, or begun again. */
  | (At & { readonly type: 'flight.lead' | 'flight.join' | 'flight.takeover' | 'flight.restart' })
  /** Another isolate holds the lease; it is asked again after `ms`. */
  | (At & { readonly type: 'lease.wait'; readonly ms: number })
  | (At & { readonly type: 'factory.run'; readonly background: boolean })
  | (At & { readonly type: 'factory.done'; readonly ms: number })
  | (At & { readonly type: 'factory.error'; readonly error: unknown; readonly background: boolean })
  /** An expired value was given. */
  | (At & { readonly type: 'stale.served'; readonly reason: StaleReason })
  /** The coordinator's verdict on a write. Refused: something that covers it was invalidated since its read. */
  | (At & { readonly type: 'commit'; readonly stored: boolean; readonly mode: 'lease' | 'free' | 'set' })
  | (At & { readonly type: 'written'; readonly value: unknown })
  | (At & { readonly type: 'deleted' | 'expired' })
  | { readonly type: 'cleared'; readonly store: string }
  | {
      readonly type: 'tags.deleted' | 'tags.expired'
      readonly store: string
      readonly tags: readonly string[]
    }
  /** Told to the other isolates by way of the journal. */
  | { readonly type: 'published'; readonly store: string; readonly message: BusMessage }
  /** Told by another isolate. `name` is what was changed, as the coordinator calls it; absent where none told. */
  | {
      readonly type: 'received'
      readonly store: string
      readonly name?: string
      readonly message: BusMessage
    }
  | { readonly type: 'journal.page'; readonly store: string; readonly events: number | 'gap' }
  /** An invalidation did not reach L2. It is tried again in the background. */
  | { readonly type: 'unacknowledged'; readonly store: string; readonly names: readonly string[] }
  | { readonly type: 'l2.error'; readonly store: string; readonly operation: string; readonly error: unknown }
  /** The connection on which others' changes are told at once. `silent`: given up, as it no longer tells. */
  | {
      readonly type: 'push'
      readonly store: string
      readonly state: 'open' | 'closed' | 'silent'
      readonly error?: unknown
    }
  | { readonly type: 'breaker'; readonly store: string; readonly state: 'open' | 'closed' }
  /** Too large for one tier; the other keeps it. */
  | (At & { readonly type: 'oversized'; readonly layer: 'l1' | 'l2'; readonly bytes: number })
  /** Told when the cache is made: what the store's L2 cannot promise without a bus, and what an advisor has to say. */
  | { readonly type: 'advice'; readonly store: string; readonly code?: string; readonly message: string }
  /** A payload of L2 could not be read: corrupt, of an unknown version, another key's, or unfit. Counts as a miss. */
  | (At & { readonly type: 'unusable' })
  /** The codec could not make a value ready for L2, or not in time. It stays in L1. */
  | (At & { readonly type: 'unsealed' })

/** What {@link BentoCache.onTrace} calls. What it throws reaches nobody. */
export type TraceListener = (step: Step) => void

/** Collects listeners. Without any, the flow builds no steps at all. */
export interface Trace {
  active(): boolean
  /** Adds a listener; returns what removes it. */
  add(listener: TraceListener): () => void
  /** Tells all listeners. What one throws harms neither the call nor the others. */
  tell(step: Step): void
}

export function makeTrace(): Trace {
  let listeners: readonly TraceListener[] = []
  return {
    active: () => listeners.length > 0,
    add: (listener) => {
      listeners = [...listeners, listener]
      return () => {
        listeners = listeners.filter((other) => other !== listener)
      }
    },
    tell: (step) => {
      for (const listener of listeners) attempt(() => listener(step))
    },
  }
}

/** Calls foreign code for its effect alone: neither what it throws nor a promise it rejects gets out. */
export function attempt(run: () => unknown): void {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // A listener's trouble is not the caller's.
  }
}
