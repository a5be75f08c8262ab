import { selectEach, type Sql } from './sql.ts'
import type { Subject } from './subjects.ts'

/** The opaque versions of a tag: what must be equal for an entry to live, and to be fresh. Namespaces use `hard`. */
export interface Epoch {
  readonly hard: string
  readonly soft: string
}

/** The epochs something was stamped with, by subject. */
export type Stamps = ReadonlyMap<string, Epoch>

/**
 * An epoch is kept this much longer than asked. A busy tag is then raised once in a while and not by every commit
 * that outlives the one before.
 */
const SLACK = 3_600_000

/**
 * The epochs in force. One that cannot be found is equal to none, so losing one only invalidates more: deleting it
 * is how a hard invalidation is done, and eviction by time needs no care.
 */
export class Epochs {
  readonly #sql: Sql
  readonly #randomId: () => string

  constructor(sql: Sql, randomId: () => string) {
    this.#sql = sql
    this.#randomId = randomId
  }

  /** Those of `subjects` that exist. */
  find(subjects: Iterable<string>): Map<string, Epoch & { expires: number | null }> {
    const rows = selectEach(
      this.#sql,
      [...new Set(subjects)],
      'SELECT subject, hard, soft, expires FROM epochs WHERE subject IN (SELECT value FROM json_each(?))',
    )
    return new Map(
      rows.map((row) => [
        String(row['subject']),
        {
          hard: String(row['hard']),
          soft: String(row['soft']),
          expires: row['expires'] === null ? null : Number(row['expires']),
        },
      ]),
    )
  }

  /** The epochs of all `subjects`: missing ones are minted, and none expires before `until` (`null`: never). */
  stamp(subjects: readonly Subject[], until: number | null): Stamps {
    const found = this.find(subjects)
    const expires = until === null ? null : until + SLACK
    // Random, never a number to start from: an old entry must not live again when its epoch returns. One for all,
    // because an epoch is only ever compared with an earlier one of its own subject.
    const fresh = this.#randomId()
    const minted: [Subject, string, number | null][] = []
    const short: Subject[] = []
    const stamps = new Map<string, Epoch>()
    for (const subject of subjects) {
      const epoch = found.get(subject)
      if (!epoch) minted.push([subject, fresh, expires])
      else if (epoch.expires !== null && (until === null || epoch.expires < until)) short.push(subject)
      stamps.set(subject, epoch ? { hard: epoch.hard, soft: epoch.soft } : { hard: fresh, soft: fresh })
    }
    selectEach(
      this.#sql,
      minted,
      `INSERT INTO epochs (subject, hard, soft, expires)
       SELECT value ->> 0, value ->> 1, value ->> 1, value ->> 2 FROM json_each(?)`,
    )
    selectEach(
      this.#sql,
      short,
      `WITH short AS (SELECT value FROM json_each(?))
       UPDATE epochs SET expires = ? WHERE subject IN (SELECT value FROM short)`,
      expires,
    )
    return stamps
  }

  /** Ends what was stamped with these subjects. */
  end(subjects: readonly Subject[]): void {
    selectEach(this.#sql, subjects, 'DELETE FROM epochs WHERE subject IN (SELECT value FROM json_each(?))')
  }

  /** Ages what was stamped with these subjects. */
  age(subjects: readonly Subject[]): void {
    selectEach(
      this.#sql,
      subjects,
      `WITH aged AS (SELECT value FROM json_each(?))
       UPDATE epochs SET soft = ? WHERE subject IN (SELECT value FROM aged)`,
      this.#randomId(),
    )
  }
}

/** Whether everything stamped with `stamps` may still be used, by the epochs in force. */
export function alive(stamps: Stamps, inForce: Stamps): boolean {
  for (const [subject, stamp] of stamps) {
    if (inForce.get(subject)?.hard !== stamp.hard) return false
  }
  return true
}

/** Whether nothing stamped with `stamps` was aged since, by the epochs in force. */
export function unaged(stamps: Stamps, inForce: Stamps): boolean {
  for (const [subject, stamp] of stamps) {
    if (inForce.get(subject)?.soft !== stamp.soft) return false
  }
  return true
}

/** Stamps as the text of a column. */
export function writeStamps(stamps: Stamps): string {
  return JSON.stringify([...stamps].map(([subject, { hard, soft }]) => [subject, hard, soft]))
}

/** The way back from {@link writeStamps}. */
export function readStamps(text: string): Stamps {
  const rows = JSON.parse(text) as [string, string, string][]
  return new Map(rows.map(([subject, hard, soft]) => [subject, { hard, soft }]))
}
