import { attempt } from './trace.ts'

/** What carries a value along an asynchronous call: `AsyncLocalStorage` is one. */
export interface ContextStore<Value> {
  run<Result>(value: Value, callback: () => Result): Result
}

/** Called with each message of a channel, and the channel's name. What it throws is dropped. */
export type OnMessage<Message> = (message: Message, name: string) => void

/** One channel: whoever subscribes gets what is published, at once. Node's `diagnostics_channel.Channel`, without Node. */
export interface Channel<Message> {
  readonly name: string
  readonly hasSubscribers: boolean
  subscribe(onMessage: OnMessage<Message>): void
  /** `false`: it was no subscriber. */
  unsubscribe(onMessage: OnMessage<Message>): boolean
  publish(message: Message): void
  /** Has `store` hold a message, or what `transform` makes of it, while {@link runStores} runs. */
  bindStore<Value = Message>(store: ContextStore<Value>, transform?: (message: Message) => Value): void
  /** `false`: it was not bound. */
  unbindStore(store: ContextStore<never>): boolean
  /** Publishes a message and calls `run` with all bound stores holding it. */
  runStores<Result>(message: Message, run: () => Result): Result
}

/** What a traced call adds to its message. */
export type Traced<Message> = Message & { error?: unknown; result?: unknown }

/** The message of a call that failed. */
export type Failed<Message> = Message & { error: unknown }

/** Who is told of the moments of traced calls. All of them get one and the same message object. */
export interface TracingSubscribers<Message> {
  /** The call begins. */
  readonly start?: OnMessage<Message> | undefined
  /** Its synchronous part is over. */
  readonly end?: OnMessage<Traced<Message>> | undefined
  /** Its promise has settled. */
  readonly asyncStart?: OnMessage<Traced<Message>> | undefined
  /** The same, once all who listen to `asyncStart` were told: the message is complete. */
  readonly asyncEnd?: OnMessage<Traced<Message>> | undefined
  /** It failed; `error` of the message says how. */
  readonly error?: OnMessage<Failed<Message>> | undefined
}

const MOMENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** The channels of one kind of call, one for each moment. */
export interface TracingMoments<Message extends object> {
  readonly start: Channel<Message>
  readonly end: Channel<Traced<Message>>
  readonly asyncStart: Channel<Traced<Message>>
  readonly asyncEnd: Channel<Traced<Message>>
  readonly error: Channel<Failed<Message>>
}

/** Tells of calls. Node's `diagnostics_channel.TracingChannel`, without Node and callbacks. */
export interface TracingChannel<Message extends object> extends TracingMoments<Message> {
  readonly name: string
  /** Whether anybody is told anything. */
  readonly hasSubscribers: boolean
  subscribe(subscribers: TracingSubscribers<Message>): void
  /** `false`: one of them was no subscriber. */
  unsubscribe(subscribers: TracingSubscribers<Message>): boolean
  /** Calls `run` and tells of it: `start`, `end`, and `error` if it throws. The message gets its `result` or `error`. */
  traceSync<Args extends unknown[], Result>(
    run: (...args: Args) => Result,
    message: Message,
    thisArg?: unknown,
    ...args: Args
  ): Result
  /**
   * Calls `run` and tells of it: `start`, `end`, and when its promise has settled `asyncStart` and `asyncEnd`, before
   * them `error` if it failed. The message gets its `result` or `error`.
   */
  tracePromise<Args extends unknown[], Result>(
    run: (...args: Args) => Promise<Result>,
    message: Message,
    thisArg?: unknown,
    ...args: Args
  ): Promise<Result>
}

