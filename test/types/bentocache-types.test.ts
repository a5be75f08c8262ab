import { BaseDriver as TheirBaseDriver } from 'bentocache/drivers/base_driver'
import { redisBusDriver as theirRedisBus, redisDriver as theirRedis } from 'bentocache/drivers/redis'
import * as theirs from 'bentocache/types'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { BentoCache, bentostore } from '../../adapters/system.ts'
import { MemoryDriver, memoryDriver } from '../../drivers/memory.ts'
import { redisBusDriver, redisDriver } from '../../drivers/redis.ts'
import { BaseDriver } from '../../src/base-driver.ts'
import * as ours from '../../src/types.ts'
import { read } from '../sources.ts'
import { BasedDriver } from '../support/own-drivers.ts'

// Much of this page is tested by compiling it.

/** Does not compile unless `From` goes where `To` is asked for. */
type Goes<From extends To, To> = From extends To ? true : never

/** Handlers name the errors of the cache they are given to, so they are apart. */
type Calm<Options> = Omit<Options, 'onFactoryError'>

export type TheirsAreTaken = [
  Goes<theirs.Bytes, ours.Bytes>,
  Goes<theirs.BusDriver, ours.BusDriver>,
  Goes<theirs.BusOptions, ours.BusOptions>,
  Goes<theirs.CacheBusMessage, ours.CacheBusMessage>,
  Goes<theirs.CacheBusMessageType, ours.CacheBusMessageType>,
  Goes<theirs.CacheDriver, ours.CacheDriver>,
  Goes<theirs.CacheDriver<false>, ours.CacheDriver<false>>,
  Goes<Calm<theirs.CacheDriverOptions>, ours.CacheDriverOptions>,
  Goes<theirs.CacheEvent, ours.CacheEvent>,
  Goes<theirs.CacheSerializer, ours.CacheSerializer>,
  Goes<theirs.CacheStackDrivers, ours.CacheStackDrivers>,
  Goes<theirs.ClearOptions, ours.ClearOptions>,
  Goes<theirs.CreateBusDriverResult, ours.CreateBusDriverResult>,
  Goes<theirs.CreateDriverResult<theirs.L1CacheDriver>, ours.CreateDriverResult<ours.L1CacheDriver>>,
  Goes<theirs.CreateDriverResult<theirs.L2CacheDriver>, ours.CreateDriverResult<ours.L2CacheDriver>>,
  Goes<theirs.DeleteByTagOptions, ours.DeleteByTagOptions>,
  Goes<theirs.DeleteManyOptions, ours.DeleteManyOptions>,
  Goes<theirs.DeleteOptions, ours.DeleteOptions>,
  Goes<theirs.DriverCommonInternalOptions, ours.DriverCommonInternalOptions>,
  Goes<theirs.DriverCommonOptions, ours.DriverCommonOptions>,
  Goes<theirs.Duration, ours.Duration>,
  Goes<theirs.Emitter, ours.Emitter>,
  Goes<theirs.ExpireOptions, ours.ExpireOptions>,
  Goes<theirs.Factory<number>, ours.Factory<number>>,
  Goes<theirs.GetOptions<number>, ours.GetOptions<number>>,
  Goes<Calm<theirs.GetOrSetForeverOptions<number>>, Calm<ours.GetOrSetForeverOptions<number>>>,
  Goes<Calm<theirs.GetOrSetOptions<number>>, Calm<ours.GetOrSetOptions<number>>>,
  Goes<theirs.GetSetFactory<number>, ours.GetSetFactory<number>>,
  Goes<theirs.HasOptions, ours.HasOptions>,
  Goes<theirs.InternalOperationWrapper, ours.InternalOperationWrapper>,
  Goes<theirs.L1CacheDriver, ours.L1CacheDriver>,
  Goes<theirs.L2CacheDriver, ours.L2CacheDriver>,
  Goes<NonNullable<theirs.RawBentoCacheOptions['logger']>, ours.Logger>,
  Goes<theirs.MemoryConfig, ours.MemoryConfig>,
  Goes<Calm<theirs.RawBentoCacheOptions>, ours.RawBentoCacheOptions>,
  Goes<Calm<theirs.RawCommonOptions>, ours.RawCommonOptions>,
  Goes<theirs.RedisConfig, ours.RedisConfig>,
  Goes<Calm<theirs.SetCommonOptions>, ours.SetCommonOptions>,
  Goes<Calm<theirs.SetOptions>, Calm<ours.SetOptions>>,
]

