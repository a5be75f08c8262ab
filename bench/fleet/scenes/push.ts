import { push as plan } from '../bounds.ts'
import { openProcessCache, type ProcessCache } from '../process-cache.ts'
import { bound, premise, round, type SceneReport, spread } from '../report.ts'
import type { Stage } from '../stage.ts'
import { pause, until } from '../wait.ts'

const TAG = 'menu'

/** Processes hear of what was acknowledged elsewhere, by a stream. */
export async function push(stage: Stage): Promise<SceneReport> {
  // Without delay: it would be all there is to see.
  const gateway = await stage.gateway(0)
  // Polls come too late to help, so that what is fresh was pushed.
  const options = { gateway, prefix: 'push', ttl: '1h', pollInterval: '1h', maxStaleness: '2h' } as const
  const writer = stage.keep(openProcessCache({ ...options, listens: false }))
  const listeners = Array.from({ length: plan.listeners }, () =>
    stage.keep(openProcessCache({ ...options, listens: true })),
  )
  await Promise.all(listeners.map(({ bento }) => bento.get({ key: 'first' })))
  await until('the streams', () => listeners.every(({ states }) => states.at(-1)?.state === 'open'))

  const delays: Delay[] = []
  for (let at = 0; at < plan.invalidations; at++)
    delays.push(...(await invalidate({ writer, listeners }, at)))
  const messages = Math.min(...listeners.map(({ heard }) => heard.messages))
  return report(delays, messages, gateway.gateway.stats().streams)
}

interface Delay {
  /** From the acknowledgement to the end of the last stale read; 0 if there was none. */
  readonly stale: number
  /** From the acknowledgement to the end of the first read that was not stale. */
  readonly fresh: number
}

interface Cast {
  readonly writer: ProcessCache
  readonly listeners: readonly ProcessCache[]
}

async function invalidate({ writer, listeners }: Cast, at: number): Promise<Delay[]> {
  const key = `key ${at}`
  await writer.bento.set({ key, value: 'old', tags: [TAG] })
  const held = await Promise.all(listeners.map(({ bento }) => bento.get({ key })))
  if (held.some((value) => value !== 'old')) throw new Error(`${key} is not held`)
  if (!(await writer.bento.deleteByTag({ tags: [TAG] }))) throw new Error(`${key}: not acknowledged`)
  const acknowledged = performance.now()
  return Promise.all(
    listeners.map(async ({ bento }) => {
      let stale = 0
      for (;;) {
        const value: unknown = await bento.get({ key })
        const now = performance.now() - acknowledged
        if (value === undefined) return { stale, fresh: now }
        if (now > plan.most) throw new Error(`${key} is still read as it was, ${now} ms after`)
        stale = now
        await pause(0)
      }
    }),
  )
}

function report(delays: readonly Delay[], messages: number, streams: number): SceneReport {
  const stale = delays.map((delay) => delay.stale)
  return {
    title: `Push: ${plan.listeners} listening caches in a process, ${plan.invalidations} deleteByTag, no polls`,
    figures: {
      ...spread(
        'acknowledged to fresh (ms)',
        delays.map(({ fresh }) => fresh),
      ),
      ...spread('acknowledged to last stale read (ms)', stale),
      'stale for more than 1 ms (%)': round((100 * stale.filter((ms) => ms > 1).length) / stale.length),
      'messages heard by each': messages,
    },
    checks: [
      bound('invalidations seen', delays.length, { least: plan.listeners * plan.invalidations }),
      bound('longest from acknowledged to fresh (ms)', Math.max(...delays.map(({ fresh }) => fresh)), {
        most: plan.most,
      }),
      premise('messages heard by each', messages, { least: plan.invalidations }),
      premise('streams open at the gateway', streams, { least: plan.listeners, most: plan.listeners }),
    ],
  }
}
