import { keepLast } from './keep-last.ts'
import { laterReads } from './later-reads.ts'
import type {
  CacheDriver,
  Coordination,
  Page,
  ReadManyReply,
  ReadManyRequest,
  ReadReply,
  ReadRequest,
} from './ports.ts'
import { bodyName, type Placed, placer } from './place-bodies.ts'

/** Keys whose last named version an isolate remembers. */
const REMEMBERED = 10_000

/**
 * Coordination over a store that only keeps values. The coordinator keeps the headers and names the version; a value
 * is written once, under `key@version`, before its version is committed. So a value store may be slow to forget and
 * slow to show: only the version the header names is ever served, and one that does not show counts as missing.
 *
 * The version an isolate has seen named last is fetched while the coordinator is asked.
 */
export function versionedValues(values: CacheDriver, coordination: Coordination): Coordination {
  const seen = makeSeen()
  const complete = completer(values, seen)
  const place = placer(values, coordination)
  const readOnce = async (request: ReadRequest): Promise<Completed<ReadReply>> => {
    const asked = coordination.read(request).then((reply) => [reply])
    return (await complete([request], asked))[0] as Completed<ReadReply>
  }
  const readAll = async (request: ReadManyRequest): Promise<CompletedMany> => {
    const asked = coordination.readMany(request)
    const completed = await complete(
      request.reads,
      asked.then(({ entries }) => entries),
    )
    return { completed, page: (await asked).page }
  }
  return {
    read: async (request) => {
      const { reply, absent } = await readOnce(request)
      if (absent === undefined || !request.lease) return reply
      return (await readOnce({ ...request, unusable: absent })).reply
    },
    readMany: (request) => readTwice(readAll, request),
    take: async (request) => {
      const asked = coordination.take(request).then((reply) => [reply])
      const [completed] = await complete([request], asked)
      seen.forget(request.key)
      return (completed as Completed<ReadReply>).reply
    },
    commit: async (request, isOver) => {
      const [placed] = await place([request], isOver)
      const { commit, version } = placed as Placed
      const reply = await coordination.commit({ ...commit, cursor: request.cursor }, isOver)
      if (reply.stored) seen.tell(commit.key, version)
      return reply
    },
    commitMany: async ({ commits, cursor }, isOver) => {
      const placed = await place(commits, isOver)
      const named = placed.map(({ commit }) => commit)
      const reply = await coordination.commitMany({ commits: named, cursor }, isOver)
      for (const [at, { commit, version }] of placed.entries())
        if (reply.commits[at]?.stored) seen.tell(commit.key, version)
      return reply
    },
    release: (request) => coordination.release(request),
    invalidate: async (request) => {
      for (const { kind, name, soft } of request.events) if (kind === 'key' && !soft) seen.forget(name)
      return coordination.invalidate(request)
    },
    pull: (request) => coordination.pull(request),
  }
}

/** Reads, and where a lease is wanted asks again for those whose body does not show: they count as missing. */
async function readTwice(
  read: (request: ReadManyRequest) => Promise<CompletedMany>,
  request: ReadManyRequest,
): Promise<ReadManyReply> {
  const { completed, page } = await read(request)
  const entries = completed.map(({ reply }) => reply)
  const lost = completed.flatMap(({ absent }, at) => (absent === undefined ? [] : [{ at, absent }]))
  if (lost.length === 0 || !request.lease) return { entries, page }
  const reads = lost.map(({ at, absent }) => ({ ...(request.reads[at] as Read), unusable: absent }))
  const again = await read({ ...request, reads, cursor: page.head })
  const later = laterReads({ entries: again.completed.map(({ reply }) => reply), page: again.page })
  for (const [index, { at }] of lost.entries()) entries[at] = later[index] as (typeof later)[number]
  return { entries, page }
}

/** What is replied about one key. */
type Verdict = Pick<ReadReply, 'entry' | 'stale' | 'freshFor' | 'staleFor'>

interface Completed<Reply extends Verdict> {
  readonly reply: Reply
  /** The version whose body does not show. */
  readonly absent: string | undefined
}

interface CompletedMany {
  readonly completed: readonly Completed<ReadManyReply['entries'][number]>[]
  readonly page: Page
}

type Read = ReadManyRequest['reads'][number]

/**
 * Puts bodies into what the coordinator is being asked about, as one reply for each read in order. What was named last
 * is fetched meanwhile, unless it is known to be unwanted. A body that fails to come fails those who need it, and nobody
 * else.
 */
type Complete = <Reply extends Verdict>(
  reads: readonly Pick<Read, 'key' | 'unusable'>[],
  asked: Promise<readonly Reply[]>,
) => Promise<Completed<Reply>[]>

function completer(values: CacheDriver, seen: Seen): Complete {
  const fetch = (names: readonly string[]): Promise<Bodies> => {
    const bodies = getBodies(values, names)
    bodies.catch(() => {})
    return bodies
  }
  return async (reads, asked) => {
    const keys = reads.map(({ key }) => key)
    const wanted = reads.filter(({ unusable }) => unusable === undefined)
    const guessed = new Set(wanted.flatMap(({ key }) => seen.nameOf(key) ?? []))
    const early = fetch([...guessed])
    const replies = await asked
    const named = replies.map(({ entry }, at) => seen.tell(keys[at] as string, entry?.version))
    const [right, moved] = partition(named, guessed)
    const late = fetch(moved)
    const bodies = new Map([...(right.length > 0 ? await early : []), ...(await late)])
    return replies.map((reply, at) => {
      const payload = bodies.get(named[at] ?? '')
      if (!reply.entry) return { reply, absent: undefined }
      if (payload !== undefined) {
        return { reply: { ...reply, entry: { ...reply.entry, payload } }, absent: undefined }
      }
      seen.forget(keys[at] as string)
      return { reply: { ...reply, entry: undefined, stale: false }, absent: reply.entry.version }
    })
  }
}

type Bodies = readonly (readonly [name: string, body: string])[]

async function getBodies(values: CacheDriver, names: readonly string[]): Promise<Bodies> {
  const bodies =
    values.getMany && names.length > 1
      ? await values.getMany(names)
      : await Promise.all(names.map(async (name) => values.get(name)))
  return names.flatMap((name, at): Bodies => {
    const body = bodies[at]
    return body === undefined || body === null ? [] : [[name, body]]
  })
}

/** The names that have been guessed, and those that have not. */
function partition(
  names: readonly (string | undefined)[],
  guessed: ReadonlySet<string>,
): [right: string[], moved: string[]] {
  const known = names.filter((name) => name !== undefined)
  return [known.filter((name) => guessed.has(name)), known.filter((name) => !guessed.has(name))]
}

/** The versions an isolate has seen named: where to look first, and no more than that. */
interface Seen {
  /** Name of the body, if a version is known. */
  nameOf(key: string): string | undefined
  /** Notes what is named now; gives the name of the body. */
  tell(key: string, version: string | undefined): string | undefined
  forget(key: string): void
}

function makeSeen(): Seen {
  const versions = new Map<string, string>()
  const nameOf = (key: string): string | undefined => {
    const version = versions.get(key)
    return version === undefined ? undefined : bodyName(key, version)
  }
  return {
    nameOf,
    tell: (key, version) => {
      if (version === undefined) return void versions.delete(key)
      keepLast(versions, key, version, REMEMBERED)
      return bodyName(key, version)
    },
    forget: (key) => void versions.delete(key),
  }
}
