import { age, type Instant, instant } from './clock.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { toMilliseconds, typeOf } from './durations.ts'
import { InvalidOptionError, L2TimeoutError } from './errors.ts'
import type { L2Config } from './l2.ts'
import type { Runtime } from './ports.ts'
import { inBackground } from './runtime.ts'
import type { Message } from './transport-message.ts'

/** Messages that wait for a bus that failed, unless `maxSize` says otherwise. */
const MOST = 1000
/** Pause between two tries, in milliseconds. */
const RETRY_INTERVAL = 2000

/** What becomes of messages the bus did not take. */
export interface Retries {
  readonly enabled: boolean
  readonly maxSize: number
  /** Milliseconds between two tries; 0 leaves them to the next message and to a reconnection. */
  readonly interval: number
}

/** What an outbox is made of. */
export interface OutboxConfig extends Pick<L2Config, 'name' | 'settings' | 'trace' | 'coordination'> {
  readonly retries: Retries
  publish(message: Message): Promise<void>
}

/**
 * Sends messages, and keeps those that the bus did not take. A message that waits already is not kept twice; past
 * `maxSize` the oldest gives way. The timer runs only while something waits, and only where processes outlive their
 * requests.
 */
export class Outbox {
  readonly #config: OutboxConfig
  readonly #waiting = new Map<string, Message>()
  #cancelTimer: (() => void) | undefined
  #tried: Instant | undefined
  #closed = false

  constructor(config: OutboxConfig) {
    this.#config = config
  }

  /** Sends one. Waits for the bus at most `l2Timeout`, and not at all while others wait already. Never rejects. */
  async send(runtime: Runtime, message: Message): Promise<void> {
    if (this.#waiting.size > 0) {
      this.#enqueue(message)
      this.drain(runtime)
    } else if (!(await this.#deliver(runtime, message))) {
      this.#enqueue(message)
      this.#schedule(runtime)
    }
  }

  /** Tries again what waits, in the background. */
  drain(runtime: Runtime): void {
    // One at a time. A try whose request died is not waited for.
    const busy = this.#tried && age(this.#tried, instant(runtime)) < 2 * this.#config.settings.l2Timeout
    if (!busy && this.#waiting.size > 0) inBackground(runtime, this.#sendWaiting(runtime))
  }

  /** Drops what waits, and its timer. */
  close(): void {
    this.#closed = true
    this.#waiting.clear()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  async #sendWaiting(runtime: Runtime): Promise<void> {
    for (const [id, message] of this.#waiting) {
      this.#tried = instant(runtime)
      if (!(await this.#deliver(runtime, message))) break
      // One that has come meanwhile tells of a later change, though it reads the same.
      if (this.#waiting.get(id) === message) this.#waiting.delete(id)
    }
    this.#tried = undefined
    this.#schedule(runtime)
  }

  async #deliver(runtime: Runtime, message: Message): Promise<boolean> {
    const { name, settings, trace, coordination } = this.#config
    try {
      if ((await within(runtime, this.#config.publish(message), settings.l2Timeout)) === TIMED_OUT)
        throw new L2TimeoutError(settings.l2Timeout)
      const { type, keys } = message
      // Where a coordinator's journal tells, the operation itself has told so.
      if (!coordination) trace.tell({ type: 'published', store: name, message: { type, keys } })
      return true
    } catch (error) {
      trace.tell({ type: 'l2.error', store: name, operation: 'publish', error })
      return false
    }
  }

  #enqueue(message: Message): void {
    const { enabled, maxSize } = this.#config.retries
    if (!enabled || this.#closed) return
    const id = JSON.stringify(message)
    // Anew at the end: it is the newest now.
    this.#waiting.delete(id)
    this.#waiting.set(id, message)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > maxSize && oldest !== undefined) this.#waiting.delete(oldest)
  }

  #schedule(runtime: Runtime): void {
    const { interval } = this.#config.retries
    const idle = this.#waiting.size === 0 || interval === 0 || runtime.waitUntil !== undefined
    if (this.#closed || this.#cancelTimer || idle) return
    this.#cancelTimer = runtime.setTimer(() => {
      this.#cancelTimer = undefined
      this.drain(runtime)
    }, interval)
  }
}

/**
 * Reads Bentocache's `retryQueue` option of a bus.
 *
 * @throws {@link InvalidOptionError}
 */
export function retriesOf(options: Readonly<Record<string, unknown>> | undefined): Retries {
  const given = options?.['retryQueue'] ?? {}
  if (typeof given !== 'object') refuse('retryQueue', given, 'an object')
  const { enabled = true, maxSize, retryInterval = RETRY_INTERVAL } = given as Record<string, unknown>
  if (typeof enabled !== 'boolean') refuse('retryQueue.enabled', enabled, 'a boolean')
  const most = maxSize ?? MOST
  if (!Number.isSafeInteger(most) || (most as number) < 1)
    refuse('retryQueue.maxSize', most, 'a whole number above 0')
  const interval =
    retryInterval === false ? 0 : (toMilliseconds(retryInterval, 'retryQueue.retryInterval') ?? 0)
  return { enabled, maxSize: most as number, interval }
}

function refuse(option: string, value: unknown, allowed: string): never {
  throw new InvalidOptionError({ option, received: typeOf(value), allowed })
}
