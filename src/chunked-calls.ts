import { inChunks } from './chunks.ts'
import type { CoordinationCalls, Invalidation, Page, ReadManyReply } from './ports.ts'

/** The most that goes into one call. */
export interface ChunkLimits {
  /** Reads of one `readMany`; their values come back in one reply. */
  readonly reads: number
  /** Events of one `invalidate`. */
  readonly events: number
}

/** What is told of a key that nothing can be told of. */
const NOTHING = { stale: false, freshFor: null, staleFor: null }

/**
 * Splits long lists into calls no longer than the limits, at most six at a time. For authors of drivers that coordinate.
 *
 * A list within the limit is one call, atomic as ever. A longer one is several, each atomic by itself:
 * - `invalidate` is acknowledged when all its parts are. When one fails the whole is repeated, which is harmless.
 * - `readMany` gives what each part found, as old as the first part. A part whose reply cannot be placed after the
 *   first one's, because too much happened in between or the journal was lost, counts as missing.
 *
 * @example
 * ```ts
 * const coordination = chunkedCalls(calls, { reads: 200, events: 1_000 })
 * ```
 */
export function chunkedCalls(calls: CoordinationCalls, limits: ChunkLimits): CoordinationCalls {
  return {
    read: (request) => calls.read(request),
    readMany: async (request) =>
      request.reads.length > limits.reads
        ? readInParts(calls, request, limits.reads)
        : calls.readMany(request),
    take: (request) => calls.take(request),
    commit: (request) => calls.commit(request),
    release: (request) => calls.release(request),
    invalidate: async (request) => {
      if (request.events.length <= limits.events) return calls.invalidate(request)
      const invalidate = (events: readonly Invalidation[]): ReturnType<CoordinationCalls['invalidate']> =>
        calls.invalidate({ ...request, events })
      const replies = await inChunks(request.events, limits.events, invalidate)
      return {
        existed: replies.reduce((sum, { existed }) => sum + existed, 0),
        page: furthest(replies.map(({ page }) => page)),
      }
    },
    pull: (request) => calls.pull(request),
  }
}

/**
 * The first part goes alone, and the others ask for what followed it. An entry is believed to be as recent as the
 * page it came with, so all must come with the earliest: with a later one, an event between two parts would be missed.
 */
async function readInParts(
  calls: CoordinationCalls,
  { reads, cursor }: Parameters<CoordinationCalls['readMany']>[0],
  size: number,
): Promise<ReadManyReply> {
  const { entries, page } = await calls.readMany({ reads: reads.slice(0, size), cursor })
  const rest = await inChunks(reads.slice(size), size, async (part) => {
    const reply = await calls.readMany({ reads: part, cursor: page.head })
    return reply.page.events === 'gap' ? part.map(() => NOTHING) : reply.entries
  })
  return { entries: [...entries, ...rest.flat()], page }
}

/** The page that holds the others' events. A gap does, and what a lost journal told before it was lost is in no page. */
function furthest(pages: readonly Page[]): Page {
  const gaps = pages.filter(({ events }) => events === 'gap')
  const whole = gaps.length > 0 ? gaps : pages
  return whole.reduce((most, page) => (page.head.seq > most.head.seq ? page : most))
}
