import type { Cursor, Invalidation, JournalEvent, Page } from '../../src/ports.ts'
import { run, selectEach, type Sql } from './sql.ts'
import { parseSubject, type Subject, subjectOf } from './subjects.ts'

/** Bounds of the journal. */
export interface JournalLimits {
  /** Events kept. */
  readonly cap: number
  /** Events in one page; more are told as a gap. */
  readonly page: number
}

/**
 * The ordered list of invalidations. A cursor names an event of it by place and by random id, so that a journal
 * which was lost and grew back to the same length is not taken for the old one.
 */
export class Journal {
  readonly #sql: Sql
  readonly #randomId: () => string
  readonly #limits: JournalLimits

  constructor(sql: Sql, randomId: () => string, limits: JournalLimits) {
    this.#sql = sql
    this.#randomId = randomId
    this.#limits = limits
  }

  /** The last event. A new journal gets a birth event first: an empty one could not be told from any other. */
  head(): Cursor {
    const [last] = this.#sql.exec('SELECT seq, id FROM journal ORDER BY seq DESC LIMIT 1').toArray()
    if (last) return { seq: Number(last['seq']), id: String(last['id']) }
    const birth = { seq: 1, id: this.#randomId() }
    run(this.#sql, `INSERT INTO journal (seq, id, subject, soft) VALUES (?, ?, '', 0)`, birth.seq, birth.id)
    return birth
  }

  /** Whether the event a cursor names is still known. A cursor comes from outside and may be anything. */
  has(cursor: unknown): cursor is Cursor {
    if (!isCursor(cursor)) return false
    const [row] = this.#sql.exec('SELECT id FROM journal WHERE seq = ?', cursor.seq).toArray()
    return row !== undefined && row['id'] === cursor.id
  }

  /** All that followed `cursor`, or a gap: a page is whole or it is none. */
  page(cursor: unknown): Page {
    const head = this.head()
    if (!this.has(cursor) || head.seq - cursor.seq > this.#limits.page) return { head, events: 'gap' }
    if (head.seq === cursor.seq) return { head, events: [] }
    const rows = this.#sql
      .exec('SELECT seq, subject, soft FROM journal WHERE seq > ? ORDER BY seq', cursor.seq)
      .toArray()
    const events = rows.map((row): JournalEvent => ({
      seq: Number(row['seq']),
      ...parseSubject(String(row['subject'])),
      soft: row['soft'] === 1,
    }))
    return { head, events }
  }

  /** Whether it is certain that no event after `cursor` was on any of `subjects`. */
  untouched(cursor: unknown, subjects: readonly Subject[]): boolean {
    if (!this.has(cursor)) return false
    const touching = selectEach(
      this.#sql,
      subjects,
      'SELECT seq FROM journal WHERE subject IN (SELECT value FROM json_each(?)) AND seq > ? LIMIT 1',
      cursor.seq,
    )
    return touching.length === 0
  }

  /** Adds events and lets the oldest go. */
  append(events: readonly Invalidation[]): void {
    const from = this.head().seq + 1
    const rows = events.map((event, index) => [
      from + index,
      this.#randomId(),
      subjectOf(event),
      event.soft ? 1 : 0,
    ])
    selectEach(
      this.#sql,
      rows,
      `INSERT INTO journal (seq, id, subject, soft)
       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`,
    )
    run(this.#sql, 'DELETE FROM journal WHERE seq <= ?', from + events.length - 1 - this.#limits.cap)
  }
}

function isCursor(cursor: unknown): cursor is Cursor {
  if (typeof cursor !== 'object' || cursor === null) return false
  const { seq, id } = cursor as Partial<Record<keyof Cursor, unknown>>
  return typeof id === 'string' && Number.isSafeInteger(seq)
}
