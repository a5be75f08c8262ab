/**
 * Types under the names Bentocache gives them, for code written for it: `ekiben/types` stands for `bentocache/types`.
 * Where a type has a name of its own here, that is what it is.
 *
 * Not here are the options of drivers that are Bentocache's own work (`DatabaseConfig`, `DialectName`, `DynamoDBConfig`,
 * `FileConfig`, `KnexConfig`, `KyselyConfig`, `OrchidConfig`, `DatabaseAdapter`): they come with those drivers.
 *
 * @module
 */
import type { BentoCacheOptions } from './bento-cache.ts'
import type {
  Cache,
  DeleteOptions,
  GetOptions as OwnGetOptions,
  SetOptions as OwnSetOptions,
  SuppressOptions,
} from './cache.ts'
import type { Duration } from './durations.ts'
import type { CacheEvents } from './events.ts'
import type { Factory as OwnFactory, FactoryContext } from './factory.ts'
import type { Logger } from './log.ts'
import type { Loose } from './loose.ts'
import type { OperationOptions, StoreOptions } from './options.ts'
import type { CacheDriver as OwnCacheDriver, CreateDriverResult as OwnCreateDriverResult } from './ports.ts'
import type { Serializer } from './serializer.ts'
import type { BusDriver as OwnBusDriver, BusTransport, TransportMessage } from './store.ts'

export type { BentoCachePlugin } from './bento-cache.ts'
export type {
  DeleteByTagOptions,
  DeleteManyOptions,
  DeleteOptions,
  GetOrSetForeverOptions,
  GetOrSetOptions,
} from './cache.ts'
export type { Duration } from './durations.ts'
export type { CacheEvents, Emitter } from './events.ts'
export type { InternalOperationWrapper } from './l2.ts'
export type { Logger } from './log.ts'

/** What a message of Bentocache's bus tells. */
export const CacheBusMessageType = { Set: 'set', Clear: 'clear', Delete: 'delete', Expire: 'expire' } as const
/** One of those; any text is taken, as Bentocache's type does. */
export type CacheBusMessageType = TransportMessage['type'] | (string & Record<never, never>)
export interface CacheBusMessage {
  type: CacheBusMessageType
  keys: string[]
  namespace?: string
}

/** A bus of Bentocache's, which carries messages, or one that coordinates. */
export type BusDriver = BusTransport | OwnBusDriver
export interface BusOptions {
  readonly retryQueue?:
    | {
        readonly enabled?: boolean | undefined
        readonly maxSize?: number | null | undefined
        readonly retryInterval?: Duration | false | undefined
      }
    | undefined
}
export type CreateBusDriverResult = OwnCreateDriverResult<BusDriver>

export interface CacheEvent {
  readonly name: keyof CacheEvents
  readonly data: Readonly<Record<string, Loose>>
}

/** What a namespace is to those who only use it. */
export type CacheProvider = Pick<
  Cache,
  | 'set'
  | 'setForever'
  | 'get'
  | 'getOrSet'
  | 'getOrSetForever'
  | 'has'
  | 'missing'
  | 'pull'
  | 'delete'
  | 'deleteMany'
  | 'deleteByTag'
  | 'expire'
  | 'clear'
  | 'prune'
  | 'disconnect'
> & { namespace(name: string): CacheProvider }

export type CacheSerializer = Serializer

type Answer<T, Async extends boolean> = Async extends true ? Promise<T> : T

/** Bentocache's contract of a driver, for those who write one: asynchronous for L2. */
export interface CacheDriver<Async extends boolean = true> {
  namespace(name: string): CacheDriver<Async>
  get(key: string): Answer<string | undefined, Async>
  pull(key: string): Answer<string | undefined, Async>
  set(key: string, value: string, ttl?: number): Answer<boolean, Async>
  clear(): Answer<void, Async>
  delete(key: string): Answer<boolean, Async>
  deleteMany(keys: string[]): Answer<boolean, Async>
  disconnect(): Answer<void, Async>
  prune?(): Answer<void, Async>
}

export interface L2CacheDriver extends CacheDriver {
  type: 'l2'
}
/** `MemoryDriver` is one. Others can be written and used by themselves, but not be the L1 of a store: that keeps entries, not text. */
export interface L1CacheDriver extends CacheDriver<false> {
  type: 'l1'
  getRemainingTtl(key: string): number | undefined
}
export type CreateDriverResult<Driver extends OwnCacheDriver = OwnCacheDriver> = OwnCreateDriverResult<Driver>
export interface CacheStackDrivers {
  readonly l1Driver?: L1CacheDriver | undefined
  readonly l2Driver?: L2CacheDriver | undefined
  readonly busDriver?: BusDriver | undefined
  readonly busOptions?: BusOptions | undefined
}

export interface DriverCommonOptions {
  readonly prefix?: string | undefined
}
export interface DriverCommonInternalOptions {
  readonly logger?: Logger | undefined
}
/** A number of bytes, or a text such as `'10mb'`. */
export type Bytes = number | string
export interface MemoryConfig extends DriverCommonOptions {
  readonly maxItems?: number | undefined
  readonly maxSize?: Bytes | undefined
  readonly maxEntrySize?: Bytes | undefined
  readonly serialize?: boolean | undefined
}
/** `connection` is a client of ioredis, or what it takes to make one. */
export interface RedisConfig extends DriverCommonOptions {
  readonly connection: Loose
}

/** A value, or what makes one. */
export type Factory<T = Loose> = T | (() => T) | Promise<T> | (() => Promise<T>)
export type GetSetFactory<T = Loose> = OwnFactory<T>
export type GetSetFactoryContext = FactoryContext

export type RawCommonOptions = OperationOptions & Pick<StoreOptions, 'l2CircuitBreakerDuration'>
export type RawBentoCacheOptions = StoreOptions &
  Pick<BentoCacheOptions<Loose>, 'logger' | 'emitter' | 'internalOperationWrapper'>
export type CacheDriverOptions = DriverCommonOptions & RawCommonOptions
export type SetCommonOptions = Omit<OwnSetOptions, 'key' | 'value'>
export type SetOptions = OwnSetOptions
export type GetOptions<T = Loose> = OwnGetOptions<T>
export type HasOptions = DeleteOptions
export type ExpireOptions = DeleteOptions
export type ClearOptions = SuppressOptions
