/**
 * The demo: real cities in a real database behind three isolates of the demo Worker, first under traffic, then in trouble.
 *
 *   npm run demo                     readable summary
 *   npm run -s demo -- --json        the same as JSON on stdout, progress on stderr
 *   npm run demo -- --serve          stays up on http://localhost:8787 afterwards, with a live page; --port=8790
 *   npm run demo -- --l2 upstash     the same with another L2: do (one Durable Object, the default), kv (Cloudflare KV
 *                                    beside it) or upstash (Redis over HTTP; needs Debian's redis-server)
 *   --requests=6000 --seed=7
 *
 * Exits with 1 when a scene fails, an answer is wrong or not 200, or the factories ran more or less often
 * than L2 granted leases or the Durable Object, if there is one, saw generations.
 */
import { readArguments, type Arguments } from './arguments.ts'
import { difference, settled } from './gauges.ts'
import { startFleet, type Fleet } from './isolates.ts'
import { loadWorld } from './load-cities.ts'
import { Progress } from './progress.ts'
import { print, toJson, toReport, type Report, type SceneResults } from './report.ts'
import { burst, cancelledLeader, invalidation, neverSettles, staleWhileRevalidate } from './scenes.ts'
import { freePort, serve } from './serve.ts'
import { SetupError } from './setup-error.ts'
import { runTraffic } from './traffic.ts'
import { readWorld, type World } from './world.ts'

/** The defaults of the store; the demo does not change them. */
const POLL_INTERVAL = 1_000
const MAX_STALENESS = 5_000

try {
  await run(readArguments(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`demo: ${error.message}\n`)
  process.exitCode = 1
}

async function run(given: Arguments): Promise<void> {
  const world = readWorld()
  const fleet = await startFleet(given.l2, given.serve ? await freePort(given.port) : 0)
  try {
    const report = await rehearse(fleet, world, given)
    process.stdout.write(given.json ? toJson(report) : print(report))
    process.exitCode = report.ok ? 0 : 1
    if (given.serve) await serve(fleet, world, given.seed)
  } finally {
    await fleet.close()
  }
}

async function rehearse(fleet: Fleet, world: World, { requests, seed, json }: Arguments): Promise<Report> {
  const progress = new Progress(json ? process.stderr : process.stdout)
  const started = performance.now()
  const rows = await progress.step(`loading ${world.cities.length} cities into D1`, (tell) =>
    loadWorld(world, (path, body) => fleet.tell(path, { body }), tell),
  )
  // One thread runs all isolates and their SQL. With many more requests at once they wait for each other longer than
  // the cache waits for L2.
  const plan = { requests, seed, perSecond: 500, concurrency: 16, maxStaleness: MAX_STALENESS }
  const before = await settled(fleet)
  const traffic = await progress.step(`sending ${requests} requests`, (tell) =>
    runTraffic(fleet, world, plan, tell),
  )
  const counted = difference(before, await settled(fleet))
  const scenes = await playScenes(fleet, progress)
  const { cost } = difference(before, await settled(fleet))
  const seconds = (performance.now() - started) / 1_000
  const isolates = fleet.isolates.length
  return toReport({ l2: fleet.l2, rows, seed, isolates, traffic, counted, scenes, cost, seconds })
}

async function playScenes(fleet: Fleet, progress: Progress): Promise<SceneResults> {
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
