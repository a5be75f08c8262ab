/**
 * The demo: real cities in a real database behind three isolates of the demo Worker, first under traffic, then in trouble.
 *
 *   npm run demo                     readable summary
 *   npm run -s demo -- --json        the same as JSON on stdout, progress on stderr
 *   npm run demo -- --serve          stays up on http://localhost:8787 afterwards, with a live page; --port=8790
 *   --requests=6000 --seed=7
 *
 * Exits with 1 when a scene fails, an answer is wrong or not 200, or the factories ran more or less often
 * than the Durable Object saw generations.
 */
import { parseArgs } from 'node:util'
import { difference, settled } from './gauges.ts'
import { startFleet, type Fleet } from './isolates.ts'
import { loadWorld } from './load-cities.ts'
import { Progress } from './progress.ts'
import { print, toJson, toReport, type Report, type SceneResults } from './report.ts'
import { burst, cancelledLeader, invalidation, neverSettles, staleWhileRevalidate } from './scenes.ts'
import { freePort, serve } from './serve.ts'
import { runTraffic } from './traffic.ts'
import { readWorld, type World } from './world.ts'

/** The defaults of the store; the demo does not change them. */
const POLL_INTERVAL = 1_000
const MAX_STALENESS = 5_000

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    port: { type: 'string', default: '8787' },
    serve: { type: 'boolean', default: false },
    requests: { type: 'string', default: '6000' },
    seed: { type: 'string', default: '7' },
  },
})

const seed = wholeNumber('seed')
const requests = wholeNumber('requests')
const progress = new Progress(flags.json ? process.stderr : process.stdout)

await run()

async function run(): Promise<void> {
  const world = readWorld()
  const fleet = await startFleet(flags.serve ? await freePort(wholeNumber('port')) : 0)
  try {
    const report = await rehearse(fleet, world)
    process.stdout.write(flags.json ? toJson(report) : print(report))
    process.exitCode = report.ok ? 0 : 1
    if (flags.serve) await serve(fleet, world, seed)
  } finally {
    await fleet.close()
  }
}

async function rehearse(fleet: Fleet, world: World): Promise<Report> {
  const started = performance.now()
  const rows = await progress.step(`loading ${world.cities.length} cities into D1`, (tell) =>
    loadWorld(world, (path, body) => fleet.tell(path, { body }), tell),
  )
  const plan = { requests, seed, perSecond: 500, concurrency: 48, maxStaleness: MAX_STALENESS }
  const before = await settled(fleet)
  const traffic = await progress.step(`sending ${requests} requests`, (tell) =>
    runTraffic(fleet, world, plan, tell),
  )
  const counted = difference(before, await settled(fleet))
  const scenes = await playScenes(fleet)
  const seconds = (performance.now() - started) / 1_000
  return toReport({ rows, seed, isolates: fleet.isolates.length, traffic, counted, scenes, seconds })
}

async function playScenes(fleet: Fleet): Promise<SceneResults> {
  const [first] = fleet.isolates
  return {
    burst: await progress.step('20 requests for one cold key in one isolate', () =>
      burst(fleet, 'burst', 20, first),
    ),
    fleetBurst: await progress.step('60 requests for one cold key over all isolates', () =>
      burst(fleet, 'fleet', 60),
    ),
    cancelledLeader: await progress.step('the client of the computing request vanishes', () =>
      cancelledLeader(fleet, 'cancelled'),
    ),
    neverSettles: await progress.step('a factory that never settles', () => neverSettles(fleet, 'never')),
    swr: await progress.step('an expired entry, read twice', () => staleWhileRevalidate(fleet, 'swr')),
    invalidation: await progress.step('a tag deleted in one isolate', () =>
      invalidation(fleet, 'invalidation', POLL_INTERVAL),
    ),
  }
}

function wholeNumber(flag: 'requests' | 'seed' | 'port'): number {
  const number = Number(flags[flag])
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`--${flag} must be a whole number above 0`)
  return number
}
