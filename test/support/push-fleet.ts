import { memoryDriver } from '../../drivers/memory.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import { connectPushedL2 } from '../../src/connect-pushed-l2.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type Coordination,
  type Cursor,
  type Push,
  type Step,
  type StoreOptions,
  type Subscriber,
} from '../../src/index.ts'
import { manualClock, type ManualClock, type ManualRuntime, manualRuntime } from './clock.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'
import { overCalls } from './over-calls.ts'

/** One connection an isolate has opened, and what befalls it. */
export interface Connection {
  readonly openedAt: number
  readonly subscriber: Subscriber
  /** Pings it was sent. */
  pings: number
  closed: boolean
}

export interface Listener {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly runtime: ManualRuntime
  readonly steps: Step[]
  /** All connections it has opened, the newest last. */
  readonly connections: Connection[]
  /** The newest one. */
  connection(): Connection
  /** What becomes of a push on its way; gives what arrives. */
  onWay: (push: Push) => readonly (Push | undefined)[]
  /** What opening a connection does; opens it at once by default. */
  onSubscribe: (connection: Connection) => void
  /** Whether connections can be pinged. */
  pingable: boolean
  /** Whether calls to the coordinator fail. */
  down: boolean
  /** Whether calls hang until told to go on. */
  held: (() => void)[] | undefined
}

export interface PushFleet {
  readonly clock: ManualClock
  readonly ledger: LedgerCoordination
  listener(name: string, options?: StoreOptions, waits?: boolean): Listener
}

export interface PushFleetOptions {
  /** Whether values lie in an L2 that coordinates by the same kind as the bus; else they lie in memory alone. */
  readonly l2?: boolean
}

/** Isolates in front of one real ledger that pushes: whatever is written into its journal is told to all at once. */
export function pushFleet({ l2 = false }: PushFleetOptions = {}): PushFleet {
  const clock = manualClock()
  const ledger = ledgerCoordination({ now: () => clock.elapsed() })
  const listeners: Listener[] = []
  let told: Cursor = ledger.ledger.pull({}).page.head
  const announce = (): void => {
    const { page } = ledger.ledger.pull({ cursor: told })
    if (page.head.seq === told.seq) return
    const push = { after: told, page }
    told = page.head
    for (const listener of listeners) {
      const connection = listener.connections.at(-1)
      if (!connection || connection.closed) continue
      for (const arriving of listener.onWay(structuredClone(push))) connection.subscriber.onPush(arriving)
    }
  }

  const listener = (name: string, options: StoreOptions = {}, waits = false): Listener => {
    const runtime = manualRuntime(clock, name, waits)
    const coordination: Coordination = {
      kind: 'ledger',
      ...overCalls(ledger.coordination, async (_operation, call) => {
        if (made.down) throw new Error('connection refused')
        const reply = await call()
        // The news are faster than the answer.
        announce()
        if (made.held) await new Promise<void>((resolve) => void made.held?.push(resolve))
        return reply
      }),
    }
    const subscribe = (subscriber: Subscriber) => {
      const connection: Connection = { openedAt: clock.elapsed(), subscriber, pings: 0, closed: false }
      made.connections.push(connection)
      made.onSubscribe(connection)
      const close = (): void => void (connection.closed = true)
      return made.pingable ? { close, ping: () => void connection.pings++ } : { close }
    }
    const bus = {
      coordinate: (values: CacheDriver | undefined) =>
        busCoordination({ ...coordination, subscribe }, values),
      disconnect: () => {},
    }
    const driver = { coordination, disconnect: () => {} } as unknown as CacheDriver
    const store = bentostore(options).useL1Layer(memoryDriver())
    if (l2) store.useL2Layer({ options: {}, factory: () => driver, connect: connectL2 })
    store.useBus({ options: {}, factory: () => bus, connect: connectPushedL2 })
    const bento = new BentoCache({ default: 'main', stores: { main: store }, runtime })
    const steps: Step[] = []
    bento.onTrace((step) => void steps.push(step))
    const made: Listener = {
      bento,
      runtime,
      steps,
      connections: [],
      connection: () => made.connections.at(-1) as Connection,
      onWay: (push) => [push],
      onSubscribe: ({ subscriber: opened }) => void clock.setTimer(() => opened.onOpen(), 0),
      pingable: false,
      down: false,
      held: undefined,
    }
    listeners.push(made)
    return made
  }
  return { clock, ledger, listener }
}
