import type { CacheEntry, CacheHandler } from 'next/cache.js'
import { pendingSets } from './pending.ts'
import { taggedEntries } from './tagged-entries.ts'

/** An entry of Next with the bytes of its stream. */
interface StoredEntry extends Omit<CacheEntry, 'value'> {
  readonly bytes: Uint8Array<ArrayBuffer>
}

const entries = taggedEntries<StoredEntry>('use-cache')
const pending = pendingSets()

/** `cacheHandlers` of Next 16: what functions and components with `'use cache'` give. */
const handler: CacheHandler = {
  async get(cacheKey, softTags) {
    await pending.settled(cacheKey)
    const found = await entries.get(cacheKey, softTags)
    if (!found) return undefined
    const { bytes, ...entry } = found.entry
    // Below zero: Next serves it, and makes it anew behind the answer.
    return { ...entry, revalidate: found.stale ? -1 : entry.revalidate, value: streamOf(bytes) }
  },

  async set(cacheKey, pendingEntry) {
    // A part of a value is no value, and why it broke off has been told where it was made.
    await pending.run(cacheKey, () => store(cacheKey, pendingEntry)).catch(() => {})
  },

  /** Nothing to fetch: each call to the shared tier brings what has changed, and memory is believed for seconds only. */
  async refreshTags() {},

  /** Soft tags are looked at in `get`, where the entry is at hand. */
  async getExpiration() {
    return Infinity
  },

  updateTags: (tags, durations) => entries.revalidate(tags, durations),
}

async function store(cacheKey: string, pendingEntry: Promise<CacheEntry>): Promise<void> {
  const { value, ...entry } = await pendingEntry
  // All of it: a stream can be read once, and belongs to the request that has made it.
  const bytes = new Uint8Array(await new Response(value).arrayBuffer())
  const age = (performance.timeOrigin + performance.now() - entry.timestamp) / 1000
  await entries.set(cacheKey, { ...entry, bytes }, entry.expire - age)
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}

export default handler
