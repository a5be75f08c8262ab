import { leftOut, type Row, type Rows, rowsOf } from './row.ts'
import { TESTS } from './tests.ts'

const NODE = 'of a driver that needs Node, files or a database: it keeps its import from bentocache'
const QUIET = 'lines are debug, warn or error; others are never written'

const EVENTS = 'cache:hit cache:miss cache:written cache:deleted cache:expire cache:cleared'
const CODES =
  'E_FACTORY_ERROR E_FACTORY_SOFT_TIMEOUT E_FACTORY_HARD_TIMEOUT E_UNDEFINED_VALUE E_L2_CACHE_ERROR'

const BUS: Readonly<Record<string, Row['test']>> = {
  setId: TESTS.transportId,
  onReconnect: TESTS.reconnect,
  publish: TESTS.messages,
  subscribe: TESTS.transport,
  unsubscribe: TESTS.transportEnd,
  disconnect: TESTS.transportEnd,
}

const MEMORY: Readonly<Record<string, Pick<Row, 'test' | 'default'>>> = {
  maxItems: { test: TESTS.items, default: '1000' },
  maxSize: { test: TESTS.size },
  maxEntrySize: { test: TESTS.entrySize },
  serialize: { test: TESTS.shared, default: 'true' },
  prefix: { test: TESTS.memoryPrefix },
}

const RETRIES: Readonly<Record<string, Pick<Row, 'test' | 'default'>>> = {
  enabled: { test: TESTS.retryOff, default: 'true' },
  maxSize: { test: TESTS.retryQueue, default: 'unbounded' },
  retryInterval: { test: TESTS.retries, default: '2s' },
}

export const CONTRACTS: Rows = {
  ...rowsOf('driver contract', 'namespace get pull set clear delete deleteMany disconnect type', (name) => ({
    type: `ekiben#CacheDriver.${name}`,
    test: TESTS.ownDriver,
  })),
  'driver contract: prune': { type: 'ekiben#CacheDriver.prune', test: TESTS.drivers },
  'driver contract: getRemainingTtl': {
    value: 'ekiben/drivers/memory#MemoryDriver.prototype.getRemainingTtl',
    test: TESTS.theirDriver,
  },
  ...rowsOf('driver result', 'options factory', (name) => ({
    type: `ekiben#CreateDriverResult.${name}`,
    test: TESTS.ownDriver,
  })),
  ...leftOut(
    'database adapter',
    'setTableName get delete deleteMany disconnect createTableIfNotExists pruneExpiredEntries clear set',
    NODE,
  ),
  ...rowsOf('bus contract', Object.keys(BUS).join(' '), (name) => ({
    type: `ekiben#BusTransport.${name}`,
    test: BUS[name]!,
  })),
  ...rowsOf('bus option: retryQueue', Object.keys(RETRIES).join(' '), (name) => ({
    type: 'ekiben/drivers/redis#RedisBusOptions.retryQueue',
    ...RETRIES[name],
  })),
  ...rowsOf('bus message', 'keys type namespace', (name) => ({
    type: `ekiben#TransportMessage.${name}`,
    test: TESTS.messages,
  })),
  ...rowsOf('memoryDriver option', Object.keys(MEMORY).join(' '), (name) => ({
    type: `ekiben/drivers/memory#MemoryOptions.${name}`,
    ...MEMORY[name],
  })),
  ...rowsOf('redisDriver option', 'connection prefix', (name) => ({
    type: `ekiben/drivers/redis#RedisOptions.${name}`,
    test: name === 'prefix' ? TESTS.prefix : TESTS.redis,
  })),
  ...leftOut('fileDriver option', 'directory pruneInterval prefix', NODE),
  ...leftOut('dynamoDbDriver option', 'table credentials region endpoint prefix', NODE),
  ...leftOut('database option', 'tableName autoCreateTable pruneInterval prefix', NODE),
  ...leftOut('knexDriver option', 'connection', NODE),
  ...leftOut('kyselyDriver option', 'connection', NODE),
  ...leftOut('orchidDriver option', 'connection', NODE),
  ...rowsOf('serializer', 'serialize deserialize', (name) => ({
    type: `ekiben#Serializer.${name}`,
    test: TESTS.serializer,
  })),
  'plugin: register': { type: 'ekiben#BentoCachePlugin.register', test: TESTS.plugins },
  ...rowsOf('emitter', 'on once off emit', (name) => ({
    type: `ekiben#Emitter.${name}`,
    test: TESTS.emittery,
  })),
  ...rowsOf('event', EVENTS, (event) => ({ event, type: `ekiben#CacheEvents.${event}`, test: TESTS.events })),
  ...rowsOf('event', 'bus:message:published bus:message:received', (event) => ({
    event,
    type: `ekiben#CacheEvents.${event}`,
    test: event.endsWith('published') ? TESTS.published : TESTS.received,
  })),
  ...rowsOf('error', CODES, (code) => ({ value: `ekiben#errors.${code}`, test: TESTS.errors })),
  'logger: debug': { type: 'ekiben#Logger.debug', test: TESTS.pino },
  'logger: warn': { type: 'ekiben#Logger.warn', test: TESTS.advice },
  'logger: error': { type: 'ekiben#Logger.error', test: TESTS.pinoErrors },
  'logger: child': { type: 'ekiben#ParentLogger.child', test: TESTS.children },
  ...leftOut('logger', 'trace info fatal', QUIET),
}

export const TRACING: Rows = {
  ...rowsOf('tracing operation', 'get set getOrSet factory delete deleteMany clear expire', () => ({
    type: 'ekiben#CacheOperationMessage.operation',
    test: TESTS.tracing,
  })),
  ...rowsOf('tracing message', 'operation key keys store hit tier graced', (name) => ({
    type: `ekiben#CacheOperationMessage.${name}`,
    test: TESTS.tracing,
  })),
  ...rowsOf('tracing channel', 'start end asyncStart asyncEnd error traceSync tracePromise', (name) => ({
    value: `ekiben#tracingChannels.cacheOperation.${name}`,
    test: TESTS.channel,
  })),
  ...rowsOf('tracing channel', 'hasSubscribers subscribe unsubscribe', (name) => ({
    value: `ekiben#tracingChannels.cacheOperation.${name}`,
    test: TESTS.watched,
  })),
  ...leftOut('tracing channel', 'traceCallback', 'nothing of the cache takes a callback'),
}
