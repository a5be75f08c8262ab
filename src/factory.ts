import { FactoryError, type FactoryHardTimeout } from './errors.ts'
import { checkTags, join, type OperationOptions, type Settings } from './options.ts'
import type { Call } from './stack.ts'
import { attempt } from './trace.ts'
import { instant, age, type Instant } from './clock.ts'

/** What a factory may still decide. `ttl` and `grace` count from the write. */
export type FactoryOptions = Pick<OperationOptions, 'ttl' | 'grace' | 'tags' | 'skipL2Write' | 'skipBusNotify'>

/** What a factory is called with. */
export interface FactoryContext {
  /** The key, as given to `getOrSet`. */
  readonly key: string
  /** Aborts at the flight's deadline (`hardTimeout`, else 25 s after the flight began): then nobody waits for this run any more. */
  readonly signal: AbortSignal
  /** The expired value, while there is one that may still be served; in the background too. */
  readonly gracedEntry: { readonly value: any } | undefined
  /** Caches nothing: `return ctx.skip()`. The callers get `undefined`, even if an expired value exists. */
  skip(): undefined
  /** Fails as if thrown: nothing is cached, a graced value is served if there is one. */
  fail(message?: string): never
  /** Sets options for this value; what is not named stays as it was. */
  setOptions(options: FactoryOptions): void
  /** Adds tags to this value. */
  setTags(tags: readonly string[]): void
  /** @deprecated Use `setOptions({ ttl })`. */
  setTtl(ttl: FactoryOptions['ttl']): void
}

/** Makes the value of a key. */
export type Factory<T> = (context: FactoryContext) => T | Promise<T>

/** Given instead of a value by a factory that skipped. */
export const SKIPPED: unique symbol = Symbol('skipped')

export interface Produced {
  readonly value: unknown
  /** The call's settings with what the factory changed. */
  readonly settings: Settings
}

export interface Run {
  readonly call: Call
  readonly factory: Factory<unknown>
  /** Its result will be seen by the next caller, not by one who waits. */
  readonly background: boolean
  /** Milliseconds from now to the flight's deadline. */
  readonly left: number
  readonly graced: { readonly value: unknown } | undefined
}

/**
 * Runs a factory once and waits for it, however long it takes; deadlines are the business of those who wait.
 *
 * @throws {@link FactoryError} with the factory's own error as `cause`.
 */
export async function runFactory(run: Run): Promise<Produced> {
  const { call, factory, background } = run
  const { trace, name: store } = call.stack
  const { key } = call
  const startedAt = instant(call.runtime)
  if (trace.active) trace.tell({ type: 'factory.run', store, key, background })
  const context = new Context(run)
  try {
    const value = await factory(context)
    if (trace.active) trace.tell({ type: 'factory.done', store, key, ms: since(call, startedAt) })
    return { value, settings: context.settings }
  } catch (cause) {
    throw report(call, new FactoryError(key, cause, background))
  } finally {
    context.close()
  }
}

/** Tells everybody who wants to know that a factory failed, and gives the error back. */
export function report<E extends FactoryError | FactoryHardTimeout>(call: Call, error: E): E {
  const { trace, name: store } = call.stack
  if (trace.active) {
    const background = error instanceof FactoryError && error.isBackgroundFactory
    trace.tell({ type: 'factory.error', store, key: call.key, error: error.cause ?? error, background })
  }
  const { onFactoryError } = call.settings
  if (onFactoryError && error instanceof FactoryError) attempt(() => onFactoryError(error))
  return error
}

function since(call: Call, startedAt: Instant): number {
  return age(startedAt, instant(call.runtime))
}

class Context implements FactoryContext {
  readonly key: string
  readonly gracedEntry: { readonly value: unknown } | undefined
  settings: Settings
  readonly #run: Run
  readonly #startedAt: Instant
  #controller: AbortController | undefined
  #cancelTimer: (() => void) | undefined

  constructor(run: Run) {
    this.#run = run
    this.#startedAt = instant(run.call.runtime)
    this.key = run.call.key
    this.gracedEntry = run.graced
    this.settings = run.call.settings
    // Bound, because people take these off the context: `({ skip }) => skip()`.
    this.skip = this.skip.bind(this)
    this.fail = this.fail.bind(this)
    this.setOptions = this.setOptions.bind(this)
    this.setTags = this.setTags.bind(this)
    this.setTtl = this.setTtl.bind(this)
  }

  /** Made when first asked for: most factories take no signal, and it costs a timer. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = (this.#controller = new AbortController())
      const left = this.#run.left - since(this.#run.call, this.#startedAt)
      this.#cancelTimer = this.#run.call.runtime.setTimer(() => controller.abort(), Math.max(0, left))
    }
    return this.#controller.signal
  }

  skip(): undefined {
    return SKIPPED as unknown as undefined
  }

  fail(message = 'Factory failed'): never {
    throw new Error(message)
  }

  setOptions(options: FactoryOptions): void {
    this.settings = join(this.settings, options)
  }

  setTags(tags: readonly string[]): void {
    this.settings = { ...this.settings, tags: [...new Set([...this.settings.tags, ...checkTags(tags)])] }
  }

  setTtl(ttl: FactoryOptions['ttl']): void {
    this.setOptions({ ttl })
  }

  close(): void {
    this.#cancelTimer?.()
  }
}
