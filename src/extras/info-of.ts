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

/** What is known beside the value. */
export type Known = Omit<EntryInfo<unknown>, 'value'>

/** What came of a call: a value, and the entry behind it, if one is. */
export interface Fetched extends Answered {
  readonly served: Served | undefined
}

/** What is known of a value that was served; `reason`, where the flow gave none. */
export function known({ key, runtime, stack }: Call, served: Served, reason: Reason): Known {
  const { entry, layer, manner } = served
  const { notes, born, ttl, life, tags, namespaces, created } = entry
  const now = instant(runtime)
  const old = age(born, now)
  const made = manner === 'flight'
  const graced = isGraced(manner)
  // Of a store that is switched off, or has no layer, nobody is ever given it again.
  const why = stack.l1 || stack.l2 ? 'miss' : 'no-store'
  // Tags stand with their namespace in front.
  const within = `${namespaces.at(-1)}#`
  return {
    key,
    tier: made ? 'factory' : layer,
    reason: made ? why : typeof manner === 'string' ? manner : graced ? reason : 'hit',
    stale: graced,
    negative: notes?.nothing === true,
    collapsed: made && layer !== 'factory',
    age: created === undefined ? old : Math.max(0, runtime.now() - created),
    freshFor: entry.soft ? Math.min(0, ttl - old) : ttl - old,
    staleFor: life - old,
    tags: tags.map((tag) => (tag.startsWith(within) ? tag.slice(within.length) : tag)),
    etag: notes?.etag,
    lastModified: notes?.lastModified,
  }
}

/** What is known of a value that no entry stands behind. */
export function knownWithout(key: string, reason: Reason): Known {
  return {
    key,
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

/** All that is told of a value. A negative one is the default to its caller. */
export async function infoOf(
  call: Call,
  { served, value, reason, defaultValue }: Fetched,
): Promise<EntryInfo<unknown>> {
  const told = served ? known(call, served, reason) : knownWithout(call.key, reason)
  const isDefault = served ? told.negative : reason === 'default'
  return { ...told, value: isDefault ? await settle(defaultValue) : value }
}

/** The default, of which a function is called only now. */
export function settle(defaultValue: unknown): unknown {
  return typeof defaultValue === 'function' ? (defaultValue as () => unknown)() : defaultValue
}
