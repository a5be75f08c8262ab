import type { KVFound, KVNamespaceLike, KVPage, KVReadOptions } from '../../drivers/cloudflare-kv.ts'

/**
 * A model of Workers KV on the caller's clock, for what KV does in production and local KV does not show:
 *
 * - each location answers from a cache of its own for `cacheTtl` seconds, 60 by default, also that there is nothing;
 * - a second write of a key within a second fails with 429; deletes are not limited here, KV documents nothing of them;
 * - pages of `list` may be empty before the last one;
 * - a bulk read of more than 25 MB fails with 413.
 *
 * Limits of keys, values, metadata, lives and bulk reads are enforced with the words of workerd and KV, which
 * `test/drivers/cloudflare-kv-limits.test.ts` compares with local KV. A location sees its own writes at once, as is usual,
 * unless `ownWrites` is off: KV promises even that to nobody.
 */
export interface KvSimulator {
  /** A binding of a Worker that runs there. */
  at(location: string): KVNamespaceLike
  /** Calls received, such as `get k`, `bulk a b`, `put k`, `delete k`, `list users:`; a test may empty it. */
  readonly calls: string[]
  /** What the central store holds, past every cache. */
  readonly records: ReadonlyMap<string, KvRecord>
  /** Asked before each call: what it throws or waits for befalls the call. */
  before: ((call: string) => Promise<void> | void) | undefined
}

export interface KvRecord {
  readonly value: string
  readonly metadata: unknown
  /** Milliseconds on the simulator's clock. */
  readonly expires: number
  readonly writtenAt: number
}

export interface KvSimulatorOptions {
  readonly now: () => number
  readonly ownWrites?: boolean
  /** `false` where the same key is written again and again without time passing. */
  readonly oneWriteASecond?: boolean
  /** Names on a page of `list`; every other page is empty. Default: 1000, none empty. */
  readonly pageSize?: number
}

interface Cached {
  readonly record: KvRecord | undefined
  readonly until: number
}

export function kvSimulator(options: KvSimulatorOptions): KvSimulator {
  const { now } = options
  const records = new Map<string, KvRecord>()
  const simulator: KvSimulator = {
    calls: [],
    records,
    before: undefined,
    at: (location) => {
      const cache = caches.get(location) ?? new Map<string, Cached>()
      caches.set(location, cache)
      return namespaceAt({ simulator, records, cache, options })
    },
  }
  const caches = new Map<string, Map<string, Cached>>()
  return simulator

  function namespaceAt(place: Place): KVNamespaceLike {
    const begin = async (call: string): Promise<void> => {
      simulator.calls.push(call)
      await Promise.resolve()
      await simulator.before?.(call)
    }
    const touch = (key: string, record: KvRecord | undefined): void => {
      if (options.ownWrites === false) return
      place.cache.set(key, { record, until: now() + 60_000 })
    }
    return {
      // Both forms in one, as an overload cannot be written as a method of an object.
      getWithMetadata: (async (keys: string | string[], read: KVReadOptions) => {
        await begin(typeof keys === 'string' ? `get ${keys}` : `bulk ${keys.join(' ')}`)
        return typeof keys === 'string' ? look(place, keys, read) : lookAll(place, keys, read)
      }) as KVNamespaceLike['getWithMetadata'],
      put: async (key, value, { expirationTtl, metadata }) => {
        checkKey(key, 'PUT')
        await begin(`put ${key}`)
        const given: unknown = value
        const text = String(given)
        checkWrite(text, expirationTtl, metadata)
        const last = records.get(key)
        if (options.oneWriteASecond !== false && last && now() - last.writtenAt < 1000)
          throw new Error('KV PUT failed: 429 Too Many Requests')
        const expires = expirationTtl === undefined ? Infinity : now() + expirationTtl * 1000
        const record = { value: text, metadata: copy(metadata), expires, writtenAt: now() }
        records.set(key, record)
        touch(key, record)
      },
      delete: async (key) => {
        checkKey(key, 'DELETE')
        await begin(`delete ${key}`)
        records.delete(key)
        touch(key, undefined)
      },
      list: async ({ prefix, cursor }) => {
        await begin(`list ${prefix}`)
        return list(place, prefix, cursor ?? undefined)
      },
    }
  }
}

