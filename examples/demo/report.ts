/** The result of a run: its form, whether it is good, and how it reads. */
import type { Tier } from '../../workers/demo/answers.ts'
import { total, type Difference } from './gauges.ts'
import type {
  BurstResult,
  CancelledLeaderResult,
  InvalidationResult,
  NeverSettlesResult,
  SwrResult,
} from './scenes.ts'
import type { TrafficResult } from './traffic.ts'

export interface SceneResults {
  readonly burst: BurstResult
  readonly fleetBurst: BurstResult
  readonly cancelledLeader: CancelledLeaderResult
  readonly neverSettles: NeverSettlesResult
  readonly swr: SwrResult
  readonly invalidation: InvalidationResult
}

/** What `--json` prints. Durations in milliseconds; factory runs to L2 calls are those of the traffic alone. */
export interface Report {
  readonly ok: boolean
  readonly rows: number
  readonly seed: number
  readonly requests: number
  readonly non200: number
  readonly wrong: number
  readonly isolates: number
  /** How many different names the isolates gave. */
  readonly distinct: number
  readonly factoryRuns: number
  readonly generations: number
  /** Share of the requests that each tier answered. */
  readonly hitRate: Readonly<Record<Tier, number>>
  readonly coalesced: number
  readonly swrRefreshes: number
  readonly l2Calls: Readonly<Record<string, number>>
  readonly l2CallsPerRequest: number
  readonly l2Errors: number
  readonly p50: number
  readonly p95: number
  readonly trafficInvalidation: TrafficResult['invalidation']
  readonly complaints: readonly string[]
  readonly scenes: SceneResults
  readonly seconds: number
}

export interface Findings {
  readonly rows: number
  readonly seed: number
  readonly isolates: number
  readonly traffic: TrafficResult
  readonly counted: Difference
  readonly scenes: SceneResults
  readonly seconds: number
}

export function toReport({ rows, seed, isolates, traffic, counted, scenes, seconds }: Findings): Report {
  const share = (tier: Tier): number => rounded(counted.served[tier] / counted.requests, 4)
  const distinct = traffic.isolates.length
  const ok =
    rows >= 100_000 &&
    traffic.non200 === 0 &&
    traffic.wrong === 0 &&
    traffic.invalidation.freshAnswers > 0 &&
    distinct === isolates &&
    counted.requests === traffic.requests &&
    counted.factoryRuns === counted.generations &&
    Object.values(scenes).every((result) => result.ok)
  return {
    ok,
    rows,
    seed,
    requests: traffic.requests,
    non200: traffic.non200,
    wrong: traffic.wrong,
    isolates,
    distinct,
    factoryRuns: counted.factoryRuns,
    generations: counted.generations,
    hitRate: {
      l1: share('l1'),
      'l1-stale': share('l1-stale'),
      flight: share('flight'),
      l2: share('l2'),
      factory: share('factory'),
    },
    coalesced: counted.served.flight,
    swrRefreshes: counted.refreshes,
    l2Calls: counted.calls,
    l2CallsPerRequest: rounded(total(Object.values(counted.calls)) / counted.requests, 3),
    l2Errors: counted.l2Errors,
    p50: rounded(traffic.p50, 2),
    p95: rounded(traffic.p95, 2),
    trafficInvalidation: {
      ...traffic.invalidation,
      lastStaleMs: rounded(traffic.invalidation.lastStaleMs, 0),
    },
    complaints: traffic.complaints,
    scenes,
    seconds: rounded(seconds, 1),
  }
}

/** The report for programs. */
export function toJson(report: Report): string {
  const short = (_name: string, value: unknown): unknown =>
    typeof value === 'number' ? rounded(value, 4) : value
  return `${JSON.stringify(report, short, 2)}\n`
}

/** The report for people. */
export function print(report: Report): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const { scenes, hitRate } = report
  const calls = Object.entries(report.l2Calls)
    .filter(([, count]) => count > 0)
    .map(([method, count]) => `${method} ${count}`)
  const stale = report.trafficInvalidation
  return [
    '',
    `Traffic: ${report.requests} requests over ${report.distinct} isolates on ${report.rows} cities, each answer checked`,
    `  failed            ${report.non200} not 200, ${report.wrong} wrong`,
    `  answered by L1    ${percent(hitRate.l1)} fresh, ${percent(hitRate['l1-stale'])} stale with a refresh behind it`,
    `  answered by L2    ${percent(hitRate.l2)}`,
    `  coalesced         ${percent(hitRate.flight)} (${report.coalesced} requests joined another's computation)`,
    `  waited for SQL    ${percent(hitRate.factory)}`,
    `  factory runs      ${report.factoryRuns}, of them ${report.swrRefreshes} refreshes; generations in the Durable Object: ${report.generations}`,
    `  L2 calls          ${report.l2CallsPerRequest} per request (${calls.join(', ')})`,
    `  latency           p50 ${report.p50} ms, p95 ${report.p95} ms`,
    `  invalidation      ${stale.tag}: last old answer ${stale.lastStaleMs} ms after the acknowledgement`,
    ...report.complaints.map((complaint) => `  ! ${complaint}`),
    '',
    'Scenes',
    scene('cold key, one isolate', scenes.burst.ok, burstLine(scenes.burst)),
    scene('cold key, all isolates', scenes.fleetBurst.ok, burstLine(scenes.fleetBurst)),
    scene('leader is cancelled', scenes.cancelledLeader.ok, cancelledLine(scenes.cancelledLeader)),
    scene('factory never settles', scenes.neverSettles.ok, neverLine(scenes.neverSettles)),
    scene('stale, read twice', scenes.swr.ok, swrLine(scenes.swr)),
    scene('tag deleted elsewhere', scenes.invalidation.ok, invalidationLine(scenes.invalidation)),
    '',
    `${report.ok ? 'All good' : 'NOT GOOD'} after ${report.seconds} s`,
    '',
  ].join('\n')
}

function scene(name: string, ok: boolean, text: string): string {
  return `  ${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(24)} ${text}`
}

function burstLine({ requests, non200, factoryRuns, coalesced }: BurstResult): string {
  return `${requests - non200} of ${requests} answered 200, ${factoryRuns} factory run(s), ${coalesced} coalesced`
}

function cancelledLine(result: CancelledLeaderResult): string {
  const control = result.controlCancelled
    ? 'uncached control was cancelled'
    : 'uncached control was NOT cancelled'
  return `${result.followers} followers, slowest ${ms(result.ms)}, ${result.hangs} hangs, ${result.factoryRuns} factory run(s), in flight after: ${result.inflightAfter}; ${control}`
}

function neverLine(result: NeverSettlesResult): string {
  return `${result.followers} followers, slowest ${ms(result.ms)} with a deadline of ${result.deadlineMs} ms, ${result.hangs} hangs, ${result.factoryRuns} factory runs`
}

function swrLine(result: SwrResult): string {
  return `old value in ${ms(result.staleMs)}, then run ${result.freshRuns.join(' and ')} here and elsewhere`
}

function invalidationLine(result: InvalidationResult): string {
  return `all isolates fresh after ${ms(result.ms)} (bound ${result.boundMs} ms, ${result.reads} reads)`
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`
}

function rounded(number: number, digits: number): number {
  return Number(number.toFixed(digits))
}
