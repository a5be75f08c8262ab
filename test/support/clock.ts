import type { Runtime } from '../../src/ports.ts'
import { countedIds } from './ledger-coordination.ts'

/** Virtual time: nothing passes until a test says so. */
export interface ManualClock {
  /** Milliseconds since the world began. */
  readonly elapsed: () => number
  /** Lets time pass, running what falls due in order, and everything that follows from it. */
  advance(ms: number): Promise<void>
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>
  /** Waits for `work`, letting time pass from timer to timer as it needs; at most `limit` milliseconds. */
  run<T>(work: Promise<T>, limit?: number): Promise<T>
  setTimer(run: () => void, ms: number): () => void
  /** Timers that are set. */
  readonly pending: () => number
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

export function manualClock(): ManualClock {
  let now = 0
  const timers = new Set<Timer>()
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
  const next = (): Timer | undefined => [...timers].toSorted((a, b) => a.at - b.at)[0]
  const fire = async (timer: Timer): Promise<void> => {
    timers.delete(timer)
    now = Math.max(now, timer.at)
    timer.run()
    await settle()
  }
  return {
    elapsed: () => now,
    pending: () => timers.size,
    settle,
    setTimer(run, ms) {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      await settle()
      const end = now + ms
      for (let timer = next(); timer && timer.at <= end; timer = next()) await fire(timer)
      now = end
    },
    async run(work, limit = 120_000) {
      const state = { done: false }
      const settled = work.then(
        () => (state.done = true),
        () => (state.done = true),
      )
      await settle()
      const end = now + limit
      for (let timer = next(); !state.done && timer && timer.at <= end; timer = next()) await fire(timer)
      if (!state.done) throw new Error(`still pending after ${limit} ms of virtual time`)
      await settled
      return work
    },
  }
}

/** A runtime on a manual clock. `waits` makes it one with `waitUntil`, and holds what was handed to it. */
export interface ManualRuntime extends Runtime {
  /** Shifts of this isolate's clocks against the world's. */
  wallSkew: number
  monotonicSkew: number
  readonly background: Promise<unknown>[]
  /** A dead isolate or a cancelled request: its timers never fire again. */
  dead: boolean
}

/** Any time of day will do; this one is easy to recognise in output. */
const EPOCH = 1_000_000_000_000

export function manualRuntime(clock: ManualClock, name: string, waits = true): ManualRuntime {
  let seed = 1
  const background: Promise<unknown>[] = []
  const runtime: ManualRuntime = {
    wallSkew: 0,
    monotonicSkew: 0,
    background,
    dead: false,
    now: () => EPOCH + clock.elapsed() + runtime.wallSkew,
    monotonic: () => clock.elapsed() + runtime.monotonicSkew,
    setTimer: (run, ms) => clock.setTimer(() => runtime.dead || run(), ms),
    randomId: countedIds(name),
    random: () => {
      seed = (seed * 48_271) % 0x7fffffff
      return seed / 0x7fffffff
    },
    ...(waits ? { waitUntil: (work: Promise<unknown>) => void background.push(work) } : {}),
  }
  return runtime
}
