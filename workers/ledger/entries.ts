import type { ReadReply } from '../../src/ports.ts'
import { alive, type Epochs, readStamps, type Stamps, unaged, writeStamps } from './epochs.ts'
import { run, selectEach, type Sql, type SqlValue } from './sql.ts'
import { parseNames, type Subject } from './subjects.ts'

/** What a row says of an entry. Times are absolute, in milliseconds; `null` is for ever. */
export interface EntryRow {
  readonly key: string
  readonly version: string
  readonly payload: string
  readonly freshUntil: number | null
  readonly staleUntil: number | null
  readonly soft: boolean
  readonly stamps: Stamps
}

/** When an entry ends. */
type Life = Pick<EntryRow, 'key' | 'freshUntil' | 'staleUntil'>

/** Who reads what. */
interface Wanted {
  readonly key: string
  readonly namespaces: readonly Subject[]
  /** The version that counts as missing; `'*'` for any. */
  readonly unusable?: string | undefined
}

/** A read of one entry, the lease and the page aside. */
export type Verdict = Pick<ReadReply, 'entry' | 'stale' | 'freshFor' | 'staleFor'>

const ABSENT: Verdict = { stale: false, freshFor: 0, staleFor: 0 }

/** The entries. Whether one may be used is decided here and nowhere else, by what is in force now. */
export class Entries {
  readonly #sql: Sql
  readonly #epochs: Epochs

  constructor(sql: Sql, epochs: Epochs) {
    this.#sql = sql
    this.#epochs = epochs
  }

  /** Judges one read per wanted key: is there an entry for a reader of these namespaces, and is it stale? */
  judge(wanted: readonly Wanted[], now: number): Verdict[] {
    const rows = this.#load(wanted.map(({ key }) => key))
    const inForce = this.#epochs.find([...rows.values()].flatMap((row) => [...row.stamps.keys()]))
    return wanted.map(({ key, namespaces, unusable }) => {
      const row = rows.get(key)
      const seen =
        row && unusable !== '*' && unusable !== row.version && isThere(row, namespaces, inForce, now)
      return seen ? describe(row, inForce, now) : ABSENT
    })
  }

  /** The row of an entry that is there for a reader of these namespaces. Its payload is left where it is. */
  living(key: string, namespaces: readonly Subject[], now: number): EntryRow | undefined {
    const row = this.#load([key], `'' AS payload`).get(key)
    return row && isThere(row, namespaces, this.#epochs.find(row.stamps.keys()), now) ? row : undefined
  }

  /** How many of `keys` hold an entry somebody could read. */
  held(keys: readonly string[], now: number): number {
    return this.#living(keys, now).length
  }

  /** Whether a key holds an entry that need not be computed again. */
  fresh(key: string, now: number): boolean {
    return this.#living([key], now).some((verdict) => !verdict.stale)
  }

  put(row: Omit<EntryRow, 'soft'>): void {
    run(
      this.#sql,
      `INSERT INTO entries (key, version, payload, fresh_until, stale_until, soft, stamps)
       VALUES (?, ?, ?, ?, ?, 0, ?)
       ON CONFLICT (key) DO UPDATE SET version = excluded.version, payload = excluded.payload, soft = 0,
         fresh_until = excluded.fresh_until, stale_until = excluded.stale_until, stamps = excluded.stamps`,
      row.key,
      row.version,
      row.payload,
      row.freshUntil,
      row.staleUntil,
      writeStamps(row.stamps),
    )
  }

  /** Gives what is there another life, as if it had just been put. */
  renew(row: Life & Pick<EntryRow, 'stamps'>): void {
    run(
      this.#sql,
      'UPDATE entries SET fresh_until = ?, stale_until = ?, soft = 0, stamps = ? WHERE key = ?',
      row.freshUntil,
      row.staleUntil,
      writeStamps(row.stamps),
      row.key,
    )
  }

  /** Gives what is there another life and leaves it as stale as it was made. */
  prolong(row: Life): void {
    run(
      this.#sql,
      'UPDATE entries SET fresh_until = ?, stale_until = ? WHERE key = ?',
      row.freshUntil,
      row.staleUntil,
      row.key,
    )
  }

  /** Deletes the entries of `keys`. */
  end(keys: readonly string[]): void {
    selectEach(this.#sql, keys, 'DELETE FROM entries WHERE key IN (SELECT value FROM json_each(?))')
  }

  /** Marks the entries of `keys` as stale. */
  age(keys: readonly string[]): void {
    selectEach(this.#sql, keys, 'UPDATE entries SET soft = 1 WHERE key IN (SELECT value FROM json_each(?))')
  }

  /** Payloads stay where they are: here only the headers matter. */
  #living(keys: readonly string[], now: number): Verdict[] {
    const rows = [...this.#load(keys, `'' AS payload`).values()]
    const inForce = this.#epochs.find(rows.flatMap((row) => [...row.stamps.keys()]))
    return rows.filter((row) => lives(row, inForce, now)).map((row) => describe(row, inForce, now))
  }

  #load(keys: readonly string[], payload = 'payload'): Map<string, EntryRow> {
    const rows = selectEach(
      this.#sql,
      [...new Set(keys)],
      `SELECT key, version, ${payload}, fresh_until, stale_until, soft, stamps
       FROM entries WHERE key IN (SELECT value FROM json_each(?))`,
    )
    return new Map(rows.map((row) => [String(row['key']), parseRow(row)]))
  }
}

function parseRow(row: Record<string, SqlValue>): EntryRow {
  return {
    key: String(row['key']),
    version: String(row['version']),
    payload: String(row['payload']),
    freshUntil: row['fresh_until'] as number | null,
    staleUntil: row['stale_until'] as number | null,
    soft: row['soft'] === 1,
    stamps: readStamps(String(row['stamps'])),
  }
}

function lives(row: EntryRow, inForce: Stamps, now: number): boolean {
  return (row.staleUntil === null || now < row.staleUntil) && alive(row.stamps, inForce)
}

function isThere(row: EntryRow, namespaces: readonly Subject[], inForce: Stamps, now: number): boolean {
  return lives(row, inForce, now) && namespaces.every((path) => row.stamps.has(path))
}

function describe(row: EntryRow, inForce: Stamps, now: number): Verdict {
  const freshFor = row.freshUntil === null ? null : row.freshUntil - now
  return {
    entry: { payload: row.payload, version: row.version, ...parseNames(row.stamps.keys()) },
    stale: (freshFor !== null && freshFor <= 0) || row.soft || !unaged(row.stamps, inForce),
    freshFor,
    staleFor: row.staleUntil === null ? null : row.staleUntil - now,
  }
}
