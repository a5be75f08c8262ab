import * as bentocache from 'bentocache'
import { BaseDriver } from 'bentocache/drivers/base_driver'
import { MemoryDriver, memoryDriver } from 'bentocache/drivers/memory'
import { RedisDriver } from 'bentocache/drivers/redis'
import { readdirSync, readFileSync } from 'node:fs'
import { root } from '../sources.ts'

/** What Bentocache offers, read from its package: `<group>: <name>` for each. */
export function bentocacheApi(): readonly string[] {
  return [
    ...subpaths(),
    ...methods(),
    ...members('store option', 'RawCommonOptions', 'CacheDriverOptions'),
    ...members('global option', 'RawBentoCacheOptions').concat(
      ...['default', 'stores', 'plugins'].map((name) => `global option: ${name}`),
      ...without(members('global option', 'RawCommonOptions'), /: (?:tags|skipBusNotify|skipL2Write)$/),
    ),
    ...operationOptions(),
    ...members('factory context', 'GetSetFactoryContext'),
    ...members('driver contract', 'CacheDriver', 'L1CacheDriver', 'L2CacheDriver'),
    ...members('database adapter', 'DatabaseAdapter'),
    ...members('driver result', 'CreateDriverResult'),
    ...members('bus contract', 'Transport'),
    ...members('bus option: retryQueue', 'RetryQueueOptions').filter((name) => !name.includes('removeDuplicates')),
    ...members('bus message', 'CacheBusMessage'),
    ...members('memoryDriver option', 'MemoryConfig', 'DriverCommonOptions'),
    ...members('redisDriver option', 'RedisConfig', 'DriverCommonOptions'),
    ...members('fileDriver option', 'FileConfig', 'DriverCommonOptions'),
    ...members('dynamoDbDriver option', 'DynamoDBConfig', 'DriverCommonOptions'),
    ...members('database option', 'DatabaseConfig', 'DriverCommonOptions'),
    ...['Knex', 'Kysely', 'Orchid'].flatMap((name) =>
      members(`${name.toLowerCase()}Driver option`, `${name}Config`),
    ),
    ...members('serializer', 'CacheSerializer'),
    ...members('plugin', 'BentoCachePlugin'),
    ...members('emitter', 'Emitter'),
    ...events(),
    ...errors(),
    ...members('logger', 'Logger'),
    ...tracing(),
  ]
}

const BUILD = 'node_modules/bentocache/build/'
const shared = readdirSync(root + BUILD).find((name) => /^bento_cache-.*\.d\.ts$/.test(name)) ?? 'index.d.ts'

