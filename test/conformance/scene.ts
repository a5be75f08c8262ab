import type {
  CommitManyRequest,
  CommitMode,
  CommitReply,
  CommitRequest,
  Coordination,
  Cursor,
  Invalidation,
  Page,
  ReadManyReply,
  ReadReply,
} from '../../src/ports.ts'
import { equal, present } from './check.ts'
import type { ConformanceCase, OpenedClock, OpenedStore } from './conformance-case.ts'
import type { StoreCase } from './plain-scene.ts'

interface Names {
  readonly tags?: readonly string[]
  readonly namespaces?: readonly string[]
}

interface Ask extends Names {
  readonly token?: string
  /** Milliseconds of the lease. Default: an hour. */
  readonly ttl?: number
  readonly unusable?: string
  readonly cursor?: Cursor
}

/** One read of several. */
type Wanted = Names & Pick<Ask, 'unusable'> & { readonly key: string }

type Write = Names & Partial<Pick<CommitRequest, 'op' | 'version' | 'freshFor' | 'staleFor' | 'cursor'>>
type Event = Pick<Invalidation, 'kind' | 'name'> & { readonly soft?: boolean }

/** A lease somebody holds. */
export interface Held {
  readonly token: string
  readonly grant: Cursor
}

/** Long enough for no clock of a test to reach it. */
export const HOUR = 3_600_000

/** A life and a lease short enough to be waited for, and what to wait for their end. */
export const SHORT = 300
export const PAST = 400

/** One isolate and what it asks of the coordinator, in short words. */
export interface Isolate {
  readonly calls: Coordination
  read(key: string, ask?: Ask): Promise<ReadReply>
  /** The payload a plain reader gets. */
  value(key: string, names?: Names): Promise<string | undefined>
  /** The lease, which must be given. */
  lease(key: string, token: string, ask?: Ask): Promise<Held>
  /** Whether a lease is given, or how many milliseconds another's has left, or neither. */
  claim(key: string, token: string, ask?: Ask): Promise<'given' | 'refused' | 'neither'>
  /** A commit under a lease. */
  fill(key: string, payload: string, held: Held, write?: Write): Promise<CommitReply>
  free(key: string, payload: string, since: Cursor, write?: Write): Promise<CommitReply>
  set(key: string, payload: string, write?: Write): Promise<CommitReply>
  /** A commit without a payload. */
  keep(key: string, keeps: string, mode: CommitMode, write?: Write): Promise<CommitReply>
  /** Several commits, made by {@link draft}. */
  commitMany(commits: readonly Draft[], cursor?: Cursor): ReturnType<Coordination['commitMany']>
  /** Several reads, a text being a key; with a lease for each where there is a token. */
  readMany(wanted: readonly (string | Wanted)[], ask?: Ask): Promise<ReadManyReply>
  /** How many of the keys named held an entry. */
  drop(...events: Event[]): Promise<number>
  release(key: string, token: string): Promise<void>
  /** Where the journal ends. */
  head(): Promise<Cursor>
  /** What happened since, as {@link told}. */
  since(cursor: Cursor | undefined): Promise<string[] | 'gap'>
}

/** Two isolates and their coordinator. */
export interface Scene {
  readonly a: Isolate
  readonly b: Isolate
  pass(ms: number): Promise<void>
}

/** A page as texts such as `key k` or `tag t soft`. */
export function told({ events }: Page): string[] | 'gap' {
  return events === 'gap'
    ? 'gap'
    : events.map(({ kind, name, soft }) => `${kind} ${name}${soft ? ' soft' : ''}`)
}

/** A case before it is known where its coordination comes from. */
export interface CoordinationCase {
  readonly name: string
  /** `open` may be called more than once, for coordinators that know nothing of each other. */
  run(open: () => Promise<Scene>): Promise<void>
}

/** What is tried on one coordinator. */
export function coordination(name: string, run: (scene: Scene) => Promise<void>): CoordinationCase {
  return { name, run: async (open) => run(await open()) }
}

