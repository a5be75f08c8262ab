/**
 * Cloudflare KV: values that are read near their readers, best with a Durable Object as bus.
 *
 * @module
 */
import { inChunks } from '../src/chunks.ts'
import { type Duration, toMilliseconds, typeOf } from '../src/durations.ts'
import { InvalidOptionError, MissingBindingError } from '../src/errors.ts'
import { fitKey, utf8Length } from '../src/key.ts'
import { connectPlainL2 } from '../src/plain-l2.ts'
import type { CacheDriver, CreateDriverResult, Limits } from '../src/ports.ts'
import { systemRuntime } from '../src/runtime.ts'
import { trimColons } from '../src/trim-colons.ts'

/** How KV is read: `cacheTtl` in seconds. */
export interface KVReadOptions {
  readonly type: 'text'
  readonly cacheTtl?: number
}

/** A value as KV gives it, or `null` for none, with what was put beside it. */
export interface KVFound {
  readonly value: string | null
  readonly metadata: unknown
}

/** One page of names. Only `list_complete` tells the last one: a page may be empty before. */
export interface KVPage {
  readonly keys: readonly { readonly name: string; readonly metadata?: unknown }[]
  readonly list_complete: boolean
  readonly cursor?: string
}

/** What the driver needs of a KV namespace: a binding has it. */
export interface KVNamespaceLike {
  getWithMetadata(key: string, options: KVReadOptions): Promise<KVFound>
  getWithMetadata(keys: string[], options: KVReadOptions): Promise<Map<string, KVFound | null>>
  put(key: string, value: string, options: { expirationTtl?: number; metadata?: unknown }): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string | null }): Promise<KVPage>
}

/** Options of {@link cloudflareKvDriver}. */
export interface CloudflareKvDriverOptions {
  /**
   * The binding of the KV namespace, or a function that returns it. The function is called for each call to the
   * store, so that it may read the environment of the current request.
   */
  readonly binding: KVNamespaceLike | (() => KVNamespaceLike | undefined)
  /** Put before every key, with a colon; at most 256 bytes. Default: the store's, `'bentocache'`. */
  readonly prefix?: string | undefined
  /**
   * How long a data centre goes on answering with what it has read, be it nothing. Milliseconds or a text such as
   * `'5m'`, at least 30 s. Under a coordinator values never change, so long is safe; alone it prolongs how long a
   * change stays unseen. Default: KV's own, 60 s.
   */
  readonly cacheTtl?: Duration | undefined
}

/** Longest name: https://developers.cloudflare.com/kv/platform/limits/, as all numbers here. */
const MAX_KEY_BYTES = 512
/** Names KV refuses. */
const REFUSED: ReadonlySet<string> = new Set(['', '.', '..'])
/** Shortest `expirationTtl`, in seconds. */
const MIN_TTL = 60
/** Longest one: workerd takes it as a signed number of 32 bits, which is 68 years. */
const MAX_TTL = 0x7fffffff
/** Shortest `cacheTtl`, in milliseconds. */
const MIN_CACHE_TTL = 30_000
/** Names that one bulk read takes. */
const BULK = 100
/** Part of the 1024 bytes of metadata that a real key may take. */
const MARK_BYTES = 900
/** Longest prefix with namespaces; a real key in the metadata shows at least that much of itself. */
const MAX_PATH_BYTES = 256

/** A value holds 25 MiB; one of them is left to what the core writes before a payload. */
const LIMITS: Limits = {
  maxKeyBytes: MAX_KEY_BYTES,
  maxValueBytes: 24 * 1024 * 1024,
  minTtl: MIN_TTL * 1000,
  staleness: 60_000,
}

const ALONE =
  'Cloudflare KV alone shows a change to other places up to 60 s late, tells no isolate of invalidations and gives ' +
  'no lease: each isolate computes for itself. Add useBus(durableObjectBusDriver({ binding })) for all of that'

