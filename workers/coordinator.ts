import { DurableObject } from 'cloudflare:workers'
import type { AtomicReply, AtomicRequest } from '../src/atomic-calls.ts'
import type {
  CommitManyReply,
  CommitManyRequest,
  CommitReply,
  CommitRequest,
  Coordination,
  Cursor,
  Invalidation,
  Names,
  Page,
  ReadManyReply,
  ReadManyRequest,
  ReadReply,
  ReadRequest,
} from '../src/ports.ts'
import { hangUp, Subscribers } from './coordinator/subscribers.ts'
import { Ledger, type LedgerStats } from './ledger.ts'

/** Rows a pruning step deletes at most, so that no reader waits long behind one. */
const PRUNE_LIMIT = 500

/**
 * Expired rows are only dead weight, so they are cleared in batches and not one by one: setting an alarm costs a
 * row write, and running it a request.
 */
const PRUNE_INTERVAL = 300_000

/** Farthest an alarm is set. What expires later is looked at again then. */
const PRUNE_HORIZON = 30 * 86_400_000

/**
 * The Durable Object that gives a fleet of isolates one order: it keeps entries, leases, epochs of tags and
 * namespaces, and the journal of invalidations, in its own SQLite database. Export it from your Worker, bind it, and
 * pass the binding to `durableObjectDriver`.
 *
 * It is spoken to over RPC, which only Workers bound to it can do. For everybody else there is `coordinatorHandler` of
 * `ekiben/workers/coordinator-http`, which asks for a secret.
 *
 * Its own `fetch` opens one thing, a WebSocket that tells of changes, and only to a request with a ticket: a random text,
 * good once and for ten seconds, that is given out over RPC ({@link Coordinator.ticket}). To all else it answers 404. So a
 * Worker that forwards requests here by mistake opens nothing, and neither the object nor its logs ever see the secret.
 *
 * @example
 * ```toml
 * [[durable_objects.bindings]]
 * name = "CACHE"
 * class_name = "Coordinator"
 *
 * [[migrations]]
 * tag = "v1"
 * new_sqlite_classes = ["Coordinator"]
 * ```
 *
 * @example
 * ```ts
 * export { Coordinator } from 'ekiben/workers/coordinator'
 * ```
 */
