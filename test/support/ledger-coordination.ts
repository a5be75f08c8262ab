import type { AtomicReply, AtomicRequest } from '../../src/atomic-calls.ts'
import type { Coordination } from '../../src/ports.ts'
import { Ledger, type LedgerOptions, type Synchronous } from '../../workers/ledger.ts'
import { noStats } from '../../workers/ledger/stats.ts'
import { type NodeSql, openNodeSql } from './node-sql.ts'

/** A fleet's coordinator in this process: the real ledger on a manual clock, spoken to as over a network. */
export interface LedgerCoordination {
  readonly coordination: Coordination
  /** Its door for locks and atomic values. */
  readonly atomic: (request: AtomicRequest) => Promise<AtomicReply>
  /** The state machine itself, for `stats()` and `prune()`. */
  readonly ledger: Ledger
  /** The database, for tests that lose a part of it. */
  readonly sql: NodeSql
  /** Calls received, by method. */
  readonly calls: Record<keyof Synchronous, number>
}

/** Random ids that are the same in every run. */
export function countedIds(prefix = 'id'): () => string {
  let count = 0
  return () => `${prefix}-${++count}`
}

/** Makes one. The clock is the caller's: `now` is read at every call. */
export function ledgerCoordination(
  options: Pick<LedgerOptions, 'now'> & Partial<Omit<LedgerOptions, 'sql'>>,
): LedgerCoordination {
  const sql = openNodeSql()
  const ledger = new Ledger({ sql, randomId: countedIds(), ...options })
  const { calls } = noStats()
  const call = <Name extends keyof Synchronous>(name: Name) => {
    return async (request: Parameters<Synchronous[Name]>[0]): Promise<ReturnType<Synchronous[Name]>> => {
      calls[name]++
      // Plain data both ways, copied, as RPC and JSON do it: nobody shares an object with the coordinator.
      const copy = structuredClone(request)
      const run = ledger[name].bind(ledger) as (request: unknown) => ReturnType<Synchronous[Name]>
      return structuredClone(sql.transaction(() => run(copy)))
    }
  }
  const coordination: Coordination = {
    read: call('read'),
    readMany: call('readMany'),
    take: call('take'),
    commit: call('commit'),
    commitMany: call('commitMany'),
    release: call('release'),
    invalidate: call('invalidate'),
    pull: call('pull'),
  }
  const atomic = async (request: AtomicRequest): Promise<AtomicReply> => {
    const copy = structuredClone(request)
    return structuredClone(sql.transaction(() => ledger.atomic(copy)))
  }
  return { coordination, atomic, ledger, sql, calls }
}
