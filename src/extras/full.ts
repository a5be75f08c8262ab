import { BentoCache, type BentoCacheOptions, type Shared } from '../bento-cache.ts'
import type { GetOptions, SetOptions } from '../cache.ts'
import type { Loose } from '../loose.ts'
import type { RequestContext } from '../ports.ts'
import type { Scope } from '../scope.ts'
import { type BentoStore, bentostore as makeStore } from '../store.ts'
import type { ValueSchema } from '../value-schema.ts'
import { advisor, type AdvisorOptions } from './advisor.ts'
import type { EntryInfo } from './entry-info.ts'
import { explain, type ExplainOptions, type Explanation } from './explain.ts'
import {
  type ExtraOperationOptions,
  type ExtraOptions,
  type ExtraStoreOptions,
  joinExtras,
} from './extra-options.ts'
import { derivedRuntime } from './derived-runtime.ts'
import { getEntry, remainingTtl } from './get-entry.ts'
import { extendBatchFactory, type ExtendedMemberContext } from './extended-factory.ts'
import type { BatchFactory } from './batch-factory.ts'
import { getMany, type GetManyOptions } from './get-many.ts'
import {
  extendedFlow,
  getOrSetEntry,
  type GetOrSetEntryOptions,
  getOrSetExtended,
} from './get-or-set-entry.ts'
import { getOrSetEach } from './get-or-set-many.ts'
import { setMany, type SetManyOptions } from './set-many.ts'
import { memo, type MemoOptions } from './memo.ts'
import { setExtended } from './set-extended.ts'
import { touch, type TouchOptions } from './touch.ts'
import { type AnyFunction, wrap, type WrappedOf, type WrapOptions } from './wrap.ts'

/** Options of a {@link FullBentoCache}: the extra ones may stand globally too. */
export interface FullBentoCacheOptions<Stores extends Record<string, BentoStore>>
  extends BentoCacheOptions<Stores>, ExtraOptions {
  /** Whether {@link advisor} looks at the options and tells the logger what is probably not meant; which it leaves out. @default true */
  readonly advice?: boolean | AdvisorOptions | undefined
}

/** Options of {@link FullBentoCache.getOrSetMany}. */
export interface FullGetOrSetManyOptions<T> extends Omit<ExtraOperationOptions, 'schema'> {
  readonly schema?: ValueSchema<T> | undefined
  readonly keys: readonly string[]
  readonly factory: BatchFactory<T, ExtendedMemberContext>
  /** Given for a key for which nothing else is left; a function is called only then. */
  readonly defaultValue?: T | (() => T | Promise<T>) | undefined
}

/** Options of {@link FullBentoCache.wrap}. */
export interface FullWrapOptions<Args extends readonly unknown[]> extends WrapOptions<Args>, ExtraOptions {}

/** Begins a store, with options of `ekiben/full` too. */
export function bentostore(options?: ExtraStoreOptions): BentoStore {
  return makeStore(options)
}

/**
 * Named caches with everything there is as methods and options. What each of them is, and the function that does it for
 * who bundles only what is used, stands at that function.
 *
 * A namespace or a named store of it is a view of the same cache: it can do the same.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 */
export class FullBentoCache<Stores extends Record<string, BentoStore> = Loose> extends BentoCache<Stores> {
  constructor(options: FullBentoCacheOptions<Stores>, shared?: Shared, scope?: Scope) {
    // Views are of a cache that has been looked at.
    super(shared ? options : withAdvisor(options), shared, scope)
    if (!shared) joinExtras([options, ...Object.values(options.stores).map(({ entry }) => entry.options)])
  }

  override use(name: keyof Stores & string = this.defaultStoreName): FullBentoCache<Stores> {
    super.use(name)
    return new FullBentoCache<Stores>({ ...this.#given, default: name }, this.shared)
  }

  /** `memo`: what the request has read, it reads again without asking ({@link memo}). */
  override bind(
    context: RequestContext,
    { memo: remembers = false }: { readonly memo?: boolean | MemoOptions } = {},
  ): FullBentoCache<Stores> {
    const waitUntil = (work: Promise<unknown>): void => context.waitUntil(work)
    const runtime = { ...derivedRuntime(this.runtime), waitUntil }
    const bound = new FullBentoCache<Stores>({ ...this.#given, runtime }, this.shared, this.scope)
    return remembers === false ? bound : memo(bound, remembers === true ? {} : remembers)
  }

  override namespace(name: string): FullBentoCache<Stores> {
    const scope = (this.scope ?? this.store().root).child(name)
    return new FullBentoCache<Stores>(this.#given, this.shared, scope)
  }

  override getOrSet<T>(options: GetOrSetEntryOptions<T>): Promise<T> {
    return getOrSetExtended(this, options)
  }

  override getOrSetForever<T>(options: Omit<GetOrSetEntryOptions<T>, 'ttl'>): Promise<T> {
    return this.getOrSet({ ...options, ttl: null })
  }

  override set(options: SetOptions & ExtraOptions): Promise<boolean> {
    return setExtended(this, options)
  }

  override setForever(options: SetOptions & ExtraOptions): Promise<boolean> {
    return super.setForever(options)
  }

  /** {@link getEntry} */
  getEntry<T = Loose>(options: GetOptions<T>): Promise<EntryInfo<T> | undefined> {
    return getEntry(this, options)
  }

  /** {@link getOrSetEntry} */
  getOrSetEntry<T>(options: GetOrSetEntryOptions<T>): Promise<EntryInfo<T>> {
    return getOrSetEntry(this, options)
  }

  /** {@link remainingTtl} */
  remainingTtl(options: { readonly key: string }): Promise<number | undefined> {
    return remainingTtl(this, options)
  }

  /** {@link touch} */
  touch(options: TouchOptions): Promise<boolean> {
    return touch(this, options)
  }

  /** {@link getMany} */
  getMany<T = Loose>(options: GetManyOptions<T>): Promise<T[]> {
    return getMany(this, options)
  }

  /** {@link setMany} */
  setMany(options: SetManyOptions): Promise<boolean> {
    return setMany(this, options)
  }

  /** {@link getOrSetMany}; the contexts of single keys are {@link ExtendedMemberContext}s. */
  getOrSetMany<T>(options: FullGetOrSetManyOptions<T>): Promise<(T | undefined)[]> {
    const { factory } = options
    const extended = typeof factory === 'function' ? extendBatchFactory(factory) : factory
    return getOrSetEach(this, { ...options, factory: extended }, () => extendedFlow(options))
  }

  /** {@link wrap} */
  wrap<Fn extends AnyFunction>(fn: Fn, options: FullWrapOptions<Parameters<Fn>>): WrappedOf<Fn> {
    return wrap(this, fn, options)
  }

  /** {@link explain} */
  explain(options: ExplainOptions): Promise<Explanation> {
    return explain(this, options)
  }

  get #given(): BentoCacheOptions<Stores> {
    return this.options as unknown as BentoCacheOptions<Stores>
  }
}

function withAdvisor<Stores extends Record<string, BentoStore>>(
  options: FullBentoCacheOptions<Stores>,
): FullBentoCacheOptions<Stores> {
  const { plugins = [], advice = true } = options
  if (advice === false) return options
  return { ...options, plugins: [...plugins, advisor(advice === true ? {} : advice)] }
}
