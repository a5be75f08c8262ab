import { memoryDriver, type MemoryOptions } from '../../drivers/memory.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type Coordination,
  type Step,
  type StoreOptions,
} from '../../src/index.ts'
import { type ManualClock, manualClock, type ManualRuntime, manualRuntime } from './clock.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'

/** What befalls one call to the coordinator. */
export type Fault =
  /** Nothing happens and nothing is ever answered. */
  | 'hang'
  /** The call fails and has no effect. */
  | 'refuse'
  /** The call has its effect, but the answer is lost. */
  | 'lose'

export interface Isolate {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly runtime: ManualRuntime
  /** Milliseconds each way between the isolate and the coordinator. */
  latency: number
  /** Decides about the next calls; `undefined` lets one through. */
  fault: ((operation: keyof Coordination) => Fault | undefined) | undefined
  /** Steps told so far. */
  readonly steps: Step[]
  /** Names of the steps, joined: the story of what happened. Forgets them. */
  story(): string
}

export interface World {
  readonly clock: ManualClock
  readonly ledger: LedgerCoordination
  isolate(name: string, options?: StoreOptions, memory?: MemoryOptions | false): Isolate
  /** All calls the coordinator has received. */
  calls(): number
}

/** A fleet in one process: isolates with L1, flights and clocks of their own, and one real coordinator. */
export function world(): World {
  const clock = manualClock()
  const ledger = ledgerCoordination({ now: () => clock.elapsed() })
  return {
    clock,
    ledger,
    calls: () => Object.values(ledger.calls).reduce((sum, count) => sum + count, 0),
    isolate: (name, options = {}, memory = {}) => makeIsolate(clock, ledger, name, options, memory),
  }
}

function makeIsolate(
  clock: ManualClock,
  ledger: LedgerCoordination,
  name: string,
  options: StoreOptions,
  memory: MemoryOptions | false,
): Isolate {
  const runtime = manualRuntime(clock, name)
  const steps: Step[] = []
  const link: { latency: number; fault: Isolate['fault'] } = { latency: 0, fault: undefined }
  const pause = (): Promise<void> | undefined =>
    link.latency === 0 ? undefined : new Promise((resolve) => void runtime.setTimer(resolve, link.latency))
  const over = <Name extends keyof Coordination>(operation: Name): Coordination[Name] => {
    const call = ledger.coordination[operation] as (request: unknown) => Promise<unknown>
    const send = async (request: unknown): Promise<unknown> => {
      const fault = link.fault?.(operation)
      await pause()
      if (fault === 'hang' || runtime.dead) return new Promise(() => {})
      if (fault === 'refuse') throw new Error('connection refused')
      const reply = await call(request)
      await pause()
      if (fault === 'lose') throw new Error('connection lost')
      return reply
    }
    return send as Coordination[Name]
  }
  const coordination: Coordination = {
    read: over('read'),
    readMany: over('readMany'),
    take: over('take'),
    commit: over('commit'),
    release: over('release'),
    invalidate: over('invalidate'),
    pull: over('pull'),
  }
  const driver = {
    coordination,
    limits: { maxValueBytes: 100_000, maxKeyBytes: 512 },
  } as unknown as CacheDriver
  const store = bentostore(options).useL2Layer({ options: {}, factory: () => driver, connect: connectL2 })
  const bento = new BentoCache({
    default: 'main',
    stores: { main: memory === false ? store : store.useL1Layer(memoryDriver(memory)) },
    runtime,
  })
  bento.onTrace((step) => void steps.push(step))
  return Object.assign(link, {
    bento,
    runtime,
    steps,
    story: () =>
      steps
        .splice(0)
        .map(({ type }) => type)
        .join(' > '),
  })
}

/** A promise a test settles by hand: a factory under way. */
export interface Gate<T> {
  readonly promise: Promise<T>
  open(value: T): void
  fail(error: unknown): void
}

export function gate<T>(): Gate<T> {
  let open!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open, fail }
}
