/**
 * What one request has read, it reads again without asking.
 *
 * @module
 */
import type { Cache, GetOptions, GetOrSetOptions } from '../cache.ts'
import { encode, valueOf } from '../entry.ts'
import { checkKey, checkOptions, invalid } from '../options.ts'
import { settle } from './info-of.ts'
import { operationOf } from './reach.ts'

/** Options of {@link memo}. */
export interface MemoOptions {
  /** Most keys remembered; beyond that the oldest go. @default 1000 */
  readonly maxItems?: number | undefined
}

/** What was read: a way to make copies of it, or that there was nothing. */
interface Remembered {
  readonly read: Promise<() => unknown>
  /** Only a miss: who can make a value still does. */
  readonly miss: boolean
}

/**
 * A cache for one request. A key that has been read is read again without asking any tier, and gives the same: while a
 * page is rendered, nothing changes under it. Whoever reads it while it is still being read shares that. Writes through
 * this cache drop what they cover; writes of others are not seen.
 *
 * It must not outlive its request, nor be shared by two: on Workers one would wait for what belongs to the other. Make
 * one where the request begins.
 *
 * @throws {@link InvalidOptionError} unless `maxItems` is a whole number >= 1.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { memo } from 'ekiben/memo'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 *
 * export default {
 *   async fetch(request: Request, env: unknown, ctx: { waitUntil(work: Promise<unknown>): void }) {
 *     const cache = memo(bento.bind(ctx))
 *     const user = () => cache.getOrSet({ key: 'user', factory: () => ({ name: 'Mei' }) })
 *     const [header, footer] = await Promise.all([user(), user()])
 *     return Response.json({ header, footer })
 *   },
 * }
 * ```
 */
export function memo<Kind extends Cache>(cache: Kind, { maxItems = 1000 }: MemoOptions = {}): Kind {
  if (!Number.isInteger(maxItems) || maxItems < 1) invalid('maxItems', maxItems, 'a whole number >= 1')
  return view(cache, { known: new Map(), maxItems })
}

interface Memory {
  readonly known: Map<string, Remembered>
  readonly maxItems: number
}

/** The keys a call changes, `'all'` where they cannot be named; `undefined`: it changes nothing. */
function changedBy(method: string, options: unknown): readonly string[] | 'all' | undefined {
  const { key, keys } = (options ?? {}) as { readonly key?: string; readonly keys?: readonly string[] }
  switch (method) {
    case 'set':
    case 'setForever':
    case 'delete':
    case 'expire':
    case 'touch':
    case 'getOrSetEntry':
      return key === undefined ? [] : [key]
    case 'pull':
      return typeof options === 'string' ? [options] : []
    case 'deleteMany':
    case 'getOrSetMany':
      return keys ?? []
    case 'deleteByTag':
    case 'expireByTag':
    case 'clear':
    case 'clearAll':
    case 'setMany':
      return 'all'
    default:
      return undefined
  }
}

type Method = (...args: readonly unknown[]) => unknown

/** The cache as it is, but for what it remembers. Methods run on the cache itself, which keeps things to itself. */
function view<Kind extends Cache>(cache: Kind, memory: Memory): Kind {
  const own: Readonly<Record<string, unknown>> = {
    get: (options: GetOptions<unknown>) => get(cache, memory, options),
    getOrSet: (options: GetOrSetOptions<unknown>) => getOrSet(cache, memory, options),
    getOrSetForever: (options: GetOrSetOptions<unknown>) =>
      getOrSet(cache, memory, { ...options, ttl: null }),
    namespace: (name: string) => view(cache.namespace(name), memory),
  }
  return new Proxy(cache, {
    get: (target, name) => {
      if (typeof name !== 'string') return Reflect.get(target, name, target)
      if (Object.hasOwn(own, name)) return own[name]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? through(target, memory, name, value as Method) : value
    },
  })
}

/** A method that forgets what it changes: at once, and when it is done, as somebody may have read in between. */
function through(cache: Cache, { known }: Memory, name: string, method: Method): Method {
  return (...args) => {
    const changed = changedBy(name, args[0])
    const forget = (): void => {
      if (changed === 'all') known.clear()
      else for (const key of changed ?? []) known.delete(idOf(cache, key))
    }
    forget()
    const result = method.apply(cache, args as unknown[])
    return changed && result instanceof Promise ? result.finally(forget) : result
  }
}

function idOf(cache: Cache, key: string): string {
  const { stack, scope } = operationOf(cache, undefined)
  return JSON.stringify([stack.name, scope.path + key])
}

async function get(cache: Cache, memory: Memory, options: GetOptions<unknown>): Promise<unknown> {
  checkOptions(options)
  const { defaultValue, ...rest } = options
  const id = idOf(cache, checkKey(options.key))
  const present = memory.known.get(id)
  const remembered = present ?? remember(cache, memory, { id, read: cache.get(rest), miss: true })
  const value = (await remembered.read)()
  return value === undefined ? settle(defaultValue) : value
}

async function getOrSet(cache: Cache, memory: Memory, options: GetOrSetOptions<unknown>): Promise<unknown> {
  checkOptions(options)
  const id = idOf(cache, checkKey(options.key))
  const present = options.forceFresh ? undefined : memory.known.get(id)
  // What another of the request's reads is about to find may be nothing.
  const found = present?.miss ? (await present.read)() : undefined
  if (found !== undefined) return found
  const current = options.forceFresh ? undefined : memory.known.get(id)
  const usable = current && !current.miss ? current : undefined
  const remembered = usable ?? remember(cache, memory, { id, read: cache.getOrSet(options), miss: false })
  return (await remembered.read)()
}

interface Reading {
  readonly id: string
  readonly read: Promise<unknown>
  readonly miss: boolean
}

function remember(cache: Cache, { known, maxItems }: Memory, { id, read, miss }: Reading): Remembered {
  const { stack } = operationOf(cache, undefined)
  const remembered: Remembered = {
    miss,
    read: read.then((value) => {
      if (value === undefined) return () => undefined
      const { body } = encode(stack.codec, id, value)
      return () => valueOf(body, stack.codec.serializer)
    }),
  }
  // What failed may be tried again.
  remembered.read.catch(() => known.get(id) === remembered && known.delete(id))
  known.delete(id)
  known.set(id, remembered)
  const [oldest] = known.keys()
  if (known.size > maxItems && oldest !== undefined) known.delete(oldest)
  return remembered
}
