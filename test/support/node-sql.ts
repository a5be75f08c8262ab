import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Sql, SqlValue } from '../../workers/ledger.ts'

/** The storage of a Durable Object over SQLite in memory, with its limits, so that the real ledger runs in Node. */
export interface NodeSql extends Sql {
  /** All or nothing, as `ctx.storage.transactionSync` is. */
  transaction<T>(run: () => T): T
  close(): void
}

const MAX_PARAMETERS = 100
const MAX_TEXT_BYTES = 2_000_000

/** Opens an empty database. */
export function openNodeSql(): NodeSql {
  const database = new DatabaseSync(':memory:')
  const statements = new Map<string, StatementSync>()
  const prepare = (query: string): StatementSync => {
    const known = statements.get(query) ?? database.prepare(query)
    statements.set(query, known)
    return known
  }
  return {
    exec(query, ...bindings) {
      checkLimits(bindings)
      const rows = prepare(query).all(...(bindings as SQLInputValue[])) as Record<string, SqlValue>[]
      return { toArray: () => rows.map((row) => ({ ...row })) }
    },
    transaction(run) {
      database.exec('BEGIN')
      try {
        const result = run()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    close: () => database.close(),
  }
}

function checkLimits(bindings: readonly SqlValue[]): void {
  if (bindings.length > MAX_PARAMETERS) throw new Error('too many SQL variables')
  for (const binding of bindings) {
    if (typeof binding === 'string' && Buffer.byteLength(binding) > MAX_TEXT_BYTES) {
      throw new Error('string or blob too big')
    }
  }
}
