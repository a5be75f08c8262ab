import type { AtomicReply, AtomicRequest } from '../src/atomic-calls.ts'
import type {
  CommitManyReply,
  CommitManyRequest,
  CommitReply,
  CommitRequest,
  CoordinationCalls,
  Cursor,
  Invalidation,
  Names,
  Page,
  ReadManyReply,
  ReadManyRequest,
  ReadReply,
  ReadRequest,
} from '../src/ports.ts'
import { Answers } from './ledger/answers.ts'
import { Atoms } from './ledger/atoms.ts'
import { Entries, type EntryRow, type Verdict } from './ledger/entries.ts'
import { Epochs } from './ledger/epochs.ts'
import { Journal } from './ledger/journal.ts'
import { Leases } from './ledger/leases.ts'
import { nextExpiry, planSweep, prune, type Pruned } from './ledger/prune.ts'
import {
  checkCommit,
  checkCommits,
  checkEvents,
  checkNamed,
  checkRead,
  checkReadMany,
  checkRelease,
} from './ledger/requests.ts'
import { createSchema, type Sql } from './ledger/sql.ts'
import { type Counters, type LedgerStats, noStats, type Operation } from './ledger/stats.ts'
import { namespacesOf, type Subject, subjectOf, subjectsOf } from './ledger/subjects.ts'

export type { Pruned } from './ledger/prune.ts'
export type { Sql, SqlValue } from './ledger/sql.ts'
export type { LedgerStats } from './ledger/stats.ts'

/** What a ledger is made of. */
export interface LedgerOptions {
  readonly sql: Sql
  /** The only clock that counts, in milliseconds since the Unix epoch. */
  readonly now: () => number
  /** An unguessable text that was never given before. */
  readonly randomId: () => string
  /** Events kept in the journal. Default 10,000, at least 1. */
  readonly journalCap?: number
  /** Most events in one page; more are told as a gap. Default 1,000. */
  readonly pageLimit?: number
  /** How long a repeated commit is recognised, in milliseconds. Default 120,000. */
  readonly answersTtl?: number
}

/** {@link Coordination} for a caller in the same place: the same requests and replies without the promises. */
export type Synchronous = {
  [Name in Operation]: (
    request: Parameters<CoordinationCalls[Name]>[0],
  ) => Awaited<ReturnType<CoordinationCalls[Name]>>
}

/**
 * How a commit was judged. A fill takes the place of what is missing or stale, so no copy of it need be dropped and
 * no event is spent: with one for each fill, a busy fleet would outrun the journal and live in gaps.
 */
type Ruling = 'refused' | 'fill' | 'overwrite'

type Commit = CommitManyRequest['commits'][number]
type Settled = CommitManyReply['commits'][number]
type Found = ReadManyReply['entries'][number]

/**
 * The coordinator's state machine: journal, epochs, entries, leases and answers in one SQLite database.
 *
 * Every method is one atomic step if the caller makes it one: run it in a transaction, and await nothing inside.
 * Requests are untrusted; malformed ones throw `InvalidOptionError` (`E_INVALID_OPTION`).
 *
 * @example
 * ```ts
 * const ledger = new Ledger({ sql: ctx.storage.sql, now: Date.now, randomId: () => crypto.randomUUID() })
 * const { page } = ctx.storage.transactionSync(() => ledger.pull({}))
 * ```
 */
export class Ledger implements Synchronous {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #journal: Journal
  readonly #epochs: Epochs
  readonly #entries: Entries
  readonly #leases: Leases
  readonly #answers: Answers
  readonly #atoms: Atoms
  #stats: Counters = noStats()

  constructor({
    sql,
    now,
    randomId,
    journalCap = 10_000,
    pageLimit = 1_000,
    answersTtl = 120_000,
  }: LedgerOptions) {
    createSchema(sql)
    this.#sql = sql
    this.#now = now
    this.#journal = new Journal(sql, randomId, { cap: journalCap, page: pageLimit })
    this.#epochs = new Epochs(sql, randomId)
    this.#entries = new Entries(sql, this.#epochs)
    this.#leases = new Leases(sql, this.#epochs)
    this.#answers = new Answers(sql, answersTtl)
    this.#atoms = new Atoms(sql)
  }

