import { type Instant, age, instant } from './clock.ts'
import { LockHeldError, NotAcknowledgedError } from './atomic-errors.ts'
import type { AtomicStore, Target } from './atomic-store.ts'
import { sleep } from './deadline.ts'
import type { Duration } from './durations.ts'
import type { Hold } from './atomic-calls.ts'
import { inBackground } from './runtime.ts'

/**
 * A lock, for as long as it lasts. Who holds it cannot be stopped when it ends, so it saves work and does not make what it
 * guards safe by itself: for that, hand `fence` to what is guarded, and have that refuse a smaller one than it has seen.
 */
export interface Lock {
  /** As it was asked for, without prefix and namespaces. */
  readonly name: string
  /** Unguessable. Whoever has it can restore the lock, so it is a secret. */
  readonly token: string
  /** Larger than that of every lock of this name before. */
  readonly fence: number
  /**
   * Milliseconds it lasts at least, on the clocks of this process; 0 once it may be over. Clocks of Workers stand still
   * between two calls to the outside.
   */
  left(): number
  /**
   * Has it end `ttl` from now; by default as long as it was taken for. `false`: it was over, and may be somebody else's.
   *
   * @throws NotAcknowledgedError (`E_NOT_ACKNOWLEDGED`); `left()` then counts on whichever end is sooner, the old or the
   * new. InvalidOptionError (`E_INVALID_OPTION`)
   */
  refresh(ttl?: Duration): Promise<boolean>
  /**
   * Ends it. `false`: it was over already; whoever has it since keeps it.
   *
   * @throws NotAcknowledgedError (`E_NOT_ACKNOWLEDGED`); it then ends by itself.
   */
  release(): Promise<boolean>
}

/** How a lock is asked for, in milliseconds. */
export interface Wish {
  readonly ttl: number
  readonly wait: number
  /** Reads the `ttl` of a refresh. */
  readonly readTtl: (ttl: Duration) => number
}

/** A pause before a held lock is asked for again is a quarter of what has been waited, within these bounds, in milliseconds. */
const PAUSE_SHARE = 1 / 4
const SHORTEST_PAUSE = 25
const LONGEST_PAUSE = 500

/**
 * Takes a lock; while somebody else holds it, asks again on timers of its own until `wait` is over.
 *
 * All questions bear one token, so a grant whose answer was lost is found again by the next. If none comes, it is given
 * back behind the answer: else nobody would have the lock until it ends.
 *
 * @throws {@link NotAcknowledgedError} if the last question was not answered.
 */
export async function takeLock(store: AtomicStore, target: Target, wish: Wish): Promise<Lock | undefined> {
  const { runtime } = store
  const token = runtime.randomId()
  const begun = instant(runtime)
  const waited = (): number => age(begun, instant(runtime))
  let doubt = false
  let failure: NotAcknowledgedError | undefined
  for (;;) {
    const sent = instant(runtime)
    let next = Infinity
    failure = undefined
    try {
      const hold = await store.ask('acquire', target, { token, ttl: wish.ttl })
      if (hold.held) return new HeldLock({ store, target, token, wish }, hold, sent)
      next = hold.left
    } catch (error) {
      if (!(error instanceof NotAcknowledgedError)) throw error
      failure = error
      doubt = true
    }
    const patience = wish.wait - waited()
    if (patience < 1) break
    const pause = Math.max(SHORTEST_PAUSE, Math.min(waited() * PAUSE_SHARE, LONGEST_PAUSE))
    // Jitter only shortens, and keeps those who wait from asking all at once.
    await sleep(runtime, Math.min(pause * (0.5 + runtime.random() / 2), patience, Math.max(next, 1)))
  }
  if (doubt) inBackground(runtime, store.ask('surrender', target, { token }))
  if (failure) throw failure
  return undefined
}

/** The lock of a token, if it is still that. */
export async function findLock(
  store: AtomicStore,
  target: Target,
  { token, ...wish }: Wish & { readonly token: string },
): Promise<Lock | undefined> {
  const sent = instant(store.runtime)
  const hold = await store.ask('extend', target, { token })
  return hold.held ? new HeldLock({ store, target, token, wish }, hold, sent) : undefined
}

/** Runs something under a lock, which is given back whatever becomes of it. */
export async function underLock<T>(
  store: AtomicStore,
  target: Target,
  { run, ...wish }: Wish & { readonly run: (lock: Lock) => T | Promise<T> },
): Promise<T> {
  const lock = await takeLock(store, target, wish)
  if (!lock) throw new LockHeldError(target.name)
  try {
    return await run(lock)
  } finally {
    // What was done is done: a lock that cannot be given back ends by itself.
    await lock.release().catch(() => false)
  }
}

interface Holding {
  readonly store: AtomicStore
  readonly target: Target
  readonly token: string
  readonly wish: Wish
}

class HeldLock implements Lock {
  readonly name: string
  readonly token: string
  readonly fence: number
  readonly #holding: Holding
  /** It lasts at least so long after the question was sent. */
  #left: number
  #sent: Instant
  #over = false

  constructor(holding: Holding, { fence, left }: Hold, sent: Instant) {
    this.name = holding.target.name
    this.token = holding.token
    this.fence = fence
    this.#holding = holding
    this.#left = left
    this.#sent = sent
  }

  left(): number {
    if (this.#over) return 0
    return Math.max(0, this.#left - age(this.#sent, instant(this.#holding.store.runtime)))
  }

  async refresh(ttl?: Duration): Promise<boolean> {
    const { store, target, token, wish } = this.#holding
    const life = ttl === undefined ? wish.ttl : wish.readTtl(ttl)
    const sent = instant(store.runtime)
    // Until it is answered it may have been done or not, so the lock lasts no longer than the shorter of both.
    this.#left = Math.min(this.left(), life)
    this.#sent = sent
    const { held, left } = await store.ask('extend', target, { token, ttl: life })
    if (held) {
      this.#left = left
      this.#sent = sent
    } else {
      this.#over = true
    }
    return held
  }

  async release(): Promise<boolean> {
    const { store, target, token } = this.#holding
    // From here on it may be somebody else's, whatever comes back.
    this.#over = true
    return (await store.ask('surrender', target, { token })).released
  }
}
