import { age, instant } from '../clock.ts'
import { type Entry, encode, type Encoded, Made, type Notes, valueOf } from '../entry.ts'
import { CacheError } from '../errors.ts'
import { type Factory, type FactoryContext, type FactoryOptions, SKIPPED } from '../factory.ts'
import { invalid, type Settings } from '../options.ts'
import type { Call, Hooks } from '../stack.ts'
import type { BatchFactory } from './batch-factory.ts'
import type { ExtraSettings } from './extra-options.ts'
import { notedLife } from './noted-life.ts'

/** What an origin calls a state of a value, so that it can be asked whether that still holds. */
export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** What a factory is called with, and what it may answer instead of a value. */
export interface ExtendedContext extends FactoryContext, Validators {
  /**
   * There is nothing, and that is what is cached: `return ctx.notFound('30s')`. The callers get `undefined`, or their
   * default. @default the call's `ttl`
   */
  notFound(ttl?: FactoryOptions['ttl']): undefined
  /** A value, and what the origin calls it. Both are kept: the next run finds them as `ctx.etag`, `ctx.lastModified`. */
  modified<T>(value: T, validators: Validators): T
  /**
   * The expired value still holds: `if (response.status === 304) return ctx.notModified()`. Its life begins anew; what L2
   * has of it is not sent again. Ends the run by throwing, as `fail` does; a `catch` of the factory's own does not undo it.
   *
   * @throws {@link NothingToKeepError} without a `gracedEntry`.
   */
  notModified(): never
}

/** Makes the value of a key, with all that is offered by {@link ExtendedContext}. */
export type ExtendedFactory<T> = (context: ExtendedContext) => T | Promise<T>

/** The context of one key of many. */
export interface ExtendedMemberContext extends Omit<ExtendedContext, 'notModified'> {
  /** The expired value of this key still holds. Does not end the run: other keys are still to come. */
  notModified(): undefined
}

/** `ctx.notModified()` was called although no expired value is there to be kept. */
export class NothingToKeepError extends CacheError {
  static override readonly code: string = 'E_NOTHING_TO_KEEP'
  static override readonly title: string = 'NothingToKeepError'

  constructor(key: string) {
    super(
      `There is no value that could be unmodified, key: ${key}. Ask the origin conditionally only if ctx.gracedEntry is there`,
    )
  }
}

/** Stands for an answer that is no value, or a value of which more is known, on its way out of the factory. */
class Answer {
  readonly kind: 'nothing' | 'modified'
  readonly value: unknown
  readonly validators: Validators

  constructor(kind: Answer['kind'], value?: unknown, validators: Validators = {}) {
    this.kind = kind
    this.value = value
    this.validators = validators
  }
}

/** Ends a run whose answer is known. */
class Unmodified extends Error {
  override readonly message: string =
    'The value is unmodified. This ends the run of the factory and need not be caught'
}

/** One run of a factory. */
interface Run {
  /** The origin has said that the expired value still holds. */
  unmodified: boolean
  readonly graced: Entry | undefined
  readonly settings: () => Settings
  readonly setOptions: (options: FactoryOptions) => void
}

/** A factory as the flow takes it, and the hook by which it is given what it offers to the caller's own. */
export interface Extended {
  readonly factory: Factory<unknown>
  readonly context: NonNullable<Hooks['context']>
}

/** Makes a factory of the caller's own that may answer with more than values. */
export function extendFactory(
  call: Call,
  extras: ExtraSettings,
  factory: ExtendedFactory<unknown>,
): Extended {
  let run: Run | undefined
  return {
    context: (context, graced, settings) => {
      run = { unmodified: false, graced, settings, setOptions: (options) => context.setOptions(options) }
      Object.assign(context, offers(call, run))
    },
    factory: async (context) => {
      const own = run as Run
      const startedAt = instant(call.runtime)
      const answer = await unlessUnmodified(own, async () => factory(context as ExtendedContext))
      const cost = age(startedAt, instant(call.runtime))
      return answer === SKIPPED ? answer : make({ call, extras, run: own }, answer, cost)
    },
  }
}

