/**
 * `Cache-Status` (RFC 9211) of what is known of a value.
 *
 * @module
 */
import { invalid } from '../options.ts'
import type { EntryInfo, Reason } from './entry-info.ts'

/** Options of {@link cacheStatus}. */
export interface CacheStatusOptions {
  /** What the cache is called. @default 'ekiben' */
  readonly name?: string | undefined
  /** Whether the key is told. It may hold what its reader should not see. @default false */
  readonly key?: boolean | undefined
  /** The header as it was received: caches nearer to the origin stand first. */
  readonly received?: string | null | undefined
}

/** What {@link cacheStatus} looks at: an {@link EntryInfo} has it, and so has what `ekiben/observe` tells of an operation. */
export interface CacheStatusInfo extends Pick<
  EntryInfo<unknown>,
  'key' | 'tier' | 'negative' | 'collapsed' | 'freshFor'
> {
  readonly reason: Reason | 'failed'
}

/** Why a request went on to the origin, in the words of RFC 9211 section 2.2. Absent: it did not. */
const FORWARDED: Readonly<Record<CacheStatusInfo['reason'], string | undefined>> = {
  hit: undefined,
  grace: undefined,
  outage: undefined,
  // Not forwarded for this answer: its refresh runs behind.
  refresh: undefined,
  default: undefined,
  miss: 'miss',
  skipped: 'miss',
  failed: 'miss',
  timeout: 'stale',
  error: 'stale',
  'no-store': 'bypass',
}

/**
 * A value of the header `Cache-Status`: whether the answer came from the cache, why not, how long it is fresh, and what
 * cannot be said in the words of RFC 9211 as `detail`.
 *
 * @throws {@link InvalidOptionError} for a name that no header can hold.
 * @example
 * ```ts
 * import { BentoCache, bentostore } from 'ekiben'
 * import { cacheStatus } from 'ekiben/cache-status'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { getOrSetEntry } from 'ekiben/entry'
 *
 * const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
 * const rates = await getOrSetEntry(bento, { key: 'rates', factory: () => ({ EUR: 1 }) })
 * const headers = { 'Cache-Status': cacheStatus(rates) }
 * ```
 */
export function cacheStatus(info: CacheStatusInfo, options: CacheStatusOptions = {}): string {
  const { name = 'ekiben', key = false, received } = options
  const forwarded = FORWARDED[info.reason]
  const isHit = forwarded === undefined && info.tier !== undefined
  const parameters = [
    identifier(name),
    isHit && 'hit',
    forwarded && `fwd=${forwarded}`,
    info.reason === 'miss' && info.tier && 'stored',
    info.collapsed && 'collapsed',
    // What is for ever has no number, and integers of structured fields have 15 digits.
    info.tier && Number.isFinite(info.freshFor) && `ttl=${inSeconds(info.freshFor)}`,
    key && `key=${text(info.key)}`,
    `detail=${detail(info)}`,
  ]
  const own = parameters.filter(Boolean).join('; ')
  return received ? `${received}, ${own}` : own
}

/**
 * A value of the header `Age` (RFC 9111 section 5.1): whole seconds since the value was made.
 *
 * @example
 * ```ts
 * import { ageHeader } from 'ekiben/cache-status'
 * import type { EntryInfo } from 'ekiben/entry'
 *
 * const headersOf = (info: EntryInfo<unknown>) => ({ Age: ageHeader(info) })
 * ```
 */
export function ageHeader({ age }: EntryInfo<unknown>): string {
  return String(inSeconds(age))
}

/** Where the value is from, and what became of an expired one; a token of structured fields. */
function detail({ tier, reason, negative }: CacheStatusInfo): string {
  const what = reason === 'hit' || reason === 'miss' ? undefined : reason
  return [tier ?? 'none', what, negative && 'nothing'].filter(Boolean).join('-')
}

function inSeconds(ms: number): number {
  return Math.floor(Math.min(ms, 999_999_999_999_000) / 1000)
}

/** A token where the name is one (RFC 8941 section 3.3.4), else a string. */
function identifier(name: string): string {
  return /^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(name) ? name : quoted(name, 'name')
}

/** A key may be any text; a header holds printable ASCII. */
function text(key: string): string {
  return quoted(
    key.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'key',
  )
}

function quoted(value: string, option: string): string {
  if (!/^[\x20-\x7e]+$/.test(value)) return invalid(option, value, 'printable ASCII, and not empty')
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
