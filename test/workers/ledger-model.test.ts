import { expect, test } from 'vitest'
import type { CommitManyRequest, Cursor, Names, ReadReply } from '../../src/ports.ts'
import { seeded } from '../support/seeded.ts'
import { openScene, type Scene } from './scene.ts'

const SCHEDULES = 1_500
const STEPS = 60

const KEYS: readonly (Names & { key: string })[] = [
  { key: 'k', tags: ['t'], namespaces: [''] },
  { key: 'a:k', tags: ['t', 'u'], namespaces: ['', 'a'] },
  { key: 'a:b:k', tags: [], namespaces: ['', 'a', 'a:b'] },
]
const LATE_TAGS = ['u', 'v']
const SUBJECTS = ['key k', 'key a:k', 'tag t', 'tag u', 'tag v', 'namespace ', 'namespace a', 'namespace a:b']

/** What a payload says of its computation: when it began, and all that must not have changed since. */
interface Computed {
  readonly began: number
  readonly subjects: readonly string[]
}

interface Flight extends Computed {
  readonly names: Names & { key: string }
  readonly token: string
  readonly grant: Cursor | undefined
  readonly since: Cursor
  readonly op: string
  /** What was there at the read: the computation may find that it is still good. */
  readonly seen: { readonly version: string; readonly payload: string } | undefined
}

type Commit = CommitManyRequest['commits'][number]

/** Isolates that read, compute, commit late, repeat themselves and invalidate, beside a coordinator that loses things. */
class Schedule {
  readonly #pick: (below: number) => number
  readonly #scene: Scene
  readonly #hard = new Map<string, number>()
  readonly #soft = new Map<string, number>()
  readonly #landed = new Set<string>()
  readonly #flights: Flight[] = []
  /** When the computation began that found a version to be still good. */
  readonly #renewed = new Map<string, number>()
  #time = 0
  served = 0
  stored = 0
  kept = 0

  constructor(seed: number) {
    this.#pick = seeded(seed)
    this.#scene = openScene({ journalCap: 12, pageLimit: 6 })
  }

  step(): void {
    this.#time++
    const steps = [
      this.#read,
      this.#readMany,
      this.#land,
      this.#land,
      this.#set,
      this.#touch,
      this.#invalidate,
      this.#lose,
    ]
    steps[this.#pick(steps.length)]!.call(this)
    this.#scene.clock.now += this.#pick(4) * 1_000
  }

  #read(): void {
    const names = KEYS[this.#pick(KEYS.length)]!
    const token = `${this.#pick(3)}`
    this.#takeOff(names, token, this.#scene.read(names.key, { ...names, token, ttl: 5_000 }))
  }

  #readMany(): void {
    const token = `${this.#pick(3)}`
    const lease = { token, ttl: 5_000 }
    const { entries, page } = this.#scene.ledger.readMany({ reads: KEYS, lease })
    for (const [at, entry] of entries.entries()) this.#takeOff(KEYS[at]!, token, { ...entry, page })
  }

