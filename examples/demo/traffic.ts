/**
 * Ordinary traffic over all isolates: skewed, concurrent, with expiring entries and one invalidation in its midst.
 * Every answer is compared with the data set.
 */
import type { City } from '../../workers/demo/answers.ts'
import type { Fleet } from './isolates.ts'
import { seeded, zipf, type Random } from './random.ts'
import { grown, type World } from './world.ts'

/** One request and the answer it must get, before and after its country has grown. */
interface Errand {
  readonly path: string
  readonly before: string
  readonly after: string
}

export interface TrafficPlan {
  readonly requests: number
  readonly seed: number
  readonly perSecond: number
  readonly concurrency: number
  /** An answer older than this, counted from the acknowledged invalidation, is wrong: the store's `maxStaleness`. */
  readonly maxStaleness: number
}

export interface TrafficResult {
  readonly requests: number
  readonly non200: number
  /** Answers that were not what the data set says. */
  readonly wrong: number
  /** What the first failures were. */
  readonly complaints: readonly string[]
  readonly isolates: readonly string[]
  readonly p50: number
  readonly p95: number
  readonly seconds: number
  readonly invalidation: {
    readonly tag: string
    /** When the last answer from before the change was asked for, in ms after the acknowledgement. */
    readonly lastStaleMs: number
    /** Answers that could only be right after the change. */
    readonly freshAnswers: number
  }
}

const GROWTH = 1_000
/** Visitors come in groups: many at once, then nobody for a moment. */
const VOLLEY = 8
/** The invalidation comes after this part of the requests. */
const CHANGE_AT = 0.4

export async function runTraffic(
  fleet: Fleet,
  world: World,
  plan: TrafficPlan,
  progress: (done: number) => void,
): Promise<TrafficResult> {
  const country = world.countries[0] ?? ''
  const errands = planErrands(world, country, plan)
  const log = new Log(plan.maxStaleness)
  const started = performance.now()
  const changeAt = Math.floor(plan.requests * CHANGE_AT)
  let next = 0
  let change: Promise<void> | undefined

  const walk = async (): Promise<void> => {
    for (let index = next++; index < errands.length; index = next++) {
      if (index === changeAt) change = changeCountry(fleet, country, log)
      await until(started + (Math.floor(index / VOLLEY) * VOLLEY * 1_000) / plan.perSecond)
      const errand = errands[index]
      if (errand) await run(fleet, errand, log)
      progress(index + 1)
    }
  }
  await Promise.all(Array.from({ length: plan.concurrency }, walk))
  await change
  return log.result(`country:${country}`, (performance.now() - started) / 1_000)
}