export type OursAreAsGood = [
  Goes<BentoCache, ours.CacheProvider>,
  Goes<ours.CacheBusMessage, theirs.CacheBusMessage>,
  Goes<ours.CacheEvents['cache:hit'], theirs.CacheEvents['cache:hit']>,
  Goes<keyof theirs.CacheEvents, keyof ours.CacheEvents>,
  Goes<keyof theirs.CacheProvider, keyof ours.CacheProvider>,
  Goes<ours.CacheSerializer, theirs.CacheSerializer>,
  Goes<ours.GetSetFactoryContext, theirs.GetSetFactoryContext>,
  Goes<ours.L1CacheDriver, theirs.L1CacheDriver>,
  Goes<ours.L2CacheDriver, theirs.L2CacheDriver>,
  Goes<MemoryDriver, theirs.L1CacheDriver>,
  Goes<BasedDriver, theirs.L2CacheDriver>,
]

/** Options of drivers that are Bentocache's own work; they come with them. */
const LEFT_TO_BENTOCACHE = [
  'DatabaseAdapter',
  'DatabaseConfig',
  'DialectName',
  'DynamoDBConfig',
  'FileConfig',
  'KnexConfig',
  'KyselyConfig',
  'OrchidConfig',
]

describe('ekiben/types', () => {
  it('has every name of bentocache/types but the options of drivers that are not here', () => {
    const [, list = ''] = /export \{([^}]+)\} from '\.\.\/\.\.\/bento_cache/.exec(
      read('node_modules/bentocache/build/src/types/main.d.ts'),
    )!
    const names = list.split(',').map((name) => name.replace(/^.* as /, '').trim())
    const source = read('src/types.ts')
    const missing = names.filter(
      (name) =>
        !new RegExp(`^export (?:interface|type|const) ${name}\\b`, 'm').test(source) &&
        ![...source.matchAll(/^export type \{([^}]+)\}/gm)].some(([, some = '']) =>
          new RegExp(`\\b${name}\\b`).test(some),
        ),
    )
    expect(names.length).toBeGreaterThan(45)
    expect(missing.toSorted()).toEqual(LEFT_TO_BENTOCACHE)
  })

  it('has the kinds of bus messages as values', () => {
    expect(ours.CacheBusMessageType).toEqual(theirs.CacheBusMessageType)
    const text: string = 'set'
    const message: ours.CacheBusMessage = { type: text, keys: ['k'] }
    message.namespace = 'n'
    expect(message.type).toBe(ours.CacheBusMessageType.Set)
  })
})

/** As authors of drivers type their own. */
interface MyOptions {
  endpoint: string
  prefix?: string
}

class MyDriver extends BasedDriver {
  readonly endpoint: string
  constructor({ endpoint, ...config }: MyOptions) {
    super({ ...config, texts: new Map() })
    this.endpoint = endpoint
  }
}

const myDriver = (options: MyOptions) => ({
  options,
  factory: (config: MyOptions) => new MyDriver(config),
})
const myTypedDriver = (options: MyOptions): ours.CreateDriverResult<MyDriver> => ({
  options,
  factory: (config: MyOptions) => new MyDriver(config),
})

describe('a driver written for Bentocache', () => {
  it('is taken without a cast, typed or not', async () => {
    const connection: RedisOptions = { lazyConnect: true }
    const stores = {
      redis: bentostore().useL2Layer(theirRedis({ connection })).useBus(theirRedisBus({ connection })),
      untyped: bentostore().useL2Layer(myDriver({ endpoint: 'here' })),
      typed: bentostore().useL2Layer(myTypedDriver({ endpoint: 'here' })),
    }
    const bento = new BentoCache({ default: 'typed', stores })
    for (const name of ['typed', 'untyped'] as const) {
      await bento.use(name).set({ key: 'k', value: name })
      expect(await bento.use(name).get({ key: 'k' })).toBe(name)
    }
    expect(await bento.get({ key: 'none', defaultValue: Promise.resolve(1) })).toBe(1)
    await bento.disconnectAll()
  })
})

