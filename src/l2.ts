import { Breaker } from './breaker.ts'
import { instant } from './clock.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { L2CacheError, L2TimeoutError, L2UnavailableError } from './errors.ts'
import type { Coordination, Limits, Runtime } from './ports.ts'
import type { Trace } from './trace.ts'

/** Wraps every call to L2, as Bentocache's option of the same name does. */
export type InternalOperationWrapper = <T>(run: () => T) => T

export interface L2Config {
  readonly store: string
  readonly coordination: Coordination
  readonly limits: Limits
  /** Deadline of a call, in milliseconds. */
  readonly timeout: number
  /** Pause of the breaker, in milliseconds. */
  readonly pause: number
  readonly wrap: InternalOperationWrapper | undefined
  readonly trace: Trace
}

/**
 * The guard in front of every store: a deadline on each call by the caller's own timer, and a breaker. Whatever goes
 * wrong becomes an {@link L2CacheError}; what that means for the caller is the flow's business.
 */
export class L2 {
  readonly limits: Limits
  readonly #config: L2Config
  readonly #breaker: Breaker

  constructor(config: L2Config) {
    this.limits = config.limits
    this.#config = config
    this.#breaker = new Breaker(config.pause)
  }

  /**
   * Makes one call. `insist` goes out even while the breaker is open: retries of an invalidation must get through
   * as soon as the store is back.
   *
   * @throws {@link L2CacheError}
   */
  async call<Name extends keyof Coordination>(
    runtime: Runtime,
    operation: Name,
    request: Parameters<Coordination[Name]>[0],
    insist = false,
  ): Promise<Awaited<ReturnType<Coordination[Name]>>> {
    const { coordination, timeout, wrap } = this.#config
    if (!this.#breaker.allows(instant(runtime)) && !insist) throw new L2CacheError(new L2UnavailableError())
    try {
      const method = coordination[operation] as (request: unknown) => ReturnType<Coordination[Name]>
      const run = (): ReturnType<Coordination[Name]> => method.call(coordination, request)
      const reply = await within(runtime, (wrap ? wrap(run) : run()) as Promise<unknown>, timeout)
      if (reply === TIMED_OUT) throw new L2TimeoutError(timeout)
      if (this.#breaker.succeeded()) this.#tell('closed')
      return reply as Awaited<ReturnType<Coordination[Name]>>
    } catch (error) {
      if (this.#breaker.failed(instant(runtime))) this.#tell('open')
      const { trace, store } = this.#config
      if (trace.active) trace.tell({ type: 'l2.error', store, operation, error })
      throw new L2CacheError(error)
    }
  }

  #tell(state: 'open' | 'closed'): void {
    const { trace, store } = this.#config
    trace.tell({ type: 'breaker', store, state })
  }
}
