import { makeBreaker } from './breaker.ts'
import { instant } from './clock.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { L2CacheError, L2TimeoutError, L2UnavailableError, SetupError } from './errors.ts'
import type { L2Config, Told } from './l2.ts'
import type { Coordination, CoordinationCalls, Invalidation, IsOver, Page, Runtime } from './ports.ts'
import { makeRetry } from './retry.ts'

type Operation = keyof CoordinationCalls
type Request<Name extends Operation> = Parameters<CoordinationCalls[Name]>[0]
/** Only commits look at the second argument. */
type Calls = Record<Operation, (request: never, isOver: IsOver) => Promise<unknown>>
export type Reply<Name extends Operation> = Awaited<ReturnType<CoordinationCalls[Name]>>

export interface AskOptions<Name extends Operation> {
  /** Goes out even while the breaker is open: retries of an invalidation must get through once the store is back. */
  readonly insist?: boolean
  /** Sees the reply before its page is taken in. Gives the place from which on the page's events are the call's own. */
  readonly onReply?: (reply: Reply<Name>, sent: Told) => number | undefined | void
}

/** Makes calls to a store. */
export interface Guard {
  /**
   * Makes one call, telling the coordinator how far the journal is known, and takes in the page it is answered with.
   *
   * @throws {@link L2CacheError}
   */
  ask<Name extends Operation>(
    runtime: Runtime,
    operation: Name,
    request: Omit<Request<Name>, 'cursor'>,
    options?: AskOptions<Name>,
  ): Promise<Told & { readonly reply: Reply<Name> }>
  /** Tries an invalidation that was not acknowledged again, in the background. */
  retry(runtime: Runtime, events: readonly Invalidation[]): void
}

/**
 * The guard in front of every store: each call brings the journal up to date, has a deadline on the caller's own
 * timer, and passes a breaker. Whatever goes wrong becomes an {@link L2CacheError}, what that means for the caller is
 * the flow's business; only a missing binding is told as it is, to everybody.
 */
export function makeGuard(config: L2Config, coordination: Coordination): Guard {
  const { name, settings, journal, trace, wrap } = config
  const breaker = makeBreaker(settings.l2CircuitBreakerDuration)

  const call = async (runtime: Runtime, operation: Operation, request: object): Promise<unknown> => {
    let over = false
    // The method is called on its owner: a coordination may be an object with state.
    const run = (): Promise<unknown> => (coordination as Calls)[operation](request as never, () => over)
    try {
      const reply = await within(runtime, wrap ? wrap(run) : run(), settings.l2Timeout)
      if (reply === TIMED_OUT) throw new L2TimeoutError(settings.l2Timeout)
      if (!hasPage(reply)) throw new TypeError('the reply is none of a coordinator')
      if (breaker.succeeded()) trace.tell({ type: 'breaker', store: name, state: 'closed' })
      return reply
    } catch (error) {
      // Not an outage: no amount of waiting brings a binding that was never configured.
      if (error instanceof SetupError) throw error
      if (breaker.failed(instant(runtime))) trace.tell({ type: 'breaker', store: name, state: 'open' })
      trace.tell({ type: 'l2.error', store: name, operation, error })
      throw new L2CacheError(error)
    } finally {
      over = true
    }
  }

  const ask: Guard['ask'] = async (runtime, operation, request, { insist, onReply } = {}) => {
    const at = instant(runtime)
    const sent = { at, gen: journal.gen() }
    if (!breaker.allows(at) && !insist) throw new L2CacheError(new L2UnavailableError())
    const reply = (await call(runtime, operation, { ...request, cursor: journal.cursor() })) as Reply<
      typeof operation
    >
    const own = onReply?.(reply, sent)
    const applied = journal.apply((reply as { page: Page }).page, sent, instant(runtime), own ?? Infinity)
    return { reply, at, gen: applied ? journal.gen() : sent.gen }
  }
  return { ask, retry: makeRetry(ask) }
}

/** A store may answer anything; whatever is no page must not reach the journal. */
export function hasPage(reply: unknown): boolean {
  const { head, events } = (reply as { page?: Partial<Page> | null } | null | undefined)?.page ?? {}
  return Number.isSafeInteger(head?.seq) && (events === 'gap' || Array.isArray(events))
}
