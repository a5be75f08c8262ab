import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'

/** Real SQL for Bentocache's driver: SQLite in memory, through as much of the driver's interface as Kysely uses. */
// oxlint-disable-next-line typescript/no-explicit-any -- what Bentocache's driver takes
export function openKysely(): Kysely<any> {
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