async function run(fleet: Fleet, errand: Errand, log: Log): Promise<void> {
  const asked = performance.now()
  try {
    const response = await fleet.ask(errand.path)
    const body = await response.text()
    log.answer(errand, { asked, answered: performance.now(), status: response.status, body })
    log.isolates.add(response.headers.get('x-isolate') ?? 'nameless')
  } catch (error) {
    log.answer(errand, { asked, answered: performance.now(), status: 0, body: reasonOf(error) })
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${String(error.cause)})` : ''
  return `${String(error)}${cause}`
}

/** First the data, then the tag: who reads after the acknowledgement must see the new data in time. */
async function changeCountry(fleet: Fleet, country: string, log: Log): Promise<void> {
  const [first] = fleet.isolates
  log.changing = performance.now()
  await fleet.tell(`/grow?country=${country}&by=${GROWTH}`, { isolate: first })
  const { acknowledged } = await fleet.tell<{ acknowledged: boolean }>(`/invalidate?tag=country:${country}`, {
    isolate: first,
  })
  if (!acknowledged) throw new Error('the invalidation was not acknowledged')
  log.acknowledged = performance.now()
}

interface Answer {
  readonly asked: number
  readonly answered: number
  readonly status: number
  readonly body: string
}

/** Judges answers as they come, and keeps the figures. */
class Log {
  readonly isolates = new Set<string>()
  readonly #maxStaleness: number
  readonly #latencies: number[] = []
  readonly #complaints: string[] = []
  changing = Infinity
  acknowledged = Infinity
  #non200 = 0
  #wrong = 0
  #freshAnswers = 0
  #lastStale = 0

  constructor(maxStaleness: number) {
    this.#maxStaleness = maxStaleness
  }

  answer(errand: Errand, { asked, answered, status, body }: Answer): void {
    this.#latencies.push(answered - asked)
    if (status !== 200) {
      this.#non200 += 1
      this.#complain(`${errand.path}: HTTP ${status} ${body.slice(0, 200)}`)
      return
    }
    if (
      errand.before === errand.after
        ? body === errand.before
        : this.#rightForItsTime(errand, asked, answered, body)
    )
      return
    this.#wrong += 1
    this.#complain(
      `${errand.path}: ${body.slice(0, 200)} asked ${Math.round(asked - this.acknowledged)} ms after the change`,
    )
  }

  /** During the change either answer is right; before it only the old one, and past the bound only the new one. */
  #rightForItsTime({ before, after }: Errand, asked: number, answered: number, body: string): boolean {
    if (body === after) {
      this.#freshAnswers += 1
      return answered >= this.changing
    }
    if (asked > this.acknowledged) this.#lastStale = Math.max(this.#lastStale, asked - this.acknowledged)
    return body === before && asked <= this.acknowledged + this.#maxStaleness
  }

  #complain(text: string): void {
    if (this.#complaints.length < 5) this.#complaints.push(text)
  }

  result(tag: string, seconds: number): TrafficResult {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    const percentile = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
    return {
      requests: sorted.length,
      non200: this.#non200,
      wrong: this.#wrong,
      complaints: this.#complaints,
      isolates: [...this.isolates],
      p50: percentile(0.5),
      p95: percentile(0.95),
      seconds,
      invalidation: { tag, lastStaleMs: this.#lastStale, freshAnswers: this.#freshAnswers },
    }
  }
}

/** Seven in ten ask for a city, two for a country, one for a neighbourhood; all of them mostly for the same few. */
function planErrands(world: World, country: string, plan: TrafficPlan): Errand[] {
  const random = seeded(plan.seed)
  const next = errandSource(world, country, random)
  return Array.from({ length: plan.requests }, next)
}

/** An endless source of errands. `country` is the one that grows. */
export function errandSource(world: World, country: string, random: Random): () => Errand {
  const byPopulation = world.cities.toSorted((a, b) => b.population - a.population)
  const city = zipf(byPopulation.slice(0, 2_000), random)
  const place = zipf(byPopulation.slice(0, 100), random)
  const code = zipf(world.countries.slice(0, 100), random)
  const known = new Map<string, Errand>()
  const errand = (path: string, answer: () => City | City[]): Errand => {
    const old = known.get(path)
    if (old) return old
    const before = answer()
    const after = Array.isArray(before)
      ? before.map((found) => grown(found, country, GROWTH))
      : grown(before, country, GROWTH)
    const made = { path, before: JSON.stringify(before), after: JSON.stringify(after) }
    known.set(path, made)
    return made
  }
  return () => {
    const kind = random()
    if (kind < 0.7) {
      const chosen = city()
      return errand(`/city/${chosen.id}`, () => chosen)
    }
    if (kind < 0.9) {
      const chosen = code()
      return errand(`/country/${chosen}/top`, () => world.largest(chosen))
    }
    const { lat, lon } = place()
    const [y, x] = [Math.round(lat * 10) / 10, Math.round(lon * 10) / 10]
    return errand(`/near?lat=${y}&lon=${x}`, () => world.near(y, x))
  }
}

async function until(instant: number): Promise<void> {
  const wait = instant - performance.now()
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
}
