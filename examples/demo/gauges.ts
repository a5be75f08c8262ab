/**
 * Reads the counters: of the isolates, of the Durable Object and of the gateway. All figures come from there, none from the client.
 */
import type { GatewayStats } from '../../bin/gateway.ts'
import type { Counters, IsolateReport, KvCall } from '../../workers/demo/answers.ts'
import type { LedgerStats } from '../../workers/ledger/stats.ts'
import type { Fleet } from './isolates.ts'

export interface Reading {
  readonly isolates: readonly IsolateReport[]
  /** Absent where no Durable Object coordinates. */
  readonly coordinator: LedgerStats | undefined
  /** Absent where there is no Redis. */
  readonly gateway: GatewayStats | undefined
}

/** Numbers by what was counted. */
export type Tally = Readonly<Record<string, number>>

/** What happened between two readings, over all isolates. */
export interface Difference extends Readonly<Counters> {
  /** Counted by the Durable Object: absent without one. Redis does not count them. */
  readonly generations: number | undefined
  /** Trips from isolates to L2: RPCs to the Durable Object by method, KV's by kind, HTTP requests to Redis. */
  readonly calls: Tally
  /** What is paid for. */
  readonly cost: Tally
}

async function read(fleet: Fleet): Promise<Reading> {
  const [coordinator, ...isolates] = await Promise.all([
    fleet.coordinator(),
    ...fleet.isolates.map((isolate) => fleet.tell<IsolateReport>('/counters', { method: 'GET', isolate })),
  ])
  return { isolates, coordinator, gateway: fleet.gateway() }
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
    leases: sum(({ leases }) => leases),
    refusedCommits: sum(({ refusedCommits }) => refusedCommits),
    l2Errors: sum(({ l2Errors }) => l2Errors),
    kvCalls: {
      read: sum(({ kvCalls }) => kvCalls.read),
      write: sum(({ kvCalls }) => kvCalls.write),
      delete: sum(({ kvCalls }) => kvCalls.delete),
      list: sum(({ kvCalls }) => kvCalls.list),
    },
    generations: after.coordinator && after.coordinator.generations - (before.coordinator?.generations ?? 0),
    calls: minus(callsOf(after), callsOf(before)),
    cost: minus(costOf(after), costOf(before)),
  }
}

function callsOf(reading: Reading): Tally {
  const { coordinator, gateway } = reading
  return { ...coordinator?.calls, ...kvCosts(reading), ...(gateway && { httpRequests: gateway.requests }) }
}

function costOf(reading: Reading): Tally {
  const { coordinator, gateway } = reading
  return {
    ...(coordinator && { durableObjectCalls: total(Object.values(coordinator.calls)) }),
    ...kvCosts(reading),
    ...(gateway && { httpRequests: gateway.requests, redisCommands: gateway.commands }),
  }
}

function kvCosts({ isolates }: Reading): Tally {
  if (!isolates.some(({ l2 }) => l2 === 'kv')) return {}
  const sum = (call: KvCall): number => total(isolates.map(({ kvCalls }) => kvCalls[call]))
  return { kvReads: sum('read'), kvWrites: sum('write'), kvDeletes: sum('delete'), kvLists: sum('list') }
}

function minus(after: Tally, before: Tally): Tally {
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]))
}

export function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
