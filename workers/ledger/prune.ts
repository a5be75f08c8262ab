import { alive, type Epochs, readStamps } from './epochs.ts'
import { forgetLeasesBefore } from './leases.ts'
import { run, selectEach, type Sql } from './sql.ts'

/** What one step of pruning did and what it left. */
export interface Pruned {
  /** Rows deleted. */
  readonly removed: number
  /** Whether something is left that could go now. */
  readonly more: boolean
  /** When the next thing can go, absolute; absent when nothing ever will by itself. */
  readonly next: number | undefined
}

/** Dead entries that never expire are looked for at most this often. */
const SWEEP_DELAY = 3_600_000

const TABLES = [
  { table: 'leases', id: 'key', expiry: 'expires', before: forgetLeasesBefore },
  { table: 'answers', id: 'op', expiry: 'expires', before: (now: number) => now },
  { table: 'entries', id: 'id', expiry: 'stale_until', before: (now: number) => now },
  { table: 'epochs', id: 'subject', expiry: 'expires', before: (now: number) => now },
  { table: 'locks', id: 'name', expiry: 'expires', before: (now: number) => now },
  { table: 'atoms', id: 'name', expiry: 'expires', before: (now: number) => now },
  { table: 'atom_answers', id: 'op', expiry: 'expires', before: (now: number) => now },
] as const

/** Deletes what expired, at most about `limit` rows a call, and walks on through what may be dead. */
export function prune(sql: Sql, epochs: Epochs, now: number, limit: number): Pruned {
  let removed = 0
  for (const { table, id, expiry, before } of TABLES) {
    if (removed >= limit) break
    const gone = sql
      .exec(
        `DELETE FROM ${table} WHERE ${id} IN
         (SELECT ${id} FROM ${table} WHERE ${expiry} <= ? ORDER BY ${expiry} LIMIT ?) RETURNING 1`,
        before(now),
        limit - removed,
      )
      .toArray()
    removed += gone.length
  }
  if (removed < limit) removed += sweep(sql, epochs, now, limit - removed)
  const next = nextExpiry(sql)
  return { removed, more: next !== undefined && next <= now, next }
}

/** The next row of each table. A look-up in an index each, and one statement for all. */
const NEXT = `SELECT ${TABLES.map(
  ({ table, expiry }) =>
    `(SELECT ${expiry} FROM ${table} WHERE ${expiry} IS NOT NULL ORDER BY ${expiry} LIMIT 1) AS ${table}`,
).join()}`

/** When the next row can be pruned. */
export function nextExpiry(sql: Sql): number | undefined {
  const [row] = sql.exec(NEXT).toArray()
  const times = TABLES.map(({ table, before }) => {
    const due = row?.[table]
    // `before` shifts the clock; shifted back, it tells when the row's turn comes.
    return typeof due === 'number' ? due - before(0) : undefined
  })
  times.push(findSweep(sql)?.due)
  const known = times.filter((time) => time !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/**
 * To be called when epochs were ended. Entries with an expiry go by themselves; those for ever would stay as dead
 * weight, and finding them at once would cost a walk over all entries for each invalidation. So the walk is put off
 * and done once for many.
 */
export function planSweep(sql: Sql, now: number): void {
  const planned = findSweep(sql)
  if (planned) {
    const passed = planned.position > 0 && !planned.again
    if (passed) run(sql, 'UPDATE sweep SET again = 1')
    return
  }
  const [eternal] = sql.exec('SELECT 1 FROM entries WHERE stale_until IS NULL LIMIT 1').toArray()
  if (eternal)
    run(sql, 'INSERT INTO sweep (one, due, position, again) VALUES (1, ?, 0, 0)', now + SWEEP_DELAY)
}

function findSweep(sql: Sql): { due: number; position: number; again: boolean } | undefined {
  const [row] = sql.exec('SELECT due, position, again FROM sweep').toArray()
  return row && { due: Number(row['due']), position: Number(row['position']), again: row['again'] === 1 }
}

/** Looks at the next `limit` entries without an expiry and deletes the dead ones. */
function sweep(sql: Sql, epochs: Epochs, now: number, limit: number): number {
  const planned = findSweep(sql)
  if (!planned || planned.due > now) return 0
  const rows = sql
    .exec(
      'SELECT id, stamps FROM entries WHERE stale_until IS NULL AND id > ? ORDER BY id LIMIT ?',
      planned.position,
      limit,
    )
    .toArray()
    .map((row) => ({ id: Number(row['id']), stamps: readStamps(String(row['stamps'])) }))
  const inForce = epochs.find(rows.flatMap(({ stamps }) => [...stamps.keys()]))
  const dead = rows.filter(({ stamps }) => !alive(stamps, inForce)).map(({ id }) => id)
  selectEach(sql, dead, 'DELETE FROM entries WHERE id IN (SELECT value FROM json_each(?))')
  const last = rows.at(-1)
  if (last && rows.length === limit) run(sql, 'UPDATE sweep SET position = ?', last.id)
  else if (planned.again) run(sql, 'UPDATE sweep SET position = 0, again = 0, due = ?', now + SWEEP_DELAY)
  else run(sql, 'DELETE FROM sweep')
  return dead.length
}
