/**
 * The cache of the demo, and the one function through which all of its queries go.
 */
import { env } from 'cloudflare:workers'
import { BentoCache } from '../../adapters/cloudflare.ts'
import type { Tier } from './answers.ts'
import { counters, isolateName } from './isolate.ts'
import { type L2Name, readL2 } from './l2.ts'
import { stacks } from './stacks.ts'

/** What is cached: the answer of a query, and which run of a factory made it. */
export interface Made<Value> {
  readonly value: Value
  /** `<isolate>/<number of the run>`. */
  readonly version: string
}

export interface Query<Value> {
  readonly key: string
  readonly ttl: string | number
  readonly hardTimeout?: number | undefined
  readonly run: () => Promise<Value>
  /** Tags that are known only once the answer is there. */
  readonly tags: (value: Value) => string[]
}

export interface Served<Value> extends Made<Value> {
  readonly tier: Tier
}

/** Where the shared part of the cache lies. */
export const l2: L2Name = readL2('L2', env.L2)

const bento = new BentoCache({ default: 'cities', stores: { cities: stacks[l2]() } })

// Hits in L1 and joined flights are told before getOrSet returns its promise, so the last one told
// while it is being called belongs to this very call. What comes later may be another request's.
let toldAtOnce: Tier | undefined

bento.onTrace((step) => {
  if (step.type === 'l1.hit') toldAtOnce = step.graced ? 'l1-stale' : 'l1'
  else if (step.type === 'flight.join') toldAtOnce = 'flight'
  else if (step.type === 'l2.hit' && step.graced) counters.staleFromL2 += 1
  else if (step.type === 'l2.read' && step.lease === 'granted') counters.leases += 1
  else if (step.type === 'commit' && !step.stored) counters.refusedCommits += 1
  else if (step.type === 'l2.error') counters.l2Errors += 1
})

/** Runs the query unless the cache has its answer. */
export async function throughCache<Value>(query: Query<Value>): Promise<Served<Value>> {
  let mine: string | undefined
  toldAtOnce = undefined
  const promise = bento.getOrSet<Made<Value>>({
    key: query.key,
    ttl: query.ttl,
    hardTimeout: query.hardTimeout,
    factory: async (context) => {
      counters.factoryRuns += 1
      if (context.gracedEntry) counters.refreshes += 1
      mine = `${isolateName()}/${counters.factoryRuns}`
      const made = { value: await query.run(), version: mine }
      context.setTags(query.tags(made.value))
      return made
    },
  })
  const atOnce = toldAtOnce
  const made = await promise
  const tier = atOnce ?? (made.version === mine ? 'factory' : 'l2')
  counters.requests += 1
  counters.served[tier] += 1
  return { ...made, tier }
}

/** Ends all entries with the tag, in all isolates. `false` if the coordinator did not acknowledge it. */
export function invalidate(tag: string): Promise<boolean> {
  return bento.deleteByTag({ tags: [tag] })
}

/** Computations under way in this isolate. */
export function inflight(): number {
  return bento.inflight
}
