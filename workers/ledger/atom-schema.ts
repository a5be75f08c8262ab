/** Tables of locks and atomic values. One row numbers the locks; answers are named by their step and value. */
export const ATOM_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS locks (
    name TEXT PRIMARY KEY, token TEXT NOT NULL, fence INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS locks_expiry ON locks (expires)',
  'CREATE TABLE IF NOT EXISTS fence (one INTEGER PRIMARY KEY, last INTEGER NOT NULL)',
  'CREATE TABLE IF NOT EXISTS atoms (name TEXT PRIMARY KEY, text TEXT NOT NULL, expires INTEGER) WITHOUT ROWID',
  'CREATE INDEX IF NOT EXISTS atoms_expiry ON atoms (expires)',
  `CREATE TABLE IF NOT EXISTS atom_answers (
    op TEXT PRIMARY KEY, answer TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS atom_answers_expiry ON atom_answers (expires)',
]
