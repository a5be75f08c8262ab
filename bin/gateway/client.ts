import type { Redis, RedisOptions } from 'ioredis'
import { MissingPeerError } from '../../src/errors.ts'
import type { Settings } from './options.ts'

/** Makes a client that is not connected yet. */
export type OpenClient = (settings: Settings, retryStrategy: RedisOptions['retryStrategy']) => Redis

/** @throws {@link MissingPeerError} where `ioredis` is not installed. */
export async function loadClient(): Promise<OpenClient> {
  const { Redis } = await import('ioredis').catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    throw isMissing ? new MissingPeerError('ioredis', error) : error
  })
  return ({ redis, commandTimeout }, retryStrategy) => {
    const client = new Redis(redis, {
      lazyConnect: true,
      connectTimeout: commandTimeout,
      commandTimeout,
      // A connection that stays silent is given up, so that the next one can be tried.
      socketTimeout: 2 * commandTimeout,
      // Nothing waits for a connection, and nothing runs a second time on the next one.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      stringNumbers: true,
      retryStrategy,
    })
    // Without a listener it prints; who sends commands learns of it by their failure.
    client.on('error', () => {})
    return client
  }
}

/** Host and port of a Redis URL: what may be shown of it. */
export function addressOf(redis: string): string {
  const { hostname, port } = new URL(redis)
  return `${hostname || 'localhost'}:${port || '6379'}`
}
