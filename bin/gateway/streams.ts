import type { OpenClient } from './client.ts'
import { type EventStream, heartbeatOf } from './event-stream.ts'
import type { Settings } from './options.ts'
import { unavailable } from './refusal.ts'
import { Subscriber, type Topics } from './subscriber.ts'

/** All open event streams. They share one connection to Redis, which is there while one of them is. */
export class Streams {
  readonly #open: OpenClient
  readonly #settings: Settings
  #subscriber: Subscriber | undefined
  #isClosed = false

  constructor(open: OpenClient, settings: Settings) {
    this.#open = open
    this.#settings = settings
  }

  get size(): number {
    return this.#subscriber?.streams.size ?? 0
  }

  /** @throws {@link Refusal} with 503 if there are too many, or Redis cannot be reached. */
  async join(stream: EventStream, topics: Topics): Promise<void> {
    if (this.#isClosed) throw unavailable('the gateway is closing')
    if (this.size >= this.#settings.maxStreams) throw unavailable('too many open streams')
    this.#subscriber ??= this.#connect()
    const subscriber = this.#subscriber
    try {
      await subscriber.join(stream, topics)
    } finally {
      this.#closeIfIdle(subscriber)
    }
  }

  leave(stream: EventStream): void {
    const subscriber = this.#subscriber
    subscriber?.leave(stream)
    if (subscriber !== undefined) this.#closeIfIdle(subscriber)
  }

  /** Ends all streams, for good. */
  close(): void {
    this.#isClosed = true
    this.#subscriber?.close()
  }

  #connect(): Subscriber {
    const client = this.#open(this.#settings, () => null)
    const heart = setInterval(() => this.#beat(), this.#settings.heartbeat)
    return new Subscriber(client, () => {
      clearInterval(heart)
      // The next stream connects anew.
      this.#subscriber = undefined
    })
  }

  #beat(): void {
    for (const stream of this.#subscriber?.streams ?? []) stream.write(heartbeatOf(this.#settings.heartbeat))
    this.#subscriber?.check()
  }

  #closeIfIdle(subscriber: Subscriber): void {
    if (subscriber.streams.size === 0) subscriber.close()
  }
}
