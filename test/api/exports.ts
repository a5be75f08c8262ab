import { leftOut, type Row, type Rows, rowsOf } from './row.ts'
import { TESTS } from './tests.ts'

const METHODS: Readonly<Record<string, Row['test']>> = {
  get: TESTS.fallback,
  set: TESTS.set,
  setForever: TESTS.forever,
  getOrSet: TESTS.made,
  getOrSetForever: TESTS.forever,
  has: TESTS.absent,
  missing: TESTS.absent,
  pull: TESTS.pull,
  delete: TESTS.whole,
  deleteMany: TESTS.many,
  deleteByTag: TESTS.tag,
  expire: TESTS.expire,
  clear: TESTS.clear,
  prune: TESTS.drivers,
  namespace: TESTS.namespace,
  disconnect: TESTS.drivers,
}

function methodOf(type: 'BentoCache' | 'Cache', name: string): Row {
  return { value: `ekiben#${type}.prototype.${name}`, test: METHODS[name] ?? TESTS.stores }
}

const CACHE = Object.keys(METHODS).join(' ')
const NODE = 'needs Node, files or a database: keep the import from bentocache, its drivers are taken as they are'

/** Types under the path Bentocache has them. */
const TYPES =
  'BentoCachePlugin BusDriver BusOptions Bytes CacheBusMessage CacheDriver CacheDriverOptions CacheEvent ' +
  'CacheEvents CacheProvider CacheSerializer CacheStackDrivers ClearOptions CreateBusDriverResult ' +
  'CreateDriverResult DeleteByTagOptions DeleteManyOptions DeleteOptions DriverCommonInternalOptions ' +
  'DriverCommonOptions Duration Emitter ExpireOptions Factory GetOptions GetOrSetForeverOptions ' +
  'GetOrSetOptions GetSetFactory GetSetFactoryContext HasOptions InternalOperationWrapper L1CacheDriver ' +
  'L2CacheDriver Logger MemoryConfig RawBentoCacheOptions RawCommonOptions RedisConfig SetCommonOptions ' +
  'SetOptions'

/** Options of drivers that are Bentocache's own work. */
const DRIVER_TYPES = 'DatabaseAdapter DatabaseConfig DialectName DynamoDBConfig FileConfig KnexConfig KyselyConfig OrchidConfig'

/** Types with parameters, which must be given where a type is named. */
const GENERIC: Readonly<Record<string, string>> = {
  GetOptions: '<unknown>',
  GetOrSetOptions: '<unknown>',
  GetOrSetForeverOptions: '<unknown>',
  CreateDriverResult: '<never>',
}

export const EXPORTS: Rows = {
  'export bentocache: BentoCache': { value: 'ekiben#BentoCache', test: TESTS.made },
  'export bentocache: BentoStore': { value: 'ekiben#BentoStore', test: TESTS.layers },
  'export bentocache: bentostore': { value: 'ekiben#bentostore', test: TESTS.layers },
  'export bentocache: errors': { value: 'ekiben#errors', test: TESTS.errors },
  'export bentocache: tracingChannels': {
    value: 'ekiben#tracingChannels.cacheOperation',
    test: TESTS.tracing,
  },
  'export bentocache: CacheOperationMessage': { type: 'ekiben#CacheOperationMessage', test: TESTS.tracing },

  'export bentocache/drivers/memory: memoryDriver': {
    value: 'ekiben/drivers/memory#memoryDriver',
    test: TESTS.items,
  },
  'export bentocache/drivers/memory: MemoryDriver': {
    value: 'ekiben/drivers/memory#MemoryDriver',
    test: TESTS.theirDriver,
  },
  'export bentocache/drivers/redis: redisDriver': {
    value: 'ekiben/drivers/redis#redisDriver',
    test: TESTS.redis,
  },
  'export bentocache/drivers/redis: redisBusDriver': {
    value: 'ekiben/drivers/redis#redisBusDriver',
    test: TESTS.redisPush,
  },
  'export bentocache/drivers/redis: RedisDriver': {
    leftOut: 'the driver is made by redisDriver; the connection is the one it was given',
  },
  ...leftOut('export bentocache/drivers/file', 'FileDriver fileDriver', NODE),
  ...leftOut('export bentocache/drivers/dynamodb', 'DynamoDbDriver dynamoDbDriver', NODE),
  ...leftOut('export bentocache/drivers/database', 'DatabaseDriver', NODE),
  ...leftOut('export bentocache/drivers/knex', 'KnexAdapter knexDriver', NODE),
  ...leftOut('export bentocache/drivers/kysely', 'KyselyAdapter kyselyDriver', NODE),
  ...leftOut('export bentocache/drivers/orchid', 'OrchidAdapter orchidDriver', NODE),
  'export bentocache/plugins/*': { leftOut: 'declared by Bentocache, and no file is there' },

  ...rowsOf('export bentocache/types', TYPES, (name) => ({
    type: `ekiben/types#${name}${GENERIC[name] ?? ''}`,
    test: TESTS.types,
  })),
  ...leftOut('export bentocache/types', DRIVER_TYPES, 'comes with the driver, which keeps its import from bentocache'),
  'export bentocache/types: CacheBusMessageType': {
    value: 'ekiben/types#CacheBusMessageType',
    test: TESTS.kinds,
  },
  'export bentocache/drivers/base_driver: BaseDriver': {
    value: 'ekiben/drivers/base_driver#BaseDriver',
    test: TESTS.base,
  },
  ...rowsOf('method BaseDriver', 'createNamespacePrefix getItemKey', (name) => ({
    value: `ekiben/drivers/base_driver#BaseDriver.prototype.${name}`,
    test: TESTS.base,
  })),
  'export bentocache/test_suite: registerCacheDriverTestSuite': {
    value: 'ekiben/test_suite#registerCacheDriverTestSuite',
    test: TESTS.suite,
  },

  ...rowsOf('method BentoCache', CACHE, (name) => methodOf('BentoCache', name)),
  ...rowsOf('method BentoCache', 'defaultStoreName use', (name) => methodOf('BentoCache', name)),
  ...rowsOf('method BentoCache', 'on once off', (name) => ({
    value: `ekiben#BentoCache.prototype.${name}`,
    test: TESTS.listeners,
  })),
  'method BentoCache: clearAll': { value: 'ekiben#BentoCache.prototype.clearAll', test: TESTS.clearAll },
  'method BentoCache: disconnectAll': {
    value: 'ekiben#BentoCache.prototype.disconnectAll',
    test: TESTS.drivers,
  },
  ...rowsOf('method Cache', `${CACHE} name`, (name) => methodOf('Cache', name)),
  ...rowsOf('method BentoStore', 'useL1Layer useL2Layer useBus entry', (name) => ({
    value: `ekiben#BentoStore.prototype.${name}`,
    test: TESTS.layers,
  })),
  ...rowsOf(
    'method MemoryDriver',
    'namespace get pull set getRemainingTtl delete deleteMany clear disconnect',
    (name) => ({
      value: `ekiben/drivers/memory#MemoryDriver.prototype.${name}`,
      test: TESTS.memoryPrefix,
    }),
  ),
  ...leftOut('method RedisDriver', 'getConnection', 'the connection is the one the driver was given'),
}
