/**
 * What one request has read, it reads again without asking.
 *
 * @module
 */
import type { Cache, GetOptions, GetOrSetOptions } from '../cache.ts'
import { encode, valueOf } from '../entry.ts'
import { FactoryError, FactoryHardTimeout } from '../errors.ts'
import { keepLast } from '../keep-last.ts'
import { checkKey, checkOptions, invalid } from '../options.ts'
import type { GetOrSetEntryOptions } from './get-or-set-entry.ts'
import { settle } from './info-of.ts'
import { type Changed, changing, operationOf, rememberFor } from './reach.ts'

/** Options of {@link memo}. */
export interface MemoOptions {
  /** Most keys remembered; beyond that the oldest go. @default 1000 */
  readonly maxItems?: number | undefined
}

/**
 * Who asks: who only reads, who can make a value, who has a default for when that fails, who shares with nobody. Each
 * takes a value from any other, but that there is none only from its own kind: a default hides failures, and who can make
 * a value does not take a miss for an answer.
 */
type Kind = 'reads' | 'makes' | 'defaults' | 'alone'

/** A read that is under way or done: a way to make copies of what it gave. */
interface Remembered {
  readonly read: Promise<() => unknown>
  readonly kind: Kind
}

/** Stands for the default of whoever asks, so that one's own is not what others get. */
const DEFAULT = Symbol('default')

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
export function memo<C extends Cache>(cache: C, { maxItems = 1000 }: MemoOptions = {}): C {
  if (!Number.isInteger(maxItems) || maxItems < 1) invalid('maxItems', maxItems, 'a whole number >= 1')
  return view(cache, { known: new Map(), maxItems })
}

interface Memory {
  readonly known: Map<string, Remembered>
  readonly maxItems: number
}

/** The keys a call changes, `'all'` where they cannot be named; `undefined`: it changes nothing. */
function changedBy(method: string, options: unknown): Changed | undefined {
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
function view<C extends Cache>(cache: C, memory: Memory): C {
  const own: Readonly<Record<string, unknown>> = {
    get: (options: GetOptions<unknown>) => get(cache, memory, options),
    getOrSet: (options: Asked) => getOrSet(cache, memory, options),
    getOrSetForever: (options: Asked) => getOrSet(cache, memory, { ...options, ttl: null }),
  }
  const seen: C = new Proxy(cache, {
    get: (target, name) => {
      if (typeof name !== 'string') return Reflect.get(target, name, target)
      if (Object.hasOwn(own, name)) return own[name]
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value as Method
      if (name === 'namespace' || name === 'use')
        return (...args: unknown[]) => view(method.apply(target, args) as Cache, memory)
      // The function it makes reads and deletes later on.
      if (name === 'wrap') return method.bind(seen)
      return (...args: unknown[]) => {
        const changed = changedBy(name, args[0])
        const result = method.apply(target, args)
        if (changed && result instanceof Promise) return changing(seen, changed, result)
        return result === target ? seen : result
      }
    },
  })
  rememberFor(seen, (keys) => {
    if (keys === 'all') memory.known.clear()
    else for (const key of keys) memory.known.delete(idOf(cache, key))
  })
  return seen
}

function idOf(cache: Cache, key: string): string {
  const { stack, scope } = operationOf(cache, undefined)
  return JSON.stringify([stack.name, scope.path + key])
}

async function get(cache: Cache, memory: Memory, options: GetOptions<unknown>): Promise<unknown> {
  checkOptions(options)
  const { defaultValue, ...rest } = options
  const id = idOf(cache, checkKey(options.key))
  const value = await recall(memory, cache, { id, kind: 'reads', read: () => cache.get(rest) })
  return isValue(value) ? value : settle(defaultValue)
}

/** Options of `getOrSet`; a cache of `ekiben/full` takes more of them. */
type Asked = GetOrSetOptions<unknown> &
  Pick<GetOrSetEntryOptions<unknown>, 'defaultValue' | 'noStore' | 'onlyIfCached'>

async function getOrSet(cache: Cache, memory: Memory, options: Asked): Promise<unknown> {
  checkOptions(options)
  const id = idOf(cache, checkKey(options.key))
  const { defaultValue, forceFresh, onlyIfCached } = options
  const kind = kindOf(options)
  const asked: Asked = defaultValue === undefined ? options : { ...options, defaultValue: () => DEFAULT }
  const read = () => cache.getOrSet(asked)
  // Who only reads and must not look has found out nothing that others could use.
  const value = await (forceFresh
    ? ask(memory, cache, { id, kind: onlyIfCached ? 'alone' : kind, read })
    : recall(memory, cache, { id, kind, read }))
  // A miss that is shared is undefined, where it was found by somebody without a default.
  return value === DEFAULT || (onlyIfCached && value === undefined) ? settle(defaultValue) : value
}

function kindOf({ defaultValue, noStore, onlyIfCached }: Asked): Kind {
  if (onlyIfCached) return 'reads'
  if (noStore) return 'alone'
  return defaultValue === undefined ? 'makes' : 'defaults'
}

interface Reading {
  readonly id: string
  readonly kind: Kind
  readonly read: () => Promise<unknown>
}

/** What others have read or are reading, else what is read now. */
async function recall(memory: Memory, cache: Cache, reading: Reading): Promise<unknown> {
  const { id, kind } = reading
  let last: Remembered | undefined
  // Who waited for others in vain may find that another of its kind was faster.
  for (let present = memory.known.get(id); present && present !== last; present = memory.known.get(id)) {
    last = present
    try {
      const value = (await present.read)()
      if (present.kind === kind || isValue(value)) return value
    } catch (error) {
      const factoryFailed = error instanceof FactoryError || error instanceof FactoryHardTimeout
      if (present.kind === kind && factoryFailed) throw error
      // Anything else depends on the other's options: whether it hears of L2's failures, for one.
      break
    }
  }
  return ask(memory, cache, reading)
}

function isValue(value: unknown): boolean {
  return value !== undefined && value !== DEFAULT
}

async function ask(memory: Memory, cache: Cache, reading: Reading): Promise<unknown> {
  return reading.kind === 'alone' ? reading.read() : (await remember(memory, cache, reading).read)()
}

function remember({ known, maxItems }: Memory, cache: Cache, { id, kind, read }: Reading): Remembered {
  const { stack } = operationOf(cache, undefined)
  const forget = (): unknown => known.get(id) === remembered && known.delete(id)
  const remembered: Remembered = {
    kind,
    read: read().then((value) => {
      if (!isValue(value)) {
        if (kind !== 'reads') forget()
        return () => value
      }
      const { body } = encode(stack.codec, id, value)
      return () => valueOf(body, stack.codec.serializer)
    }),
  }
  // What failed may be tried again.
  remembered.read.catch(forget)
  keepLast(known, id, remembered, maxItems)
  return remembered
}
