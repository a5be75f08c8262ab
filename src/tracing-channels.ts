import type { Factory } from './factory.ts'
import { clear, forget } from './forget.ts'
import { get, pull } from './get.ts'
import { getOrSet } from './get-or-set.ts'
import { type RunOperation, runPlainly } from './operations.ts'
import { runBy } from './run-by.ts'
import { set } from './set.ts'
import type { Call, Operation } from './stack.ts'
import { attempt, type Step, type Trace } from './trace.ts'
import { makeTracingChannel, traceAsync, type Traced, type TracingChannel } from './tracing-channel.ts'

/** One operation, as its channel tells of it. Complete at `asyncEnd`: the same object is written to until then. */
export interface CacheOperationMessage {
  /** `getOrSet` holds a `factory` and a `set` where it runs one. */
  operation: 'get' | 'set' | 'getOrSet' | 'factory' | 'delete' | 'deleteMany' | 'clear' | 'expire'
  /** The key with the store's prefix and namespaces: `bentocache:users:42`. */
  key?: string
  /** The keys of `deleteMany`, as `key`. */
  keys?: string[]
  /** Name of the store. */
  store: string
  /** Of `get` and `getOrSet`: whether the value was there. Absent if the operation failed. */
  hit?: boolean
  /** The tier a hit came from. */
  tier?: 'l1' | 'l2'
  /** Whether a hit was past its fresh time. */
  graced?: boolean
}

type Message = Traced<CacheOperationMessage>

/** Runs something as an operation of a message. Its result stays out: a trace is no place for values. */
function traced<Result>(message: CacheOperationMessage, run: () => Promise<Result>): Promise<Result> {
  return traceAsync(tracingChannels.cacheOperation, message, run)
}

/** A key as Bentocache tells it: under the store's prefix, whatever a driver puts before it. */
function fullKey({ stack, scope }: Operation, key: string): string {
  const { prefix } = stack.settings
  return prefix ? `${prefix}:${scope.path}${key}` : scope.path + key
}

/** The message of an operation on a key. */
function about(call: Call, operation: CacheOperationMessage['operation']): Message {
  return { operation, key: fullKey(call, call.key), store: call.stack.name }
}

/** The same operation, whose own steps, and no other's, `see` sees before all who listen. */
function seenBy<O extends Operation>(operation: O, see: (step: Step, tell: () => void) => void): O {
  const { stack } = operation
  const { trace } = stack
  const own: Trace = { ...trace, active: () => true, tell: (step) => see(step, () => trace.tell(step)) }
  return { ...operation, stack: { ...stack, trace: own } }
}

function noteHit(message: Message, step: Step): void {
  if (step.type !== 'l1.hit' && step.type !== 'l2.hit') return
  message.hit = true
  message.tier = step.type === 'l1.hit' ? 'l1' : 'l2'
  message.graced = step.graced
}

/** An operation that looks for a value: its message says where it was. */
async function looked<Result>(
  message: Message,
  call: Call,
  work: (call: Call) => Promise<Result>,
): Promise<Result> {
  const seen = seenBy(call, (step, tell) => {
    noteHit(message, step)
    tell()
  })
  const value = await work(seen)
  message.hit ??= false
  return value
}

/** `pull` is a `get` and, behind it, a `delete`, as Bentocache tells it; here both are one trip. */
async function tracePull(call: Call): Promise<unknown> {
  const message = about(call, 'get')
  const value = await traced(message, () => looked(message, call, pull))
  await traced(about(call, 'delete'), async () => {})
  return value
}

/** `getOrSet` with the factory and the write it may come to, each a message of its own. */
function traceGetOrSet(call: Call, factory: Factory<unknown>): Promise<unknown> {
  const message = about(call, 'getOrSet')
  const run: Factory<unknown> = (context) => traced(about(call, 'factory'), async () => factory(context))
  let committed = false
  const watched = seenBy(call, (step, tell) => {
    // A value that goes to no L2 is written by the time this is told.
    if (step.type === 'written' && !committed) attempt(() => traced(about(call, 'set'), async () => tell()))
    else tell()
  })
  const { stack } = watched
  const { l2 } = stack
  const commits = l2 && {
    ...l2,
    commit: ((...args) => {
      committed = true
      return traced(about(call, 'set'), () => l2.commit(...args))
    }) satisfies typeof l2.commit,
  }
  const own = { ...watched, stack: { ...stack, l2: commits } }
  return traced(message, () => looked(message, own, (seen) => getOrSet(seen, run)))
}

/** Tells of operations as Bentocache does; `has`, `missing`, `prune` and `deleteByTag` are none there either. */
const runTraced: RunOperation = (work, operation, ...given) => {
  type Result = ReturnType<typeof work>
  const run = (): Result => work(operation, ...given)
  const call = operation as unknown as Call
  const [first, second] = given as unknown[]
  const { name: store } = operation.stack
  switch (work as unknown) {
    case get: {
      const message = about(call, 'get')
      const look = (seen: Call): Result => work(seen as never, ...given)
      return traced(message, () => looked(message, call, look))
    }
    case getOrSet:
      return traceGetOrSet(call, first as Factory<unknown>) as Result
    case pull:
      return tracePull(call) as Result
    case set:
      // Nothing is done about `undefined`, but to refuse it.
      return first === undefined ? run() : traced(about(call, 'set'), run)
    case forget: {
      if (Array.isArray(first)) {
        const keys = first.map((key: string) => fullKey(operation, key))
        return traced({ operation: 'deleteMany', keys, store }, run)
      }
      const key = fullKey(operation, first as string)
      return traced({ operation: second === 'expired' ? 'expire' : 'delete', key, store }, run)
    }
    case clear:
      return traced({ operation: 'clear', store }, run)
    default:
      return run()
  }
}

/**
 * Bentocache's tracing channels. Subscribers are told of the operations of all caches in this isolate; the shape is that
 * of Node's `diagnostics_channel.tracingChannel`, which is not needed. While nobody subscribes, nothing is built.
 *
 * @example
 * ```ts
 * import { type CacheOperationMessage, tracingChannels } from 'ekiben'
 *
 * const begun = new WeakMap<CacheOperationMessage, number>()
 * tracingChannels.cacheOperation.subscribe({
 *   start: (message) => begun.set(message, Date.now()),
 *   asyncEnd: (message) => {
 *     const ms = Date.now() - (begun.get(message) ?? Date.now())
 *     console.log(message.operation, message.key, message.hit ? message.tier : 'miss', ms)
 *   },
 * })
 * ```
 */
export const tracingChannels: { readonly cacheOperation: TracingChannel<CacheOperationMessage> } = {
  cacheOperation: /* @__PURE__ */ makeTracingChannel<CacheOperationMessage>(
    'bentocache.cache.operation',
    (active) => {
      runBy(active ? runTraced : runPlainly)
    },
  ),
}
