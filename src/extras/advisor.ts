/**
 * Looks at a configuration, once, and says what is probably not meant.
 *
 * @module
 */
import type { BentoCache, BentoCachePlugin } from '../bento-cache.ts'
import { checkList, DEFAULTS, invalid, join, type Settings } from '../options.ts'
import type { StoreEntry } from '../store.ts'
import { unknownOptions } from './option-names.ts'

/** What the advisor knows of one store. Nothing is built for it. */
interface Looked {
  readonly name: string
  readonly entry: StoreEntry
  readonly settings: Settings
  /** Whether an option stands at the store or globally. */
  readonly given: (option: keyof Settings) => boolean
  /** Whether L2 is known to keep nothing but text, and nobody coordinates. */
  readonly uncoordinated: boolean
  /** What stands at the store, or for the first store globally, and is no option. */
  readonly unknown: readonly string[]
  readonly others: readonly Looked[]
}

interface Advice {
  readonly when: (looked: Looked) => boolean
  readonly say: string | ((looked: Looked) => string)
}

/** Each with what to do about it. */
const ADVICE: Readonly<Record<string, Advice>> = {
  ADVICE_OFF: {
    when: ({ settings }) => !settings.enabled,
    say: 'Nothing is cached, as enabled is false.',
  },
  ADVICE_UNKNOWN_OPTION: {
    when: ({ unknown }) => unknown.length > 0,
    say: ({ unknown }) => `There is no such option, so it does nothing: ${unknown.join(', ')}.`,
  },
  ADVICE_NO_LAYER: {
    when: ({ entry, settings }) => settings.enabled && !entry.l1 && !entry.l2,
    say: 'The store has no layer, so nothing is cached. Add useL1Layer() or useL2Layer(), or say enabled: false.',
  },
  ADVICE_GRACE_SHORTER: {
    when: ({ settings: { grace, ttl } }) => grace > 0 && grace <= ttl,
    say: 'grace ends no later than ttl, so it has no effect. Both count from the write: choose a grace longer than ttl.',
  },
  ADVICE_TIMEOUT_WITHOUT_GRACE: {
    when: ({ settings, given }) => given('timeout') && settings.timeout < Infinity && settings.grace === 0,
    say: 'timeout has no effect without grace: there is no value to give when it has passed. Set grace, or hardTimeout.',
  },
  ADVICE_HARD_BEFORE_SOFT: {
    when: ({ settings: { hardTimeout = Infinity, timeout, grace } }) =>
      grace > 0 && timeout < Infinity && hardTimeout < timeout,
    say: 'hardTimeout ends before timeout, so callers fail although a graced value is there. Choose a shorter timeout.',
  },
  ADVICE_LEASE_SHORTER: {
    when: ({ entry, settings: { leaseTtl = Infinity, hardTimeout = 0 } }) =>
      entry.l2 !== undefined && leaseTtl < hardTimeout,
    say: 'leaseTtl ends before hardTimeout, so another isolate starts a factory while the first is still waited for. Leave leaseTtl out.',
  },
  ADVICE_POLL_AFTER_TRUST: {
    when: ({ entry, settings }) =>
      entry.l1 !== undefined &&
      (entry.l2 ?? entry.bus) !== undefined &&
      settings.pollInterval >= settings.maxStaleness,
    say: 'pollInterval is not shorter than maxStaleness, so L1 is distrusted before it asks for news, and each key asks L2 for itself. Choose a shorter pollInterval.',
  },
  ADVICE_LONG_L1: {
    when: ({ entry, settings, given, uncoordinated }) =>
      uncoordinated && entry.l1 !== undefined && given('l1Ttl') && (settings.l1Ttl ?? 0) > 60_000,
    say: 'Nobody tells this isolate of the others’ changes, so it serves old values for as long as l1Ttl, more than a minute. Add a bus, or choose a shorter l1Ttl.',
  },
  ADVICE_LOCKS_WITHOUT_COORDINATOR: {
    when: ({ given, uncoordinated }) => uncoordinated && (given('lockTimeout') || given('leaseTtl')),
    say: 'This L2 gives no leases, so lockTimeout and leaseTtl have no effect: each isolate runs its own factory. Add a bus that coordinates.',
  },
  ADVICE_DEFAULT_PREFIX: {
    when: ({ entry, given }) =>
      entry.l2 !== undefined && !given('prefix') && entry.l2.options['prefix'] === undefined,
    say: 'No prefix is set, so every application on the same store that sets none shares its keys. Name one.',
  },
  ADVICE_SHARED_KEYS: {
    when: (looked) => looked.others.some((other) => sharesKeys(looked, other)),
    say: (looked) =>
      `It shares its keys with ${looked.others
        .filter((other) => sharesKeys(looked, other))
        .map(({ name }) => `"${name}"`)
        .join(', ')}: the same L2 and the same prefix. Give each store a prefix of its own.`,
  },
  ADVICE_SHARED_OBJECTS: {
    when: ({ entry }) => entry.l1?.options['serialize'] === false && entry.l2 !== undefined,
    say: 'With serialize: false all callers of an isolate share one object, which a second tier refreshes under them. Change none of them, or leave serialize out.',
  },
}

