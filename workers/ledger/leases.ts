import type { Cursor } from '../../src/ports.ts'
import { alive, type Epochs, readStamps, type Stamps, unaged, writeStamps } from './epochs.ts'
import { run, selectEach, type Sql } from './sql.ts'
import type { Subject } from './subjects.ts'

/**
 * How long a lease that ran out is remembered. It decides nothing; it only tells a key that is computed again
 * because its holder died from a key that is computed anew.
 */
const LINGER = 120_000

/** The right to compute a key, and what was in force when it was given. */
export interface Lease {
  readonly token: string
  readonly grant: Cursor
  readonly expires: number
  /** Epochs of the names known at the grant. */
  readonly snapshot: Stamps
}

/** Who asks for a lease, and on what. */
export interface Claim {
  readonly key: string
  readonly token: string
  readonly ttl: number
  /** Tags and namespaces known before the computation. */
  readonly subjects: readonly Subject[]
}

/** What a claim got: a new grant, the grant it already has, or how long another's lease still runs. */
export type Award =
  | { readonly kind: 'new'; readonly grant: Cursor; readonly generation: boolean }
  | { readonly kind: 'again'; readonly grant: Cursor }
  | { readonly kind: 'refused'; readonly left: number }

/** At most one lease a key. */
export class Leases {
  readonly #sql: Sql
  readonly #epochs: Epochs

  constructor(sql: Sql, epochs: Epochs) {
    this.#sql = sql
    this.#epochs = epochs
  }

  /** Gives the lease of a key to one claimant at a time. `head` becomes the grant. */
  claim({ key, token, ttl, subjects }: Claim, head: Cursor, now: number): Award {
    const last = this.find(key)
    const current = last !== undefined && this.isCurrent(last)
    if (current && now < last.expires) {
      // The request may be a copy sent by the network: the same question gets the same answer.
      if (last.token === token) return { kind: 'again', grant: last.grant }
      return { kind: 'refused', left: last.expires - now }
    }
    const expires = now + ttl
    this.#put(key, { token, grant: head, expires, snapshot: this.#epochs.stamp(subjects, expires) })
    return { kind: 'new', grant: head, generation: !current }
  }

  /** Whether all that was known at the grant is still in force: an ended or aged tag or namespace ends the lease. */
  isCurrent({ snapshot }: Lease): boolean {
    const inForce = this.#epochs.find(snapshot.keys())
    return alive(snapshot, inForce) && unaged(snapshot, inForce)
  }

  /** The last lease of a key that nothing ended but, maybe, the clock. */
  find(key: string): Lease | undefined {
    const [row] = this.#sql
      .exec('SELECT token, grant_seq, grant_id, expires, snapshot FROM leases WHERE key = ?', key)
      .toArray()
    if (!row) return undefined
    return {
      token: String(row['token']),
      grant: { seq: Number(row['grant_seq']), id: String(row['grant_id']) },
      expires: Number(row['expires']),
      snapshot: readStamps(String(row['snapshot'])),
    }
  }

  /** Ends the leases of `keys`, whoever holds them. */
  end(keys: readonly string[]): void {
    selectEach(this.#sql, keys, 'DELETE FROM leases WHERE key IN (SELECT value FROM json_each(?))')
  }

  /** Ends the lease of a key if it is `token`'s. */
  endOwn(key: string, token: string): void {
    run(this.#sql, 'DELETE FROM leases WHERE key = ? AND token = ?', key, token)
  }

  /** Lets the lease of a key run out now if it is `token`'s. */
  lapse(key: string, token: string, now: number): void {
    run(
      this.#sql,
      'UPDATE leases SET expires = ? WHERE key = ? AND token = ? AND expires > ?',
      now,
      key,
      token,
      now,
    )
  }

  #put(key: string, lease: Lease): void {
    run(
      this.#sql,
      `INSERT INTO leases (key, token, grant_seq, grant_id, expires, snapshot) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET token = excluded.token, grant_seq = excluded.grant_seq,
         grant_id = excluded.grant_id, expires = excluded.expires, snapshot = excluded.snapshot`,
      key,
      lease.token,
      lease.grant.seq,
      lease.grant.id,
      lease.expires,
      writeStamps(lease.snapshot),
    )
  }
}

/** Leases that expired before this are forgotten. */
export function forgetLeasesBefore(now: number): number {
  return now - LINGER
}