interface Place {
  readonly simulator: KvSimulator
  readonly records: ReadonlyMap<string, KvRecord>
  readonly cache: Map<string, Cached>
  readonly options: KvSimulatorOptions
}

function look({ records, cache, options: { now } }: Place, key: string, read: KVReadOptions): KVFound {
  checkKey(key, 'GET')
  checkRead(read)
  const held = cache.get(key)
  const fresh = held && now() < held.until
  const record = fresh ? held.record : records.get(key)
  if (!fresh) cache.set(key, { record, until: now() + (read.cacheTtl ?? 60) * 1000 })
  if (!record || now() >= record.expires) return { value: null, metadata: null }
  return { value: record.value, metadata: copy(record.metadata) ?? null }
}

function lookAll(place: Place, keys: readonly string[], read: KVReadOptions): Map<string, KVFound | null> {
  if (keys.length < 1) throw new Error('KV GET_BULK failed: 400 You must request a minimum of 1 key')
  if (keys.length > 100) throw new Error('KV GET_BULK failed: 400 You can request a maximum of 100 keys')
  const found = keys.map((key) => [key, look(place, key, read)] as const)
  const bytes = found.reduce((sum, [, { value }]) => sum + (value?.length ?? 0), 0)
  if (bytes > 25 * 1024 * 1024)
    throw new Error('KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB')
  return new Map(found.map(([key, one]) => [key, one.value === null ? null : one]))
}

/** Lists from the central store. With a page size, every other page is empty, as KV says it may be. */
function list({ records, options }: Place, prefix: string, cursor: string | undefined): KVPage {
  const { pageSize, now } = options
  const [after = '', gap] = cursor?.split('\n') ?? []
  if (pageSize !== undefined && cursor !== undefined && gap === undefined)
    return { keys: [], list_complete: false, cursor: `${after}\ngap` }
  const names = [...records]
    .filter(([name, { expires }]) => name.startsWith(prefix) && name > after && now() < expires)
    .map(([name, { metadata }]) => ({ name, metadata: copy(metadata) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const keys = names.slice(0, pageSize ?? 1000)
  const last = keys.at(-1)?.name
  return keys.length === names.length || last === undefined
    ? { keys, list_complete: true }
    : { keys, list_complete: false, cursor: last }
}

function checkKey(key: string, operation: string): void {
  if (key === '') throw new TypeError('Key name cannot be empty.')
  if (key === '.' || key === '..') throw new TypeError(`"${key}" is not allowed as a key name.`)
  if (/\p{Surrogate}/u.test(key)) throw new Error(`KV ${operation} failed: 400 Could not URL-decode key name`)
  const bytes = Buffer.byteLength(key)
  if (bytes > 512) {
    const what = `UTF-8 encoded length of ${bytes} exceeds key length limit of 512.`
    throw new Error(`KV ${operation} failed: 414 ${what}`)
  }
}

function checkRead({ cacheTtl = 60 }: KVReadOptions): void {
  if (!(cacheTtl >= 30)) {
    const what = `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least 30.`
    throw new Error(`KV GET failed: 400 ${what}`)
  }
}

function checkWrite(value: string, ttl: number | undefined, metadata: unknown): void {
  const fail = (what: string): never => {
    throw new Error(`KV PUT failed: ${what}`)
  }
  if (ttl !== undefined && ttl > 0x7fffffff)
    throw new TypeError('Value out of range. Must be between -2147483648 and 2147483647 (inclusive).')
  if (ttl !== undefined && ttl < 60)
    fail(`400 Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least 60.`)
  const beside = metadata === undefined ? 0 : Buffer.byteLength(JSON.stringify(metadata))
  if (beside > 1024) fail(`413 Metadata length of ${beside} exceeds limit of 1024.`)
  const bytes = Buffer.byteLength(value)
  if (bytes > 26_214_400) fail(`413 Value length of ${bytes} exceeds limit of 26214400.`)
}

function copy(metadata: unknown): unknown {
  return metadata === undefined ? undefined : JSON.parse(JSON.stringify(metadata))
}
