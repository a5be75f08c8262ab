import type { AtomicCalls, AtomicReply, AtomicRequest, AtomicStep, Hold } from '../../src/atomic-calls.ts'
import { ATOMIC_ANSWERS_TTL } from '../../src/atomic-limits.ts'
import { checkAtomic } from './atom-requests.ts'
import { run, type Sql } from './sql.ts'

type Request<Step extends AtomicStep> = Parameters<AtomicCalls[Step]>[0]
type Steps = { readonly [Step in AtomicStep]: (request: Request<Step>, now: number) => AtomicReply<Step> }

interface LockRow {
  readonly token: string
  readonly fence: number
  readonly expires: number
}

/** Locks, counters and values that are set if absent. What is over is as good as gone, whether it was pruned or not. */
export class Atoms {
  readonly #sql: Sql
  readonly #steps: Steps = {
    acquire: (request, now) => this.#acquire(request, now),
    extend: (request, now) => this.#extend(request, now),
    surrender: ({ name, token }, now) => {
      const released = this.#lock(name, now)?.token === token
      if (released) run(this.#sql, 'DELETE FROM locks WHERE name = ?', name)
      return { released }
    },
    add: (request, now) => this.#add(request, now),
    increment: (request, now) => this.#increment(request, now),
    read: ({ name }, now) => {
      const text = this.#find(name, now)
      return text === undefined ? {} : { text }
    },
    remove: ({ name }, now) => {
      const removed = this.#find(name, now) !== undefined
      run(this.#sql, 'DELETE FROM atoms WHERE name = ?', name)
      return { removed }
    },
  }

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Takes one step. Requests are untrusted. @throws {@link InvalidOptionError} */
  take(request: AtomicRequest, now: number): AtomicReply {
    checkAtomic(request)
    return this.#steps[request.step](request as never, now)
  }

  #acquire({ name, token, ttl }: Request<'acquire'>, now: number): Hold {
    const lock = this.#lock(name, now)
    if (lock) return holdOf(lock, token, now)
    // The clock as the least, as in Redis: there it makes up for a lost number, and here both count alike.
    const [row] = this.#sql
      .exec(
        `INSERT INTO fence (one, last) VALUES (1, ?)
         ON CONFLICT (one) DO UPDATE SET last = max(last + 1, excluded.last) RETURNING last`,
        now,
      )
      .toArray()
    const fence = Number(row?.['last'])
    run(
      this.#sql,
      `INSERT INTO locks (name, token, fence, expires) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET token = excluded.token, fence = excluded.fence, expires = excluded.expires`,
      name,
      token,
      fence,
      now + ttl,
    )
    return { held: true, fence, left: ttl }
  }

  #extend({ name, token, ttl }: Request<'extend'>, now: number): Hold {
    const lock = this.#lock(name, now)
    if (!lock) return { held: false, fence: 0, left: 0 }
    const hold = holdOf(lock, token, now)
    if (!hold.held || ttl === undefined) return hold
    run(this.#sql, 'UPDATE locks SET expires = ? WHERE name = ?', now + ttl, name)
    return { ...hold, left: ttl }
  }

  #add({ name, text, ttl, op }: Request<'add'>, now: number): { added: boolean } {
    const answer = answerName('add', op, name)
    if (this.#answer(answer) !== undefined) return { added: true }
    if (this.#find(name, now) !== undefined) return { added: false }
    this.#create(name, text, ttl, now)
    this.#keep(answer, '1', now)
    return { added: true }
  }

  #increment({ name, by, ttl, op }: Request<'increment'>, now: number): AtomicReply<'increment'> {
    const answer = answerName('count', op, name)
    const known = this.#answer(answer)
    if (known !== undefined) return { value: Number(known) }
    const text = this.#find(name, now)
    const old = /^-?\d+$/.test(text ?? '0') ? Number(text ?? 0) : Number.NaN
    if (!Number.isSafeInteger(old)) return { refused: 'type' }
    const value = old + by
    if (!Number.isSafeInteger(value)) return { refused: 'range' }
    if (text === undefined) this.#create(name, String(value), ttl, now)
    else run(this.#sql, 'UPDATE atoms SET text = ? WHERE name = ?', String(value), name)
    this.#keep(answer, String(value), now)
    return { value }
  }

  #lock(name: string, now: number): LockRow | undefined {
    const [row] = this.#sql
      .exec('SELECT token, fence, expires FROM locks WHERE name = ? AND expires > ?', name, now)
      .toArray()
    return (
      row && {
        token: String(row['token']),
        fence: Number(row['fence']),
        expires: Number(row['expires']),
      }
    )
  }

  #find(name: string, now: number): string | undefined {
    const [row] = this.#sql
      .exec('SELECT text FROM atoms WHERE name = ? AND (expires IS NULL OR expires > ?)', name, now)
      .toArray()
    return row && String(row['text'])
  }

  #create(name: string, text: string, ttl: number | null, now: number): void {
    run(
      this.#sql,
      `INSERT INTO atoms (name, text, expires) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET text = excluded.text, expires = excluded.expires`,
      name,
      text,
      ttl === null ? null : now + ttl,
    )
  }

  #answer(op: string): string | undefined {
    const [row] = this.#sql.exec('SELECT answer FROM atom_answers WHERE op = ?', op).toArray()
    return row && String(row['answer'])
  }

  #keep(op: string, answer: string, now: number): void {
    run(
      this.#sql,
      'INSERT INTO atom_answers (op, answer, expires) VALUES (?, ?, ?)',
      op,
      answer,
      now + ATOMIC_ANSWERS_TTL,
    )
  }
}

function holdOf({ token, fence, expires }: LockRow, asking: string, now: number): Hold {
  const held = token === asking
  return { held, fence: held ? fence : 0, left: expires - now }
}

function answerName(step: string, op: string, name: string): string {
  return `${step} ${encodeURIComponent(op)}:${name}`
}
