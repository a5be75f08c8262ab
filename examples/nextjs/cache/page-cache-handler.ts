import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  CacheHandler,
  CacheHandlerContext,
  CacheHandlerValue,
} from 'next/dist/server/lib/incremental-cache/index.js'
import type { CachedRouteKind, IncrementalCacheKind } from 'next/dist/server/response-cache/index.js'
import { type Durations, LONGEST_LIFE, now } from './marks.ts'
import { fromStored, type Stored, toStored } from './page-values.ts'
import { type Begun, taggedEntries } from './tagged-entries.ts'

type Context<Method extends 'get' | 'set'> = Parameters<CacheHandler[Method]>
type CacheControl = NonNullable<CacheHandlerValue['cacheControl']>

interface StoredPage extends Begun {
  readonly value: Stored
  readonly cacheControl?: CacheControl | undefined
}

const entries = taggedEntries<StoredPage>('pages')

type Fetched = { readonly kind: IncrementalCacheKind.FETCH | CachedRouteKind.FETCH }

/** Next's constants for kinds exist in its types alone. */
function isFetch<Some extends { readonly kind: string }>(
  some: Some | null | undefined,
): some is Extract<Some, Fetched> {
  const kind: string | undefined = some?.kind
  return kind === 'FETCH'
}

/** `cacheHandler` of Next: answers of pages and routes, and what `fetch` and `unstable_cache` give. Made for each request. */
export default class PageCacheHandler implements CacheHandler {
  readonly #release: string | undefined
  /** When this request looked for what it did not find: what it makes of that may know of nothing later. */
  readonly #begun = new Map<string, number>()

  constructor({ serverDistDir = '' }: CacheHandlerContext) {
    this.#release = releaseOf(serverDistDir)
  }

  async get(...[key, ctx]: Context<'get'>): Promise<CacheHandlerValue | null> {
    // Pages bear the tags of their paths; of what `fetch` gave, the reader says which tags it is read by.
    const softTags = isFetch(ctx) ? [...(ctx.tags ?? []), ...(ctx.softTags ?? [])] : []
    const name = this.#nameOf(key, isFetch(ctx))
    if (name === undefined) return null
    const asked = now()
    const found = await entries.get(name, softTags)
    if ((!found || found.stale) && !this.#begun.has(name)) this.#begun.set(name, asked)
    if (!found) return null
    const { timestamp: lastModified, cacheControl, value } = found.entry
    const answer = { lastModified, value: fromStored(value), ...(cacheControl && { cacheControl }) }
    return found.stale ? aged(answer) : answer
  }

  async set(...[key, data, ctx]: Context<'set'>): Promise<void> {
    const name = this.#nameOf(key, ctx.fetchCache === true)
    if (name === undefined) return
    const cacheControl = ctx.fetchCache ? undefined : ctx.cacheControl
    const tags = new Set(ctx.fetchCache ? ctx.tags : [])
    if (isFetch(data)) for (const tag of data.tags ?? []) tags.add(tag)
    else for (const tag of headerTags(data)) tags.add(tag)
    const timestamp = this.#begun.get(name) ?? now()
    this.#begun.delete(name)
    const entry = { value: toStored(data), tags: [...tags], timestamp, cacheControl }
    await entries.set(name, entry, cacheControl?.expire ?? LONGEST_LIFE)
  }

  async revalidateTag(tags: string | string[], durations?: Durations): Promise<void> {
    await entries.revalidate([tags].flat(), durations)
  }

  /** Nothing is kept for a request alone. */
  resetRequestCache(): void {}

  /** A page belongs to the build that knows its scripts; what `fetch` gave may outlive it. */
  #nameOf(key: string, fetched: boolean): string | undefined {
    if (fetched) return `fetch:${key}`
    return this.#release && `${this.#release}:${key}`
  }
}

/** So old that Next makes it anew behind the answer, and no older. */
function aged(answer: CacheHandlerValue): CacheHandlerValue {
  const { value, cacheControl, lastModified } = answer
  const given = isFetch(value) ? value.revalidate : cacheControl?.revalidate
  const revalidate = given || 1
  return {
    ...answer,
    lastModified: Math.min(lastModified, now() - revalidate * 1000 - 1),
    ...(cacheControl && { cacheControl: { ...cacheControl, revalidate } }),
  }
}

/** Next writes the tags of an answer into a header of it. */
function headerTags(data: Context<'set'>[1]): string[] {
  const header = data && 'headers' in data ? data.headers?.['x-next-cache-tags'] : undefined
  return typeof header === 'string' ? header.split(',').filter((tag) => tag !== '') : []
}

const releases = new Map<string, string>()

/** The name of the build. While Next builds there is none yet: then pages go into its files, and nowhere else. */
function releaseOf(serverDistDir: string): string | undefined {
  const file = join(serverDistDir, '../BUILD_ID')
  if (!releases.has(file) && existsSync(file)) releases.set(file, readFileSync(file, 'utf8'))
  return releases.get(file)
}
