/**
 * `npm run fleet`: isolates of real workerd, and processes of Node, on a real Redis over HTTP, against the clock.
 *
 *   --json         the report as JSON, alone on stdout
 *   --only a,b     some scenes only, by name
 *
 * Exits 1 when a bound is missed, or a premise without which a scene shows nothing. Needs `redis-server`.
 */
import { parseArgs } from 'node:util'
import { openRedis } from '../../test/support/redis-server.ts'
import { bundleIsolate } from './isolates.ts'
import { openOrigin } from './origin.ts'
import { holds, premise, printable, type SceneReport, sentence } from './report.ts'
import { loudCut, silentCut, unpolledCut } from './scenes/cut-stream.ts'
import { holderKilled } from './scenes/holder-killed.ts'
import { polling } from './scenes/polling.ts'
import { pullOnly } from './scenes/pull-only.ts'
import { push } from './scenes/push.ts'
import { stampede } from './scenes/stampede.ts'
import { type Base, Stage } from './stage.ts'

const scenes: Readonly<Record<string, (stage: Stage) => Promise<SceneReport>>> = {
  stampede,
  killed: holderKilled,
  pull: pullOnly,
  polling,
  push,
  silent: silentCut,
  unpolled: unpolledCut,
  loud: loudCut,
}

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string' } },
})

const say = (line: string): boolean => process.stderr.write(`${line}\n`)

async function play(base: Base, name: string): Promise<SceneReport & { readonly seconds: number }> {
  const scene = scenes[name]
  if (scene === undefined)
    throw new Error(`--only: there is no scene '${name}', only ${Object.keys(scenes).join(', ')}`)
  const stage = new Stage(base)
  const begun = performance.now()
  try {
    const report = await scene(stage)
    return { ...report, seconds: Math.round((performance.now() - begun) / 100) / 10 }
  } catch (error) {
    say(String(error instanceof Error ? error.stack : error))
    const checks = [premise('scene played to its end', 0, { least: 1, most: 1 })]
    return { title: name, figures: {}, checks, seconds: Math.round((performance.now() - begun) / 100) / 10 }
  } finally {
    await stage.close()
    say(`done: ${name}`)
  }
}

const begun = performance.now()
const redis = await openRedis()
const origin = await openOrigin()
try {
  const base: Base = { redisUrl: redis.url, origin, script: await bundleIsolate() }
  const reports: SceneReport[] = []
  // One after the other: they would take the machine from each other.
  for (const name of flags.only?.split(',') ?? Object.keys(scenes)) {
    const report = await play(base, name)
    reports.push(report)
    if (!flags.json) process.stdout.write(`${printable(report)}\n\n`)
  }
  const missed = reports.flatMap(({ title, checks }) =>
    checks.filter((check) => !holds(check)).map((check) => `${title}: ${sentence(check)}`),
  )
  const seconds = Math.round((performance.now() - begun) / 1000)
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ seconds, missed, scenes: reports }, undefined, 2)}\n`)
  for (const line of missed) say(`missed: ${line}`)
  say(`${seconds} s`)
  process.exitCode = missed.length > 0 ? 1 : 0
} finally {
  await origin.close()
  await redis.close()
}
