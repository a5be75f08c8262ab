import { createRequire } from 'node:module'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import knex, { type Knex } from 'knex'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import type { Loose } from '../../src/loose.ts'

/** SQLite of Node, by as much of the interface of `better-sqlite3` as query builders use. That one is not needed to build. */
class Database {
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
  }

  prepare(text: string): ReturnType<SqliteDatabase['prepare']> {
    const statement = this.#database.prepare(text)
    return {
      reader: statement.columns().length > 0,
      all: (values) => statement.all(...(values as SQLInputValue[])),
      run: (values) => statement.run(...(values as SQLInputValue[])),
      iterate: (values) => statement.iterate(...(values as SQLInputValue[])) as IterableIterator<unknown>,
    }
  }

  close(): void {
    this.#database.close()
  }
}

// Knex has no types for its dialects.
const Client = createRequire(import.meta.url)(
  'knex/lib/dialects/better-sqlite3/index.js',
) as typeof knex.Client

class NodeSqliteClient extends Client {
  _driver(): typeof Database {
    return Database
  }
}

/** A connection of Kysely to a file. */
export function openKysely(path: string): Kysely<Loose> {
  return new Kysely({ dialect: new SqliteDialect({ database: new Database(path) }) })
}

/** A connection of Knex to a file. */
export function openKnex(path: string): Knex {
  return knex({
    client: NodeSqliteClient,
    connection: { filename: path },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  })
}
