import { buildStack } from './build-stack.ts'
import { Cache, type SuppressOptions } from './cache.ts'
import { UnknownStoreError } from './errors.ts'
import { type CacheEvents, type Emitter, emitSteps, makeEmitter } from './events.ts'
import type { ConnectL2, InternalOperationWrapper } from './l2.ts'
import { type Logger, logSteps } from './log.ts'
import type { Loose } from './loose.ts'
import { DEFAULTS, invalid, join, type StoreOptions } from './options.ts'
import type { RequestContext, Runtime } from './ports.ts'
import { systemRuntime } from './runtime.ts'
import type { Scope } from './scope.ts'
import type { Stack } from './stack.ts'
import { BentoStore } from './store.ts'
import { makeTrace, type Step, type Trace, type TraceListener } from './trace.ts'

/** Something that is told of the cache when it is made. */
export interface BentoCachePlugin {
  register(bento: BentoCache): void
}

/** Takes plugins of Bentocache's as well, whose parameter is another class that can do the same. */
interface AnyPlugin {
  register(bento: Loose): void
}

/** Options of a {@link BentoCache}: its stores, what they share, and the global level of options. */
export interface BentoCacheOptions<Stores extends Record<string, BentoStore>> extends StoreOptions {
  /** The store that is meant when none is named. */
  readonly default: keyof Stores & string
  readonly stores: Stores
  readonly plugins?: readonly AnyPlugin[] | undefined
  /** Where events go. @default one of its own */
  readonly emitter?: Emitter | undefined
  /** Told of every step: failures as `error`, the rest as `debug`. Pino fits. */
  readonly logger?: Logger | undefined
  /** Wraps each call to L2, for instance to keep it out of a trace. */
  readonly internalOperationWrapper?: InternalOperationWrapper | undefined
  /** Makes an L2 of drivers that do not coordinate isolates. @default refuses them, unless the import can load it */
  readonly connectPlain?: ConnectL2 | undefined
  /** What the core asks of its surroundings. @default the one the import was made for */
  readonly runtime?: Runtime | undefined
}

/** What all views of one cache share. */
export interface Shared {
  readonly stacks: Map<string, Stack>
  readonly trace: Trace
  emitter: Emitter | undefined
}

/**
 * Named caches. A cache itself: its operations go to the default store.
 *
 * Construction does nothing but take its options in, so it may stand at module scope. Stores are built when first used.
 *
 * @throws {@link InvalidOptionError}, {@link UnknownStoreError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m' }).useL1Layer(memoryDriver()) },
 * })
 * ```
 */
export class BentoCache<Stores extends Record<string, BentoStore> = Loose> extends Cache {
  protected readonly options: BentoCacheOptions<Record<string, BentoStore>>
  protected readonly shared: Shared