/** Codes of what {@link advisor} may say. */
export const ADVICE_CODES: readonly string[] = Object.keys(ADVICE)

/** Options of {@link advisor}. */
export interface AdvisorOptions {
  /** Codes of advice that is not wanted, such as `'ADVICE_DEFAULT_PREFIX'`. */
  readonly except?: readonly string[] | undefined
}

/**
 * Looks at the stores when the cache is made and tells, once, what is probably not meant, as steps of the type `advice`:
 * a logger hears them as warnings. It builds no driver and asks nobody, so it may stand at module scope.
 *
 * @throws {@link InvalidOptionError} unless `except` is a list of codes.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { advisor } from 'ekiben/advisor'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore({ ttl: '5m', grace: '1m' }).useL1Layer(memoryDriver()) },
 *   plugins: [advisor()],
 *   logger: console,
 * })
 * ```
 */
export function advisor({ except = [] }: AdvisorOptions = {}): BentoCachePlugin {
  const silent = checkList(except, 'except')
  for (const code of silent)
    if (!Object.hasOwn(ADVICE, code)) invalid('except', code, `codes: ${ADVICE_CODES.join(', ')}`)
  return {
    register: (bento) => {
      for (const looked of lookAt(bento)) {
        for (const [code, { when, say }] of Object.entries(ADVICE)) {
          if (silent.includes(code) || !when(looked)) continue
          const message = typeof say === 'string' ? say : say(looked)
          bento['shared'].trace.tell({ type: 'advice', store: looked.name, code, message })
        }
      }
    },
  }
}

function lookAt(bento: BentoCache): readonly Looked[] {
  const globals: object = bento['options']
  const all: Looked[] = []
  for (const [name, { entry }] of Object.entries(bento['options'].stores)) {
    const given = (option: string): boolean =>
      (Reflect.get(entry.options, option) ?? Reflect.get(globals, option)) !== undefined
    const uncoordinated =
      entry.l2 !== undefined && !entry.bus && (!entry.l2.connect || entry.l2.alone !== undefined)
    const settings = join(join(DEFAULTS, globals), entry.options)
    // Each is told of those before it: one of two that share their keys is enough.
    const others = [...all]
    const top = others.length === 0 ? unknownOptions(globals, true) : []
    const unknown = [...top, ...unknownOptions(entry.options, false)]
    all.push({ name, entry, settings, given, uncoordinated, unknown, others })
  }
  return all
}

/** Whether two stores put their keys into one place under one name. */
function sharesKeys(one: Looked, other: Looked): boolean {
  const [a, b] = [one.entry.l2, other.entry.l2]
  if (!a || !b) return false
  const names = Object.keys({ ...a.options, ...b.options }).filter((name) => name !== 'prefix')
  const same = a === b || (names.length > 0 && names.every((name) => a.options[name] === b.options[name]))
  return same && prefixOf(one) === prefixOf(other)
}

function prefixOf({ entry, settings }: Looked): unknown {
  return entry.l2?.options['prefix'] ?? settings.prefix
}
