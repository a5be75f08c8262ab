import { ATOM_SCHEMA } from './atom-schema.ts'

/** What SQLite stores and gives back. */
export type SqlValue = ArrayBuffer | string | number | null

/**
 * The part of a Durable Object's `ctx.storage.sql` the ledger uses: synchronous, one statement a call.
 * Anything shaped like it will do, an in-memory SQLite in tests for one.
 */
export interface Sql {
  exec(
    query: string,
    ...bindings: SqlValue[]
  ): { toArray(): Record<string, SqlValue>[]; readonly rowsWritten?: number }
}

/** Longest text bound at once. SQLite in a Durable Object takes 2 MB, and a character may need three bytes. */
const LIST_CHARACTERS = 500_000

/**
 * A list as JSON texts for `json_each(?)`, because a statement takes at most 100 bound parameters. Mostly one
 * text; more when the list is too long for a single value, none when it is empty.
 */
function lists(items: readonly unknown[]): string[] {
  const texts: string[] = []
  let parts: string[] = []
  let length = 0
  for (const item of items) {
    const part = JSON.stringify(item)
    if (length + part.length > LIST_CHARACTERS && parts.length > 0) {
      texts.push(`[${parts.join()}]`)
      parts = []
      length = 0
    }
    parts.push(part)
    length += part.length + 1
  }
  if (parts.length > 0) texts.push(`[${parts.join()}]`)
  return texts
}

/** Rows of `query` for every text of the list, which is its first binding. */
export function selectEach(
  sql: Sql,
  items: readonly unknown[],
  query: string,
  ...bindings: SqlValue[]
): Record<string, SqlValue>[] {
  return lists(items).flatMap((list) => sql.exec(query, list, ...bindings).toArray())
}

/** Runs a statement and lets its rows go. */
export function run(sql: Sql, query: string, ...bindings: SqlValue[]): void {
  sql.exec(query, ...bindings).toArray()
}

const SCHEMA = [
  // A rowid table: payloads are large, and the rowid lets the sweep remember its place.
  `CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, version TEXT NOT NULL, payload TEXT NOT NULL,
    fresh_until INTEGER, stale_until INTEGER, soft INTEGER NOT NULL, stamps TEXT NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS entries_expiry ON entries (stale_until)',
  `CREATE TABLE IF NOT EXISTS epochs (
    subject TEXT PRIMARY KEY, hard TEXT NOT NULL, soft TEXT NOT NULL, expires INTEGER) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS epochs_expiry ON epochs (expires)',
  `CREATE TABLE IF NOT EXISTS leases (
    key TEXT PRIMARY KEY, token TEXT NOT NULL, grant_seq INTEGER NOT NULL, grant_id TEXT NOT NULL,
    expires INTEGER NOT NULL, snapshot TEXT NOT NULL) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS leases_expiry ON leases (expires)',
  `CREATE TABLE IF NOT EXISTS answers (
    op TEXT PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS answers_expiry ON answers (expires)',
  `CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, subject TEXT NOT NULL, soft INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS sweep (
    one INTEGER PRIMARY KEY, due INTEGER NOT NULL, position INTEGER NOT NULL, again INTEGER NOT NULL)`,
  ...ATOM_SCHEMA,
]

/** Creates what is not there yet. Repeating it reads the schema and writes nothing. */
export function createSchema(sql: Sql): void {
  for (const statement of SCHEMA) run(sql, statement)
}
