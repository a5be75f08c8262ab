import { age, type Instant, instant } from './clock.ts'
import type { Push, Runtime, Subscriber, Subscription } from './ports.ts'
import { attempt } from './trace.ts'

/** How long a connection may take to stand where it promises nothing else, in milliseconds. */
const OPENING = 10_000
/** Pause between two pings, in milliseconds. */
const PING = 10_000
/** Signs of life that may be missing before a connection counts as dead. */
const MISSED = 3
/** First and longest pause before it is opened again, in milliseconds. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 30_000
/** A connection that stood for so many milliseconds was worth opening: the next one is tried soon. */
const LIVED = 10_000

export type State = 'open' | 'closed' | 'silent'

/** What a subscription is opened for. Methods never throw. */
export interface Listener {
  /** A new connection stands: whatever was said before is not told. */
  onOpen(runtime: Runtime): void
  onPush(runtime: Runtime, push: Push | undefined): void
  /** How it fares, for the trace. */
  onState(state: State, error?: unknown): void
}

/** One subscription, opened again for as long as the store is in use. */
export interface Keeper {
  /**
   * Opens it with the first call, where the runtime outlives its requests. Others never get one: a request cannot hold
   * a connection beyond its end.
   */
  begin(runtime: Runtime): void
  /** Gives up a connection that stands but no longer tells, for a new one. */
  replace(): void
  /** Ends it for good. */
  close(): void
}

interface Connection {
  subscription: Subscription | undefined
  openedAt: Instant | undefined
  heardAt: Instant
  pingedAt: Instant
  /** Milliseconds in which it promises to be heard again; `Infinity` where it says that it does not. */
  within: number | undefined
}

type Subscribe = (subscriber: Subscriber) => Subscription

/**
 * Keeps one connection open: after its end the next is tried with growing pauses, and one that is silent for longer
 * than it promised is replaced. One timer at a time, and none where nothing is promised.
 */
export function keepSubscription(subscribe: Subscribe, listener: Listener): Keeper {
  let opened: OpenKeeper | undefined
  let closed = false
  return {
    begin: (runtime) => {
      if (opened || closed || runtime.waitUntil) return
      opened = new OpenKeeper(runtime, subscribe, listener)
      opened.open()
    },
    replace: () => opened?.replace(),
    close: () => {
      closed = true
      opened?.close()
    },
  }
}

class OpenKeeper {
  readonly #runtime: Runtime
  readonly #subscribe: Subscribe
  readonly #listener: Listener
  #current: Connection | undefined
  #nextPause = FIRST_PAUSE
  #cancelTimer: () => void = () => {}

  constructor(runtime: Runtime, subscribe: Subscribe, listener: Listener) {
    this.#runtime = runtime
    this.#subscribe = subscribe
    this.#listener = listener
  }

  open(): void {
    const now = instant(this.#runtime)
    const connection: Connection = {
      subscription: undefined,
      openedAt: undefined,
      heardAt: now,
      pingedAt: now,
      within: undefined,
    }
    this.#current = connection
    this.#watch(connection)
    try {
      const subscription = this.#subscribe(this.#subscriberOf(connection))
      connection.subscription = subscription
      // It may have ended, or been given up, while it was being made.
      if (this.#current === connection) this.#watch(connection)
      else attempt(() => subscription.close())
    } catch (error) {
      this.#end(connection, 'closed', error)
    }
  }

  replace(): void {
    if (this.#current?.openedAt) this.#end(this.#current, 'silent')
  }

  close(): void {
    const connection = this.#current
    this.#current = undefined
    this.#cancelTimer()
    attempt(() => connection?.subscription?.close())
  }

  #subscriberOf(connection: Connection): Subscriber {
    const heard = (): boolean => {
      if (this.#current !== connection) return false
      connection.heardAt = instant(this.#runtime)
      return true
    }
    return {
      onOpen: () => {
        if (!heard() || connection.openedAt) return
        connection.openedAt = connection.heardAt
        connection.pingedAt = connection.heardAt
        this.#watch(connection)
        this.#listener.onState('open')
        this.#listener.onOpen(this.#runtime)
      },
      onAlive: (within) => {
        if (!heard() || within === undefined || within === connection.within || !(within > 0)) return
        connection.within = within
        this.#watch(connection)
      },
      onPush: (push) => {
        // Before it stands, all it could tell is asked for when it does.
        if (heard() && connection.openedAt) this.#listener.onPush(this.#runtime, push)
      },
      onEnd: (error) => this.#end(connection, 'closed', error),
    }
  }

  /** Looks after a connection, as often as it promised to be heard. */
  #watch(connection: Connection): void {
    if (this.#current !== connection) return
    this.#cancelTimer()
    const now = instant(this.#runtime)
    const { subscription, within, openedAt } = connection
    const pings = openedAt !== undefined && typeof subscription?.ping === 'function'
    const limit = openedAt ? MISSED * (within ?? (pings ? PING : Infinity)) : (within ?? OPENING)
    const silence = limit - age(connection.heardAt, now)
    if (silence <= 0) return this.#end(connection, 'silent')
    const untilPing = pings ? PING - age(connection.pingedAt, now) : Infinity
    if (untilPing <= 0) this.#ping(connection)
    const next = Math.min(silence, untilPing <= 0 ? PING : untilPing)
    if (next < Infinity && this.#current === connection) this.#wait(() => this.#watch(connection), next)
  }

  #ping(connection: Connection): void {
    connection.pingedAt = instant(this.#runtime)
    try {
      connection.subscription?.ping?.()
    } catch {
      this.#end(connection, 'silent')
    }
  }

  #end(connection: Connection, state: State, error?: unknown): void {
    if (this.#current !== connection) return
    this.#current = undefined
    if (state === 'silent') attempt(() => connection.subscription?.close())
    const lived = connection.openedAt && age(connection.openedAt, instant(this.#runtime)) >= LIVED
    const pause = lived ? FIRST_PAUSE : this.#nextPause
    this.#nextPause = Math.min(pause * 2, LONGEST_PAUSE)
    this.#wait(() => this.open(), pause * (0.75 + this.#runtime.random() / 2))
    this.#listener.onState(state, error)
  }

  #wait(run: () => void, ms: number): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#runtime.setTimer(run, Math.max(1, Math.ceil(ms)))
  }
}