  #takeOff(
    names: Names & { key: string },
    token: string,
    { entry, stale, lease, page }: Pick<ReadReply, 'entry' | 'stale' | 'lease' | 'page'>,
  ): void {
    if (entry) this.#check(entry, stale)
    if (entry && !stale) return
    const tags = this.#pick(3) === 0 ? [...names.tags, LATE_TAGS[this.#pick(2)]!] : names.tags
    const subjects = subjectsOf({ ...names, tags })
    const op = `flight ${this.#time} ${names.key}`
    const flight = { names: { ...names, tags }, token, subjects, began: this.#time, op }
    this.#flights.push({ ...flight, grant: lease?.grant, since: page.head, seen: entry })
  }

  /** Factories end, in any order, one or two in one call; sometimes a commit comes twice. */
  #land(): void {
    const flights = [this.#flights.splice(this.#pick(this.#flights.length || 1), 1)[0]]
    const second = this.#flights[this.#pick(this.#flights.length || 1)]
    if (second && second.names.key !== flights[0]?.names.key && this.#pick(2) === 0) {
      this.#flights.splice(this.#flights.indexOf(second), 1)
      flights.push(second)
    }
    const landing = flights.filter((flight) => flight !== undefined)
    const commits = landing.map((flight) => this.#commitOf(flight))
    const replies =
      commits.length === 1
        ? [this.#scene.ledger.commit(commits[0]!)]
        : this.#scene.ledger.commitMany({ commits }).commits
    for (const [at, flight] of landing.entries()) {
      if (this.#pick(3) === 0) this.#flights.push(flight)
      // What was stored before is only said again.
      if (!replies[at]!.stored || this.#landed.has(flight.op)) continue
      this.#landed.add(flight.op)
      this.#settle(flight, commits[at]!)
    }
  }

  #commitOf({ names, token, grant, since, op, seen, ...computed }: Flight): Commit {
    const payload = JSON.stringify(computed)
    const mode = grant ? ({ kind: 'lease', token, grant } as const) : ({ kind: 'free', since } as const)
    // Decided by when it began, so that a repeat is one of the same commit.
    const body =
      seen && computed.began % 2 === 0
        ? { keeps: computed.began % 4 === 0 ? seen.version : '*' }
        : { payload }
    return { ...names, op, version: `v of ${payload}`, ...body, mode, freshFor: 8_000, staleFor: 20_000 }
  }

  /** A commit was accepted: nothing may have happened since its computation began. */
  #settle({ began, names, subjects }: Flight, { payload, version }: Commit): void {
    this.stored++
    if (payload !== undefined) {
      this.#renewed.delete(version)
      this.#mustBeCurrent({ began, subjects }, this.#hard)
      this.#mustBeCurrent({ began, subjects }, this.#soft)
      return
    }
    this.kept++
    const { entry, stale } = this.#scene.read(names.key, names)
    if (!entry || stale) throw new Error('what was kept is not there, or not fresh')
    const kept = { began, subjects: (JSON.parse(entry.payload) as Computed).subjects }
    this.#mustBeCurrent(kept, this.#hard)
    this.#mustBeCurrent(kept, this.#soft)
    this.#renewed.set(entry.version, began)
  }

  /** What is there lives on, whatever its state. */
  #touch(): void {
    const names = KEYS[this.#pick(KEYS.length)]!
    const before = this.#scene.read(names.key, names)
    const life = { freshFor: 8_000, staleFor: 20_000 }
    const { stored } = this.#scene.keep(names.key, '*', { kind: 'set' }, { ...names, ...life })
    const { entry, freshFor } = this.#scene.read(names.key, names)
    const same = entry?.payload === before.entry?.payload && stored === (entry !== undefined)
    if (!same || (stored && freshFor !== 8_000)) throw new Error('a touch changed more than a life')
  }

  #set(): void {
    const names = KEYS[this.#pick(KEYS.length)]!
    const computed: Computed = { began: this.#time, subjects: subjectsOf(names) }
    this.#scene.set(names.key, JSON.stringify(computed), { ...names, freshFor: 8_000, staleFor: 20_000 })
    this.#hard.set(`key ${names.key}`, this.#time)
  }

  #invalidate(): void {
    const subject = SUBJECTS[this.#pick(SUBJECTS.length)]!
    const kind = subject.split(' ')[0] as 'key' | 'tag' | 'namespace'
    const soft = kind !== 'namespace' && this.#pick(2) === 0
    this.#scene.invalidate({ kind, name: subject.slice(kind.length + 1), soft })
    const last = soft ? this.#soft : this.#hard
    last.set(subject, this.#time)
  }

  #lose(): void {
    const { sql, ledger } = this.#scene
    const losses = [
      () => sql.exec('DELETE FROM epochs'),
      () => sql.exec('DELETE FROM journal'),
      () => sql.exec('DELETE FROM leases'),
      () => sql.exec(`DELETE FROM epochs WHERE subject = 't:u'`),
      () => ledger.prune(5),
      () => ledger.prune(1_000),
      () => this.#scene.head(),
    ]
    losses[this.#pick(losses.length)]!()
  }

  /** An entry given out must have been computed after everything that ends it; a fresh one after what ages it too. */
  #check({ payload, version }: { payload: string; version: string }, stale: boolean): void {
    this.served++
    const computed = JSON.parse(payload) as Computed
    this.#mustBeCurrent(computed, this.#hard)
    const began = Math.max(computed.began, this.#renewed.get(version) ?? 0)
    if (!stale) this.#mustBeCurrent({ ...computed, began }, this.#soft)
  }

  #mustBeCurrent({ began, subjects }: Computed, last: ReadonlyMap<string, number>): void {
    for (const subject of subjects) {
      const ended = last.get(subject) ?? 0
      if (began < ended) throw new Error(`${subject} changed at ${ended}, the value is from ${began}`)
    }
  }
}

function subjectsOf({ key, tags, namespaces }: Names & { key: string }): string[] {
  return [`key ${key}`, ...tags.map((tag) => `tag ${tag}`), ...namespaces.map((path) => `namespace ${path}`)]
}

test('no schedule of isolates and losses stores or serves what was computed before an invalidation', () => {
  let served = 0
  let stored = 0
  let kept = 0
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const schedule = new Schedule(seed)
    try {
      for (let step = 0; step < STEPS; step++) schedule.step()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    served += schedule.served
    stored += schedule.stored
    kept += schedule.kept
  }
  // A model that stores and serves nothing would be right as well.
  expect(served).toBeGreaterThan(SCHEDULES)
  expect(stored).toBeGreaterThan(SCHEDULES)
  expect(kept).toBeGreaterThan(SCHEDULES / 10)
}, 60_000)
