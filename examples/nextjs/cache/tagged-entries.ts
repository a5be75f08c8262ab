import { bento } from './stores.ts'
import { outside } from './outside.ts'
import { type Durations, LONGEST_LIFE, markTags, softVerdictOn, verdictOn } from './marks.ts'

/** What an entry is judged by. */
export interface Begun {
  /** When its computation began, in ms: what was revalidated since is not in it. */
  readonly timestamp: number
  readonly tags: readonly string[]
}

export interface Found<Entry> {
  readonly entry: Entry
  /** A tag of it was revalidated, but it may be served until it is made anew. */
  readonly stale: boolean
}

/** Entries of one of the two caches of Next. Tags live in a namespace, so each cache is told of revalidations by itself. */
export function taggedEntries<Entry extends Begun>(namespace: string) {
  const cache = bento.use('entries').namespace(namespace)

  const own = {
    /** `softTags` are those of the reader. */
    async get(key: string, softTags: readonly string[]): Promise<Found<Entry> | undefined> {
      const held = await cache.getEntry<Entry>({ key, grace: LONGEST_LIFE * 1000 })
      if (held?.value === undefined) return undefined
      const { value: entry, stale } = held
      // Its own tags are the cache's matter. Only how long a stale one may be served stands in the marks.
      const [soft, hard] = await Promise.all([
        softVerdictOn(softTags, entry.timestamp),
        stale ? verdictOn(entry.tags, entry.timestamp) : 'valid',
      ])
      if (soft === 'expired' || hard === 'expired') return undefined
      return { entry, stale: stale || soft === 'stale' }
    },

    /**
     * Keeps an entry for `seconds`, and never over an invalidation it does not know of: what was revalidated since it was
     * begun stands in the marks, and what is revalidated while they are read makes the cache refuse it.
     */
    async set(key: string, entry: Entry, seconds: number): Promise<void> {
      const life = Math.min(seconds, LONGEST_LIFE) * 1000
      if (!(life >= 1)) return
      await cache.getOrSet<Entry | undefined>({
        key,
        tags: [...entry.tags],
        // Next tells fresh from stale by age; here an entry is stale only if `expireByTag` has made it so.
        ttl: life,
        grace: life,
        forceFresh: true,
        factory: async (ctx) =>
          (await verdictOn(entry.tags, entry.timestamp)) === 'valid' ? entry : ctx.skip(),
      })
    },

    /**
     * Without `durations` nothing that bears one of the tags is served again; with them it is served as stale.
     *
     * @throws Error if the shared tier did not take it.
     */
    async revalidate(tags: readonly string[], durations: Durations): Promise<void> {
      if (tags.length === 0) return
      // Marks first: who stores something meanwhile sees either these or the invalidation.
      await markTags(tags, durations)
      const options = { tags: [...tags] }
      const taken = await (durations ? cache.expireByTag(options) : cache.deleteByTag(options))
      if (!taken) throw new Error(`the shared cache did not acknowledge that ${tags.join(', ')} changed`)
    },
  }
  return {
    get: (key: string, softTags: readonly string[]) => outside(() => own.get(key, softTags)),
    set: (key: string, entry: Entry, seconds: number) => outside(() => own.set(key, entry, seconds)),
    revalidate: (tags: readonly string[], durations: Durations) =>
      outside(() => own.revalidate(tags, durations)),
  }
}
