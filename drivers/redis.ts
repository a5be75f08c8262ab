/**
 * Redis over TCP, for Node, Bun and Deno: L2, leases and journal in one. Needs the package `ioredis`.
 *
 * @module
 */
import type { AtomicDriver } from '../src/atomic-calls.ts'
import type { CreateDriverResult, Limits } from '../src/ports.ts'
import type { AtomicBusDriver } from '../src/store.ts'
import { redisBus, type RedisBusLink, redisStore } from './redis-protocol/driver.ts'
import { makeEvaluate } from './redis-protocol/evaluate.ts'
import {
  checkConnection,
  isConnection,
  type RedisConnection,
  type RedisConnectionOptions,
  tcpRedis,
} from './redis-protocol/tcp.ts'

export type { RedisConnection, RedisConnectionOptions } from './redis-protocol/tcp.ts'

/** Options of {@link redisDriver} and {@link redisBusDriver}. */
export interface RedisOptions {
  /**
   * A connection of `ioredis`, single or cluster, or the options for one, which is then made at the first call.
   * `disconnect()` of the cache closes it in both cases.
   */
  readonly connection: RedisConnection | RedisConnectionOptions
  /** First segment of every key. @default the store's, which is `'bentocache'` */
  readonly prefix?: string | undefined
  /** Keep all keys of the store in one slot, by a hash tag. @default whether the connection is one to a cluster */
  readonly cluster?: boolean | undefined
}

/** Options of {@link redisBusDriver}. */
export interface RedisBusOptions extends RedisOptions {
  /**
   * Taken from Bentocache and not needed: what a change is told by is written with the change, so nothing is ever left
   * to be published later.
   */
  readonly retryQueue?: unknown
}

/** A text of Redis holds 512 MB; what is larger than this has no place in a cache. A key holds as much. */
const LIMITS: Limits = { maxKeyBytes: 65_536, maxValueBytes: 64_000_000 }

/**
 * The shared store in Redis over TCP, for Node, Bun and Deno: entries, leases and invalidations with one order. Each
 * operation is one command, a script. Needs the package `ioredis`, and Redis 7 or newer.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for a `connection` that is none. MissingPeerError
 * (`E_MISSING_PEER`) at the first call if `ioredis` is not installed.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { redisBusDriver, redisDriver } from 'ekiben/drivers/redis'
 *
 * const connection = { host: '127.0.0.1', port: 6379 }
 * const store = bentostore()
 *   .useL1Layer(memoryDriver())
 *   .useL2Layer(redisDriver({ connection }))
 *   .useBus(redisBusDriver({ connection }))
 * const bento = new BentoCache({ default: 'main', stores: { main: store } })
 * ```
 */
export function redisDriver(options: RedisOptions): CreateDriverResult<AtomicDriver> {
  return redisStore(withCluster(options), LIMITS, () => open(options))
}

/**
 * The journal, leases and epochs in Redis, for a store whose values lie elsewhere; beside an L2 that is Redis itself it
 * only pushes: changes are heard at once. Options as for {@link redisDriver}.
 *
 * @throws InvalidOptionError, MissingPeerError as {@link redisDriver} does.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { redisBusDriver } from 'ekiben/drivers/redis'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useBus(redisBusDriver({ connection: { port: 6379 } }))
 * ```
 */
export function redisBusDriver(options: RedisBusOptions): CreateDriverResult<AtomicBusDriver> {
  return redisBus(withCluster(options), () => open(options))
}

function withCluster<Options extends RedisOptions>(options: Options): Options {
  checkConnection((options as Options | undefined)?.connection)
  const { connection, cluster } = options
  return { ...options, cluster: cluster ?? (isConnection(connection) && connection.isCluster === true) }
}

function open({ connection }: RedisOptions): RedisBusLink {
  const { send, subscribe, disconnect } = tcpRedis(connection)
  return { evaluate: makeEvaluate(send, { locking: false, replicas: false }), subscribe, disconnect }
}
