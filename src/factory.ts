import type { Entry } from './entry.ts'
import { FactoryError, type FactoryHardTimeout } from './errors.ts'
import type { Loose } from './loose.ts'
import { checkTags, join, type OperationOptions, type Settings } from './options.ts'
import { valueFor } from './serve.ts'
import { type Call, tell } from './stack.ts'
import { attempt } from './trace.ts'
import { instant, age, type Instant } from './clock.ts'

/** What a factory may still decide. `ttl` and `grace` count from the write. */
export type FactoryOptions = Pick<
  OperationOptions,
  'ttl' | 'grace' | 'l1Ttl' | 'tags' | 'skipL2Write' | 'skipBusNotify'
>

/** What a factory is called with. */
export interface FactoryContext {
  /** The key, as given to `getOrSet`. */
  readonly key: string
  /** Aborts at the flight's deadline (`hardTimeout`, else 25 s): then nobody waits for this run any more. */
  readonly signal: AbortSignal
  /** The expired value, while there is one that may still be served; in the background too. */
  readonly gracedEntry: { readonly value: Loose } | undefined
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
  /** Milliseconds the run may take before nobody waits for it any more. */
  readonly deadline: number
  readonly graced: Entry | undefined
}

/**
 * Runs a factory once and waits for it, however long it takes; deadlines are the business of those who wait.
 *
 * @throws {@link FactoryError} with the factory's own error as `cause`.
 */
export async function runFactory(run: Run): Promise<Produced> {
  const { call, factory, background } = run
  const startedAt = instant(call.runtime)
  tell(call, { type: 'factory.run', background })
  const { context, final } = contextOf(run, startedAt)
  try {
    const value = await factory(context)
    tell(call, { type: 'factory.done', ms: since(call, startedAt) })
    return { value, settings: final.settings }
  } catch (cause) {
    throw report(call, new FactoryError(call.key, cause, background))
  } finally {
    final.close()
  }
}

/** Tells everybody who wants to know that a factory failed, and gives the error back. */
export function report<E extends FactoryError | FactoryHardTimeout>(call: Call, error: E): E {
  const failed = error instanceof FactoryError
  tell(call, {
    type: 'factory.error',
    error: error.cause ?? error,
    background: failed && error.isBackgroundFactory,
  })
  if (failed) attempt(() => call.settings.onFactoryError?.(error))
  return error
}

function since(call: Call, startedAt: Instant): number {
  return age(startedAt, instant(call.runtime))
}

/** The context of one run, and the settings as the factory leaves them. Its methods stand alone: people take them off. */
function contextOf(
  { call, deadline, graced }: Run,
  startedAt: Instant,
): { context: FactoryContext; final: Final } {
  const final: Final = { settings: call.settings, close: () => {} }
  let controller: AbortController | undefined
  const setOptions = (options: FactoryOptions): void => {
    final.settings = join(final.settings, options)
  }
  const context: FactoryContext = {
    key: call.key,
    gracedEntry: graced && { value: valueFor(call, graced) },
    // Made when first asked for: most factories take no signal, and it costs a timer.
    get signal() {
      if (!controller) {
        const made = (controller = new AbortController())
        const left = Math.max(0, deadline - since(call, startedAt))
        final.close = call.runtime.setTimer(() => made.abort(), left)
      }
      return controller.signal
    },
    skip: () => SKIPPED as unknown as undefined,
    fail: (message = 'Factory failed') => {
      throw new Error(message)
    },
    setOptions,
    setTags: (tags) => setOptions({ tags: [...final.settings.tags, ...checkTags(tags)] }),
    setTtl: (ttl) => setOptions({ ttl }),
  }
  call.hooks?.context?.(context, graced, () => final.settings)
  return { context, final }
}

/** What a run has come to. */
interface Final {
  settings: Settings
  close: () => void
}
