import type { CacheDriver, Coordination, ReadReply, ReadRequest } from './ports.ts'

/** Keys whose last named version an isolate remembers. */
const REMEMBERED = 10_000
/** Life of what has no end, in milliseconds: nobody could find a superseded body to delete it. */
const LONGEST_LIFE = 30 * 24 * 60 * 60 * 1000
/** How much longer than its header a body lives: it is written before, and may end by another clock. */
const MARGIN = 60_000

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
  const readOnce = async (request: ReadRequest): Promise<Completed<ReadReply>> => {
    const asked = coordination.read(request).then((reply) => [reply])
    const [completed] = await complete([request.key], asked, request.unusable === undefined)
    return completed as Completed<ReadReply>
  }
  return {
    read: async (request) => {
      const { reply, absent } = await readOnce(request)
      if (absent === undefined || !request.lease) return reply
      return (await readOnce({ ...request, unusable: absent })).reply
    },
    readMany: async (request) => {
      const asked = coordination.readMany(request)
      const keys = request.reads.map(({ key }) => key)
      const completed = await complete(
        keys,
        asked.then(({ entries }) => entries),
      )
      return { ...(await asked), entries: completed.map(({ reply }) => reply) }
    },
    take: async (request) => {
      const asked = coordination.take(request).then((reply) => [reply])
      const [completed] = await complete([request.key], asked)
      seen.forget(request.key)
      return (completed as Completed<ReadReply>).reply
    },
    commit: async (request) => {
      const { key, version, payload, freshFor, staleFor } = request
      const life = staleFor ?? LONGEST_LIFE
      const written = await values.set(bodyName(key, version), payload, life + MARGIN)
      // A header whose body is nowhere would only cost its readers a trip.
      if (!written) throw new Error('the store of values did not take the value')
      const header = { payload: '', freshFor: freshFor ?? life, staleFor: life }
      const reply = await coordination.commit({ ...request, ...header })
      if (reply.stored) seen.tell(key, version)
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

/** What is replied about one key. */
type Verdict = Pick<ReadReply, 'entry' | 'stale' | 'freshFor' | 'staleFor'>

interface Completed<Reply extends Verdict> {
  readonly reply: Reply
  /** The version whose body does not show. */
  readonly absent: string | undefined
}

/**
 * Puts bodies into what the coordinator is being asked about `keys`, as one reply for each in order. `guess`: fetch
 * what was named last meanwhile. A body that fails to come fails those who need it, and nobody else.
 */
type Complete = <Reply extends Verdict>(
  keys: readonly string[],
  asked: Promise<readonly Reply[]>,
  guess?: boolean,
) => Promise<Completed<Reply>[]>

function completer(values: CacheDriver, seen: Seen): Complete {
  const fetch = (names: readonly string[]): Promise<Bodies> => {
    const bodies = getBodies(values, names)
    bodies.catch(() => {})
    return bodies
  }
  return async (keys, asked, guess = true) => {
    const guessed = new Set(guess ? keys.flatMap((key) => seen.nameOf(key) ?? []) : [])
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
      versions.delete(key)
      if (version === undefined) return undefined
      versions.set(key, version)
      for (const oldest of versions.keys()) {
        if (versions.size <= REMEMBERED) break
        versions.delete(oldest)
      }
      return bodyName(key, version)
    },
    forget: (key) => void versions.delete(key),
  }
}

function bodyName(key: string, version: string): string {
  return `${key}@${version}`
}