/**
 * Values in Cloudflare KV: close to every reader, cheap to read, slow to show what has changed. Beside
 * `durableObjectBusDriver` as bus it keeps the values while the Durable Object decides which of them are valid. Alone it
 * promises less, and says so when the cache is built.
 *
 * Nothing is done before the first call, so it can be built at module scope.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for a `prefix` that is no text or too long, or a `cacheTtl` below 30 s.
 * @throws MissingBindingError (`E_MISSING_BINDING`) at once if `binding` is neither a namespace nor a function; at the
 * call if the function returns none.
 *
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { BentoCache, bentostore } from 'ekiben'
 * import { cloudflareKvDriver } from 'ekiben/drivers/cloudflare-kv'
 * import { durableObjectBusDriver } from 'ekiben/drivers/durable-object'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const store = bentostore()
 *   .useL1Layer(memoryDriver())
 *   .useL2Layer(cloudflareKvDriver({ binding: () => env.KV, cacheTtl: '1h' }))
 *   .useBus(durableObjectBusDriver({ binding: () => env.COORDINATOR }))
 * const bento = new BentoCache({ default: 'edge', stores: { edge: store } })
 * ```
 */
export function cloudflareKvDriver(options: CloudflareKvDriverOptions): CreateDriverResult {
  const read = checkOptions(options)
  const { binding } = options
  const kv = (): KVNamespaceLike => checkNamespace(typeof binding === 'function' ? binding() : binding)
  return {
    options: { ...options },
    connect: connectPlainL2,
    alone: (store, { leaseTtl }) => {
      if (leaseTtl !== undefined) throw invalid('leaseTtl', typeOf(leaseTtl), `none. ${ALONE}`)
      return { type: 'advice', store, message: ALONE }
    },
    factory: ({ prefix = '' }) => createDriver({ kv, read }, trimColons(options.prefix ?? prefix)),
  }
}

interface Store {
  readonly kv: () => KVNamespaceLike
  readonly read: KVReadOptions
}

/** `path` is the prefix and the namespaces so far, joined by colons. */
function createDriver(store: Store, path: string): CacheDriver {
  const { kv, read } = store
  const inside = path === '' ? '' : `${checkPath(path)}:`
  const get = async (key: string): Promise<string | undefined> => {
    const { name, mark } = await placeOf(inside + key)
    return textOf(await kv().getWithMetadata(name, read), mark)
  }
  const remove = async (key: string): Promise<void> => kv().delete((await placeOf(inside + key)).name)
  return {
    type: 'l2',
    limits: LIMITS,
    namespace: (name) => createDriver(store, inside + name),
    get,
    getMany: async (keys) => {
      const places = await Promise.all(keys.map((key) => placeOf(inside + key)))
      const names = [...new Set(places.map(({ name }) => name))]
      const parts = await inChunks(names, BULK, (part) => readPart(store, part))
      const found = new Map(parts.flat())
      return places.map(({ name, mark }) => textOf(found.get(name), mark))
    },
    pull: async (key) => {
      const text = await get(key)
      await remove(key)
      return text
    },
    set: async (key, text, ttl) => {
      // KV would take anything and keep its name: `undefined` as the text "undefined".
      if (typeof text !== 'string') throw invalid('value', typeOf(text), 'a text')
      const { name, mark } = await placeOf(inside + key)
      await kv().put(name, text, lifeOf(ttl || undefined, mark))
      return true
    },
    delete: async (key) => {
      const present = (await get(key)) !== undefined
      // Also when it is not found: what was written elsewhere may not show here yet.
      await remove(key)
      return present
    },
    deleteMany: async (keys) => {
      await inChunks(keys, 1, async (part) => {
        for (const key of part) await remove(key)
      })
      return true
    },
    clear: async () => clear(store, inside),
    // There is no connection to close.
    disconnect: async () => {},
  }
}

/** Where a key lies. `mark`: the beginning of the real key, where the name is a hash of it. */
interface Place {
  readonly name: string
  readonly mark: string | undefined
}

async function placeOf(key: string): Promise<Place> {
  const name = await fitKey(key, REFUSED.has(key) ? -1 : MAX_KEY_BYTES)
  return { name, mark: name === key ? undefined : beginning(key) }
}

/** As much of a key as metadata has room for. The hash is one of the whole key. */
function beginning(key: string): string {
  let part = key.slice(0, MARK_BYTES).replace(/\p{Surrogate}/gu, '_')
  while (utf8Length(JSON.stringify(part)) > MARK_BYTES) part = part.slice(0, part.length / 2)
  return part
}

