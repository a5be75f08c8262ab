import { DELAY, pull as plan } from '../bounds.ts'
import type { Isolate } from '../isolates.ts'
import { bound, percentile, premise, type SceneReport, spread } from '../report.ts'
import type { Stage } from '../stage.ts'
import { pause, until } from '../wait.ts'

/** Isolates that read in one store. One more of it invalidates. */
const READERS = 3
const TAG = 'menu'

/** What one isolate answered, and when. */
interface Read {
  readonly version: number
  readonly asked: number
  readonly answered: number
}

/** Three isolates under light traffic, and what was acknowledged elsewhere in their store. */
interface Fleet {
  readonly key: string
  readonly readers: readonly Isolate[]
  readonly writer: Isolate
  readonly reads: readonly Read[][]
  readonly acknowledged: { readonly version: number; readonly at: number; readonly kind: 'tag' | 'clear' }[]
}

/** How long one isolate went on with what was invalidated, from the acknowledgement. */
interface Delay {
  readonly kind: 'tag' | 'clear'
  /** To the request that got the first fresh answer: from then on the isolate knew. */
  readonly known: number
  /** To that answer; the read of Redis and the factory are in it. */
  readonly fresh: number
  /** To the last stale answer; 0 if there was none. */
  readonly stale: number
}

/** Tags and namespaces reach isolates that nobody can call, by what these ask themselves. */
export async function pullOnly(stage: Stage): Promise<SceneReport> {
  const gateway = await stage.gateway()
  const stores = Array.from({ length: plan.fleets * (READERS + 1) }, (_, at) => ({
    prefix: `pull-${at % plan.fleets}`,
    ttl: '1h',
    pollInterval: plan.pollInterval,
  }))
  const { isolates } = await stage.isolates(gateway, stores)
  const fleets = Array.from({ length: plan.fleets }, (_, fleet): Fleet => {
    const [writer, ...readers] = isolates.filter((_isolate, at) => at % plan.fleets === fleet)
    return { key: `pull ${fleet}`, writer: writer!, readers, reads: readers.map(() => []), acknowledged: [] }
  })
  const begun = Date.now()
  await Promise.all(fleets.map((fleet) => play(stage, fleet)))
  return report(
    fleets.flatMap(delaysOf),
    fleets.flatMap(({ reads }) => reads.map(({ length }) => (length * 1000) / (Date.now() - begun))),
  )
}

async function play({ origin }: Stage, fleet: Fleet): Promise<void> {
  const { key, readers, writer, reads, acknowledged } = fleet
  const traffic = { on: true }
  const clients = readers.map(async (isolate, at) => {
    while (traffic.on) {
      const { value, asked, answered } = await isolate.ask({ key, tags: [TAG] })
      reads[at]!.push({ version: value.version, asked, answered })
      await pause(plan.gap)
    }
  })
  const all = (version: number) => (): boolean => reads.every((own) => own.at(-1)?.version === version)
  try {
    await until('the first answers', all(1))
    for (let round = 0; round < plan.rounds; round++) {
      // Every third comes right after news, which is when the next ones are furthest away.
      if (round % 3 !== 0) await pause(Math.random() * plan.pollInterval)
      const kind = round % 2 === 0 ? 'tag' : 'clear'
      const version = origin.publish(key)
      const told = await writer.invalidate(kind === 'tag' ? { tag: TAG } : { clear: true })
      if (!told.acknowledged) throw new Error(`${key}: round ${round} was not acknowledged`)
      acknowledged.push({ version, at: told.at, kind })
      await until('fresh answers', all(version))
    }
  } finally {
    traffic.on = false
    await Promise.all(clients)
  }
}

function delaysOf({ reads, acknowledged }: Fleet): Delay[] {
  return acknowledged.flatMap(({ version, at, kind }) =>
    reads.map((own): Delay => {
      const fresh = own.find((read) => read.version >= version)
      const stale = own.findLast((read) => read.version < version)
      return {
        kind,
        known: (fresh?.asked ?? Number.NaN) - at,
        fresh: (fresh?.answered ?? Number.NaN) - at,
        stale: Math.max(0, (stale?.answered ?? at) - at),
      }
    }),
  )
}

function report(delays: readonly Delay[], rates: readonly number[]): SceneReport {
  const most = plan.pollInterval + plan.margin
  const delaysTo = (kind: Delay['kind'], name: 'known' | 'fresh'): number[] =>
    delays.filter((delay) => delay.kind === kind).map((delay) => delay[name])
  const longest = (of: (delay: Delay) => number): number => Math.max(...delays.map(of))
  const samples = plan.fleets * plan.rounds * READERS
  return {
    title: `Pull alone: ${plan.fleets} fleets of ${READERS} isolates, pollInterval ${plan.pollInterval} ms, ${DELAY} ms to Redis, ${samples} invalidations seen`,
    figures: {
      'requests to an isolate per second': percentile(rates, 50),
      ...spread('deleteByTag to request with first fresh answer (ms)', delaysTo('tag', 'known')),
      ...spread('clear to request with first fresh answer (ms)', delaysTo('clear', 'known')),
      ...spread('deleteByTag to first fresh answer (ms)', delaysTo('tag', 'fresh')),
      ...spread('clear to first fresh answer (ms)', delaysTo('clear', 'fresh')),
      ...spread(
        'to last stale answer (ms)',
        delays.map(({ stale }) => stale),
      ),
    },
    checks: [
      bound(
        'longest to the request with the first fresh answer (ms)',
        longest(({ known }) => known),
        { most },
      ),
      bound(
        'longest to the last stale answer (ms)',
        longest(({ stale }) => stale),
        { most },
      ),
      premise('invalidations seen', delays.length, { least: samples, most: samples }),
      premise(
        'share of isolates that answered from memory first (%)',
        (100 * delays.filter(({ stale }) => stale > 0).length) / delays.length,
        { least: 50 },
      ),
    ],
  }
}
