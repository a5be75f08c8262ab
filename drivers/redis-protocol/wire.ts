import { InvalidOptionError, StoreError } from '../../src/errors.ts'
import type {
  CommitMode,
  Cursor,
  Invalidation,
  JournalEvent,
  Names,
  Page,
  Push,
  ReadReply,
} from '../../src/ports.ts'

/** A read of one entry, the lease and the page aside. */
export type Verdicts = Pick<ReadReply, 'entry' | 'stale' | 'freshFor' | 'staleFor'>

/** What the scripts tell of an entry. */
export interface Verdict {
  readonly version: string
  readonly names: unknown
  readonly stale: boolean
  readonly freshFor?: number
  readonly staleFor?: number
  /** Wall clock of its write, where Bentocache wrote it. */
  readonly born?: number
}

/** What a script tells of a key: the entry, and the lease if one was asked for. */
export interface ToldEntry {
  readonly entry?: Verdict
  readonly grant?: Cursor
  readonly left?: number
}

/** What a script tells. */
export interface Told extends ToldEntry {
  readonly page: { readonly head: Cursor; readonly gap?: boolean; readonly events?: unknown }
  readonly entries?: readonly ToldEntry[]
  readonly commits?: readonly { readonly stored?: boolean; readonly at?: number | false }[]
  readonly existed?: number
}

/** Longer than any cache keeps anything, and still exact in the numbers of Lua. */
const FOR_EVER = 1e14

/** What a store publishes, as news; nothing where it is not understood. */
export function parsePush(text: string): Push | undefined {
  try {
    const { after, ...page } = JSON.parse(text) as Told['page'] & { readonly after: Cursor }
    return isCursor(after) ? { after, page: pageOf(page) } : undefined
  } catch {
    return undefined
  }
}

const LETTERS = { key: 'k', tag: 't', namespace: 'n' } as const
const KINDS: Readonly<Record<string, Invalidation['kind']>> = { k: 'key', t: 'tag', n: 'namespace' }

/** A namespace has no soft form: told as soft it would leave entries in L1 that are dead here. */
export function signed({ kind, name, soft }: Invalidation): string {
  return `${soft && kind !== 'namespace' ? '~' : '-'}${LETTERS[kind]}:${name}`
}

export function asked({ tags, namespaces }: Names): { spaces: readonly string[]; names: readonly string[] } {
  return {
    spaces: namespaces,
    names: [...new Set([...tags.map((tag) => `t:${tag}`), ...namespaces.map((path) => `n:${path}`)])],
  }
}

export function namesIn(subjects: unknown): Names {
  const names = { tags: [] as string[], namespaces: [] as string[] }
  // Lua knows no empty list; what it gives for one is an object.
  for (const subject of Array.isArray(subjects) ? (subjects as string[]) : []) {
    if (subject.startsWith('t:')) names.tags.push(subject.slice(2))
    else names.namespaces.push(subject.slice(2))
  }
  return names
}

export function timesOf({ stale, freshFor, staleFor }: Verdict): Omit<Verdicts, 'entry'> {
  return { stale, freshFor: freshFor ?? null, staleFor: staleFor ?? null }
}

export function ruled(mode: CommitMode): object {
  if (mode.kind === 'lease') return { mode: mode.kind, token: mode.token, since: placeOf(mode.grant) }
  return mode.kind === 'free' ? { mode: mode.kind, since: placeOf(mode.since) } : { mode: mode.kind }
}

/** A request with the place its sender knows. */
export function withCursor(request: object, cursor: Cursor | undefined): object {
  const place = placeOf(cursor)
  return place.seq > 0 ? { ...request, cursor: place } : request
}

/** A place as scripts take it. What could be none of a journal is the one before all. */
function placeOf(cursor: Cursor | undefined): Cursor {
  if (!isCursor(cursor) || cursor.seq < 1 || cursor.seq >= FOR_EVER) return { seq: 0, id: '' }
  return { seq: cursor.seq, id: cursor.id }
}

function isCursor(cursor: Cursor | undefined): cursor is Cursor {
  return typeof cursor?.id === 'string' && Number.isSafeInteger(cursor.seq)
}

/** Whole milliseconds; absent is for ever. */
export function whole(ms: number | null): number | undefined {
  return ms === null || ms >= FOR_EVER ? undefined : Math.ceil(ms)
}

/** Whole milliseconds that Redis takes as the life of a key. */
export function leaseLife(ms: number): number {
  return Math.max(1, Math.ceil(Math.min(ms, FOR_EVER)))
}

export function pageOf({ head, gap, events }: Told['page']): Page {
  const signs = Array.isArray(events) ? (events as string[]) : []
  const from = head.seq - signs.length + 1
  return gap
    ? { head, events: 'gap' }
    : { head, events: signs.map((sign, index) => eventOf(sign, from + index)) }
}

function eventOf(sign: string, seq: number): JournalEvent {
  return { seq, kind: KINDS[sign[1] ?? ''] ?? 'key', name: sign.slice(3), soft: sign.startsWith('~') }
}

export function parseTold(head: string): Told {
  try {
    const told = JSON.parse(head) as Told | null
    if (isCursor(told?.page?.head)) return told
  } catch {
    // What is no JSON is told below.
  }
  throw new StoreError('Redis', 'the reply is none of the script')
}

/** Half a surrogate pair has no UTF-8, so it would not come back as it went. */
export function checkText(payload: string): void {
  if (!/\p{Surrogate}/u.test(payload)) return
  throw new InvalidOptionError({
    option: 'serializer',
    received: 'text with half a surrogate pair',
    allowed: 'a serializer that gives well-formed Unicode',
  })
}