  /** The entry of a key, judged for a reader of these names, and the lease if it is due and free. */
  read(request: ReadRequest): ReadReply {
    this.#stats.calls.read++
    checkRead(request)
    const [found] = this.#readEach([request], request.lease)
    return { ...(found as Found), page: this.#journal.page(request.cursor) }
  }

  /** Many entries at once, each with the lease if it is due and free. */
  readMany(request: ReadManyRequest): ReadManyReply {
    this.#stats.calls.readMany++
    checkReadMany(request)
    return { entries: this.#readEach(request.reads, request.lease), page: this.#journal.page(request.cursor) }
  }

  /** Reads and deletes. */
  take(request: Names & { readonly key: string; readonly cursor?: Cursor | undefined }): ReadReply {
    this.#stats.calls.take++
    checkNamed(request)
    const [found] = this.#readEach([request])
    this.#apply([{ kind: 'key', name: request.key, soft: false }], this.#now())
    return { ...(found as Found), page: this.#journal.page(request.cursor) }
  }

  /**
   * Stores an entry if nothing that covers it happened since its computation began; without a payload, prolongs the one
   * that is there.
   */
  commit(request: CommitRequest): CommitReply {
    this.#stats.calls.commit++
    checkCommit(request)
    return { ...this.#settle(request), page: this.#journal.page(request.cursor) }
  }

  /** Many commits in one step, in their order, each judged by itself. */
  commitMany({ commits, cursor }: CommitManyRequest): CommitManyReply {
    this.#stats.calls.commitMany++
    checkCommits(commits)
    return { commits: commits.map((commit) => this.#settle(commit)), page: this.#journal.page(cursor) }
  }

  /** Gives a lease back unused. */
  release(request: { readonly key: string; readonly token: string; readonly cursor?: Cursor | undefined }): {
    page: Page
  } {
    this.#stats.calls.release++
    checkRelease(request)
    this.#leases.lapse(request.key, request.token, this.#now())
    return { page: this.#journal.page(request.cursor) }
  }

  /** Ends or ages all that the events cover. */
  invalidate(request: { readonly events: readonly Invalidation[]; readonly cursor?: Cursor | undefined }): {
    existed: number
    page: Page
  } {
    this.#stats.calls.invalidate++
    checkEvents(request.events)
    const now = this.#now()
    const keys = request.events.filter((event) => event.kind === 'key').map((event) => event.name)
    const existed = this.#entries.held(keys, now)
    // Only the three fields are taken over: what else a caller sends is not for the other readers of the journal.
    // A namespace has no soft form, and told as soft it would leave entries in L1 that are dead here.
    this.#apply(
      request.events.map(({ kind, name, soft }) => ({ kind, name, soft: soft && kind !== 'namespace' })),
      now,
    )
    return { existed, page: this.#journal.page(request.cursor) }
  }

  /** What happened since the cursor. */
  pull(request: { readonly cursor?: Cursor | undefined }): { page: Page } {
    this.#stats.calls.pull++
    return { page: this.#journal.page(request.cursor) }
  }

  /** A step of locks and atomic values, which have no part in entries or in the journal. */
  atomic(request: AtomicRequest): AtomicReply {
    this.#stats.atomicSteps++
    return this.#atoms.take(request, this.#now())
  }

  /** The journal after a cursor, for whoever tells others of it; unlike {@link Ledger.pull} no call that is counted. */
  page(cursor?: Cursor): Page {
    return this.#journal.page(cursor)
  }

  /** Deletes at most about `limit` rows whose time is over. */
  prune(limit: number): Pruned {
    return prune(this.#sql, this.#epochs, this.#now(), limit)
  }

  /** When {@link Ledger.prune} has something to do next, absolute. */
  nextExpiry(): number | undefined {
    return nextExpiry(this.#sql)
  }

  /** A copy of what was counted. */
  stats(): LedgerStats {
    return structuredClone(this.#stats)
  }

  /** Counts from 0 again. */
  resetStats(): void {
    this.#stats = noStats()
  }

  #readEach(reads: ReadManyRequest['reads'], lease?: ReadManyRequest['lease']): Found[] {
    const now = this.#now()
    const verdicts = this.#entries.judge(
      reads.map((read) => ({ key: read.key, unusable: read.unusable, namespaces: namespacesOf(read) })),
      now,
    )
    return reads.map((read, at) => {
      const verdict = verdicts[at] as Verdict
      const due = verdict.entry === undefined || verdict.stale
      return { ...verdict, ...(lease && due && this.#lease(read, lease, now)) }
    })
  }

  #lease(
    read: Names & { readonly key: string },
    { token, ttl }: NonNullable<ReadRequest['lease']>,
    now: number,
  ): Pick<ReadReply, 'lease' | 'leaseLeft'> {
    const claim = { key: read.key, token, ttl, subjects: subjectsOf(read) }
    const award = this.#leases.claim(claim, this.#journal.head(), now)
    if (award.kind === 'refused') return { leaseLeft: award.left }
    if (award.kind === 'new') {
      this.#stats.leasesGranted++
      if (award.generation) this.#stats.generations++
    }
    return { lease: { grant: award.grant } }
  }

  #settle(request: Commit): Settled {
    const done = this.#answers.find(request.op)
    // The place is only worth something in the journal it was given in.
    if (done) return { stored: true, ...(this.#journal.has(done) && { at: done.seq }) }
    const now = this.#now()
    const kept = request.payload === undefined ? this.#kept(request, now) : undefined
    // What is kept hangs on what it was stored with, whatever its renewer knows of that.
    const subjects = kept ? ([...kept.stamps.keys()] as Subject[]) : subjectsOf(request)
    const lost = request.payload === undefined && !kept
    const ruling = lost ? 'refused' : this.#rule(request, subjects, now)
    if (ruling !== 'refused') return { stored: true, at: this.#store(request, subjects, ruling) }
    this.#stats.commitsRefused++
    if (request.mode.kind === 'lease') this.#leases.endOwn(request.key, request.mode.token)
    return { stored: false }
  }

  /** The entry a commit without a payload is about, if it is there for who renews it. */
  #kept(request: Commit, now: number): EntryRow | undefined {
    const row = this.#entries.living(request.key, namespacesOf(request), now)
    return request.keeps === '*' || request.keeps === row?.version ? row : undefined
  }

  #rule({ key, mode }: Commit, subjects: readonly Subject[], now: number): Ruling {
    if (mode.kind === 'set') return 'overwrite'
    const touching = [subjectOf({ kind: 'key', name: key }), ...subjects]
    if (mode.kind === 'free') return this.#journal.untouched(mode.since, touching) ? 'overwrite' : 'refused'
    const lease = this.#leases.find(key)
    const held =
      lease && now < lease.expires && lease.token === mode.token && sameCursor(lease.grant, mode.grant)
    // A lease limits cost, the journal decides truth: a slow computation is stored if nothing happened meanwhile.
    if (!held) return this.#journal.untouched(mode.grant, touching) ? 'overwrite' : 'refused'
    if (!this.#leases.isCurrent(lease)) return 'refused'
    // The snapshot cannot vouch for names the computation came up with; for them the journal must.
    const late = subjects.filter((subject) => !lease.snapshot.has(subject))
    if (late.length > 0 && !this.#journal.untouched(lease.grant, late)) return 'refused'
    return this.#entries.fresh(key, now) ? 'overwrite' : 'fill'
  }

  #store(request: Commit, subjects: readonly Subject[], ruling: Ruling): number {
    const now = this.#now()
    const { key, version, payload, freshFor, staleFor } = request
    const staleUntil = staleFor === null ? null : now + staleFor
    const life = { key, freshUntil: freshFor === null ? null : now + freshFor, staleUntil }
    const stamps = this.#epochs.stamp(subjects, staleUntil)
    if (payload !== undefined) this.#entries.put({ ...life, version, payload, stamps })
    // A computation found it as good as new. A set knows nothing of that: what is softly invalidated stays so.
    else if (request.mode.kind !== 'set') this.#entries.renew({ ...life, stamps })
    else this.#entries.prolong(life)
    // Whoever is about to bring a newer value than the one that is prolonged may still do so.
    if (payload !== undefined || request.mode.kind !== 'set') this.#leases.end([key])
    if (ruling === 'overwrite') this.#append([{ kind: 'key', name: key, soft: false }])
    if (request.mode.kind === 'set') this.#stats.setsStored++
    else this.#stats.fillsStored++
    const head = this.#journal.head()
    this.#answers.put(request.op, head, now)
    return head.seq
  }

  #apply(events: readonly Invalidation[], now: number): void {
    const keys = { hard: [] as string[], soft: [] as string[] }
    const names = { hard: [] as Subject[], soft: [] as Subject[] }
    for (const event of events) {
      const degree = event.soft ? 'soft' : 'hard'
      if (event.kind === 'key') keys[degree].push(event.name)
      else names[degree].push(subjectOf(event))
    }
    this.#entries.age(keys.soft)
    this.#entries.end(keys.hard)
    this.#leases.end([...keys.soft, ...keys.hard])
    this.#epochs.age(names.soft)
    this.#epochs.end(names.hard)
    if (names.hard.length > 0) planSweep(this.#sql, now)
    this.#append(events)
  }

  #append(events: readonly Invalidation[]): void {
    this.#journal.append(events)
    this.#stats.eventsAppended += events.length
  }
}

function sameCursor(one: Cursor, other: Cursor | undefined): boolean {
  return one.seq === other?.seq && one.id === other.id
}