/** Makes a case of any opened thing that coordinates. */
export function caseOver<Opened extends OpenedClock>(
  { name, run }: CoordinationCase,
  connect: (opened: Opened) => () => Coordination,
): ConformanceCase<Opened> {
  return {
    name,
    run: async (open) => {
      const opened: Opened[] = []
      const begin = async (): Promise<Scene> => {
        const store = await open()
        opened.push(store)
        const make = connect(store)
        return { a: isolate(make()), b: isolate(make()), pass: async (ms) => store.pass(ms) }
      }
      try {
        await run(begin)
      } finally {
        for (const store of opened) await store.close?.()
      }
    },
  }
}

/** The coordination of two drivers of one store. */
export function ofStore(store: OpenedStore): () => Coordination {
  return () => present(store.connect('').coordination, 'coordination of the driver')
}

/** A case over the coordination of a driver. */
export function coordinatedCase(name: string, run: (scene: Scene) => Promise<void>): StoreCase {
  return caseOver(coordination(name, run), ofStore)
}

/** An unguessable text: stores may be shared with other runs. */
export function freshId(): string {
  return crypto.randomUUID()
}

export type Draft = CommitManyRequest['commits'][number]
type Body = Pick<Draft, 'key' | 'payload' | 'keeps' | 'mode'>

/** A commit. What is not said: a life of an hour, of two in all, without tags, in the root. */
export function draft(
  body: Body,
  { tags = [], namespaces = [''], ...write }: Omit<Write, 'cursor'> = {},
): Draft {
  const life = { freshFor: HOUR, staleFor: 2 * HOUR }
  return { op: freshId(), version: freshId(), ...life, ...body, tags, namespaces, ...write }
}

function isolate(calls: Coordination): Isolate {
  const commit = async (body: Body, { cursor, ...write }: Write = {}): Promise<CommitReply> =>
    calls.commit({ ...draft(body, write), ...(cursor && { cursor }) })
  const own: Isolate = {
    calls,
    read: async (key, { tags = [], namespaces = [''], token, ttl = HOUR, ...rest } = {}) =>
      calls.read({ key, tags, namespaces, ...rest, ...(token !== undefined && { lease: { token, ttl } }) }),
    value: async (key, names) => (await own.read(key, names)).entry?.payload,
    lease: async (key, token, ask) => {
      const { lease, entry, leaseLeft } = await own.read(key, { ...ask, token })
      equal(
        { lease: lease !== undefined, leaseLeft },
        { lease: true, leaseLeft: undefined },
        `the lease of ${key} (entry: ${entry !== undefined})`,
      )
      return { token, grant: present(lease, 'the lease').grant }
    },
    claim: async (key, token, ask) => {
      const { lease, leaseLeft } = await own.read(key, { ...ask, token })
      equal(
        lease !== undefined && leaseLeft !== undefined,
        false,
        'whether a lease is both given and refused',
      )
      return lease ? 'given' : leaseLeft === undefined ? 'neither' : 'refused'
    },
    fill: async (key, payload, held, write) =>
      commit({ key, payload, mode: { kind: 'lease', ...held } }, write),
    free: async (key, payload, since, write) =>
      commit({ key, payload, mode: { kind: 'free', since } }, write),
    set: async (key, payload, write) => commit({ key, payload, mode: { kind: 'set' } }, write),
    keep: async (key, keeps, mode, write) => commit({ key, keeps, mode }, write),
    commitMany: async (commits, cursor) => calls.commitMany({ commits, ...(cursor && { cursor }) }),
    readMany: async (wanted, { token, ttl = HOUR, cursor } = {}) =>
      calls.readMany({
        reads: wanted.map((each) => ({
          tags: [],
          namespaces: [''],
          ...(typeof each === 'string' ? { key: each } : each),
        })),
        ...(token !== undefined && { lease: { token, ttl } }),
        ...(cursor && { cursor }),
      }),
    drop: async (...events) =>
      (await calls.invalidate({ events: events.map((event) => ({ soft: false, ...event })) })).existed,
    release: async (key, token) => {
      await calls.release({ key, token })
    },
    head: async () => (await calls.pull({})).page.head,
    since: async (cursor) => told((await calls.pull(cursor ? { cursor } : {})).page),
  }
  return own
}
