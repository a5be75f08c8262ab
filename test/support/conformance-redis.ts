import { Redis as UpstashRedis } from '@upstash/redis'
import { createClient } from '@vercel/kv'
import { Redis } from 'ioredis'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { redisBusDriver, redisDriver } from '../../drivers/redis.ts'
import { upstashBusDriver, upstashDriver } from '../../drivers/upstash.ts'
import { vercelKvDriver } from '../../drivers/vercel-kv.ts'
import type { CacheDriver, CreateDriverResult } from '../../src/ports.ts'
import type { BusDriver } from '../../src/store.ts'
import type { Open, OpenedBus, OpenedStore } from '../conformance/index.ts'
import { openRedis, type RedisServer } from './redis-server.ts'

/** A real Redis for all cases of one driver, emptied for each. Its clock is its own, so time really passes. */
interface Served {
  readonly redis: RedisServer
  readonly gateway: Gateway
  readonly admin: Redis
}

const TOKEN = 'token-of-the-conformance-suite'
const pass = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** How a driver is made for another isolate, with connections of its own. */
type Make<Driver> = (served: Served) => CreateDriverResult<Driver>

const ADDRESS = { url: 'https://cache.test', token: TOKEN }

/** Ways to the same store, as they are registered. A `sample` is built for nobody and asked for nothing. */
function registered<Driver, Opened>(
  sample: CreateDriverResult<Driver>,
  opened: (connect: (prefix: string) => Driver, close: () => Promise<void>) => Opened,
  make: Make<Driver>,
): { sample: Driver; open: Open<Opened>; stop: () => Promise<void> } {
  let starting: Promise<Served> | undefined
  return {
    sample: sample.factory({ prefix: '' }),
    open: async () => {
      const served = await (starting ??= start())
      await served.admin.flushall()
      const drivers: { disconnect(): unknown }[] = []
      const connect = (prefix: string): Driver => {
        const driver = make(served).factory({ prefix })
        drivers.push(driver as { disconnect(): unknown })
        return driver
      }
      return opened(connect, async () => {
        for (const driver of drivers) await driver.disconnect()
      })
    },
    stop: async () => {
      const served = await starting
      served?.admin.disconnect()
      await served?.gateway.close()
      await served?.redis.close()
    },
  }
}

async function start(): Promise<Served> {
  const redis = await openRedis()
  const gateway = await startGateway({ token: TOKEN, redis: redis.url, port: 0 })
  return { redis, gateway, admin: new Redis(redis.port) }
}

const store = (connect: (prefix: string) => CacheDriver, close: () => Promise<void>): OpenedStore => ({
  connect,
  pass,
  close,
})
const bus = (connect: (prefix: string) => BusDriver, close: () => Promise<void>): OpenedBus => ({
  connect: () => connect(''),
  pass,
  close,
})

/** The drivers for Redis over TCP and HTTP, by address and by client. */
export const REDIS_DRIVERS = {
  'redis (tcp)': registered(redisDriver({ connection: {} }), store, ({ redis }) =>
    redisDriver({ connection: { port: redis.port } }),
  ),
  'upstash (by address)': registered(upstashDriver(ADDRESS), store, ({ gateway: { url } }) =>
    upstashDriver({ url, token: TOKEN }),
  ),
  'upstash (by client)': registered(upstashDriver(ADDRESS), store, ({ gateway: { url } }) =>
    upstashDriver({ client: new UpstashRedis({ url, token: TOKEN, enableTelemetry: false }) }),
  ),
  'vercel kv (by address)': registered(vercelKvDriver(ADDRESS), store, ({ gateway: { url } }) =>
    vercelKvDriver({ url, token: TOKEN }),
  ),
  'vercel kv (by client)': registered(vercelKvDriver(ADDRESS), store, ({ gateway: { url } }) =>
    vercelKvDriver({ client: createClient({ url, token: TOKEN }) }),
  ),
}

/** The buses over Redis. */
export const REDIS_BUSES = {
  'redis bus (tcp)': registered<BusDriver, OpenedBus>(redisBusDriver({ connection: {} }), bus, ({ redis }) =>
    redisBusDriver({ connection: { port: redis.port } }),
  ),
  'upstash bus (by address)': registered<BusDriver, OpenedBus>(
    upstashBusDriver(ADDRESS),
    bus,
    ({ gateway: { url } }) => upstashBusDriver({ url, token: TOKEN }),
  ),
}
