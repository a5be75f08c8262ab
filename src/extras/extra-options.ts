import { type Duration, toMilliseconds } from '../durations.ts'
import {
  invalid,
  join,
  type OperationOptions,
  type Parse,
  type Parsers,
  type StoreOptions,
} from '../options.ts'
import type { Stack } from '../stack.ts'

/** Options beyond Bentocache's. They stand where the others stand: globally, at a store, or at an operation. */
export interface ExtraOptions {
  /**
   * A random time, up to this long, is added to each `ttl`, so that what was written together does not expire together.
   * @default 0
   */
  readonly jitter?: Duration | undefined
  /**
   * Share of its `ttl` after which a fresh value is refreshed behind the answer, once: `0.8` refreshes after 80 %. Above 0
   * and below 1. Another isolate's newer value is taken before a factory runs. `false` is never. @default false
   */
  readonly eagerRefresh?: number | false | undefined
  /**
   * Refreshes a fresh value behind the answer by chance, sooner the longer its factory takes (XFetch): those who ask often
   * rarely meet an expired value, and hardly ever all at once. 1 is the optimum for equal costs, more is earlier. 0 is off.
   * @default 0
   */
  readonly beta?: number | undefined
  /**
   * How long a failure that no graced value could hide is remembered by this isolate: who asks meanwhile fails alike, and
   * the origin is left alone. `null` or 0 is not at all. @default 0
   */
  readonly errorTtl?: Duration | undefined
  /** Whether a failure of the factory may be answered with a graced value. @default always */
  readonly graceOn?: ((error: unknown) => boolean) | undefined
}

/** Options of one operation that makes values. */
export interface ExtraOperationOptions extends OperationOptions, ExtraOptions {
  /**
   * Give what is cached and run no factory: the default, or `undefined`, where there is nothing. The type of the answer is
   * that of the factory all the same: say `getOrSet<User | undefined>(…)`. @default false
   */
  readonly onlyIfCached?: boolean | undefined
  /** Keep what the factory makes nowhere. What is cached is given as ever; with `forceFresh` it is not. @default false */
  readonly noStore?: boolean | undefined
}

/** Options of a store or of all stores. */
export interface ExtraStoreOptions extends StoreOptions, ExtraOptions {}

/** {@link ExtraOperationOptions} after the levels are joined: milliseconds. */
export interface ExtraSettings {
  jitter: number
  eagerRefresh: number
  beta: number
  errorTtl: number
  graceOn: ((error: unknown) => boolean) | undefined
  onlyIfCached: boolean
  noStore: boolean
}

const EXTRA_DEFAULTS: ExtraSettings = {
  jitter: 0,
  eagerRefresh: 1,
  beta: 0,
  errorTtl: 0,
  graceOn: undefined,
  onlyIfCached: false,
  noStore: false,
}

const duration: Parse = (value, option) => toMilliseconds(value, option) ?? 0
const flag: Parse = (value, option) =>
  typeof value === 'boolean' ? value : invalid(option, value, 'a boolean')

/** Readers of the extra options. */
export const EXTRA_PARSERS: Parsers = {
  __proto__: null as never,
  jitter: duration,
  eagerRefresh: (value, option) => {
    if (value === false) return 1
    return typeof value === 'number' && value > 0 && value < 1
      ? value
      : invalid(option, value, 'a number above 0 and below 1, or false')
  },
  beta: (value, option) =>
    typeof value === 'number' && value >= 0 && value < Infinity
      ? value
      : invalid(option, value, 'a finite number >= 0'),
  errorTtl: duration,
  graceOn: (value, option) => (typeof value === 'function' ? value : invalid(option, value, 'a function')),
  onlyIfCached: flag,
  noStore: flag,
} satisfies Record<keyof ExtraSettings | '__proto__', Parse>

/** The levels of a store, joined once. */
const joined = new WeakMap<Stack, ExtraSettings>()

/** Joins levels of extra options. @throws {@link InvalidOptionError} */
export function joinExtras(levels: readonly object[]): ExtraSettings {
  return levels.reduce<ExtraSettings>((base, level) => join(base, level, EXTRA_PARSERS), EXTRA_DEFAULTS)
}

/** The extra settings of one operation on a store. @throws {@link InvalidOptionError} */
export function extrasOf(stack: Stack, options: object): ExtraSettings {
  let base = joined.get(stack)
  if (!base) joined.set(stack, (base = joinExtras(stack.levels)))
  return join(base, options, EXTRA_PARSERS)
}