/** A factory of many keys, where what is said of one key is no word about the others. */
export function extendBatchFactory<T>(
  factory: BatchFactory<T, ExtendedMemberContext>,
): BatchFactory<T, ExtendedContext> {
  return (keys, batch) =>
    factory(keys, {
      get signal() {
        return batch.signal
      },
      of: (key) => memberOf(batch.of(key)),
    })
}

function memberOf(context: ExtendedContext): ExtendedMemberContext {
  const notModified = (): undefined => {
    try {
      context.notModified()
    } catch (error) {
      if (!(error instanceof Unmodified)) throw error
    }
  }
  // No copy, which would make the signal, and its timer.
  return Object.create(context, { notModified: { value: notModified } }) as ExtendedMemberContext
}

/** What the factory answers. Once it has said that the value still holds, nothing it gives or throws counts. */
async function unlessUnmodified(run: Run, answer: () => Promise<unknown>): Promise<unknown> {
  try {
    const given = await answer()
    return run.unmodified ? undefined : given
  } catch (error) {
    if (run.unmodified) return undefined
    throw error
  }
}

/** What the context has beyond Bentocache's. The methods stand alone: people take them off. */
function offers(
  { key }: Call,
  run: Run,
): Pick<ExtendedContext, 'etag' | 'lastModified' | 'notFound' | 'modified' | 'notModified'> {
  const { graced, setOptions } = run
  return {
    etag: graced?.notes?.etag,
    lastModified: graced?.notes?.lastModified,
    notFound: (ttl) => {
      setOptions({ ttl })
      return new Answer('nothing') as unknown as undefined
    },
    modified: (value, validators) => new Answer('modified', value, checkValidators(validators)) as never,
    notModified: () => {
      if (!graced) throw new NothingToKeepError(key)
      run.unmodified = true
      throw new Unmodified()
    },
  }
}

interface Making {
  readonly call: Call
  readonly extras: ExtraSettings
  readonly run: Run
}

/** Turns an answer into what is kept. */
function make(making: Making, answer: unknown, cost: number): Made {
  const { call, extras, run } = making
  const { kind, value, validators } =
    answer instanceof Answer ? answer : { kind: undefined, value: answer, validators: {} }
  const { longer, notes } = notedLife(extras, call.runtime, run.settings().ttl)
  const measured: Notes = { ...(extras.beta > 0 ? { cost } : {}), ...notes }
  if (run.unmodified) return keepGraced(making, run.graced as Entry, { measured, longer })
  if (kind === 'nothing') {
    const encoded: Encoded = { body: { value: undefined }, text: '' }
    return new Made({ value: undefined, encoded, notes: { ...measured, nothing: true }, longer })
  }
  return new Made({ value, notes: { ...measured, ...validators }, longer })
}

/** The expired value once more. Its text in L2 stays as it is, if it bears the same names there as it would now. */
function keepGraced(
  { call, run }: Making,
  { body, notes, tags, namespaces, version, born, created }: Entry,
  { measured, longer }: { readonly measured: Notes; readonly longer: number },
): Made {
  const { runtime, key, stack } = call
  const { codec } = stack
  const value = valueOf(body, codec.serializer)
  const text = 'text' in body ? body.text : notes?.nothing ? '' : encode(codec, key, value).text
  const { tags: added, skipL2Write } = run.settings()
  const more = call.scope.tags(added).filter((tag) => !tags.includes(tag))
  return new Made({
    value,
    encoded: { body, text },
    notes: { ...notes, ...measured },
    longer,
    // What the origin has not changed bears the names it bore: a child's value stays the child's for its parent too.
    as: {
      tags: [...tags, ...more],
      namespaces,
      // As old as L2 has it, whose text stays as it is: all isolates tell one age.
      created: created ?? runtime.now() - age(born, instant(runtime)),
    },
    keeps: more.length > 0 || skipL2Write ? undefined : version,
  })
}

function checkValidators({ etag, lastModified }: Validators): Validators {
  for (const [option, value] of Object.entries({ etag, lastModified }))
    if (value !== undefined && typeof value !== 'string') invalid(option, value, 'a string')
  return { etag, lastModified }
}