/** What KV keeps beside a value: when it ends, to the millisecond, and the real key. */
interface Metadata {
  readonly until?: unknown
  readonly key?: unknown
}

function lifeOf(
  ttl: number | undefined,
  key: string | undefined,
): { expirationTtl?: number; metadata?: unknown } {
  const mark = key === undefined ? {} : { key }
  if (ttl === undefined) return { metadata: mark }
  const seconds = Math.min(Math.max(Math.ceil(ttl / 1000), MIN_TTL), MAX_TTL)
  return { expirationTtl: seconds, metadata: { until: systemRuntime.now() + ttl, ...mark } }
}

/** The text of what was found, unless its time is over or it is another key's. */
function textOf(found: KVFound | null | undefined, mark: string | undefined): string | undefined {
  const { until, key } = (found?.metadata ?? {}) as Metadata
  const over = typeof until === 'number' && systemRuntime.now() >= until
  return over || key !== mark ? undefined : (found?.value ?? undefined)
}

/** Reads at most as many names as one bulk read takes; in two halves if they hold more than the 25 MB it may give. */
async function readPart(
  store: Store,
  names: readonly string[],
): Promise<(readonly [string, KVFound | null])[]> {
  const { kv, read } = store
  if (names.length === 1) {
    const name = names[0] as string
    return [[name, await kv().getWithMetadata(name, read)]]
  }
  try {
    return [...(await kv().getWithMetadata([...names], read))]
  } catch (error) {
    if (!/\b413\b/.test(String(error))) throw error
    const half = names.length >> 1
    return [...(await readPart(store, names.slice(0, half))), ...(await readPart(store, names.slice(half)))]
  }
}

/** Deletes what lies inside, page by page: KV has no call that deletes by prefix. */
async function clear({ kv }: Store, inside: string): Promise<void> {
  // A hashed name shows so much of its key, but for what is no plain character.
  const prefix = /^[^\ud800-\udfff]{0,64}/.exec(inside)?.[0] ?? ''
  const isInside = ({ name, metadata }: KVPage['keys'][number]): boolean => {
    const { key } = (metadata ?? {}) as Metadata
    return (typeof key === 'string' ? key : name).startsWith(inside)
  }
  for (let cursor: string | undefined; ;) {
    const page: KVPage = await kv().list(cursor === undefined ? { prefix } : { prefix, cursor })
    await inChunks(page.keys.filter(isInside), 1, async (part) => {
      for (const { name } of part) await kv().delete(name)
    })
    cursor = page.cursor
    if (page.list_complete || !cursor) return
  }
}

function checkOptions(options: CloudflareKvDriverOptions): KVReadOptions {
  if (typeof (options as unknown) !== 'object' || options === null) checkNamespace(undefined)
  const { binding, prefix, cacheTtl } = options
  if (typeof binding !== 'function') checkNamespace(binding)
  if (prefix !== undefined && typeof prefix !== 'string') throw invalid('prefix', typeOf(prefix), 'a text')
  checkPath(prefix ?? '')
  if (cacheTtl === undefined) return { type: 'text' }
  const ms = toMilliseconds(cacheTtl, 'cacheTtl') ?? 0
  if (ms < MIN_CACHE_TTL) throw invalid('cacheTtl', `${ms} ms`, 'at least 30 s')
  return { type: 'text', cacheTtl: Math.min(Math.floor(ms / 1000), MAX_TTL) }
}

function checkPath(path: string): string {
  const bytes = utf8Length(path)
  if (bytes <= MAX_PATH_BYTES) return path
  throw invalid('prefix', `${bytes} bytes with its namespaces`, `at most ${MAX_PATH_BYTES}`)
}

function checkNamespace(binding: KVNamespaceLike | undefined): KVNamespaceLike {
  if (typeof binding?.getWithMetadata === 'function') return binding
  throw new MissingBindingError({ option: 'binding', driver: 'cloudflareKvDriver' })
}

function invalid(option: string, received: string, allowed: string): InvalidOptionError {
  return new InvalidOptionError({ option, received, allowed })
}