const TYPES: string = [
  `${BUILD}${shared}`,
  `${BUILD}index.d.ts`,
  'node_modules/@boringnode/bus/build/src/types/main.d.ts',
  'node_modules/@julr/utils/build/src/logger/types.d.ts',
]
  .map((path) => readFileSync(root + path, 'utf8').replaceAll(/\/\*[^]*?\*\//g, ''))
  .join('\n')

/** The body of a type, between its braces. */
function bodyOf(type: string): string {
  const bodies = [...TYPES.matchAll(new RegExp(`^(?:export )?(?:interface|type) ${type}\\b[^;]*?\\{$([^]*?)^\\}`, 'gm'))]
  const body = bodies.at(-1)?.[1]
  if (body === undefined) throw new Error(`Bentocache has no type ${type} any more`)
  return body
}

/** Names of the members of types, in the order they stand there; those of objects within them left out. */
function namesIn(type: string): string[] {
  return [...bodyOf(type).matchAll(/^ {4}(?:'([^']+)'|(\w+))\??(?:<[^>]*>)?[:(]/gm)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  )
}

function members(group: string, ...types: readonly string[]): string[] {
  return [...new Set(types.flatMap(namesIn))].map((name) => `${group}: ${name}`)
}

function without(names: readonly string[], pattern: RegExp): string[] {
  return names.filter((name) => !pattern.test(name))
}

interface Package {
  readonly exports: Readonly<Record<string, string>>
}

/** Subpaths, and what each exports: types as well as values. */
function subpaths(): string[] {
  const manifest = JSON.parse(readFileSync(`${root}node_modules/bentocache/package.json`, 'utf8')) as Package
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    const subpath = path.replace('.', 'bentocache')
    const declared = `${root}node_modules/bentocache/${target.replace('./', '').replace(/\.js$/, '.d.ts')}`
    if (path.includes('*')) return [`export ${subpath}`]
    const text = readFileSync(declared, 'utf8')
    const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
    const functions = [...text.matchAll(/^export declare (?:function|class|const) (\w+)/gm)].map(([, name = '']) => name)
    const names = [...lists.map((item) => item.replace(/.* as /, '').replace('type ', '').trim()), ...functions]
    return names.filter(Boolean).map((name) => `export ${subpath}: ${name}`)
  })
}

/** Methods and getters of the classes, as they are at run time. */
function methods(): string[] {
  const { BentoCache, BentoStore, bentostore } = bentocache
  const store = bentostore().useL1Layer(memoryDriver({}))
  const bento = new BentoCache({ default: 'main', stores: { main: store } })
  const cache = bento.use()
  const of = (name: string, prototype: object): string[] =>
    Object.getOwnPropertyNames(prototype)
      .filter((member) => member !== 'constructor')
      .map((member) => `method ${name}: ${member}`)
  return [
    ...of('BentoCache', BentoCache.prototype),
    ...of('Cache', Object.getPrototypeOf(cache) as object),
    'method Cache: name',
    ...of('BentoStore', BentoStore.prototype),
    ...of('MemoryDriver', MemoryDriver.prototype),
    ...without(of('RedisDriver', RedisDriver.prototype), /: (?:namespace|get|pull|set|delete|deleteMany|clear|disconnect)$/),
    ...of('BaseDriver', BaseDriver.prototype),
  ]
}

/** What each operation takes. */
function operationOptions(): string[] {
  const types = {
    get: 'GetOptions',
    set: 'SetOptions',
    getOrSet: 'GetOrSetOptions',
    getOrSetForever: 'GetOrSetForeverOptions',
    has: 'HasOptions',
    delete: 'DeleteOptions',
    deleteMany: 'DeleteManyOptions',
    deleteByTag: 'DeleteByTagOptions',
    expire: 'ExpireOptions',
    clear: 'ClearOptions',
  }
  return Object.entries(types).flatMap(([operation, type]) =>
    optionsOf(type).map((name) => `option of ${operation}: ${name}`),
  )
}

/** Own names of a type of options, and those it picks from others. */
function optionsOf(type: string): string[] {
  const [, text = ''] =
    new RegExp(`^type ${type}\\b([^]*?)(?=^(?:type|interface|declare|export)\\b)`, 'm').exec(TYPES) ?? []
  const own = [...text.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name = '']) => name)
  const picked = [...text.matchAll(/Pick<RawCommonOptions, ([^>]*)>/g)].flatMap(([, names = '']) =>
    [...names.matchAll(/'(\w+)'/g)].map(([, name = '']) => name),
  )
  const common = text.includes('SetCommonOptions') ? optionsOf('SetCommonOptions') : []
  const omitted = /Omit<SetCommonOptions, '(\w+)'>/.exec(text)?.[1]
  return [...new Set([...own, ...picked, ...common])].filter((name) => name !== omitted)
}

function events(): string[] {
  return namesIn('CacheEvents').map((name) => `event: ${name}`)
}

function errors(): string[] {
  return Object.keys(bentocache.errors).map((code) => `error: ${code}`)
}

/** Operations and fields of the tracing channel, and the channels it has. */
function tracing(): string[] {
  const { cacheOperation } = bentocache.tracingChannels
  const [, operations = ''] = /operation: ([^;]*);/.exec(bodyOf('CacheOperationMessage')) ?? []
  const channels = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].filter((name) => name in cacheOperation)
  const calls = Object.getOwnPropertyNames(Object.getPrototypeOf(cacheOperation)).filter(
    (name) => !channels.includes(name) && name !== 'constructor',
  )
  return [
    ...[...operations.matchAll(/'(\w+)'/g)].map(([, name = '']) => `tracing operation: ${name}`),
    ...members('tracing message', 'CacheOperationMessage'),
    ...[...channels, ...calls].map((name) => `tracing channel: ${name}`),
  ]
}
