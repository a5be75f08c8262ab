import type { Loose } from './loose.ts'
import { attempt, type Step } from './trace.ts'

interface StoreEvent {
  readonly store: string
}

interface KeyEvent extends StoreEvent {
  readonly key: string
}

/** What the bus tells: Bentocache's shape, values never. Published keys are relative to their namespace, received ones to the store. */
export interface BusMessage {
  readonly type: 'set' | 'delete' | 'expire' | 'clear'
  readonly keys: readonly string[]
}

/** Event names and payloads: Bentocache's, and Ekiben's own below the blank line. */
export interface CacheEvents {
  'cache:hit': KeyEvent & { readonly value: Loose; readonly layer: 'l1' | 'l2'; readonly graced: boolean }
  'cache:miss': KeyEvent
  'cache:written': KeyEvent & { readonly value: Loose }
  'cache:deleted': KeyEvent
  'cache:expire': KeyEvent
  'cache:cleared': StoreEvent
  'bus:message:published': { readonly message: BusMessage }
  'bus:message:received': { readonly message: BusMessage }

  /** An invalidation did not reach L2; it is tried again in the background. */
  'cache:unacknowledged': StoreEvent & { readonly names: readonly string[] }
  /** A value was too large for one tier; the other keeps it. */
  'cache:oversized': KeyEvent & { readonly layer: 'l1' | 'l2'; readonly bytes: number }
}

/** The emitter contract: Node's EventEmitter, Emittery and the built-in one fulfil it. */
export interface Emitter {
  on(event: string, callback: (...values: Loose[]) => Loose): unknown
  once(event: string, callback: (...values: Loose[]) => Loose): unknown
  off(event: string, callback: (...values: Loose[]) => Loose): unknown
  emit(event: string, ...values: Loose[]): unknown
}

/** Makes the built-in emitter. A listener that throws stops neither the cache nor its neighbours. */
export function makeEmitter(): Emitter {
  type Callback = Parameters<Emitter['on']>[1]
  let listeners: readonly { readonly event: string; readonly callback: Callback; readonly once: boolean }[] =
    []
  const add = (event: string, callback: Callback, once: boolean): void => {
    listeners = [...listeners, { event, callback, once }]
  }
  return {
    on: (event, callback) => add(event, callback, false),
    once: (event, callback) => add(event, callback, true),
    off: (event, callback) => {
      listeners = listeners.filter((other) => other.event !== event || other.callback !== callback)
    },
    emit: (event, ...values) => {
      const called = listeners.filter((listener) => listener.event === event)
      listeners = listeners.filter((listener) => !listener.once || !called.includes(listener))
      for (const { callback } of called) attempt(() => callback(...values))
    },
  }
}

/** Which steps are events, and under which name; their payloads are the steps' own fields. */
const EVENTS: Readonly<Partial<Record<Step['type'], keyof CacheEvents>>> = {
  'l1.hit': 'cache:hit',
  'l2.hit': 'cache:hit',
  miss: 'cache:miss',
  written: 'cache:written',
  deleted: 'cache:deleted',
  expired: 'cache:expire',
  cleared: 'cache:cleared',
  published: 'bus:message:published',
  received: 'bus:message:received',
  unacknowledged: 'cache:unacknowledged',
  oversized: 'cache:oversized',
}

/** Hangs an emitter on the trace. */
export function emitSteps(emitter: Emitter): (step: Step) => void {
  return ({ type, ...payload }) => {
    const name = EVENTS[type]
    if (!name) return
    const event = 'message' in payload ? { message: payload.message } : payload
    attempt(() => emitter.emit(name, type.endsWith('.hit') ? { ...event, layer: type.slice(0, 2) } : event))
  }
}