export class Coordinator<Env = unknown> extends DurableObject<Env> implements Coordination {
  readonly #ledger: Ledger
  readonly #subscribers: Subscribers
  /** When the pending alarm fires, by the runtime's clock; `null` if there is none, `undefined` before asking. */
  #alarmAt: number | null | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#ledger = new Ledger({
      sql: ctx.storage.sql,
      now: () => this.now(),
      randomId: () => crypto.randomUUID(),
    })
    this.#subscribers = new Subscribers(ctx, () => Date.now())
  }

  /** The clock of all entries and leases, in milliseconds since the Unix epoch. */
  protected now(): number {
    return Date.now()
  }

  /** The entry of a key, and the lease if it is due and free. */
  async read(request: ReadRequest): Promise<ReadReply> {
    const reply = this.#step(() => this.#ledger.read(request))
    if (reply.lease) await this.#ensureAlarm()
    return reply
  }

  /** Many entries at once, each with the lease if it is due and free. */
  async readMany(request: ReadManyRequest): Promise<ReadManyReply> {
    const reply = this.#step(() => this.#ledger.readMany(request))
    if (reply.entries.some(({ lease }) => lease)) await this.#ensureAlarm()
    return reply
  }

  /** Reads and deletes in one step. */
  async take(
    request: Names & { readonly key: string; readonly cursor?: Cursor | undefined },
  ): Promise<ReadReply> {
    return this.#change(() => this.#ledger.take(request))
  }

  /**
   * Stores an entry if nothing that covers it happened since its computation began; without a payload, prolongs the one
   * that is there.
   */
  async commit(request: CommitRequest): Promise<CommitReply> {
    const reply = this.#change(() => this.#ledger.commit(request))
    if (reply.stored) await this.#ensureAlarm()
    return reply
  }

  /** Many commits in one step, in their order, each judged by itself. */
  async commitMany(request: CommitManyRequest): Promise<CommitManyReply> {
    const reply = this.#change(() => this.#ledger.commitMany(request))
    if (reply.commits.some(({ stored }) => stored)) await this.#ensureAlarm()
    return reply
  }

  /** Gives a lease back unused. */
  async release(request: {
    readonly key: string
    readonly token: string
    readonly cursor?: Cursor | undefined
  }): Promise<{ page: Page }> {
    return this.#step(() => this.#ledger.release(request))
  }

  /** Ends or ages all that the events cover. */
  async invalidate(request: {
    readonly events: readonly Invalidation[]
    readonly cursor?: Cursor | undefined
  }): Promise<{ existed: number; page: Page }> {
    const reply = this.#change(() => this.#ledger.invalidate(request))
    await this.#ensureAlarm()
    return reply
  }

  /** What happened since the cursor. */
  async pull(request: { readonly cursor?: Cursor | undefined }): Promise<{ page: Page }> {
    return this.#step(() => this.#ledger.pull(request))
  }

  /** One step of locks and atomic values, for `ekiben/atomics`. */
  async atomic(request: AtomicRequest): Promise<AtomicReply> {
    const reply = this.#step(() => this.#ledger.atomic(request))
    await this.#ensureAlarm()
    return reply
  }

  /** Deletes some of what expired. The object does so by itself; this is for whoever cannot wait. */
  async prune(): Promise<void> {
    this.#step(() => this.#ledger.prune(PRUNE_LIMIT))
    await this.#ensureAlarm()
  }

  /** What this object did since it was started or since {@link Coordinator.resetStats}. */
  async stats(): Promise<LedgerStats> {
    return this.#ledger.stats()
  }

  /** Counts from 0 again. */
  async resetStats(): Promise<void> {
    this.#ledger.resetStats()
  }

  /** A text that opens one WebSocket within ten seconds, for whoever has made sure that its client may have one. */
  async ticket(): Promise<string> {
    return this.#subscribers.ticket()
  }

  /** A WebSocket for a request with a ticket; 404 for all else. */
  override fetch(request: Request): Response {
    return this.#subscribers.open(request)
  }

  /** Heartbeats never get here and nothing else is expected: whoever talks is not one of ours. */
  override webSocketMessage(socket: WebSocket): void {
    hangUp(socket, 1008)
  }

  /** Workers with a compatibility date before 2026-04-07 must answer a close themselves. */
  override webSocketClose(socket: WebSocket): void {
    hangUp(socket, 1000)
  }

  /** A broken connection is given back. */
  override webSocketError(socket: WebSocket): void {
    hangUp(socket, 1011)
  }

  /** Prunes one bounded step and sets the next alarm, at once if more is left. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null
    const { more } = this.#step(() => this.#ledger.prune(PRUNE_LIMIT))
    if (more) await this.#setAlarm(Date.now())
    else await this.#ensureAlarm()
  }

  /** A step that may add to the journal. Subscribers are told in the order of the journal: nothing is awaited here. */
  #change<T>(run: () => T): T {
    if (!this.#subscribers.any()) return this.#step(run)
    const { reply, push } = this.#step(() => {
      const after = this.#ledger.page().head
      return { reply: run(), push: { after, page: this.#ledger.page(after) } }
    })
    if (push.page.head.seq !== push.after.seq) this.#subscribers.tell(push)
    return reply
  }

  /** All or nothing: without a transaction an error half way would leave what was written before it. */
  #step<T>(run: () => T): T {
    return this.ctx.storage.transactionSync(run)
  }

  /** Sets an alarm for the next expiry, unless one is pending that comes early enough. */
  async #ensureAlarm(): Promise<void> {
    if (this.#alarmAt === undefined) this.#alarmAt = await this.ctx.storage.getAlarm()
    // In the time of the runtime, which alarms follow, whatever clock the entries follow.
    const now = Date.now()
    const pending = this.#alarmAt ?? Infinity
    if (pending <= now + 2 * PRUNE_INTERVAL) return
    const next = this.#ledger.nextExpiry()
    if (next === undefined) return
    const wait = Math.min(Math.max(next - this.now(), PRUNE_INTERVAL), PRUNE_HORIZON)
    if (now + wait + PRUNE_INTERVAL < pending) await this.#setAlarm(now + wait)
  }

  async #setAlarm(at: number): Promise<void> {
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at)
  }
}
