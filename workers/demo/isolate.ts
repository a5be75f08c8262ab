/** What one isolate knows of itself: a name and its counters. Plain data, so requests may share it. */
import type { Counters } from './answers.ts'

let name: string | undefined

/** A name for this isolate, made in its first request: random values are forbidden at module scope. */
export function isolateName(): string {
  name ??= crypto.randomUUID().slice(0, 8)
  return name
}

export const counters: Counters = {
  requests: 0,
  served: { l1: 0, 'l1-stale': 0, flight: 0, l2: 0, factory: 0 },
  staleFromL2: 0,
  factoryRuns: 0,
  refreshes: 0,
  leases: 0,
  refusedCommits: 0,
  l2Errors: 0,
  kvCalls: { read: 0, write: 0, delete: 0, list: 0 },
}
