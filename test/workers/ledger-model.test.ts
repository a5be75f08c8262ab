import { expect, test } from 'vitest'
import type { Cursor, Names } from '../../src/ports.ts'
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
}

/** Isolates that read, compute, commit late, repeat themselves and invalidate, beside a coordinator that loses things. */
class Schedule {
  readonly #pick: (below: number) => number
  readonly #scene: Scene
  readonly #hard = new Map<string, number>()
  readonly #soft = new Map<string, number>()
  readonly #landed = new Set<string>()
  readonly #flights: Flight[] = []
  #time = 0
  served = 0
  stored = 0

  constructor(seed: number) {
    this.#pick = seeded(seed)
    this.#scene = openScene({ journalCap: 12, pageLimit: 6 })
  }

  step(): void {
    this.#time++
    const steps = [this.#read, this.#read, this.#land, this.#land, this.#set, this.#invalidate, this.#lose]
    steps[this.#pick(steps.length)]!.call(this)
    this.#scene.clock.now += this.#pick(4) * 1_000
  }

  #read(): void {
    const names = KEYS[this.#pick(KEYS.length)]!
    const token = `${this.#pick(3)}`
    const { entry, stale, lease, page } = this.#scene.read(names.key, { ...names, token, ttl: 5_000 })
    if (entry) this.#check(entry.payload, stale)
    if (entry && !stale) return
    const tags = this.#pick(3) === 0 ? [...names.tags, LATE_TAGS[this.#pick(2)]!] : names.tags
    const subjects = subjectsOf({ ...names, tags })
    const op = `flight ${this.#time}`
    const flight = { names: { ...names, tags }, token, subjects, began: this.#time, op }
    this.#flights.push({ ...flight, grant: lease?.grant, since: page.head })
  }

  /** A factory ends, in any order; sometimes its commit comes twice. */
  #land(): void {
    const [flight] = this.#flights.splice(this.#pick(this.#flights.length || 1), 1)
    if (!flight) return
    const { names, token, grant, since, op, ...computed } = flight
    const write = { ...names, op, freshFor: 8_000, staleFor: 20_000 }
    const payload = JSON.stringify(computed)
    const { stored } = grant
      ? this.#scene.fill(names.key, payload, { token, grant }, write)
      : this.#scene.free(names.key, payload, since, write)
    if (this.#pick(3) === 0) this.#flights.push(flight)
    // What was stored before is only said again.
    if (!stored || this.#landed.has(op)) return
    this.#landed.add(op)
    this.stored++
    this.#mustBeCurrent(computed, this.#hard)
    this.#mustBeCurrent(computed, this.#soft)
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
  #check(payload: string, stale: boolean): void {
    this.served++
    const computed = JSON.parse(payload) as Computed
    this.#mustBeCurrent(computed, this.#hard)
    if (!stale) this.#mustBeCurrent(computed, this.#soft)
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
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const schedule = new Schedule(seed)
    try {
      for (let step = 0; step < STEPS; step++) schedule.step()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    served += schedule.served
    stored += schedule.stored
  }
  // A model that stores and serves nothing would be right as well.
  expect(served).toBeGreaterThan(SCHEDULES)
  expect(stored).toBeGreaterThan(SCHEDULES)
}, 60_000)
