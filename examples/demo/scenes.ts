/**
 * Five scenes, each over real HTTP, each with what a cache has to do in it.
 */
import type { IsolateReport, Scene, Uncached } from '../../workers/demo/answers.ts'
import { difference, settled, total } from './gauges.ts'
import type { Fleet } from './isolates.ts'
import { resetConnection } from './reset.ts'

/** What one request of a scene came to. Status 0: nobody answered in time. */
interface Outcome {
  readonly status: number
  readonly ms: number
  readonly run: number | undefined
  readonly tier: string | undefined
}

export interface BurstResult {
  readonly ok: boolean
  readonly requests: number
  readonly non200: number
  readonly factoryRuns: number
  /** Requests that joined the computation of another one in their isolate. */
  readonly coalesced: number
}

/** `requests` at once for one key that nobody has: one computes, all are answered. */
export async function burst(
  fleet: Fleet,
  key: string,
  requests: number,
  isolate?: string,
): Promise<BurstResult> {
  const before = await settled(fleet)
  const outcomes = await Promise.all(
    Array.from({ length: requests }, () => ask(fleet, { key, delay: 300 }, { isolate, patience: 10_000 })),
  )
  const { factoryRuns, served } = difference(before, await settled(fleet))
  const non200 = outcomes.filter(({ status }) => status !== 200).length
  const ok = non200 === 0 && factoryRuns === 1 && outcomes.every(({ run }) => run === 1)
  return { ok, requests, non200, factoryRuns, coalesced: served.flight }
}

export interface CancelledLeaderResult {
  readonly ok: boolean
  readonly followers: number
  readonly non200: number
  readonly hangs: number
  readonly factoryRuns: number
  readonly inflightAfter: number
  /** The slowest follower. */
  readonly ms: number
  /** The same reset stopped a request that no cache protects, so it does cancel. */
  readonly controlCancelled: boolean
}

/** The client of the computing request resets its connection; those who wait for the same key must not notice. */
export async function cancelledLeader(fleet: Fleet, key: string): Promise<CancelledLeaderResult> {
  const [first, second] = fleet.isolates
  const before = await settled(fleet)
  const query = { key, delay: 1_500, hardTimeout: 5_000 }
  const leader = await resetConnection(fleet, first, `/scene?${encode(query)}`)
  const control = await resetConnection(fleet, first, '/uncached?delay=1000')
  const led = await isComputing(fleet, first)

  const deadline = { patience: 6_000 }
  const early = [first, first, first, second].map((isolate) => ask(fleet, query, { isolate, ...deadline }))
  await sleep(200)
  leader.reset()
  control.reset()
  const late = fleet.isolates.map((isolate) => ask(fleet, query, { isolate, ...deadline }))
  const followers = await Promise.all([...early, ...late])
  const afterwards = await Promise.all(
    fleet.isolates.map((isolate) => ask(fleet, query, { isolate, ...deadline })),
  )

  const after = await settled(fleet)
  const outcomes = [...followers, ...afterwards]
  const non200 = outcomes.filter(({ status }) => status !== 200).length
  const hangs = outcomes.filter(({ status }) => status === 0).length
  const { factoryRuns } = difference(before, after)
  const inflightAfter = total(after.isolates.map((isolate) => isolate.inflight))
  const { begun, finished } = await fleet.tell<Uncached>('/uncached', { isolate: first })
  const controlCancelled = begun === 1 && finished === 0
  const ok = led && non200 === 0 && factoryRuns === 1 && inflightAfter === 0 && controlCancelled
  const ms = Math.max(...followers.map((outcome) => outcome.ms))
  return { ok, followers: followers.length, non200, hangs, factoryRuns, inflightAfter, ms, controlCancelled }
}

export interface NeverSettlesResult {
  readonly ok: boolean
  readonly followers: number
  readonly non200: number
  readonly hangs: number
  readonly factoryRuns: number
  readonly inflightAfter: number
  readonly deadlineMs: number
  /** The slowest follower. */
  readonly ms: number
}

/** The first run of the factory never ends. At the deadline one of those who wait runs it anew, for all of them. */
export async function neverSettles(fleet: Fleet, key: string): Promise<NeverSettlesResult> {
  const [first] = fleet.isolates
  const deadlineMs = 1_500
  const before = await settled(fleet)
  const query = { key, delay: 0, hardTimeout: deadlineMs, never: 1 }
  const options = { isolate: first, patience: 3 * deadlineMs }
  const leader = ask(fleet, query, options)
  const led = await isComputing(fleet, first)
  const started = performance.now()
  const followers = await Promise.all(Array.from({ length: 10 }, () => ask(fleet, query, options)))
  const ms = performance.now() - started
  const leading = await leader

  const after = await settled(fleet)
  const non200 = followers.filter(({ status }) => status !== 200).length
  const hangs = [leading, ...followers].filter(({ status }) => status === 0).length
  const { factoryRuns } = difference(before, after)
  const inflightAfter = total(after.isolates.map((isolate) => isolate.inflight))
  const inTime = ms <= deadlineMs + 500
  const ok = led && non200 === 0 && hangs === 0 && factoryRuns === 2 && inflightAfter === 0 && inTime
  return { ok, followers: followers.length, non200, hangs, factoryRuns, inflightAfter, deadlineMs, ms }
}

