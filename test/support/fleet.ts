import { type Isolate, world, type World } from './world.ts'

/** Everything that decides a run: the same seed gives the same story. */
export interface FleetPlan {
  readonly seed: number
  /** Steps of random traffic, each up to 40 ms of virtual time long. */
  readonly steps: number
  readonly grace: boolean
  /** Calls to the coordinator that hang, fail, or lose their answer. */
  readonly faults: boolean
  /** Coordinators the store is divided among. Default 1. */
  readonly shards?: number
}

export interface FleetResult {
  readonly reads: number
  readonly factoryRuns: number
  /** Reads of a value although a newer version had been acknowledged long enough before. */
  readonly wrong: readonly string[]
  /** Calls that never settled. */
  readonly pending: number
  readonly inflight: number
}

/** The staleness bound the fleet is configured with, in milliseconds. */
const BOUND = 500

const TAGS: Readonly<Record<string, string>> = { a: 't', b: 't', 'n:c': 'u' }
const KEYS = Object.keys(TAGS)

/** A newer version of a key that some isolate was told is in force everywhere. */
interface Acknowledged {
  readonly key: string
  readonly version: number
  readonly at: number
  readonly by: number
}

/** Runs three isolates through random reads, writes and invalidations, and checks every value that is served. */
export async function runFleet({ seed, steps, ...plan }: FleetPlan): Promise<FleetResult> {
  const random = randomFrom(seed)
  const int = (below: number): number => Math.floor(random() * below)
  const fleet = makeFleet(plan, random)
  const { clock } = fleet.world
  const origin: Record<string, number> = Object.fromEntries(KEYS.map((key) => [key, 0]))
  const told: Acknowledged[] = []
  const wrong: string[] = []
  const count = { reads: 0, factoryRuns: 0, pending: 0, writers: 0 }
  let setting = false

  const cacheOf = (
    isolate: Isolate,
    key: string,
  ): { cache: ReturnType<typeof isolate.bento.use>; key: string } =>
    key.startsWith('n:')
      ? { cache: isolate.bento.namespace('n'), key: key.slice(2) }
      : { cache: isolate.bento.use(), key }

  const factoryOf = (key: string, late: boolean) => async (ctx: { setTags(tags: string[]): void }) => {
    count.factoryRuns++
    const version = origin[key]
    const ms = int(3) === 0 ? int(900) : int(60)
    const fails = random() < 0.05
    await new Promise<void>((resolve) => void clock.setTimer(resolve, ms))
    if (late) ctx.setTags([TAGS[key] as string])
    if (fails) throw new Error('origin down')
    return version
  }

  const read = async (by: number, full: string): Promise<void> => {
    const { cache, key } = cacheOf(fleet.isolates[by] as Isolate, full)
    const asked = clock.elapsed()
    const late = int(2) === 0
    const tags = late ? [] : [TAGS[full] as string]
    const served = await cache.getOrSet({ key, tags, factory: factoryOf(full, late) }).catch(() => undefined)
    if (served === undefined) return
    count.reads++
    const missed = told.find(
      (newer) =>
        newer.key === full && newer.version > served && newer.at < (newer.by === by ? asked : asked - BOUND),
    )
    if (missed) wrong.push(`seed ${seed}: ${full}@${served} at ${asked}, but ${JSON.stringify(missed)}`)
  }

  const bump = (keys: readonly string[]): [string, number][] =>
    keys.map((key) => [key, (origin[key] = (origin[key] ?? 0) + 1)])

  const change = async (by: number, kind: number, full: string): Promise<[boolean, [string, number][]]> => {
    const isolate = fleet.isolates[by] as Isolate
    const { cache, key } = cacheOf(isolate, full)
    const tag = TAGS[full] as string
    if (kind === 0) {
      const changed = bump([full])
      return [await cache.set({ key, value: changed[0]?.[1], tags: [tag] }), changed]
    }
    if (kind === 1) {
      const changed = bump(KEYS.filter((other) => TAGS[other] === tag))
      return [await cache.deleteByTag({ tags: [tag] }), changed]
    }
    if (kind === 2) {
      const changed = bump(KEYS)
      let acknowledged = true
      const stop = isolate.bento.onTrace(({ type }) => {
        if (type === 'unacknowledged') acknowledged = false
      })
      await isolate.bento.clear()
      stop()
      return [acknowledged, changed]
    }
    const changed = bump([full])
    return [await cache.delete({ key }), changed]
  }

  const write = async (by: number): Promise<void> => {
    const kind = int(6)
    const full = KEYS[int(KEYS.length)] as string
    // Of two changes at the same time either may come last; a set among them would make every version right.
    if (setting || (kind === 0 && count.writers > 0)) return
    setting = kind === 0
    count.writers++
    const [acknowledged, changed] = await change(by, kind, full)
    const at = clock.elapsed()
    if (acknowledged) told.push(...changed.map(([key, version]) => ({ key, version, at, by })))
    count.writers--
    setting = false
  }

  const track = (work: Promise<void>): void => {
    count.pending++
    work.finally(() => count.pending--).catch(() => {})
  }

  for (let step = 0; step < steps; step++) {
    const by = int(fleet.isolates.length)
    track(random() < 0.85 ? read(by, KEYS[int(KEYS.length)] as string) : write(by))
    await clock.advance(int(40))
  }
  await clock.advance(60_000)
  const inflight = fleet.isolates.reduce((sum, { bento }) => sum + bento.inflight, 0)
  return { reads: count.reads, factoryRuns: count.factoryRuns, wrong, pending: count.pending, inflight }
}

function makeFleet(
  { grace, faults, shards = 1 }: Pick<FleetPlan, 'grace' | 'faults' | 'shards'>,
  random: () => number,
): { world: World; isolates: Isolate[] } {
  const made = world({ shards })
  const patience = [0, null, 100][Math.floor(random() * 3)] ?? null
  const isolates = ['one', 'two', 'three'].map((name) => {
    const isolate = made.isolate(name, {
      ttl: 2000,
      ...(grace ? { grace: 10_000, timeout: patience } : {}),
      maxStaleness: BOUND,
      pollInterval: 200,
      l2Timeout: 300,
      hardTimeout: 1500,
      lockTimeout: 1000,
    })
    isolate.latency = () => Math.floor(random() * 40)
    if (faults) isolate.fault = () => faultOf(random())
    return isolate
  })
  return { world: made, isolates }
}

function faultOf(draw: number): 'hang' | 'refuse' | 'lose' | undefined {
  return draw < 0.02 ? 'hang' : draw < 0.04 ? 'refuse' : draw < 0.06 ? 'lose' : undefined
}

/** mulberry32: small, fast, and good enough to draw faults from. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
