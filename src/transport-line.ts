import type { InternalOperationWrapper } from './l2.ts'
import type { Subscriber, Subscription } from './ports.ts'
import { systemRuntime } from './runtime.ts'
import type { BusTransport } from './store.ts'
import { attempt } from './trace.ts'
import type { Message } from './transport-message.ts'

/** Bentocache's binary messages have room for an id of exactly so many characters. */
const ID_LENGTH = 24

/** What a line is made of. */
export interface LineOptions {
  readonly channel: string
  readonly wrap: InternalOperationWrapper | undefined
  /** Told of every message of others, whatever it is. */
  readonly onMessage: (message: unknown, subscriber: Subscriber) => void
  /** The transport connects anew: messages may have been lost, and some may get through again. */
  readonly onReconnect: () => void
}

interface Listening {
  readonly subscriber: Subscriber
  state: 'joining' | 'joined' | 'left'
}

/**
 * Puts a transport to use. It is touched with the first message or subscription, never before. A reconnection ends the
 * subscription, since nobody says when the transport hears again: a new one does, by standing.
 */
export class Line {
  readonly #transport: BusTransport
  readonly #options: LineOptions
  #named = false
  #current: Listening | undefined
  // Joining and leaving take turns: a transport that is told to leave drops who joins in the meantime.
  #turn: Promise<unknown> = Promise.resolve()

  constructor(transport: BusTransport, options: LineOptions) {
    this.#transport = transport
    this.#options = options
  }

  async publish(message: Message): Promise<void> {
    this.#name()
    // A copy: transports inside one process hand the object itself to their peers.
    await this.#run((channel) => this.#transport.publish(channel, { ...message, keys: [...message.keys] }))
  }

  /** Hears messages from now on, until closed. */
  subscribe(subscriber: Subscriber): Subscription {
    this.#name()
    const listening: Listening = { subscriber, state: 'joining' }
    this.#current = listening
    // A transport waits for its connection itself, however long that takes.
    subscriber.onAlive(Infinity)
    this.#join(listening).then(
      () => {
        if (listening.state !== 'joining') return
        listening.state = 'joined'
        subscriber.onOpen()
      },
      (error) => {
        if (listening.state === 'left') return
        listening.state = 'left'
        subscriber.onEnd(error)
      },
    )
    return { close: () => this.#leave(listening) }
  }

  #name(): void {
    if (this.#named) return
    this.#transport.setId(makeId()).onReconnect(() => this.#reconnect())
    this.#named = true
  }

  #reconnect(): void {
    this.#options.onReconnect()
    const listening = this.#current
    if (listening?.state !== 'joined') return
    this.#leave(listening)
    listening.subscriber.onEnd()
  }

  #join(listening: Listening): Promise<void> {
    const handler = (message: unknown): void => {
      if (listening.state !== 'left') attempt(() => this.#options.onMessage(message, listening.subscriber))
    }
    const joined = this.#turn.then(async () => {
      if (listening.state === 'joining')
        await this.#run((channel) => this.#transport.subscribe(channel, handler))
    })
    this.#turn = joined.catch(() => {})
    return joined
  }

  #leave(listening: Listening): void {
    if (this.#current === listening) this.#current = undefined
    if (listening.state === 'left') return
    listening.state = 'left'
    this.#turn = this.#turn
      .then(() => this.#run((channel) => this.#transport.unsubscribe(channel)))
      .catch(() => {})
  }

  async #run(act: (channel: string) => Promise<void>): Promise<void> {
    const { wrap, channel } = this.#options
    await (wrap ? wrap(() => act(channel)) : act(channel))
  }
}

function makeId(): string {
  const id = systemRuntime.randomId().replace(/[^a-z0-9]/gi, '')
  return id.slice(0, ID_LENGTH).padEnd(ID_LENGTH, '0')
}
