import { age, instant } from '../clock.ts'
import type { Entry } from '../entry.ts'
import { isGraced, type Manner } from '../serve.ts'
import type { Call } from '../stack.ts'
import type { EntryInfo, Reason } from './entry-info.ts'

/** What the flow served. */
export interface Served {
  readonly entry: Entry
  readonly layer: 'l1' | 'l2' | 'factory'
  readonly manner: Manner
}

/** What the caller is told beside it. */
export interface Answered {
  readonly value: unknown
  /** Why, where the flow gave no reason: no entry stands behind the value, or an expired one. */
  readonly reason: Reason
  readonly defaultValue: unknown
}

/** What is known of a value that was served. A negative one is the default to its caller. */
export async function infoOf(
  { key, runtime, stack }: Call,
  { entry, layer, manner }: Served,
  answered: Answered,
): Promise<EntryInfo<unknown>> {
  const { notes, born, ttl, life, tags, namespaces, created } = entry
  const now = instant(runtime)
  const old = age(born, now)
  const made = manner === 'flight'
  const graced = isGraced(manner)
  // Of a store that is switched off, or has no layer, nobody is ever given it again.
  const why = stack.l1 || stack.l2 ? 'miss' : 'no-store'
  const negative = notes?.nothing === true
  // Tags stand with their namespace in front.
  const within = `${namespaces.at(-1)}#`
  return {
    key,
    value: negative ? await settle(answered.defaultValue) : answered.value,
    tier: made ? 'factory' : layer,
    reason: made ? why : typeof manner === 'string' ? manner : graced ? answered.reason : 'hit',
    stale: graced,
    negative,
    collapsed: made && layer !== 'factory',
    age: created === undefined ? old : Math.max(0, runtime.now() - created),
    freshFor: entry.soft ? Math.min(0, ttl - old) : ttl - old,
    staleFor: life - old,
    tags: tags.map((tag) => (tag.startsWith(within) ? tag.slice(within.length) : tag)),
    etag: notes?.etag,
    lastModified: notes?.lastModified,
  }
}

/** What is told of a value that no entry stands behind. */
export async function infoWithout(
  { key }: Call,
  { value, reason, defaultValue }: Answered,
): Promise<EntryInfo<unknown>> {
  return {
    key,
    value: reason === 'default' ? await settle(defaultValue) : value,
    tier: reason === 'no-store' ? 'factory' : undefined,
    reason,
    stale: false,
    negative: false,
    collapsed: false,
    age: 0,
    freshFor: 0,
    staleFor: 0,
    tags: [],
    etag: undefined,
    lastModified: undefined,
  }
}

/** The default, of which a function is called only now. */
export function settle(defaultValue: unknown): unknown {
  return typeof defaultValue === 'function' ? (defaultValue as () => unknown)() : defaultValue
}