class Seen extends BaseDriver {
  constructor(config: { prefix?: string }, own?: string) {
    super(config)
    if (own !== undefined) this.prefix = own
  }
  look = () => [this.prefix, this.createNamespacePrefix('n'), this.getItemKey('k'), this.config]
}
class TheirSeen extends TheirBaseDriver {
  constructor(config: { prefix?: string }, own?: string) {
    super(config)
    if (own !== undefined) this.prefix = own
  }
  look = () => [this.prefix, this.createNamespacePrefix('n'), this.getItemKey('k'), this.config]
}

describe('BaseDriver', () => {
  it.each([
    {},
    { prefix: '' },
    ...['a', 'a:', 'a::', ':a', ':', 'a:b', 'a:b:'].map((prefix) => ({ prefix })),
  ])('names keys as Bentocache’s does: %j', (config) => {
    expect(new Seen(config).look()).toEqual(new TheirSeen(config).look())
    for (const own of ['', 'x', 'x:', 'x::', ':']) {
      expect(new Seen(config, own).look()).toEqual(new TheirSeen(config, own).look())
    }
  })
})

describe('MemoryDriver', () => {
  it('is made of its options, as Bentocache’s is', () => {
    const driver = new MemoryDriver({ prefix: 'p', maxItems: 2, maxSize: '1mb', maxEntrySize: 10_000 })
    for (const key of ['a', 'b', 'c']) expect(driver.set(key, key)).toBe(true)
    expect(['a', 'b', 'c'].filter((key) => driver.get(key) !== undefined)).toHaveLength(2)
    expect(driver.set('large', 'x'.repeat(20_000))).toBe(false)
    const users = driver.namespace('users')
    users.set('k', 'v', 1000)
    expect(driver.get('users:k')).toBe('v')
    expect(users.getRemainingTtl('k')).toBeGreaterThan(0)
    expect(new MemoryDriver().get('k')).toBeUndefined()
  })

  it('refuses options that are none, however it is made', () => {
    const wrong = { maxItems: 0 }
    expect(() => new MemoryDriver(wrong)).toThrow('maxItems')
    expect(() => memoryDriver(wrong)).toThrow('maxItems')
    expect(() => new MemoryDriver({ serialize: false, maxSize: '1mb' })).toThrow('serialize')
  })

  it('can be the L1 of a store', async () => {
    const layer = { options: {}, factory: () => new MemoryDriver({ maxItems: 10 }) }
    const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(layer) } })
    expect(await bento.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
    expect(await bento.get({ key: 'k' })).toBe(1)
  })
})

describe('redisDriver and redisBusDriver', () => {
  const options: RedisOptions = { host: '127.0.0.1', port: 6379, lazyConnect: true, keyPrefix: 'k:' }

  it('take what Bentocache’s take', () => {
    const common: theirs.RawCommonOptions = { ttl: '1m', grace: false, l2CircuitBreakerDuration: '5s' }
    const lazy = new Redis({ lazyConnect: true })
    const cluster = new Cluster([{ port: 6379 }], { lazyConnect: true })
    for (const connection of [lazy, cluster, options]) {
      const retries: theirs.BusOptions[] = [
        {},
        { retryQueue: {} },
        { retryQueue: { enabled: false } },
        { retryQueue: { enabled: true, maxSize: 10, retryInterval: '5s' } },
        { retryQueue: { retryInterval: 2000 } },
        { retryQueue: { retryInterval: false } },
        { retryQueue: { retryInterval: null } },
      ]
      for (const retry of retries) {
        expect(redisBusDriver({ connection, ...retry }).factory({})).toHaveProperty('coordinate')
      }
      const config: theirs.RedisConfig = { connection, prefix: 'p' }
      expect(redisDriver(config).factory({})).toMatchObject({ type: 'l2' })
      // A store's own options may stand beside them.
      expect(redisDriver({ ...config, ...common })).toHaveProperty('factory')
    }
    lazy.disconnect()
    cluster.disconnect()
  })

  it('refuse a connection that is none', () => {
    expect(() => redisDriver({ connection: undefined as never })).toThrow('connection')
    expect(() => redisBusDriver({ connection: 'redis://here' as never })).toThrow('connection')
  })
})
