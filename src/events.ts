import { attempt, type Step } from './trace.ts'

interface StoreEvent {
  readonly store: string
}

interface KeyEvent extends StoreEvent {
  readonly key: string
}

/** What the bus tells: Bentocache's shape, keys relative to their namespace, values never. */
export interface BusMessage {
  readonly type: 'set' | 'delete' | 'expire' | 'clear'
  readonly keys: readonly string[]
}

/** Event names and payloads: Bentocache's, and Ekiben's own below the blank line. */
export interface CacheEvents {
  'cache:hit': KeyEvent & { readonly value: any; readonly layer: 'l1' | 'l2'; readonly graced: boolean }
  'cache:miss': KeyEvent
  'cache:written': KeyEvent & { readonly value: any }
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
  on(event: string, callback: (...values: any[]) => void): unknown
  once(event: string, callback: (...values: any[]) => void): unknown
  off(event: string, callback: (...values: any[]) => void): unknown
  emit(event: string, ...values: any[]): unknown
}

type Callback = (...values: any[]) => void

/** The built-in emitter. A listener that throws stops neither the cache nor its neighbours. */
export class EventEmitter implements Emitter {
  readonly #listeners = new Map<string, { readonly callback: Callback; readonly once: boolean }[]>()

  on(event: string, callback: Callback): void {
    this.#add(event, callback, false)
  }

  once(event: string, callback: Callback): void {
    this.#add(event, callback, true)
  }

  off(event: string, callback: Callback): void {
    const left = this.#listeners.get(event)?.filter((listener) => listener.callback !== callback)
    if (left) this.#listeners.set(event, left)
  }

  emit(event: string, ...values: unknown[]): void {
    const listeners = this.#listeners.get(event)
    if (!listeners) return
    if (listeners.some(({ once }) => once)) {
      this.#listeners.set(
        event,
        listeners.filter(({ once }) => !once),
      )
    }
    for (const { callback } of listeners) attempt(() => callback(...values))
  }

  #add(event: string, callback: Callback, once: boolean): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { callback, once }])
  }
}

/** Hangs an emitter on the trace: which steps are events, and under which name. */
export function emitSteps(emitter: Emitter): (step: Step) => void {
  const emit = <Name extends keyof CacheEvents>(name: Name, payload: CacheEvents[Name]): void =>
    attempt(() => emitter.emit(name, payload))
  return (step) => {
    const { store } = step
    switch (step.type) {
      case 'l1.hit':
      case 'l2.hit': {
        const layer = step.type === 'l1.hit' ? 'l1' : 'l2'
        return emit('cache:hit', { key: step.key, value: step.value, store, layer, graced: step.graced })
      }
      case 'miss':
        return emit('cache:miss', { key: step.key, store })
      case 'written':
        return emit('cache:written', { key: step.key, value: step.value, store })
      case 'deleted':
        return emit('cache:deleted', { key: step.key, store })
      case 'expired':
        return emit('cache:expire', { key: step.key, store })
      case 'cleared':
        return emit('cache:cleared', { store })
      case 'published':
        return emit('bus:message:published', { message: step.message })
      case 'received':
        return emit('bus:message:received', { message: step.message })
      case 'unacknowledged':
        return emit('cache:unacknowledged', { store, names: step.names })
      case 'oversized':
        return emit('cache:oversized', { key: step.key, store, layer: step.layer, bytes: step.bytes })
    }
  }
}
