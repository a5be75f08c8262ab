import { memoryDriver, type MemoryOptions } from '../../drivers/memory.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import { shardedDriver } from '../../src/sharded-driver.ts'
import { inShards } from '../../src/shards.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type Coordination,
  type CoordinationCalls,
  type CreateDriverResult,
  type Step,
  type StoreOptions,
} from '../../src/index.ts'
import { type ManualClock, manualClock, type ManualRuntime, manualRuntime } from './clock.ts'
import type { LedgerOptions } from '../../workers/ledger.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'

/** What befalls one call to the coordinator. */
export type Fault =
  /** Nothing happens and nothing is ever answered. */
  | 'hang'
  /** The call fails and has no effect. */
  | 'refuse'
  /** The call has its effect, but the answer is lost. */
  | 'lose'
  /** The call has its effect, the answer is lost, and the driver sends the same call again. */
  | 'repeat'

/** One call that is stopped on its way. */
export interface Held {
  /** Whether the call has come to where it is stopped. */
  readonly waiting: () => boolean
  /** Lets it go on. */
  release(): void
}

export interface Isolate {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly runtime: ManualRuntime
  /** Milliseconds each way between the isolate and the coordinator; a function is asked at each way. */
  latency: number | (() => number)
  /** Decides about the next calls; `undefined` lets one through. */
  fault: ((operation: keyof CoordinationCalls, shard: number) => Fault | undefined) | undefined
  /** Stops the next call of `operation` before the coordinator has it, or its reply before the isolate has that. */
  hold(operation: keyof CoordinationCalls, way?: 'request' | 'reply'): Held
  /** Steps told so far. */
  readonly steps: Step[]
  /** Names of the steps, joined: the story of what happened. Forgets them. */
  story(): string
}

export interface World {
  readonly clock: ManualClock
  /** The coordinator, or the first of several. */
  readonly ledger: LedgerCoordination
  /** One for each shard. */
  readonly ledgers: readonly LedgerCoordination[]
  /** Milliseconds the coordinator's clock is ahead of the world's. */
  coordinatorSkew: number
  isolate(name: string, options?: StoreOptions, memory?: MemoryOptions | false): Isolate
  /** All calls the coordinator has received. */
  calls(): number
}

export interface WorldOptions extends Pick<LedgerOptions, 'journalCap' | 'pageLimit'> {
  /** Coordinators the stores are divided among. Default 1. */
  readonly shards?: number
}

/** A fleet in one process: isolates with L1, flights and clocks of their own, and one real coordinator. */
export function world({ shards = 1, ...options }: WorldOptions = {}): World {
  const clock = manualClock()
  const ledgers = Array.from({ length: shards }, () =>
    ledgerCoordination({ ...options, now: () => clock.elapsed() + made.coordinatorSkew }),
  )
  const made: World = {
    clock,
    ledger: ledgers[0]!,
    ledgers,
    coordinatorSkew: 0,
    calls: () => ledgers.flatMap(({ calls }) => Object.values(calls)).reduce((sum, count) => sum + count, 0),
    isolate: (name, store = {}, memory = {}) => makeIsolate(made, { name, options: store, memory }),
  }
  return made
}

/** Stops single calls: each hold takes one, the first that comes. */
function makeHolds(): {
  hold: Isolate['hold']
  pass(operation: string, way: string): Promise<void> | undefined
} {
  const holds: { readonly id: string; take(): Promise<void> }[] = []
  return {
    hold: (operation, way = 'reply') => {
      const stop = gate<void>()
      let waiting = false
      holds.push({
        id: `${operation} ${way}`,
        take: () => {
          waiting = true
          return stop.promise
        },
      })
      return { waiting: () => waiting, release: () => stop.open() }
    },
    pass: (operation, way) => {
      const at = holds.findIndex(({ id }) => id === `${operation} ${way}`)
      return at < 0 ? undefined : holds.splice(at, 1)[0]?.take()
    },
  }
}

interface IsolateConfig {
  readonly name: string
  readonly options: StoreOptions
  readonly memory: MemoryOptions | false
}

function makeIsolate(
  { clock, ledgers }: Pick<World, 'clock' | 'ledgers'>,
  { name, options, memory }: IsolateConfig,
): Isolate {
  const runtime = manualRuntime(clock, name)
  const steps: Step[] = []
  const link: Pick<Isolate, 'latency' | 'fault'> = { latency: 0, fault: undefined }
  const { hold, pass } = makeHolds()
  const pause = (): Promise<void> | undefined => {
    const ms = typeof link.latency === 'number' ? link.latency : link.latency()
    return ms === 0 ? undefined : new Promise((resolve) => void runtime.setTimer(resolve, ms))
  }
  const over = <Name extends keyof CoordinationCalls>(
    shard: number,
    operation: Name,
  ): CoordinationCalls[Name] => {
    const call = ledgers[shard]!.coordination[operation] as (request: unknown) => Promise<unknown>
    const send = async (request: unknown): Promise<unknown> => {
      const fault = link.fault?.(operation, shard)
      await pause()
      await pass(operation, 'request')
      if (fault === 'hang' || runtime.dead) return new Promise(() => {})
      if (fault === 'refuse') throw new Error('connection refused')
      let reply = await call(request)
      await pass(operation, 'reply')
      await pause()
      if (fault === 'repeat') {
        reply = await call(request)
        await pause()
      }
      if (fault === 'lose') throw new Error('connection lost')
      return reply
    }
    return send as CoordinationCalls[Name]
  }
  const coordination = (shard: number): Coordination => ({
    read: over(shard, 'read'),
    readMany: over(shard, 'readMany'),
    take: over(shard, 'take'),
    commit: over(shard, 'commit'),
    commitMany: over(shard, 'commitMany'),
    release: over(shard, 'release'),
    invalidate: over(shard, 'invalidate'),
    pull: over(shard, 'pull'),
  })
  let made = 0
  const makeShard = (): CreateDriverResult => {
    const limits = { maxValueBytes: 100_000, maxKeyBytes: 512 }
    const driver = { coordination: coordination(made++), limits } as unknown as CacheDriver
    return { options: {}, factory: () => driver, connect: connectL2 }
  }
  const l2 = inShards({ name: 'ledger', shards: ledgers.length }, makeShard, shardedDriver)
  const store = bentostore(options).useL2Layer(l2)
  const bento = new BentoCache({
    default: 'main',
    stores: { main: memory === false ? store : store.useL1Layer(memoryDriver(memory)) },
    runtime,
  })
  bento.onTrace((step) => void steps.push(step))
  return Object.assign(link, {
    bento,
    runtime,
    hold,
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
