import { type CoordinatorNamespace, durableObjectDriver } from '../../drivers/durable-object.ts'
import type { AtomicDriver, AtomicReply, AtomicRequest, CreateDriverResult } from '../../src/ports.ts'
import { type Atomics, atomics, type AtomicsOptions } from '../../src/atomics.ts'
import { type ManualClock, manualClock, type ManualRuntime, manualRuntime } from './clock.ts'
import { type LedgerCoordination, ledgerCoordination } from './ledger-coordination.ts'

/** What happens to a call on its way. */
export type Mishap =
  /** It never arrives, and nothing comes back. */
  | 'hang'
  /** It is done, and nothing comes back. */
  | 'lost'
  /** It never arrives, and that is known. */
  | 'refused'
  /** It is done, and the connection breaks before the answer. */
  | 'dropped'
  /** It is done three seconds later. */
  | 'late'
  | undefined

export interface AtomicIsolate {
  readonly atoms: Atomics
  readonly runtime: ManualRuntime
}

/** Objects in this process on a manual clock, and isolates that speak to them. */
export interface AtomicWorld {
  readonly clock: ManualClock
  /** By name of the object. */
  readonly objects: ReadonlyMap<string, LedgerCoordination>
  /** All requests that were sent, with the object they were sent to. */
  readonly sent: { readonly object: string; readonly request: AtomicRequest }[]
  /** What happens to calls from now on. */
  mishap: Mishap | ((request: AtomicRequest) => Mishap)
  driver(name?: string): CreateDriverResult<AtomicDriver>
  isolate(name: string, options?: AtomicsOptions): AtomicIsolate
}

const LATE = 3_000

export function openAtomicWorld(): AtomicWorld {
  const clock = manualClock()
  const objects = new Map<string, LedgerCoordination>()
  const objectOf = (name: string): LedgerCoordination => {
    const object = objects.get(name) ?? ledgerCoordination({ now: () => 1_900_000_000_000 + clock.elapsed() })
    objects.set(name, object)
    return object
  }
  const never = (): Promise<never> => new Promise<never>(() => {})
  const carry = async (object: string, request: AtomicRequest): Promise<AtomicReply> => {
    world.sent.push({ object, request })
    const mishap = typeof world.mishap === 'function' ? world.mishap(request) : world.mishap
    if (mishap === 'hang') return never()
    if (mishap === 'refused') throw new Error('the connection was refused')
    if (mishap === 'late') await new Promise<void>((resolve) => void clock.setTimer(resolve, LATE))
    const reply = await objectOf(object).atomic(request)
    if (mishap === 'lost') return never()
    if (mishap === 'dropped') throw new Error('the connection broke')
    return reply
  }
  const binding: CoordinatorNamespace = {
    idFromName: (name) => name,
    get: (id) => ({
      ...objectOf(id as string).coordination,
      atomic: (request: AtomicRequest) => carry(id as string, request),
    }),
  }
  const world: AtomicWorld = {
    clock,
    objects,
    sent: [],
    mishap: undefined,
    driver: (name = 'ekiben') => durableObjectDriver({ binding, name }),
    isolate: (name, options) => {
      const runtime = manualRuntime(clock, name)
      return { atoms: atomics(world.driver(), { runtime, ...options }), runtime }
    },
  }
  return world
}
