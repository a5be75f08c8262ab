import { inChunks } from './chunks.ts'
import { checkWanted } from './deadline.ts'
import { laterReads } from './later-reads.ts'
import type {
  CommitManyReply,
  CommitManyRequest,
  CoordinationCalls,
  Invalidation,
  IsOver,
  Page,
  ReadManyReply,
  ReadManyRequest,
} from './ports.ts'

/** The most that goes into one call. */
export interface ChunkLimits {
  /** Reads of one `readMany`; their values come back in one reply. */
  readonly reads: number
  /** Events of one `invalidate`. */
  readonly events: number
  /** Commits of one `commitMany`. */
  readonly commits: number
  /** UTF-16 units of their payloads, together. A single larger one goes alone. Default: no limit. */
  readonly characters?: number
}

/**
 * Splits long lists into calls no longer than the limits. For authors of drivers that coordinate.
 *
 * A list within the limit is one call, atomic as ever. A longer one is several, each atomic by itself:
 * - `invalidate` is acknowledged when all its parts are. When one fails the whole is repeated, which is harmless.
 * - `readMany` gives what each part found, as old as the first part. A part whose reply cannot be placed after the
 *   first one's, because too much happened in between or the journal was lost, counts as missing; its leases do not.
 * - `commitMany` is one part after the other. When one fails, or the caller gives up in between, the whole fails: what was
 *   stored before it stays stored, what comes after it is not sent, and to repeat the whole with the same `op`s is harmless.
 *
 * Parts of `invalidate`, and all but the first of `readMany`, are under way at most six at a time.
 *
 * @example
 * ```ts
 * const coordination = chunkedCalls(calls, { reads: 200, events: 1_000, commits: 200 })
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
    commit: (request, isOver) => calls.commit(request, isOver),
    commitMany: async (request, isOver) => commitInParts({ calls, limits, isOver }, request),
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
  { reads, lease, cursor }: ReadManyRequest,
  size: number,
): Promise<ReadManyReply> {
  const { entries, page } = await calls.readMany({ reads: reads.slice(0, size), lease, cursor })
  const rest = await inChunks(reads.slice(size), size, async (part) =>
    laterReads(await calls.readMany({ reads: part, lease, cursor: page.head })),
  )
  return { entries: [...entries, ...rest.flat()], page }
}

interface Parting {
  readonly calls: CoordinationCalls
  readonly limits: ChunkLimits
  readonly isOver: IsOver | undefined
}

/**
 * One part after the other: a call that fails is then the last one that can have an effect, and each asks only for what
 * followed the one before, so that the writes of the first parts are not told again by all the others.
 */
async function commitInParts(
  { calls, limits, isOver }: Parting,
  { commits, cursor }: CommitManyRequest,
): Promise<CommitManyReply> {
  const [first = [], ...rest] = partsOf(commits, limits)
  let reply = await calls.commitMany({ commits: first, cursor }, isOver)
  for (const part of rest) {
    checkWanted(isOver)
    const next = await calls.commitMany({ commits: part, cursor: reply.page.head }, isOver)
    reply = {
      commits: [...placedBefore(next.page, reply), ...next.commits],
      page: joined(reply.page, next.page),
    }
  }
  return reply
}

function partsOf(
  commits: CommitManyRequest['commits'],
  { commits: most, characters = Infinity }: ChunkLimits,
): CommitManyRequest['commits'][] {
  const parts: CommitManyRequest['commits'][number][][] = []
  let part: CommitManyRequest['commits'][number][] | undefined
  let size = 0
  for (const commit of commits) {
    const own = commit.payload?.length ?? 0
    if (!part || part.length >= most || size + own > characters) {
      parts.push((part = []))
      size = 0
    }
    part.push(commit)
    size += own
  }
  return parts
}

/** Outcomes that came before a page. After a gap nobody knows whether their places are in the journal it tells of. */
function placedBefore({ events }: Page, { commits }: CommitManyReply): CommitManyReply['commits'] {
  return events === 'gap' ? commits.map(({ stored }) => ({ stored })) : commits
}

/** The page of two, of which the second follows the first. */
function joined({ events: one }: Page, { events: other, head }: Page): Page {
  return { head, events: one === 'gap' || other === 'gap' ? 'gap' : [...one, ...other] }
}

/** The page that holds the others' events. A gap does, and what a lost journal told before it was lost is in no page. */
function furthest(pages: readonly Page[]): Page {
  const gaps = pages.filter(({ events }) => events === 'gap')
  const whole = gaps.length > 0 ? gaps : pages
  return whole.reduce((most, page) => (page.head.seq > most.head.seq ? page : most))
}