export interface SwrResult {
  readonly ok: boolean
  /** The first read after the expiry: the old value, without waiting for the factory. */
  readonly staleMs: number
  readonly staleRun: number | undefined
  /** The second read, in the same isolate and in another one: the new value. */
  readonly freshRuns: readonly (number | undefined)[]
  readonly factoryRuns: number
}

/** An expired entry, read twice: the first reader gets the old value at once, the second the refreshed one. */
export async function staleWhileRevalidate(fleet: Fleet, key: string): Promise<SwrResult> {
  const [first, second] = fleet.isolates
  const delay = 300
  const query = { key, delay, ttl: 2_000 }
  const before = await settled(fleet)
  await ask(fleet, query, { isolate: first })
  await sleep(2_100)
  const stale = await ask(fleet, query, { isolate: first })
  await sleep(delay + 300)
  const fresh = [await ask(fleet, query, { isolate: first }), await ask(fleet, query, { isolate: second })]
  const { factoryRuns } = difference(before, await settled(fleet))
  const freshRuns = fresh.map(({ run }) => run)
  const ok =
    stale.run === 1 &&
    stale.ms < delay &&
    factoryRuns === 2 &&
    fresh.every(({ run, status }) => run === 2 && status === 200)
  return { ok, staleMs: stale.ms, staleRun: stale.run, freshRuns, factoryRuns }
}

export interface InvalidationResult {
  readonly ok: boolean
  /** From the acknowledgement until the last isolate gave its first new answer. */
  readonly ms: number
  readonly perIsolate: Readonly<Record<string, number>>
  readonly boundMs: number
  /** Reads in all isolates while waiting: ordinary traffic, nothing forced. */
  readonly reads: number
  readonly non200: number
}

/** A tag is deleted in isolate 1. The others hold the entry in their L1 and learn of it by the traffic they have. */
export async function invalidation(
  fleet: Fleet,
  key: string,
  pollInterval: number,
): Promise<InvalidationResult> {
  const [first] = fleet.isolates
  const query = { key, delay: 0, ttl: 600_000 }
  const boundMs = pollInterval + 100
  const warm = await hold(fleet, query)
  const { acknowledged } = await fleet.tell<{ acknowledged: boolean }>('/invalidate?tag=country:IS', {
    isolate: first,
  })
  const start = performance.now()
  const watched = await Promise.all(fleet.isolates.map((isolate) => watch(fleet, query, isolate, start)))
  const ms = Math.max(...watched.map(({ freshMs }) => freshMs))
  const non200 = total(watched.map((one) => one.non200))
  const ok = warm && acknowledged && non200 === 0 && ms <= boundMs
  const perIsolate = Object.fromEntries(watched.map(({ isolate, freshMs }) => [isolate, freshMs]))
  return { ok, ms, perIsolate, boundMs, reads: total(watched.map(({ reads }) => reads)), non200 }
}

/** Reads until every isolate answers from its own L1; `false` if one does not. */
async function hold(fleet: Fleet, query: Query): Promise<boolean> {
  for (const isolate of fleet.isolates) await ask(fleet, query, { isolate })
  const held = await Promise.all(fleet.isolates.map((isolate) => ask(fleet, query, { isolate })))
  return held.every(({ tier, run }) => tier === 'l1' && run === 1)
}

interface Watched {
  readonly isolate: string
  /** When the first new answer was there that no old one followed. */
  readonly freshMs: number
  readonly reads: number
  readonly non200: number
}

/** Reads one isolate every 10 ms for two seconds. */
async function watch(fleet: Fleet, query: Query, isolate: string, start: number): Promise<Watched> {
  let freshMs = Infinity
  let reads = 0
  let non200 = 0
  while (performance.now() - start < 2_000) {
    const { status, run } = await ask(fleet, query, { isolate })
    reads += 1
    if (status !== 200) non200 += 1
    if (run === undefined || run === 1) freshMs = Infinity
    else if (freshMs === Infinity) freshMs = performance.now() - start
    await sleep(10)
  }
  return { isolate, freshMs, reads, non200 }
}

type Query = Readonly<Record<string, string | number>>

function encode(query: Query): string {
  return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString()
}

async function ask(
  fleet: Fleet,
  query: Query,
  options: { readonly isolate?: string | undefined; readonly patience?: number },
): Promise<Outcome> {
  const started = performance.now()
  const outcome = (status: number, run?: number, tier?: string | null): Outcome => ({
    status,
    ms: performance.now() - started,
    run,
    tier: tier ?? undefined,
  })
  try {
    const response = await fleet.ask(`/scene?${encode(query)}`, { method: 'POST', ...options })
    const { run } = (await response.json()) as Partial<Scene>
    return outcome(response.status, run, response.headers.get('x-tier'))
  } catch {
    return outcome(0)
  }
}

/** Waits until `isolate` computes something: only then is there a leader to trouble. `false` if it never does. */
async function isComputing(fleet: Fleet, isolate: string | undefined): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const { inflight } = await fleet.tell<IsolateReport>('/counters', { method: 'GET', isolate })
    if (inflight > 0) return true
    await sleep(10)
  }
  return false
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
