import { DELAY, polling as plan } from '../bounds.ts'
import { bound, premise, round, type SceneReport } from '../report.ts'
import type { Stage } from '../stage.ts'
import { pause } from '../wait.ts'

const KEY = 'read over and over'

/** An idle isolate asks nothing; a busy one that only hits memory asks once an interval. */
export async function polling(stage: Stage): Promise<SceneReport> {
  const gateway = await stage.gateway()
  const arrivals: number[] = []
  gateway.fault = () => {
    arrivals.push(performance.now())
    return { kind: 'delay', ms: DELAY }
  }
  const store = { prefix: 'polling', ttl: '1h', pollInterval: plan.pollInterval }
  const { isolates } = await stage.isolates(gateway, [store])
  const [isolate] = isolates
  await isolate!.ask({ key: KEY })
  // The write behind the answer.
  await pause(200)

  const lasts = plan.intervals * plan.pollInterval
  gateway.resetRequests()
  await pause(lasts)
  const idle = gateway.gateway.stats().requests

  arrivals.length = 0
  const begun = performance.now()
  let asked = 0
  for (; performance.now() - begun < lasts; asked++) {
    await isolate!.ask({ key: KEY })
    await pause(plan.gap)
  }
  const took = performance.now() - begun
  const polls = arrivals.length
  const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!)
  const runs = stage.origin.runs(KEY).length
  return {
    title: `Polling: pollInterval ${plan.pollInterval} ms, ${plan.intervals} intervals idle, then as many busy`,
    figures: {
      'requests to Redis while idle': idle,
      'requests to the busy isolate': asked,
      'requests to Redis while busy': polls,
      'shortest time between two of them (ms)': round(Math.min(...gaps)),
    },
    checks: [
      bound('requests to Redis while idle', idle, { least: 0, most: 0 }),
      bound('requests to Redis while busy', polls, { most: Math.floor(took / plan.pollInterval) + 1 }),
      premise('requests to Redis while busy: it did poll', polls, { least: 2 }),
      premise('requests to the busy isolate', asked, { least: 5 * plan.intervals }),
      premise('runs of the factory: all others were hits', runs, { least: 1, most: 1 }),
    ],
  }
}
