import type { AtomicDriver } from '../../src/atomic-calls.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import { connectPushedL2 } from '../../src/connect-pushed-l2.ts'
import { coordinatedDriver } from '../../src/coordinated-driver.ts'
import { InvalidOptionError } from '../../src/errors.ts'
import type { Coordination, CreateDriverResult, DriverConfig, Limits } from '../../src/ports.ts'
import type { AtomicBusDriver } from '../../src/store.ts'
import { trimColons } from '../../src/trim-colons.ts'
import { redisAtomics } from './atomics.ts'
import { redisCoordination } from './coordination.ts'
import type { Evaluate } from './evaluate.ts'
import { nameKeys } from './names.ts'

/** Options of every driver on Redis. */
export interface RedisStoreOptions {
  /** First segment of every key. @default the store's, which is `'bentocache'` */
  readonly prefix?: string | undefined
  /** Keep all keys of the store in one slot of a Redis Cluster, by a hash tag. @default false */
  readonly cluster?: boolean | undefined
}

/** A way to a Redis. */
export interface RedisLink {
  readonly evaluate: Evaluate
  readonly disconnect: () => Promise<void>
}

/** One that can be listened to. */
export interface RedisBusLink extends RedisLink {
  /** One subscription to a channel; absent where the way has none. */
  readonly subscribe: ((channel: string) => NonNullable<Coordination['subscribe']>) | undefined
}

/** What a driver's function gives: the driver is made of it when its store is first used. */
export function redisStore(
  options: RedisStoreOptions & object,
  limits: Limits,
  open: () => RedisLink,
): CreateDriverResult<AtomicDriver> {
  checkStore(options)
  return {
    options: { ...options },
    connect: connectL2,
    factory: (config) => {
      const { evaluate, disconnect } = open()
      const prefix = prefixOf(options, config)
      const coordination = redisCoordination(evaluate, nameKeys(prefix, options.cluster === true))
      const atomics = redisAtomics(evaluate, { prefix, cluster: options.cluster })
      return coordinatedDriver({ coordination, atomics, limits, disconnect }, prefix)
    },
  }
}

/** The same for a bus. */
export function redisBus(
  options: RedisStoreOptions & object,
  open: () => RedisBusLink,
): CreateDriverResult<AtomicBusDriver> {
  checkStore(options)
  return {
    options: { ...options },
    connect: connectPushedL2,
    factory: (config) => {
      const { evaluate, subscribe, disconnect } = open()
      const prefix = prefixOf(options, config)
      const keys = nameKeys(prefix, options.cluster === true)
      const coordination = redisCoordination(evaluate, keys)
      const listen = subscribe?.(keys.channel)
      return {
        coordinate: (values) => ({
          ...busCoordination(coordination, values),
          kind: 'redis',
          ...(listen ? { subscribe: listen } : {}),
        }),
        atomics: redisAtomics(evaluate, { prefix, cluster: options.cluster }),
        disconnect,
      }
    },
  }
}

function prefixOf({ prefix }: RedisStoreOptions, config: DriverConfig): string {
  return trimColons(prefix ?? config.prefix ?? '')
}

function checkStore({ prefix, cluster }: RedisStoreOptions): void {
  if (prefix !== undefined && typeof prefix !== 'string')
    throw new InvalidOptionError({ option: 'prefix', received: typeof prefix, allowed: 'a text' })
  if (cluster === true && /[{}]/.test(prefix ?? ''))
    throw new InvalidOptionError({
      option: 'prefix',
      received: 'a text with a brace',
      allowed: 'one without, where the store lies in a cluster',
    })
  if (cluster !== undefined && typeof cluster !== 'boolean')
    throw new InvalidOptionError({ option: 'cluster', received: typeof cluster, allowed: 'a boolean' })
}
