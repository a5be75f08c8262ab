import type {
  CommitMode,
  CommitReply,
  CommitRequest,
  Cursor,
  Invalidation,
  Page,
  ReadReply,
} from '../../src/ports.ts'
import { Ledger, type LedgerOptions } from '../../workers/ledger.ts'
import { countedIds } from '../support/ledger-coordination.ts'
import { type NodeSql, openNodeSql } from '../support/node-sql.ts'

type Names = { tags?: readonly string[]; namespaces?: readonly string[] }
type Read = Names & { token?: string; ttl?: number; unusable?: string; cursor?: Cursor }
type Write = Names & Partial<Pick<CommitRequest, 'op' | 'version' | 'freshFor' | 'staleFor' | 'cursor'>>

/** One coordinator on a manual clock, and short words for what isolates ask of it. */
export interface Scene {
  readonly ledger: Ledger
  readonly sql: NodeSql
  readonly clock: { now: number }
  readonly read: (key: string, read?: Read) => ReadReply
  /** The payload a plain reader gets. */
  readonly value: (key: string, names?: Names) => string | undefined
  /** The grant of a lease that must be given. */
  readonly lease: (key: string, token: string, read?: Read) => Cursor
  /** A commit under a lease. */
  readonly fill: (
    key: string,
    payload: string,
    lease: { token: string; grant: Cursor },
    write?: Write,
  ) => CommitReply
  readonly free: (key: string, payload: string, since: Cursor, write?: Write) => CommitReply
  readonly set: (key: string, payload: string, write?: Write) => CommitReply
  /** A commit without a payload. */
  readonly keep: (key: string, keeps: string, mode: CommitMode, write?: Write) => CommitReply
  readonly invalidate: (...events: (Pick<Invalidation, 'kind' | 'name'> & { soft?: boolean })[]) => number
  readonly head: () => Cursor
  /** The page after `cursor` as `kind name` texts, or `'gap'`. */
  readonly told: (page: Page) => string[] | 'gap'
}

/** Opens an empty coordinator at a moment far from 0. */
export function openScene(options: Partial<LedgerOptions> = {}): Scene {
  const sql = openNodeSql()
  const clock = { now: 1_800_000_000_000 }
  const ledger = new Ledger({ sql, now: () => clock.now, randomId: countedIds(), ...options })
  const opId = countedIds('op')
  const commit = (
    key: string,
    body: Pick<CommitRequest, 'payload' | 'keeps'>,
    mode: CommitMode,
    { tags = [], namespaces = [], ...write }: Write = {},
  ): CommitReply =>
    ledger.commit({
      op: opId(),
      version: `v of ${body.payload}`,
      freshFor: 60_000,
      staleFor: 600_000,
      key,
      ...body,
      mode,
      tags,
      namespaces,
      ...write,
    })
  const scene: Scene = {
    ledger,
    sql,
    clock,
    read: (key, { tags = [], namespaces = [], token, ttl = 10_000, ...rest } = {}) =>
      ledger.read({ key, tags, namespaces, ...rest, ...(token !== undefined && { lease: { token, ttl } }) }),
    value: (key, names) => scene.read(key, names).entry?.payload,
    lease(key, token, read) {
      const { lease } = scene.read(key, { ...read, token })
      if (!lease) throw new Error('the lease was refused')
      return lease.grant
    },
    fill: (key, payload, lease, write) => commit(key, { payload }, { kind: 'lease', ...lease }, write),
    free: (key, payload, since, write) => commit(key, { payload }, { kind: 'free', since }, write),
    set: (key, payload, write) => commit(key, { payload }, { kind: 'set' }, write),
    keep: (key, keeps, mode, write) => commit(key, { keeps }, mode, write),
    invalidate: (...events) =>
      ledger.invalidate({ events: events.map((event) => ({ soft: false, ...event })) }).existed,
    head: () => ledger.pull({}).page.head,
    told: ({ events }) =>
      events === 'gap'
        ? 'gap'
        : events.map(({ kind, name, soft }) => `${kind} ${name}${soft ? ' soft' : ''}`),
  }
  return scene
}
