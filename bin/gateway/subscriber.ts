import type { Redis } from 'ioredis'
import { type EventStream, eventOf } from './event-stream.ts'
import { unavailable } from './refusal.ts'

/** What a stream listens to: channels by name, or all whose names match patterns. */
export interface Topics {
  readonly kind: 'subscribe' | 'psubscribe'
  readonly names: readonly string[]
}

interface Topic {
  readonly streams: Set<EventStream>
  /** Settles with Redis' answer to the subscription. */
  readonly ready: Promise<unknown>
}

/** One connection to Redis in subscriber mode. Its streams end when it is lost. */
export class Subscriber {
  readonly streams: Set<EventStream> = new Set()
  readonly #client: Redis
  readonly #connected: Promise<void>
  readonly #onEnd: () => void
  #isOver = false
  #isAsked = false
  readonly #topics: Readonly<Record<Topics['kind'], Map<string, Topic>>> = {
    subscribe: new Map(),
    psubscribe: new Map(),
  }

  /** `onEnd` is told once, before the streams end. */
  constructor(client: Redis, onEnd: () => void) {
    this.#client = client
    this.#onEnd = onEnd
    client.on('messageBuffer', (channel, payload) => {
      this.#pass('subscribe', channel.toString(), ['message', channel.toString(), payload.toString()])
    })
    client.on('pmessageBuffer', (pattern, channel, payload) => {
      this.#pass('psubscribe', pattern, ['pmessage', pattern, channel.toString(), payload.toString()])
    })
    client.on('close', () => this.close())
    this.#connected = client.connect()
    // Whoever joins awaits it as well.
    this.#connected.catch(() => {})
  }

  /**
   * Gives a stream what is published from now on. Does nothing for one that has left in the meantime.
   *
   * @throws {@link Refusal} with 503 if Redis cannot be reached.
   */
  async join(stream: EventStream, { kind, names }: Topics): Promise<void> {
    this.streams.add(stream)
    try {
      await this.#connected
      if (!this.streams.has(stream)) return
      await Promise.all(names.map((name) => this.#add(kind, name, stream)))
      if (this.#isOver) throw unavailable('the connection to Redis was lost')
    } catch (error) {
      this.leave(stream)
      throw error instanceof Error && error.name === 'ReplyError'
        ? error
        : unavailable('Redis is out of reach')
    }
  }

  leave(stream: EventStream): void {
    this.streams.delete(stream)
    for (const kind of ['subscribe', 'psubscribe'] as const) {
      for (const [name, topic] of this.#topics[kind]) {
        topic.streams.delete(stream)
        if (topic.streams.size === 0) this.#drop(kind, name)
      }
    }
  }

  /** Whether Redis is still there: silence on this connection would look the same if it were not. */
  check(): void {
    if (this.#client.status !== 'ready' || this.#isAsked) return
    this.#isAsked = true
    this.#client
      .ping()
      .then(() => {
        this.#isAsked = false
      })
      .catch(() => this.close())
  }

  /** Ends all streams at once, without waiting for a Redis that may not answer. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd()
    for (const stream of this.streams) stream.end()
    this.#client.disconnect()
  }

  #add(kind: Topics['kind'], name: string, stream: EventStream): Promise<unknown> {
    const topics = this.#topics[kind]
    const topic = topics.get(name) ?? { streams: new Set(), ready: this.#client[kind](name) }
    topics.set(name, topic)
    topic.streams.add(stream)
    return topic.ready
  }

  #drop(kind: Topics['kind'], name: string): void {
    this.#topics[kind].delete(name)
    const left = kind === 'subscribe' ? this.#client.unsubscribe(name) : this.#client.punsubscribe(name)
    // It fails when the connection is lost, and then there is nothing to leave.
    left.catch(() => {})
  }

  #pass(kind: Topics['kind'], name: string, parts: readonly string[]): void {
    const event = eventOf(...parts)
    for (const stream of this.#topics[kind].get(name)?.streams ?? []) stream.write(event)
  }
}