  constructor(options: BentoCacheOptions<Stores>, shared?: Shared, scope?: Scope) {
    super(() => this.#stack(options.default), options.runtime ?? systemRuntime, scope)
    // Kept without its type parameter, so that a cache of known stores is also a cache of any.
    this.options = options as unknown as BentoCacheOptions<Record<string, BentoStore>>
    this.shared = shared ?? {
      stacks: new Map(),
      trace: makeTrace(),
      emitter: undefined,
    }
    if (shared !== undefined) return
    const advice = check(options)
    const { emitter, logger, plugins = [] } = options
    if (emitter) this.#listen(emitter)
    if (logger) this.shared.trace.add(logSteps(logger))
    for (const plugin of plugins) plugin.register(this)
    for (const step of advice) this.shared.trace.tell(step)
  }

  /** Name of the default store. */
  get defaultStoreName(): keyof Stores & string {
    return this.options.default
  }

  /** @throws {@link UnknownStoreError} */
  use(name: keyof Stores & string = this.options.default): Cache {
    this.#stack(name)
    return new Cache(() => this.#stack(name), this.runtime)
  }

  /**
   * The same caches for one request: background work is handed to its `waitUntil`. On Cloudflare Workers the import
   * does this by itself; here is the explicit form, for tests and for hosts that only pass a context.
   */
  bind(context: RequestContext): BentoCache<Stores> {
    const runtime = { ...this.runtime, waitUntil: (work: Promise<unknown>) => context.waitUntil(work) }
    return new BentoCache({ ...this.options, runtime }, this.shared)
  }

  on<Event extends keyof CacheEvents>(event: Event, callback: (payload: CacheEvents[Event]) => void): this {
    this.#emitter().on(event, callback)
    return this
  }

  once<Event extends keyof CacheEvents>(event: Event, callback: (payload: CacheEvents[Event]) => void): this {
    this.#emitter().once(event, callback)
    return this
  }

  off<Event extends keyof CacheEvents>(event: Event, callback: (payload: CacheEvents[Event]) => void): this {
    this.#emitter().off(event, callback)
    return this
  }

  /** Listens to every step of every operation; returns what stops it. Steps are built only while somebody listens. */
  onTrace(listener: TraceListener): () => void {
    return this.shared.trace.add(listener)
  }

  /**
   * Waits for what goes on behind answers: refreshes, writes, repeated invalidations. Not for messages that wait until a
   * bus of Bentocache's takes them again. For the end of a process or a test. Where requests have a `waitUntil`, that is who waits, and here is nothing to wait for.
   */
  async flush(): Promise<void> {
    await this.runtime.pending?.settled()
  }

  /** {@link Cache.clear} for every store. */
  async clearAll(options?: SuppressOptions): Promise<void> {
    await this.#each((cache) => cache.clear(options))
  }

  /** {@link Cache.disconnect} for every store. */
  async disconnectAll(): Promise<void> {
    await this.#each((cache) => cache.disconnect())
  }

  async #each(run: (cache: Cache) => Promise<void>): Promise<void> {
    await Promise.all(Object.keys(this.options.stores).map((name) => run(this.use(name))))
  }

  #emitter(): Emitter {
    return this.shared.emitter ?? this.#listen(makeEmitter())
  }

  #listen(emitter: Emitter): Emitter {
    this.shared.trace.add(emitSteps(emitter))
    return (this.shared.emitter = emitter)
  }

  #stack(name: string): Stack {
    const { stacks, trace } = this.shared
    const present = stacks.get(name)
    if (present) return present
    const { stores, internalOperationWrapper: wrap, connectPlain } = this.options
    const store = Object.hasOwn(stores, name) ? stores[name] : undefined
    if (!store) throw new UnknownStoreError(name, Object.keys(stores))
    const { entry } = store
    const build = entry.l2?.divide ?? entry.bus?.divide ?? buildStack
    const stack = build({ name, entry, globals: this.options, trace, wrap, connectPlain }, buildStack)
    stacks.set(name, stack)
    return stack
  }
}

/** Bad options are told at once, not at the first request. Gives what is to be told once of stores that are not bad. */
function check(
  options: Pick<BentoCacheOptions<Record<string, BentoStore>>, 'stores' | 'default'>,
): readonly Step[] {
  const stores: unknown = options.stores
  if (typeof stores !== 'object' || stores === null || Object.keys(stores).length === 0)
    invalid('stores', stores, 'an object of stores')
  const advice: Step[] = []
  for (const [name, store] of Object.entries(stores)) {
    if (!(store instanceof BentoStore)) invalid(`stores.${name}`, store, 'a bentostore()')
    const { l2, bus, options: given } = store.entry
    const settings = join(DEFAULTS, given)
    const step = !bus && l2?.alone?.(name, settings)
    if (step) advice.push(step)
  }
  join(DEFAULTS, options)
  if (!Object.hasOwn(stores, options.default))
    throw new UnknownStoreError(options.default, Object.keys(stores))
  return advice
}
