import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type FaultyGateway, openFaultyGateway } from './faulty-gateway.ts'
import { openRedis, type RedisServer } from './redis-server.ts'

/** A real Redis for the tests of one file. */
export interface RedisForFile {
  readonly server: RedisServer
  /** Beside what is tested, for a look at what lies there. */
  readonly redis: Redis
}

/** Starts one before the tests of a file and ends it after them. */
export function redisForFile(): RedisForFile {
  let server: RedisServer
  let redis: Redis
  beforeAll(async () => {
    server = await openRedis()
    redis = new Redis(server.port)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.close()
  })
  return {
    get server() {
      return server
    },
    get redis() {
      return redis
    },
  }
}

/**
 * Puts a gateway before it, and empties it, for each test: what is tried again in the background of one must not be
 * counted in the next.
 */
export function gatewayForEach(file: RedisForFile): { readonly gateway: FaultyGateway } {
  let gateway: FaultyGateway
  beforeEach(async () => {
    await file.redis.flushall()
    gateway = await openFaultyGateway({ redisUrl: file.server.url })
  })
  afterEach(() => gateway.close())
  return {
    get gateway() {
      return gateway
    },
  }
}
