import { age, type Instant, instant, NEVER } from './clock.ts'
import { within } from './deadline.ts'
import type { Journal } from './journal.ts'
import type { L2 } from './l2.ts'
import type { Settings } from './options.ts'
import type { Runtime } from './ports.ts'
import { inBackground } from './runtime.ts'
import type { Trace } from './trace.ts'

/**
 * Keeps the isolate's journal recent without a subscription, which no isolate could hold. Pages ride on every call
 * to L2; where only L1 is hit, the journal is pulled at most once per `pollInterval`, and only under traffic.
 */
export class Sync {
  readonly #store: string
  readonly #journal: Journal
  readonly #l2: L2
  readonly #settings: Settings
  readonly #trace: Trace
  #pull: Promise<boolean> | undefined
  #pulledAt: Instant = NEVER

  constructor(store: string, journal: Journal, l2: L2, settings: Settings, trace: Trace) {
    this.#store = store
    this.#journal = journal
    this.#l2 = l2
    this.#settings = settings
    this.#trace = trace
  }

  /** Asks for news behind the answer, if the last is older than `pollInterval` and nobody else is asking. */
  pollIfDue(runtime: Runtime, now: Instant): void {
    const { pollInterval } = this.#settings
    if (age(this.#journal.asOf, now) <= pollInterval || age(this.#pulledAt, now) <= pollInterval) return
    inBackground(runtime, this.#start(runtime, now))
  }

  /** Waits for news at most `l2Timeout`. Gives whether they came. Callers at the same time share one pull. */
  async pull(runtime: Runtime): Promise<boolean> {
    const { l2Timeout } = this.#settings
    const now = instant(runtime)
    // A pull whose request died never settles; past its deadline it is not waited for.
    const shared = this.#pull !== undefined && age(this.#pulledAt, now) < l2Timeout ? this.#pull : undefined
    return (await within(runtime, shared ?? this.#start(runtime, now), l2Timeout)) === true
  }

  #start(runtime: Runtime, now: Instant): Promise<boolean> {
    this.#pulledAt = now
    const pull = this.#run(runtime, now).finally(() => {
      if (this.#pull === pull) this.#pull = undefined
    })
    this.#pull = pull
    return pull
  }

  async #run(runtime: Runtime, at: Instant): Promise<boolean> {
    if (this.#trace.active) this.#trace.tell({ type: 'journal.pull', store: this.#store })
    const sent = this.#journal.sent(at)
    try {
      const { page } = await this.#l2.call(runtime, 'pull', { cursor: this.#journal.cursor })
      return this.#journal.apply(page, sent, instant(runtime))
    } catch {
      return false
    }
  }
}
