/**
 * Reads the counters: of the isolates, and of the Durable Object. All figures come from there, none from the client.
 */
import type { Counters, IsolateReport } from '../../workers/demo/answers.ts'
import type { LedgerStats } from '../../workers/ledger/stats.ts'
import type { Fleet } from './isolates.ts'

export interface Reading {
  readonly isolates: readonly IsolateReport[]
  readonly coordinator: LedgerStats
}

/** What happened between two readings, over all isolates. */
export interface Difference extends Readonly<Counters> {
  readonly generations: number
  readonly leases: number
  /** RPCs by method. */
  readonly calls: Readonly<Record<string, number>>
}

async function read(fleet: Fleet): Promise<Reading> {
  const [coordinator, ...isolates] = await Promise.all([
    fleet.tell<LedgerStats>('/coordinator', { method: 'GET' }),
    ...fleet.isolates.map((isolate) => fleet.tell<IsolateReport>('/counters', { method: 'GET', isolate })),
  ])
  return { isolates, coordinator }
}

/** Waits until no computation is under way and the coordinator has heard all of the last ones. */
export async function settled(fleet: Fleet, patience = 10_000): Promise<Reading> {
  const end = performance.now() + patience
  let last = await read(fleet)
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 150))
    const now = await read(fleet)
    const quiet = now.isolates.every(({ inflight }) => inflight === 0)
    if (quiet && JSON.stringify(now) === JSON.stringify(last)) return now
    if (performance.now() > end) return now
    last = now
  }
}

export function difference(before: Reading, after: Reading): Difference {
  const sum = (pick: (counters: Counters) => number): number =>
    total(after.isolates.map(pick)) - total(before.isolates.map(pick))
  const earlier = new Map(Object.entries(before.coordinator.calls))
  const seen = (pick: (stats: LedgerStats) => number): number =>
    pick(after.coordinator) - pick(before.coordinator)
  return {
    requests: sum(({ requests }) => requests),
    served: {
      l1: sum(({ served }) => served.l1),
      'l1-stale': sum(({ served }) => served['l1-stale']),
      flight: sum(({ served }) => served.flight),
      l2: sum(({ served }) => served.l2),
      factory: sum(({ served }) => served.factory),
    },
    staleFromL2: sum(({ staleFromL2 }) => staleFromL2),
    factoryRuns: sum(({ factoryRuns }) => factoryRuns),
    refreshes: sum(({ refreshes }) => refreshes),
    refusedCommits: sum(({ refusedCommits }) => refusedCommits),
    l2Errors: sum(({ l2Errors }) => l2Errors),
    generations: seen(({ generations }) => generations),
    leases: seen(({ leasesGranted }) => leasesGranted),
    calls: Object.fromEntries(
      Object.entries(after.coordinator.calls).map(([method, count]) => [
        method,
        count - (earlier.get(method) ?? 0),
      ]),
    ),
  }
}

export function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
