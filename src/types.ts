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
/** A message of Bentocache's bus. */
export interface CacheBusMessage {
  type: CacheBusMessageType
  keys: string[]
  namespace?: string
}

/** A bus of Bentocache's, which carries messages, or one that coordinates. */
export type BusDriver = BusTransport | OwnBusDriver
/** Options of a bus of Bentocache's. */
export interface BusOptions {
  readonly retryQueue?:
    | {
        readonly enabled?: boolean | undefined
        readonly maxSize?: number | null | undefined
        readonly retryInterval?: Duration | false | undefined
      }
    | undefined
}
/** What a function that makes a bus gives. */
export type CreateBusDriverResult = OwnCreateDriverResult<BusDriver>

/** An event by its name. */
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

/** Bentocache's name for {@link Serializer}. */
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

/** A driver that may be the L2 of a store. */
export interface L2CacheDriver extends CacheDriver {
  type: 'l2'
}
/** `MemoryDriver` is one. Others can be written and used by themselves, but not be the L1 of a store: that keeps entries, not text. */
export interface L1CacheDriver extends CacheDriver<false> {
  type: 'l1'
  getRemainingTtl(key: string): number | undefined
}
/** What a function that makes a driver gives. */
export type CreateDriverResult<Driver extends OwnCacheDriver = OwnCacheDriver> = OwnCreateDriverResult<Driver>
/** The drivers that make a store. */
export interface CacheStackDrivers {
  readonly l1Driver?: L1CacheDriver | undefined
  readonly l2Driver?: L2CacheDriver | undefined
  readonly busDriver?: BusDriver | undefined
  readonly busOptions?: BusOptions | undefined
}

/** Options of every driver. */
export interface DriverCommonOptions {
  readonly prefix?: string | undefined
}
/** What Bentocache itself hands to drivers. */
export interface DriverCommonInternalOptions {
  readonly logger?: Logger | undefined
}
/** A number of bytes, or a text such as `'10mb'`. */
export type Bytes = number | string
/** Options of the memory driver. */
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
/** What makes a value in {@link Cache.getOrSet}. */
export type GetSetFactory<T = Loose> = OwnFactory<T>
/** What such a factory is given. */
export type GetSetFactoryContext = FactoryContext

/** Options of a store that operations take as well. */
export type RawCommonOptions = OperationOptions & Pick<StoreOptions, 'l2CircuitBreakerDuration'>
/** Options of a cache that stores take as well, and what else a cache is made with. */
export type RawBentoCacheOptions = StoreOptions &
  Pick<BentoCacheOptions<Loose>, 'logger' | 'emitter' | 'internalOperationWrapper'>
/** Options of a driver, and of the store it is for. */
export type CacheDriverOptions = DriverCommonOptions & RawCommonOptions
/** Options of {@link Cache.set} but key and value. */
export type SetCommonOptions = Omit<OwnSetOptions, 'key' | 'value'>
/** Options of {@link Cache.set}. */
export type SetOptions = OwnSetOptions
/** Options of {@link Cache.get}. */
export type GetOptions<T = Loose> = OwnGetOptions<T>
/** Options of {@link Cache.has}. */
export type HasOptions = DeleteOptions
/** Options of {@link Cache.expire}. */
export type ExpireOptions = DeleteOptions
/** Options of {@link Cache.clear}. */
export type ClearOptions = SuppressOptions
