/**
 * Why a key is answered as it is.
 *
 * @module
 */
import type { Cache, KeyOptions } from '../cache.ts'
import { age, type Instant, instant } from '../clock.ts'
import { type Entry, type Freshness, freshness } from '../entry.ts'
import { L2CacheError, L2UnavailableError } from '../errors.ts'
import { isOverdue, type Phase } from '../flight.ts'
import { checkOptions, type OperationOptions, type Settings } from '../options.ts'
import type { Call } from '../stack.ts'
import { callOn } from './reach.ts'

/** Options of {@link explain}. */
export interface ExplainOptions
  extends
    KeyOptions,
    Pick<OperationOptions, 'grace' | 'timeout' | 'forceFresh' | 'onOutage' | 'suppressL2Errors'> {
  /** Whether L2 is asked, in one round trip. @default true */
  readonly l2?: boolean | undefined
}

/** What a tier has of a key. Times are milliseconds from now; `Infinity` is for ever, negative is past. */
export interface TierExplanation {
  readonly state: Freshness | 'missing'
  readonly freshFor?: number
  readonly staleFor?: number
  readonly tags?: readonly string[]
}

/** What the memory of this isolate has of a key. */
export interface L1Explanation extends TierExplanation {
  /** Since its write, or since it was read from L2. */
  readonly age?: number
  /** What is known to have ended it or made it stale: names of its key, tags and namespaces as L2 has them. */
  readonly touchedBy?: readonly string[]
  /** Why it is not served although it is there. */
  readonly refused?: 'untrusted' | 'invalidated' | 'of its parent' | undefined
}

/** What the shared store has of a key. */
export interface L2Explanation extends TierExplanation {
  /** Why nothing can be said: it was not asked, it failed, or it is left alone after failures. */
  readonly silent?: 'not asked' | 'no answer' | 'breaker open' | undefined
}

/** What {@link explain} finds. No value appears in it. */
export interface Explanation {
  readonly key: string
  /** What the key is called in L2. */
  readonly name: string
  readonly l1: L1Explanation | undefined
  readonly l2: L2Explanation | undefined
  /** Milliseconds since the last news from the coordinator were asked for; `Infinity`: never. Absent without coordinator. */
  readonly newsAge: number | undefined
  /** A computation of the key under way in this isolate. */
  readonly flight: { readonly phase: Phase; readonly overdue: boolean } | undefined
  /** What `getOrSet` would do now, if no other isolate has the lease. `'ask l2'`: L2 decides, which was not asked. */
  readonly next:
    | 'give l1'
    | 'give l1 and refresh'
    | 'join the flight'
    | 'give l2'
    | 'give l2 and refresh'
    | 'ask l2'
    | 'run the factory'
    | 'fail'
  /** The same for people, a sentence a line. */
  readonly text: readonly string[]
}

/**
 * Says what each tier has of a key, why it is or is not served, and what `getOrSet` would do now. It changes nothing: no
 * value is computed, kept or given, and looking counts as no hit. One round trip; none with `l2: false`.
 *
 * @throws {@link InvalidOptionError}
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { explain } from 'ekiben/explain'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const { text } = await explain(bento, { key: 'rates' })
 * console.log(text.join('\n'))
 * ```
 */
export async function explain(cache: Cache, options: ExplainOptions): Promise<Explanation> {
  checkOptions(options)
  return callOn(cache, options, async (call) => {
    const { stack, runtime } = call
    const now = instant(runtime)
    const l1 = stack.l1 && explainL1(call, now)
    const l2 = stack.l2 && (await explainL2(call, options.l2 !== false))
    const flight = stack.flights.get(call.id)
    const found = {
      key: call.key,
      name: call.l2Key,
      l1,
      l2,
      newsAge: stack.coordinated ? age(stack.journal.asOf(), now) : undefined,
      flight: flight && { phase: flight.phase, overdue: isOverdue(flight, now) },
    }
    // As `getOrSet` does, L1 is looked at again with the news that came from L2.
    const later = stack.l1 && l2 && !l2.silent ? explainL1(call, instant(runtime)) : undefined
    const next = nextOf(call, found, later)
    return {
      ...found,
      next,
      text: [...sentences(found, stack.settings.maxStaleness), `getOrSet would ${next}.`],
    }
  })
}

function explainL1(call: Call, now: Instant): L1Explanation {
  const { stack, scope } = call
  const entry = stack.l1?.peek(call.id)
  if (!entry) return { state: 'missing' }
  const touchedBy = namesThatTouch(call, entry)
  const verdict = stack.journal.verdict(entry)
  const soft = entry.soft || verdict === 'soft'
  const old = age(entry.born, now)
  const refused =
    entry.gen !== stack.journal.gen() || verdict === 'hard'
      ? 'invalidated'
      : entry.namespaces.length < scope.namespaces.length
        ? 'of its parent'
        : stack.journal.trusts(entry.asOf, stack.settings.maxStaleness, now)
          ? undefined
          : 'untrusted'
  return {
    state: freshness({ ...entry, soft }, now),
    age: old,
    freshFor: soft ? Math.min(0, entry.freshFor - old) : entry.freshFor - old,
    staleFor: entry.staleFor - old,
    tags: entry.tags,
    ...(touchedBy.length > 0 ? { touchedBy } : {}),
    ...(refused ? { refused } : {}),
  }
}