function makeChannel<Message>(name: string, changed: () => void): Channel<Message> {
  let subscribers: readonly OnMessage<Message>[] = []
  const stores = new Map<ContextStore<never>, (message: Message) => unknown>()
  const publish = (message: Message): void => {
    for (const subscriber of subscribers) attempt(() => subscriber(message, name))
  }
  return {
    name,
    get hasSubscribers() {
      return subscribers.length + stores.size > 0
    },
    subscribe: (onMessage) => {
      subscribers = [...subscribers, onMessage]
      changed()
    },
    unsubscribe: (onMessage) => {
      const at = subscribers.indexOf(onMessage)
      if (at < 0) return false
      subscribers = subscribers.toSpliced(at, 1)
      changed()
      return true
    },
    publish,
    bindStore: (store, transform) => {
      stores.set(store, transform ?? ((message) => message))
      changed()
    },
    unbindStore: (store) => {
      const bound = stores.delete(store)
      changed()
      return bound
    },
    runStores: (message, run) => {
      const innermost = (): ReturnType<typeof run> => {
        publish(message)
        return run()
      }
      return [...stores].reduceRight<() => ReturnType<typeof run>>(
        (inner, [store, transform]) =>
          () =>
            store.run(transform(message) as never, inner),
        innermost,
      )()
    },
  }
}

/** Runs something from `start` to `end`. */
function trace<Message extends object, Result>(
  channels: TracingMoments<Message>,
  message: Traced<Message>,
  run: () => Result,
): Result {
  return channels.start.runStores(message, () => {
    try {
      return run()
    } catch (error) {
      channels.error.publish(Object.assign(message, { error }))
      throw error
    } finally {
      channels.end.publish(message)
    }
  })
}

/** Runs something asynchronous from `start` to `asyncEnd`. `note` sees its result before the last are told. */
export function traceAsync<Message extends object, Result>(
  channels: TracingMoments<Message>,
  message: Traced<Message>,
  run: () => Promise<Result>,
  note?: (result: Result) => void,
): Promise<Result> {
  const { error, asyncStart, asyncEnd } = channels
  const settle = (): void => {
    asyncStart.publish(message)
    asyncEnd.publish(message)
  }
  return trace(channels, message, () =>
    Promise.resolve(run()).then(
      (result) => {
        note?.(result)
        settle()
        return result
      },
      (cause: unknown) => {
        error.publish(Object.assign(message, { error: cause }))
        settle()
        throw cause
      },
    ),
  )
}

/** Makes a tracing channel. `watched` is told whether anybody listens, whenever that may have changed. */
export function makeTracingChannel<Message extends object>(
  name: string,
  watched: (active: boolean) => void,
): TracingChannel<Message> {
  type Full = Traced<Message>
  const isWatched = (): boolean => MOMENTS.some((moment) => channels[moment].hasSubscribers)
  const channel = <M>(moment: string): Channel<M> =>
    makeChannel<M>(`tracing:${name}:${moment}`, () => watched(isWatched()))
  const channels: TracingMoments<Message> = {
    start: channel('start'),
    end: channel('end'),
    asyncStart: channel('asyncStart'),
    asyncEnd: channel('asyncEnd'),
    error: channel('error'),
  }
  // All carry the same message; what they may count on being in it differs.
  const of = (moment: (typeof MOMENTS)[number]): Channel<never> => channels[moment] as Channel<never>
  return {
    name,
    ...channels,
    get hasSubscribers() {
      return isWatched()
    },
    subscribe: (subscribers) => {
      for (const moment of MOMENTS) {
        const subscriber = subscribers[moment]
        if (subscriber) of(moment).subscribe(subscriber)
      }
    },
    unsubscribe: (subscribers) =>
      MOMENTS.map((moment) => {
        const subscriber = subscribers[moment]
        return !subscriber || of(moment).unsubscribe(subscriber)
      }).every(Boolean),
    traceSync: (run, message: Full, thisArg, ...args) => {
      const call = (): ReturnType<typeof run> => run.apply(thisArg, args)
      return isWatched() ? trace(channels, message, () => (message.result = call())) : call()
    },
    tracePromise: (run, message: Full, thisArg, ...args) => {
      const call = (): ReturnType<typeof run> => run.apply(thisArg, args)
      return isWatched() ? traceAsync(channels, message, call, (result) => (message.result = result)) : call()
    },
  }
}
