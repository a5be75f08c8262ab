/** The result of a run: its form, whether it is good, and how it reads. */
import type { Tier } from '../../workers/demo/answers.ts'
import type { L2Name } from '../../workers/demo/l2.ts'
import { total, type Difference, type Tally } from './gauges.ts'
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
  /** Why it is not. */
  readonly failures: readonly string[]
  readonly l2: L2Name
  readonly rows: number
  readonly seed: number
  readonly requests: number
  readonly non200: number
  readonly wrong: number
  readonly isolates: number
  /** How many different names the isolates gave. */
  readonly distinct: number
  readonly factoryRuns: number
  /** Leases that L2 granted: the right to run a factory once. */
  readonly leases: number
  /** Counted by the Durable Object; `null` without one. */
  readonly generations: number | null
  /** Share of the requests that each tier answered. */
  readonly hitRate: Readonly<Record<Tier, number>>
  readonly coalesced: number
  readonly swrRefreshes: number
  readonly l2Calls: Tally
  readonly l2CallsPerRequest: number
  readonly l2Errors: number
  readonly p50: number
  readonly p95: number
  readonly trafficInvalidation: TrafficResult['invalidation']
  readonly complaints: readonly string[]
  readonly scenes: SceneResults
  /** What traffic and scenes together asked of L2, in what its vendors count. */
  readonly cost: Tally
  readonly seconds: number
}

export interface Findings {
  readonly l2: L2Name
  readonly rows: number
  readonly seed: number
  readonly isolates: number
  readonly traffic: TrafficResult
  readonly counted: Difference
  readonly scenes: SceneResults
  readonly cost: Tally
  readonly seconds: number
}

/** What does not hold, in words. */
function failuresOf({ rows, isolates, traffic, counted, scenes }: Findings): string[] {
  const { factoryRuns, leases, generations } = counted
  const wanted: Readonly<Record<string, boolean>> = {
    'fewer than 100000 cities were loaded': rows >= 100_000,
    'some answers were not 200': traffic.non200 === 0,
    'some answers were wrong': traffic.wrong === 0,
    'the invalidation showed nowhere': traffic.invalidation.freshAnswers > 0,
    'not all isolates answered': traffic.isolates.length === isolates,
    'some requests were not counted': counted.requests === traffic.requests,
    'factories ran more or less often than L2 granted leases': factoryRuns === leases,
    'factories ran more or less often than there were generations':
      generations === undefined || factoryRuns === generations,
    'a scene failed': Object.values(scenes).every(({ ok }) => ok),
  }
  return Object.keys(wanted).filter((failure) => !wanted[failure])
}

export function toReport(findings: Findings): Report {
  const { l2, rows, seed, isolates, traffic, counted, scenes, cost, seconds } = findings
  const share = (tier: Tier): number => rounded(counted.served[tier] / counted.requests, 4)
  const distinct = traffic.isolates.length
  const failures = failuresOf(findings)
  return {
    ok: failures.length === 0,
    failures,
    l2,
    rows,
    seed,
    requests: traffic.requests,
    non200: traffic.non200,
    wrong: traffic.wrong,
    isolates,
    distinct,
    factoryRuns: counted.factoryRuns,
    leases: counted.leases,
    generations: counted.generations ?? null,
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
    cost,
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
  const stale = report.trafficInvalidation
  return [
    '',
    `L2: ${STACKS[report.l2]}`,
    '',
    `Traffic: ${report.requests} requests over ${report.distinct} isolates on ${report.rows} cities, each answer checked`,
    `  failed            ${report.non200} not 200, ${report.wrong} wrong`,
    `  answered by L1    ${percent(hitRate.l1)} fresh, ${percent(hitRate['l1-stale'])} stale with a refresh behind it`,
    `  answered by L2    ${percent(hitRate.l2)}`,
    `  coalesced         ${percent(hitRate.flight)} (${report.coalesced} requests joined another's computation)`,
    `  waited for SQL    ${percent(hitRate.factory)}`,
    `  factory runs      ${report.factoryRuns}, of them ${report.swrRefreshes} refreshes; ${permissions(report)}`,
    `  L2 calls          ${report.l2CallsPerRequest} per request (${tallied(report.l2Calls)})`,
    ...(report.l2Errors > 0 ? [`  L2 errors         ${report.l2Errors}, unnoticed by those who asked`] : []),
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
    `Cost of traffic and scenes: ${tallied(report.cost)}`,
    ...report.failures.map((failure) => `! ${failure}`),
    `${report.ok ? 'All good' : 'NOT GOOD'} after ${report.seconds} s`,
    '',
  ].join('\n')
}

const STACKS: Readonly<Record<L2Name, string>> = {
  do: 'one Durable Object',
  kv: 'Cloudflare KV, and a Durable Object that says which values are valid',
  upstash: 'Redis over HTTP, behind the gateway; no Durable Object',
}

const WORDS: Readonly<Record<string, string>> = {
  durableObjectCalls: 'calls to the Durable Object',
  kvReads: 'KV reads',
  kvWrites: 'KV writes',
  kvDeletes: 'KV deletes',
  kvLists: 'KV lists',
  httpRequests: 'HTTP requests',
  redisCommands: 'Redis commands',
}

function tallied(tally: Tally): string {
  return Object.entries(tally)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${WORDS[name] ?? name}`)
    .join(', ')
}

function permissions({ generations, leases }: Report): string {
  return generations === null
    ? `leases granted by Redis: ${leases}`
    : `generations in the Durable Object: ${generations}`
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