/** Each name is judged by itself, as if the entry had no other. */
function namesThatTouch({ stack }: Call, { l2Key, tags, namespaces, cursor }: Entry): readonly string[] {
  const none = { l2Key: '', tags: [], namespaces: [], cursor }
  const judged = [
    { name: l2Key, as: { ...none, l2Key } },
    ...tags.map((name) => ({ name, as: { ...none, tags: [name] } })),
    ...namespaces.map((name) => ({ name, as: { ...none, namespaces: [name] } })),
  ]
  return judged.filter(({ as }) => stack.journal.verdict(as) !== 'untouched').map(({ name }) => name)
}

async function explainL2(call: Call, mayAsk: boolean): Promise<L2Explanation> {
  if (!mayAsk) return { state: 'missing', silent: 'not asked' }
  try {
    const found = await call.stack.l2?.read(call)
    const entry = found?.entry
    if (!found || !entry) return { state: 'missing' }
    return {
      state: found.stale ? 'stale' : 'fresh',
      freshFor: entry.ttl,
      staleFor: entry.life,
      tags: entry.tags,
    }
  } catch (error) {
    if (!(error instanceof L2CacheError)) throw error
    return {
      state: 'missing',
      silent: error.cause instanceof L2UnavailableError ? 'breaker open' : 'no answer',
    }
  }
}

type Found = Omit<Explanation, 'next' | 'text'>

function nextOf({ settings }: Call, { l1, l2, flight }: Found, later?: L1Explanation): Explanation['next'] {
  const graced = settings.grace > 0
  const behind = graced && settings.timeout === 0
  const usable = l1 && !l1.refused && !settings.forceFresh ? l1.state : 'missing'
  if (usable === 'fresh' || (graced && usable === 'backoff')) return 'give l1'
  if (behind && usable === 'stale') return 'give l1 and refresh'
  if (flight && !flight.overdue) return 'join the flight'
  if (l2?.silent === 'not asked') return 'ask l2'
  if (l2?.silent) return duringOutage(settings, l1)
  if (settings.forceFresh) return 'run the factory'
  // What only L1 has: the news that came with the answer do not speak against it.
  if (l2?.state === 'missing' && later?.state === 'fresh' && !later.refused) return 'give l1'
  if (l2?.state === 'fresh') return 'give l2'
  return behind && l2?.state === 'stale' ? 'give l2 and refresh' : 'run the factory'
}

function duringOutage(
  { suppressL2Errors, onOutage, forceFresh }: Settings,
  l1?: L1Explanation,
): Explanation['next'] {
  if (!suppressL2Errors) return 'fail'
  const kept = l1 && l1.state !== 'missing' && l1.state !== 'dead' && l1.refused !== 'of its parent'
  return kept && onOutage === 'stale' && !forceFresh ? 'give l1 and refresh' : 'run the factory'
}

function sentences({ l1, l2, newsAge, flight, name }: Found, maxStaleness: number): string[] {
  return [
    l2 && `It is called ${name} in L2.`,
    l1 ? `L1 ${holdings(l1)}` : 'There is no L1.',
    l1?.refused === 'untrusted' &&
      `It is not served: the last news are older than maxStaleness (${maxStaleness} ms).`,
    l1?.refused === 'invalidated' && 'It is not served: it was invalidated.',
    l1?.refused === 'of its parent' && 'It is not served here: it was written through the namespace above.',
    l1?.touchedBy && `What touched it: ${l1.touchedBy.join(', ')}.`,
    newsAge !== undefined &&
      (newsAge === Infinity ? 'No news were heard yet.' : `News were last heard ${ms(newsAge)} ago.`),
    flight && `A flight is under way (${flight.phase})${flight.overdue ? ', overdue' : ''}.`,
    l2 ? `L2 ${inL2(l2)}` : 'There is no L2.',
  ].filter((line): line is string => typeof line === 'string')
}

/** What is sealed with an unknown key, or of another schema version, is as good as missing. */
function inL2(l2: L2Explanation): string {
  if (l2.silent) return `is silent: ${l2.silent}.`
  return l2.state === 'missing' ? 'has nothing of it that this store can read.' : holdings(l2)
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`
}

function holdings({ state, freshFor = 0, staleFor = 0 }: TierExplanation): string {
  const rest = `It may be served for ${ms(staleFor)} more.`
  switch (state) {
    case 'missing':
      return 'does not have it.'
    case 'fresh':
      return freshFor === Infinity ? 'has it, fresh for ever.' : `has it, fresh for ${ms(freshFor)} more.`
    case 'dead':
      return 'has it, past its end.'
    case 'backoff':
      return `has it, expired; its factory has just failed. ${rest}`
    default:
      return `has it, expired. ${rest}`
  }
}
