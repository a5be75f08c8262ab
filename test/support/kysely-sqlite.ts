import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'

/** Real SQL for Bentocache's driver: SQLite in memory, through as much of the driver's interface as Kysely uses. */
export function openKysely(): Kysely<never> {
  const database = new DatabaseSync(':memory:')
  return new Kysely({
    dialect: new SqliteDialect({
      database: {
        close: () => database.close(),
        prepare: (text) => {
          const statement = database.prepare(text)
          return {
            reader: statement.columns().length > 0,
            all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
            run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
            iterate: (parameters) =>
              statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
          }
        },
      },
    }),
  })
}
