import { killed as plan } from '../bounds.ts'
import { bound, premise, type SceneReport, spread } from '../report.ts'
import type { Stage } from '../stage.ts'
import { until } from '../wait.ts'

const KEY = 'held'
/** Longer than the scene: the first factory never ends. */
const FOREVER = 60_000

/** The isolate that holds the lease dies with its process; others wait for the key. */
export async function holderKilled(stage: Stage): Promise<SceneReport> {
  const gateway = await stage.gateway()
  const store = { prefix: 'killed', leaseTtl: plan.leaseTtl }
  const [holders, others] = await Promise.all([
    stage.isolates(gateway, [store]),
    stage.isolates(gateway, [store, store]),
  ])
  const runs = () => stage.origin.runs(KEY)

  const asked = Date.now()
  const client = await holders.isolates[0]!.vanish({ key: KEY, ms: FOREVER })
  await until('the first factory', () => runs().length === 1)
  const waiting = others.isolates.flatMap((isolate) =>
    Array.from({ length: plan.callers }, () => isolate.ask({ key: KEY, ms: 50 })),
  )
  client.reset()
  await holders.close()
  await until('the end of the first factory', () => runs()[0]?.abandoned !== undefined)
  const answers = await Promise.all(waiting)
  const [first, second] = runs()
  const taken = (second?.started ?? Number.NaN) - asked
  return {
    title: `Holder of a lease of ${plan.leaseTtl} ms is killed while its factory runs`,
    figures: {
      'killed, after it was asked (ms)': (first?.abandoned ?? Number.NaN) - asked,
      'next factory, after the dead one was asked (ms)': taken,
      'next factory, after the kill (ms)': (second?.started ?? Number.NaN) - (first?.abandoned ?? 0),
      'factory runs': runs().length,
      ...spread(
        'wait of a caller (ms)',
        answers.map((answer) => answer.answered - answer.asked),
      ),
    },
    checks: [
      bound('next factory, after the dead one was asked (ms)', taken, {
        most: plan.most * plan.leaseTtl,
      }),
      bound('factory runs, the dead one included', runs().length, { least: 2, most: 2 }),
      bound(
        'callers with the value of the second run',
        answers.filter(({ value }) => value.run === 2).length,
        {
          least: 2 * plan.callers,
          most: 2 * plan.callers,
        },
      ),
      premise('the lease was held until its end (ms)', taken, { least: plan.leaseTtl }),
      premise('the holder died with its factory running', first?.abandoned === undefined ? 0 : 1, {
        least: 1,
      }),
    ],
  }
}
