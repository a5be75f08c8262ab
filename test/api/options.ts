import { leftOut, type Row, type Rows, rowsOf } from './row.ts'
import { TESTS } from './tests.ts'

/** Options of operations that may also stand at a store or globally, with Bentocache's defaults. */
const COMMON: Readonly<Record<string, Pick<Row, 'test' | 'default'>>> = {
  ttl: { default: '30m', test: TESTS.ttl },
  grace: { default: 'false', test: TESTS.grace },
  graceBackoff: { default: '10s', test: TESTS.backoff },
  timeout: { default: '0', test: TESTS.soft },
  hardTimeout: { default: 'null', test: TESTS.hard },
  lockTimeout: { default: 'null', test: TESTS.lock },
  suppressL2Errors: { default: 'true with an L1', test: TESTS.suppress },
  onFactoryError: { test: TESTS.onError },
}

const SET: Readonly<Record<string, Pick<Row, 'test' | 'default'>>> = {
  ...COMMON,
  skipL2Write: { default: 'false', test: TESTS.skipL2 },
  skipBusNotify: { default: 'false', test: TESTS.skipBus },
  tags: { default: '[]', test: TESTS.tag },
}

const NO_EFFECT = 'without effect there in Bentocache as well: it is an option of operations'

function common(level: 'store' | 'global', names: string): Rows {
  return rowsOf(`${level} option`, names, (name) => ({
    option: name,
    type: `ekiben#StoreOptions.${name}`,
    ...COMMON[name],
  }))
}

/** Rows of one operation: what it needs, and what it reads besides. */
function operation(name: string, type: string, own: Readonly<Record<string, Row['test']>>, options: string): Rows {
  return {
    ...rowsOf(`option of ${name}`, Object.keys(own).join(' '), (option) => ({
      type: `ekiben#${type}.${option}`,
      test: own[option]!,
    })),
    ...rowsOf(`option of ${name}`, options, (option) => ({
      option,
      type: `ekiben#${type}.${option}`,
      ...SET[option],
      test: TESTS.operations,
    })),
  }
}

const COMMON_NAMES = Object.keys(COMMON).join(' ')
const SET_NAMES = Object.keys(SET).join(' ')
const SUPPRESS = 'suppressL2Errors'

export const OPTIONS: Rows = {
  ...common('store', COMMON_NAMES),
  ...common('global', COMMON_NAMES),
  ...rowsOf('store option', 'skipL2Write skipBusNotify', (name) => ({
    option: name,
    type: `ekiben#StoreOptions.${name}`,
    default: 'false',
    test: TESTS.levels,
  })),
  ...leftOut('store option', 'tags forceFresh', NO_EFFECT),
  ...leftOut('global option', 'forceFresh', NO_EFFECT),
  ...Object.fromEntries(
    ['store', 'global'].flatMap((level) => [
      [
        `${level} option: l2CircuitBreakerDuration`,
        {
          option: 'l2CircuitBreakerDuration',
          type: 'ekiben#StoreOptions.l2CircuitBreakerDuration',
          default: 'off',
          test: TESTS.breaker,
        },
      ],
      [
        `${level} option: prefix`,
        { option: 'prefix', type: 'ekiben#StoreOptions.prefix', default: 'bentocache', test: TESTS.prefix },
      ],
    ]),
  ),
  'global option: serializer': {
    option: 'serializer',
    type: 'ekiben#StoreOptions.serializer',
    default: 'JSON',
    test: TESTS.serializer,
  },
  'global option: logger': {
    type: 'ekiben#BentoCacheOptions<never>.logger',
    default: 'none',
    test: TESTS.pino,
  },
  'global option: emitter': {
    type: 'ekiben#BentoCacheOptions<never>.emitter',
    default: 'one of its own',
    test: TESTS.node,
  },
  'global option: internalOperationWrapper': {
    type: 'ekiben#BentoCacheOptions<never>.internalOperationWrapper',
    test: TESTS.wrapper,
  },
  'global option: default': { type: 'ekiben#BentoCacheOptions<never>.default', test: TESTS.stores },
  'global option: stores': { type: 'ekiben#BentoCacheOptions<never>.stores', test: TESTS.stores },
  'global option: plugins': { type: 'ekiben#BentoCacheOptions<never>.plugins', test: TESTS.plugins },

  ...operation(
    'get',
    'GetOptions<unknown>',
    { key: TESTS.fallback, defaultValue: TESTS.fallback },
    `grace graceBackoff ${SUPPRESS}`,
  ),
  ...operation('set', 'SetOptions', { key: TESTS.set, value: TESTS.set }, SET_NAMES),
  ...operation(
    'getOrSet',
    'GetOrSetOptions<unknown>',
    { key: TESTS.made, factory: TESTS.made, forceFresh: TESTS.forceFresh },
    SET_NAMES,
  ),
  ...operation(
    'getOrSetForever',
    'GetOrSetForeverOptions<unknown>',
    { key: TESTS.forever, factory: TESTS.forever },
    SET_NAMES.replace('ttl ', ''),
  ),
  ...operation('has', 'DeleteOptions', { key: TESTS.absent }, SUPPRESS),
  ...operation('delete', 'DeleteOptions', { key: TESTS.whole }, SUPPRESS),
  ...operation('deleteMany', 'DeleteManyOptions', { keys: TESTS.many }, SUPPRESS),
  ...operation('deleteByTag', 'DeleteByTagOptions', { tags: TESTS.tag }, SUPPRESS),
  ...operation('expire', 'DeleteOptions', { key: TESTS.expire }, SUPPRESS),
  ...operation('clear', 'SuppressOptions', {}, SUPPRESS),

  ...rowsOf('factory context', 'skip fail gracedEntry', (name) => ({
    type: `ekiben#FactoryContext.${name}`,
    test: name === 'skip' ? TESTS.skip : name === 'fail' ? TESTS.fail : TESTS.graced,
  })),
  ...rowsOf('factory context', 'setOptions setTags setTtl', (name) => ({
    type: `ekiben#FactoryContext.${name}`,
    test: name === 'setOptions' ? TESTS.context : TESTS.methods,
  })),
}
