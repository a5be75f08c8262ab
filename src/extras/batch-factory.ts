import { age, instant } from '../clock.ts'
import { typeOf } from '../durations.ts'
import { CacheError } from '../errors.ts'
import type { Factory, FactoryContext } from '../factory.ts'
import { enterPhase, type Flight } from '../flight.ts'
import type { Runtime } from '../ports.ts'
import type { Call } from '../stack.ts'
import type { FlightWatch } from './batched-stack.ts'
import { makeGather } from './gather.ts'

/** What a factory for many keys is called with. */
export interface BatchContext<Context extends FactoryContext = FactoryContext> {
  /** Aborts when nobody waits for any of the keys any more. */
  readonly signal: AbortSignal
  /** What a factory of this key alone would be called with: its options, its tags, its expired value, `skip`. */
  of(key: string): Context
}

/** Values by key: a map, an object, or a list in the order of the keys. What is absent or `undefined` is not cached. */
export type Batch<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>> | readonly (T | undefined)[]

/** Makes the values of many keys: those that are missing, or expired. */
export type BatchFactory<T, Context extends FactoryContext = FactoryContext> = (
  keys: string[],
  context: BatchContext<Context>,
) => Batch<T> | Promise<Batch<T>>

/** A factory for many keys gave what cannot be told apart by them. */
export class BatchError extends CacheError {
  static override readonly code: string = 'E_BATCH'
  static override readonly title: string = 'BatchError'

  constructor(received: string, count: number) {
    super(
      `The factory gave ${received}. Give a Map or an object by key, or a list of ${count} values in the order of the keys`,
    )
  }
}

/** One factory for the keys of an operation, called as one where a factory of a single key would be called. */
export interface BatchRun {
  /** The factory of one key. */
  factoryOf(call: Call): Factory<unknown>
  readonly watch: FlightWatch
  /** All flights that begin with the operation have begun. */
  launched(): void
}

interface Member {
  readonly call: Call
  readonly context: FactoryContext
  readonly flight: Flight | undefined
}

/**
 * Calls the factory once for all keys whose flights began with the operation, when each of them has come to it or will
 * not: it was found, it failed, or another isolate is on it. Those that come later are called for together as well.
 */
export function makeBatchRun(
  runtime: Runtime,
  factory: BatchFactory<unknown>,
  order: readonly string[],
): BatchRun {
  const gather = makeGather<Member, unknown>(runtime, (members) =>
    runBatch({ runtime, factory, members, order }),
  )
  const flights = new Map<string, Flight>()
  const holds = new Map<string, () => void>()
  let launching = true
  let patience = 0

  const leave = (id: string): void => {
    holds.get(id)?.()
    if (holds.delete(id) && !launching) gather.flush()
  }
  return {
    factoryOf: (call) => (context) => {
      const flight = flights.get(call.id)
      const value = gather.add({ call, context, flight })
      leave(call.id)
      // It waits for the reads of others, the last of which may still be repeated: its own factory has not begun.
      if (flight && holds.size > 0) enterPhase(flight, 'read', instant(runtime), 2 * patience)
      return value
    },
    watch: {
      started: (flight: Flight) => {
        const { key, outcome } = flight
        flights.set(key, flight)
        if (!launching) return
        patience = Math.max(patience, flight.deadline)
        holds.set(key, gather.hold())
        const end = (): void => leave(key)
        outcome.then(end, end)
      },
      waits: ({ key }) => leave(key),
    },
    launched: () => {
      launching = false
      gather.flush()
    },
  }
}

interface Batching {
  readonly runtime: Runtime
  readonly factory: BatchFactory<unknown>
  readonly members: readonly Member[]
  readonly order: readonly string[]
}

async function runBatch({ runtime, factory, members, order }: Batching): Promise<readonly unknown[]> {
  const contexts = new Map(members.map(({ call, context }) => [call.key, context]))
  const keys = order.filter((key) => contexts.has(key))
  const deadline = begin(runtime, members)
  const context: BatchContext = {
    get signal() {
      return deadline.signal()
    },
    of: (key) => {
      const own = contexts.get(key)
      if (own) return own
      throw new BatchError('a key it was not asked for to ctx.of()', keys.length)
    },
  }
  try {
    const valueOf = read(await factory([...keys], context), keys)
    return members.map(({ call, context: own }) => {
      const value = valueOf(call.key)
      return value === undefined ? own.skip() : value
    })
  } finally {
    deadline.end()
  }
}

interface Deadline {
  signal(): AbortSignal
  end(): void
}

/** From here on counts what the factory may take, for all keys alike, however long each of them has been ready. */
function begin(runtime: Runtime, members: readonly Member[]): Deadline {
  const now = instant(runtime)
  let controller: AbortController | undefined
  let end = (): void => {}
  let longest = 0
  const signal = (): AbortSignal => {
    if (!controller) {
      const made = (controller = new AbortController())
      end = runtime.setTimer(() => made.abort(), Math.max(0, longest - age(now, instant(runtime))))
    }
    return controller.signal
  }
  for (const { context, flight } of members) {
    if (!flight) continue
    enterPhase(flight, 'factory', now, flight.hardTimeout)
    longest = Math.max(longest, flight.hardTimeout)
    Object.defineProperty(context, 'signal', { get: signal })
  }
  return { signal, end: () => end() }
}

function read(batch: unknown, keys: readonly string[]): (key: string) => unknown {
  if (batch instanceof Map) return (key) => batch.get(key) as unknown
  if (Array.isArray(batch)) {
    if (batch.length !== keys.length) throw new BatchError(`a list of ${batch.length} values`, keys.length)
    return (key) => batch[keys.indexOf(key)] as unknown
  }
  if (typeof batch !== 'object' || batch === null) throw new BatchError(typeOf(batch), keys.length)
  return (key) => (Object.hasOwn(batch, key) ? Reflect.get(batch, key) : undefined)
}
