import { InvalidOptionError, MissingPeerError, StoreError } from '../../src/errors.ts'
import type { Loose } from '../../src/loose.ts'
import type { Coordination, Subscriber } from '../../src/ports.ts'
import type { Send } from './evaluate.ts'
import { reasonOf } from './reason.ts'
import { parsePush } from './wire.ts'

/** What is used of a connection of `ioredis`, single or cluster, by shape. */
export interface RedisConnection {
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(): RedisConnection
  subscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...args: Loose[]) => void): unknown
  quit(): Promise<unknown>
  disconnect(): void
  readonly status?: string
  readonly isCluster?: boolean
}

/** Options of a connection, as `ioredis` takes them. */
export interface RedisConnectionOptions {
  readonly host?: string | undefined
  readonly port?: number
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly [option: string]: Loose
}

/** A way to a Redis over TCP. */
export interface TcpRedis {
  readonly send: Send
  readonly subscribe: (channel: string) => NonNullable<Coordination['subscribe']>
  readonly disconnect: () => Promise<void>
}

/** Speaks to Redis through `ioredis`. The connection is made at the first call, unless it is there already. */
export function tcpRedis(given: RedisConnection | RedisConnectionOptions): TcpRedis {
  let own: RedisConnection | undefined = isConnection(given) ? given : undefined
  const listeners = new Set<Listener>()
  // Whoever comes while the package is loading loads it too: nobody waits for another's promise.
  let closed = false
  const connection = async (): Promise<RedisConnection> => {
    if (own) return own
    const made = await connect(given)
    if (own || closed) made.disconnect()
    if (closed) throw new StoreError('Redis', 'it was disconnected')
    return (own ??= made)
  }
  return {
    send: async ([command = '', ...args]) => {
      const redis = await connection()
      try {
        return await redis.call(command, ...args)
      } catch (error) {
        // Without its text, which quotes the command; what the connection itself says is told by its name.
        const { message, name } = error as Error
        throw new StoreError('Redis', name === 'ReplyError' ? reasonOf(message) : 'it cannot be reached')
      }
    },
    subscribe: (channel) => (subscriber) => {
      const listener = new Listener(channel, subscriber, () => listeners.delete(listener))
      listeners.add(listener)
      listener
        .listen(async () => own?.duplicate() ?? connect(given))
        .catch((error: unknown) => listener.end(error))
      return { close: () => listener.close() }
    },
    disconnect: async () => {
      for (const listener of listeners) listener.close()
      closed = true
      // Asked to quit, one that is not connected would first wait until it is.
      if (own?.status === 'ready') await own.quit().catch(() => {})
      else own?.disconnect()
    },
  }
}

/** One subscription, on a connection of its own: one that listens takes no commands. */
class Listener {
  readonly #channel: string
  readonly #subscriber: Subscriber
  readonly #onClose: () => void
  #redis: RedisConnection | undefined
  #over = false

  constructor(channel: string, subscriber: Subscriber, onClose: () => void) {
    this.#channel = channel
    this.#subscriber = subscriber
    this.#onClose = onClose
  }

  async listen(connection: () => Promise<RedisConnection>): Promise<void> {
    const redis = await connection()
    if (this.#over) return redis.disconnect()
    this.#redis = redis
    redis.on('error', () => this.end(new StoreError('Redis', 'it cannot be reached')))
    redis.on('close', () => this.end())
    redis.on('message', (channel: string, text: string) => {
      if (this.#over || channel !== this.#channel) return
      this.#subscriber.onAlive()
      this.#subscriber.onPush(parsePush(text))
    })
    await redis.subscribe(this.#channel)
    if (!this.#over) this.#subscriber.onOpen()
  }

  /** The connection is over: it is not opened again here, whoever listens decides that. */
  end(error?: unknown): void {
    if (this.#over) return
    this.close()
    this.#subscriber.onEnd(error)
  }

  close(): void {
    this.#over = true
    this.#onClose()
    this.#redis?.disconnect()
  }
}

/** Whether it is a connection already, and not what one is made of. */
export function isConnection(given: object): given is RedisConnection {
  return typeof (given as Partial<RedisConnection>).call === 'function'
}

async function connect(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { Redis } = await import('ioredis').catch((cause: unknown) => {
    throw new MissingPeerError('ioredis', cause)
  })
  const redis = new Redis({ ...options })
  // What is wrong with the connection is told by each command that fails; without a listener it would be printed.
  redis.on('error', () => {})
  return redis
}

/** @throws {@link InvalidOptionError} */
export function checkConnection(connection: unknown): void {
  if (typeof connection === 'object' && connection !== null) return
  throw new InvalidOptionError({
    option: 'connection',
    received: connection === null ? 'null' : typeof connection,
    allowed: 'a connection of ioredis, or the options for one',
  })
}
