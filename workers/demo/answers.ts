/** What the demo Worker answers, for the Worker and for those who ask it. */
import type { L2Name } from './l2.ts'

export interface City {
  readonly id: number
  readonly name: string
  readonly country: string
  readonly population: number
  readonly lat: number
  readonly lon: number
}

/** One row as the loader sends it; an array, because the names would be half of the body. */
export type CityRow = readonly [
  id: number,
  name: string,
  country: string,
  population: number,
  lat: number,
  lon: number,
]

/** Answer of a scene. */
export interface Scene {
  /** Which run of this scene's factory made the answer, counted over all isolates. */
  readonly run: number
  readonly cities: readonly City[]
}

/** Answer of `/uncached`: runs that began in this isolate, and those that came to their end. */
export interface Uncached {
  readonly begun: number
  readonly finished: number
}

/** What KV is asked for. */
export type KvCall = 'read' | 'write' | 'delete' | 'list'

/** Where an answer came from, seen from the request that gave it. */
export type Tier = 'l1' | 'l1-stale' | 'flight' | 'l2' | 'factory'

/** What one isolate did so far. */
export interface Counters {
  /** Requests that went through the cache. */
  requests: number
  /** The same requests by the tier that answered. */
  served: Record<Tier, number>
  /** Expired values that L2 gave out while a refresh ran. */
  staleFromL2: number
  /** Counted inside the factories, so these are real runs. */
  factoryRuns: number
  /** Factory runs that had an expired value to replace. */
  refreshes: number
  /** Leases the coordinator granted to this isolate. */
  leases: number
  /** Commits the coordinator refused, because of an invalidation that came after their read. */
  refusedCommits: number
  /** Failed calls to L2, which the callers never noticed. */
  l2Errors: number
  /** Calls to KV; none where L2 is something else. */
  readonly kvCalls: Record<KvCall, number>
}

/** Answer of `/counters`. */
export interface IsolateReport extends Readonly<Counters> {
  readonly isolate: string
  readonly l2: L2Name
  /** Computations under way right now. */
  readonly inflight: number
}

/** How much shorter a degree of longitude is than one of latitude, squared. Rounded: SQL and JavaScript must agree. */
export function squeeze(lat: number): number {
  return Math.round(Math.cos((lat * Math.PI) / 180) ** 2 * 10_000) / 10_000
}
