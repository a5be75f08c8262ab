import { CacheError } from '../errors.ts'
import type { Factory, FactoryContext } from '../factory.ts'
import type { Flight } from '../flight.ts'
import { typeOf } from '../durations.ts'
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
  const gather = makeGather<Member, unknown>(runtime, (members) => runBatch(factory, members, order))
  const holds = new Map<string, () => void>()
  let launching = true

  const leave = (id: string): void => {
    holds.get(id)?.()
    if (holds.delete(id) && !launching) gather.flush()
  }
  return {
    factoryOf: (call) => (context) => {
      const value = gather.add({ call, context })
      leave(call.id)
      return value
    },
    watch: {
      started: ({ key, outcome }: Flight) => {
        if (!launching) return
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

async function runBatch(
  factory: BatchFactory<unknown>,
  members: readonly Member[],
  order: readonly string[],
): Promise<readonly unknown[]> {
  const contexts = new Map(members.map(({ call, context }) => [call.key, context]))
  const keys = order.filter((key) => contexts.has(key))
  const context: BatchContext = {
    get signal() {
      return (members[0] as Member).context.signal
    },
    of: (key) => {
      const own = contexts.get(key)
      if (own) return own
      throw new BatchError('a key it was not asked for to ctx.of()', keys.length)
    },
  }
  const valueOf = read(await factory([...keys], context), keys)
  return members.map(({ call, context: own }) => {
    const value = valueOf(call.key)
    return value === undefined ? own.skip() : value
  })
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
