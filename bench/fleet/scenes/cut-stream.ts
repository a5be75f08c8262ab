import type { FaultyGateway } from '../../../test/support/faulty-gateway.ts'
import { cut as plan } from '../bounds.ts'
import { openProcessCache, type ProcessCache } from '../process-cache.ts'
import { bound, percentile, premise, round, type SceneReport, spread } from '../report.ts'
import type { Stage } from '../stage.ts'
import { pause, until } from '../wait.ts'

const KEYS = Array.from({ length: plan.invalidations }, (_, at) => `key ${at}`)

interface Cut {
  readonly name: string
  readonly loud: boolean
  readonly bounds: { readonly pollInterval: number; readonly maxStaleness: number }
}

export function silentCut(stage: Stage): Promise<SceneReport> {
  return play(stage, { name: 'silently', loud: false, bounds: plan.polled })
}

export function unpolledCut(stage: Stage): Promise<SceneReport> {
  return play(stage, { name: 'silently, no polls', loud: false, bounds: plan.unpolled })
}

export function loudCut(stage: Stage): Promise<SceneReport> {
  return play(stage, { name: 'loudly', loud: true, bounds: plan.polled })
}

interface Cast {
  readonly gateway: FaultyGateway
  readonly writer: ProcessCache
  readonly listener: ProcessCache
  /** Listens without anything in between: it shows that there was something to hear. */
  readonly witness: ProcessCache
}

async function play(stage: Stage, cut: Cut): Promise<SceneReport> {
  const cast = await gather(stage, cut)
  const { gateway, writer, listener, witness } = cast
  const reader = new Reader(listener)
  await Promise.all(KEYS.map((key) => reader.fill(writer, key)))
  await reader.sweep()
  const reading = reader.readOn()

  const before = { heard: listener.heard.messages, witnessed: witness.heard.messages }
  const begun = performance.now()
  const streams = cutNow(gateway, cut)
  await invalidateAll(writer, reader, begun)
  const during = {
    heard: listener.heard.messages - before.heard,
    witnessed: witness.heard.messages - before.witnessed,
  }
  gateway.fault = undefined
  // Whatever is still read as it was would be too late from here on.
  await pause(Math.max(0, begun + plan.lasts + cut.bounds.maxStaleness - performance.now()))
  const reopened = (): number | undefined =>
    listener.states.findLast(({ state, at }) => state === 'open' && at > begun)?.at
  await until('the stream to be open again', () => reopened() !== undefined, plan.reopened).catch(() => {})
  const again = await pushedAgain(cast)
  reader.stop()
  await reading
  const noticed = listener.states.find(({ state, at }) => state !== 'open' && at > begun)?.at
  const times = {
    noticed: (noticed ?? Number.NaN) - begun,
    reopened: (reopened() ?? Number.NaN) - begun,
    again,
  }
  return report(cut, reader, { streams, ...during, ...times })
}

async function gather(stage: Stage, { name, bounds }: Cut): Promise<Cast> {
  // Without delay: a hundred acknowledged invalidations have to fit into the cut.
  const gateway = await stage.gateway(0)
  const { token } = gateway
  const direct = { url: gateway.gateway.url, token }
  const options = { prefix: `cut-${name}`.replaceAll(/[^a-z-]/g, ''), ttl: '1h', ...bounds } as const
  const writer = stage.keep(openProcessCache({ ...options, gateway: direct, listens: false }))
  const listener = stage.keep(openProcessCache({ ...options, gateway, listens: true }))
  const witness = stage.keep(openProcessCache({ ...options, gateway: direct, listens: true }))
  await Promise.all([listener, witness].map(({ bento }) => bento.get({ key: 'first' })))
  await until('the streams', () => [listener, witness].every(({ states }) => states.at(-1)?.state === 'open'))
  return { gateway, writer, listener, witness }
}

/** Ends the streams that are open, and keeps others from standing until the fault is taken away. */
function cutNow(gateway: FaultyGateway, { loud }: Cut): number {
  gateway.fault = ({ path }) =>
    path.startsWith('/subscribe') ? { kind: loud ? 'refuse' : 'stall' } : undefined
  return loud ? gateway.cutStreams() : gateway.silenceStreams()
}

async function invalidateAll(writer: ProcessCache, reader: Reader, begun: number): Promise<void> {
  for (const [at, key] of KEYS.entries()) {
    await pause(Math.max(0, begun + (at * plan.lasts) / KEYS.length - performance.now()))
    reader.publish(key)
    const acknowledged = await (at % 2 === 0
      ? writer.bento.delete({ key })
      : writer.bento.deleteByTag({ tags: [key] }))
    if (!acknowledged && at % 2 !== 0) throw new Error(`${key}: not acknowledged`)
    reader.acknowledge(key)
  }
  await pause(Math.max(0, begun + plan.lasts - performance.now()))
}

