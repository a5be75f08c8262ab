/**
 * Functions whose results are cached.
 *
 * @module
 */
import type { Cache } from '../cache.ts'
import { fitKey } from '../key.ts'
import { checkKey, checkOptions, invalid, type OperationOptions } from '../options.ts'
import { canonical } from './canonical.ts'

/** Longer keys are hashed: arguments may be whole documents. In bytes. */
const LONGEST_KEY = 200

/** Options of {@link wrap}: those of `getOrSet`, and what the key is made of. */
export interface WrapOptions<Args extends readonly unknown[]> extends Omit<
  OperationOptions,
  'tags' | 'schema'
> {
  /** Begins every key: minifiers change the names of functions. Without `(`, which ends it there. */
  readonly name: string
  /** What tells one call from another, after the name. @default all arguments */
  readonly key?: ((...args: Args) => string) | undefined
  /** Tags of a result. */
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[]) | undefined
}

/** A function whose results are cached. */
export interface Wrapped<This, Args extends readonly unknown[], Result> {
  (this: This, ...args: Args): Promise<Result>
  /** The key of a call, such as `user(42)`. */
  keyFor(...args: Args): Promise<string>
  /** Calls the function and caches what it gives, even if there is a result. */
  refresh(this: This, ...args: Args): Promise<Result>
  /** Deletes the result of a call. `false`: not acknowledged. */
  delete(...args: Args): Promise<boolean>
  /** Makes the result of a call stale. `false`: not acknowledged. */
  expire(...args: Args): Promise<boolean>
}

/**
 * Makes a function whose results are cached under its name and arguments. Arguments are data: the order of properties
 * does not matter, `1` is not `'1'`, and dates, maps, sets, URLs and bytes are told apart by what they hold.
 *
 * @throws {@link InvalidOptionError} for options that are none; when called, for arguments that are no data (functions,
 * symbols, instances of classes, cycles), which name the argument: then pass `key`. Beside that what `getOrSet` throws.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { wrap } from 'ekiben/wrap'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const loadUser = async (id: number) => ({ id, name: 'Mei' })
 * const user = wrap(bento, loadUser, { name: 'user', ttl: '5m', tags: (id) => [`user-${id}`] })
 *
 * const mei = await user(42)
 * await user.delete(42)
 * ```
 */
export function wrap<This, Args extends readonly unknown[], Result>(
  cache: Pick<Cache, 'getOrSet' | 'delete' | 'expire'>,
  fn: (this: This, ...args: Args) => Result,
  options: WrapOptions<Args>,
): Wrapped<This, Args, Awaited<Result>> {
  checkOptions(options)
  if (typeof fn !== 'function') invalid('fn', fn, 'a function')
  const { name, key, tags, ...rest } = options
  if (checkKey(name, 'name').includes('(')) invalid('name', name, 'a name without "("')
  if (key !== undefined && typeof key !== 'function') invalid('key', key, 'a function of the arguments')
  const keyFor = async (...args: Args): Promise<string> => {
    const own = key
      ? checkKey(key(...args), 'key')
      : args.map((arg, at) => canonical(arg, `arguments[${at}]`)).join()
    return fitKey(`${name}(${own})`, LONGEST_KEY)
  }
  const call = async (self: This, args: Args, forceFresh?: boolean): Promise<Awaited<Result>> =>
    cache.getOrSet<Awaited<Result>>({
      ...rest,
      ...(forceFresh ? { forceFresh } : {}),
      key: await keyFor(...args),
      tags: typeof tags === 'function' ? tags(...args) : tags,
      // What gives nothing goes on giving nothing: it is called each time.
      factory: async (ctx): Promise<Awaited<Result>> => {
        const result = await (fn.call(self, ...args) as Promise<Awaited<Result>>)
        return result === undefined ? (ctx.skip() as Awaited<Result>) : result
      },
    })
  return Object.assign(
    function (this: This, ...args: Args): Promise<Awaited<Result>> {
      return call(this, args)
    },
    {
      keyFor,
      refresh(this: This, ...args: Args) {
        return call(this, args, true)
      },
      delete: async (...args: Args) => cache.delete({ key: await keyFor(...args) }),
      expire: async (...args: Args) => cache.expire({ key: await keyFor(...args) }),
    },
  )
}
