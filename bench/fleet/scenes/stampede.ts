import { DELAY, stampede as plan } from '../bounds.ts'
import { watchLag } from '../lag.ts'
import type { Isolate } from '../isolates.ts'
import type { Answer } from '../messages.ts'
import { bound, premise, round, type SceneReport, spread } from '../report.ts'
import type { Stage } from '../stage.ts'
import { pause } from '../wait.ts'

/** Time for all requests to arrive before the moment at which they ask. */
const ARRIVAL = 1500
/** Time for all to be answered before the answers are sent: sending them takes the machine from those who wait. */
const HELD = 2 * (plan.factory + plan.most)

interface Round {
  readonly runs: number
  /** How long the factory took. */
  readonly factory: number
  readonly waits: readonly number[]
  readonly distinct: number
  readonly answers: number
  /** How long after the first caller the last one asked. */
  readonly apart: number
  /** How late the machine was with a timer, at worst. */
  readonly late: number
  readonly requests: number
  readonly commands: number
}

/** One cold key, asked for in all isolates at once. */
export async function stampede(stage: Stage): Promise<SceneReport> {
  const gateway = await stage.gateway()
  const store = { prefix: 'stampede', ttl: '1h' }
  const { isolates } = await stage.isolates(
    gateway,
    Array.from({ length: plan.isolates }, () => store),
  )
  const lag = stage.keep(watchLag())
  const rounds: Round[] = []
  for (let at = 0; at <= plan.mostRounds && quiet(rounds).length < plan.rounds; at++) {
    const key = `cold ${at}`
    gateway.resetRequests()
    lag.worst()
    const answers = await askEverywhere(isolates, key)
    const late = lag.worst()
    // What is written behind the answers.
    await pause(100)
    const { requests, commands } = gateway.gateway.stats()
    rounds.push({
      ...summary(answers),
      runs: stage.origin.runs(key).length,
      late,
      requests,
      commands,
    })
  }
  return report(rounds)
}

/** Rounds by which waits are judged: neither the first, nor those in which the machine had no time for anybody. */
function quiet(rounds: readonly Round[]): Round[] {
  return rounds.slice(1).filter(({ late }) => late <= plan.quiet)
}

async function askEverywhere(isolates: readonly Isolate[], key: string): Promise<Answer[]> {
  const begin = Date.now() + ARRIVAL
  const asks = Array.from({ length: plan.callers }, (_, caller) => ({
    key,
    ms: plan.factory,
    at: begin + Math.floor((caller * plan.within) / plan.callers),
    hold: begin + HELD,
  }))
  return Promise.all(isolates.flatMap((isolate) => asks.map((ask) => isolate.ask(ask))))
}

function summary(answers: readonly Answer[]): Omit<Round, 'runs' | 'late' | 'requests' | 'commands'> {
  const moments = answers.map(({ asked }) => asked)
  return {
    factory: Math.max(...answers.map(({ value }) => value.took)),
    waits: answers.map(({ asked, answered }) => answered - asked),
    distinct: new Set(answers.map(({ value }) => JSON.stringify(value))).size,
    answers: answers.length,
    apart: Math.max(...moments) - Math.min(...moments),
  }
}

function report(rounds: readonly Round[]): SceneReport {
  const callers = plan.isolates * plan.callers
  const worst = (of: (round: Round) => number): number => Math.max(...rounds.map(of))
  const list = (of: (round: Round) => number): string => rounds.map((one) => round(of(one))).join(', ')
  // A machine that is never quiet is no excuse: then all are judged.
  const judged = quiet(rounds).length > 0 ? quiet(rounds) : rounds.slice(1)
  const beyond = (one: Round): number => Math.max(...one.waits) - one.factory
  const waits = judged.flatMap((one) => one.waits)
  return {
    title: `Stampede: ${plan.isolates} isolates x ${plan.callers} callers, one cold key, factory ${plan.factory} ms, ${DELAY} ms to Redis, first in cold isolates, then until ${plan.rounds} rounds were quiet`,
    figures: {
      'rounds judged by their waits': judged.length,
      'factory runs, by round': list(({ runs }) => runs),
      'factory took (ms)': list(({ factory }) => factory),
      ...spread('wait of a caller (ms)', waits),
      'longest wait beyond the factory (ms)': list(beyond),
      'HTTP requests to Redis': list(({ requests }) => requests),
      'commands of Redis': list(({ commands }) => commands),
      'timers of the machine late by (ms)': list(({ late }) => late),
      'first to last caller asking (ms)': list(({ apart }) => apart),
    },
    checks: [
      bound(
        'factory runs in a round, at worst',
        worst(({ runs }) => runs),
        { least: 1, most: 1 },
      ),
      bound(
        'distinct answers in a round',
        worst(({ distinct }) => distinct),
        { least: 1, most: 1 },
      ),
      bound('longest wait beyond the factory (ms)', Math.max(...judged.map(beyond)), { most: plan.most }),
      premise('answers in a round', Math.min(...rounds.map(({ answers }) => answers)), {
        least: callers,
        most: callers,
      }),
      premise(
        'all asked before the factory was done (ms)',
        worst(({ apart }) => apart),
        {
          most: plan.factory,
        },
      ),
      premise('shortest run of the factory (ms)', Math.min(...rounds.map(({ factory }) => factory)), {
        least: plan.factory,
      }),
    ],
  }
}