/** How long an invalidation takes to be heard once the stream is there again; `NaN` if it is not. */
async function pushedAgain({ writer, listener }: Cast): Promise<number> {
  const before = listener.heard.messages
  await writer.bento.deleteByTag({ tags: ['again'] })
  const acknowledged = performance.now()
  await until('another message', () => listener.heard.messages > before, 2000).catch(() => {})
  return listener.heard.messages > before ? performance.now() - acknowledged : Number.NaN
}

/** Reads all keys over and over, and knows which answers were stale. */
class Reader {
  readonly #cache: ProcessCache
  readonly #versions = new Map<string, number>()
  readonly #acknowledged = new Map<string, number>()
  #on = true
  /** Reads of keys whose invalidation was acknowledged. */
  checked = 0
  /** Reads in all. */
  reads = 0
  /** How long after the acknowledgement each stale read ended. */
  readonly stale: number[] = []
  /** How long after it the first fresh one did. */
  readonly fresh = new Map<string, number>()

  constructor(cache: ProcessCache) {
    this.#cache = cache
  }

  async fill(writer: ProcessCache, key: string): Promise<void> {
    this.#versions.set(key, 1)
    await writer.bento.set({ key, value: 1, tags: [key] })
  }

  /** From now on whoever computes the key gets what is new. */
  publish(key: string): void {
    this.#versions.set(key, 2)
  }

  acknowledge(key: string): void {
    this.#acknowledged.set(key, performance.now())
  }

  async readOn(): Promise<void> {
    while (this.#on) {
      await this.sweep()
      await pause(plan.sweep)
    }
  }

  async sweep(): Promise<void> {
    await Promise.all(KEYS.map((key) => this.#read(key)))
  }

  stop(): void {
    this.#on = false
  }

  async #read(key: string): Promise<void> {
    const acknowledged = this.#acknowledged.get(key)
    const value = await this.#cache.bento.getOrSet({
      key,
      tags: [key],
      factory: () => this.#versions.get(key) ?? 0,
    })
    this.reads++
    // Who asked before the acknowledgement may be given either.
    if (acknowledged === undefined) return
    this.checked++
    const after = performance.now() - acknowledged
    if (value < 2) this.stale.push(after)
    else if (!this.fresh.has(key)) this.fresh.set(key, after)
  }
}

interface Outcome {
  readonly streams: number
  readonly heard: number
  readonly witnessed: number
  readonly noticed: number
  readonly reopened: number
  readonly again: number
}

function report({ name, loud, bounds }: Cut, reader: Reader, outcome: Outcome): SceneReport {
  const { pollInterval, maxStaleness } = bounds
  const { stale, fresh, checked, reads } = reader
  const { streams, heard, witnessed, noticed, reopened, again } = outcome
  const late = stale.filter((ms) => ms > maxStaleness).length
  return {
    title: `Stream cut ${name} for ${plan.lasts} ms, ${plan.invalidations} invalidations, pollInterval ${pollInterval} ms, maxStaleness ${maxStaleness} ms`,
    figures: {
      reads: reads,
      'reads checked': checked,
      'stale reads within maxStaleness': stale.length - late,
      'stale reads later than that': late,
      'last stale read, after the acknowledgement (ms)': stale.length > 0 ? percentile(stale, 100) : 'none',
      ...spread('acknowledged to fresh (ms)', [...fresh.values()]),
      'messages heard during the cut': heard,
      'messages the witness heard': witnessed,
      'noticed after (ms)': round(noticed),
      'open again after (ms)': round(reopened),
      'an invalidation is heard again within (ms)': round(again),
    },
    checks: [
      bound('stale reads later than maxStaleness', late, { least: 0, most: 0 }),
      bound('keys read fresh', fresh.size, { least: plan.invalidations }),
      bound('open again after (ms)', reopened, { most: plan.reopened }),
      bound('an invalidation is heard again within (ms)', again, { most: 2000 }),
      premise('streams cut', streams, { least: 1, most: 1 }),
      premise('messages heard during the cut', heard, { least: 0, most: 0 }),
      premise('messages the witness heard', witnessed, { least: plan.invalidations }),
      premise('reads checked', checked, { least: 100 * plan.invalidations }),
      ...(loud ? [] : [premise('stale reads: there was something to bound', stale.length, { least: 1 })]),
    ],
  }
}
