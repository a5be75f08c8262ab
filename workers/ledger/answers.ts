import type { Cursor } from '../../src/ports.ts'
import { run, type Sql } from './sql.ts'

/**
 * What became of operations already done, so that a repeated commit is answered and not done again: its first reply
 * was lost, or it is a late copy, and what it wrote may have been deleted since.
 */
export class Answers {
  readonly #sql: Sql
  readonly #ttl: number

  /** Answers are kept for `ttl` ms: at least twice the longest life of a request. */
  constructor(sql: Sql, ttl: number) {
    this.#sql = sql
    this.#ttl = ttl
  }

  /** Where the journal stood after the operation; nothing if it was not done, or is forgotten. */
  find(op: string): Cursor | undefined {
    const [row] = this.#sql.exec('SELECT seq, id FROM answers WHERE op = ?', op).toArray()
    return row && { seq: Number(row['seq']), id: String(row['id']) }
  }

  put(op: string, at: Cursor, now: number): void {
    run(
      this.#sql,
      'INSERT INTO answers (op, seq, id, expires) VALUES (?, ?, ?, ?)',
      op,
      at.seq,
      at.id,
      now + this.#ttl,
    )
  }
}
