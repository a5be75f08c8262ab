import { instant } from './clock.ts'
import { connectL2 } from './connect-l2.ts'
import { within } from './deadline.ts'
import { emulatedCoordination } from './emulated-coordination.ts'
import { journalOnly } from './journal-only.ts'
import { type Keeper, keepSubscription } from './keep-subscription.ts'
import type { L2, L2Config } from './l2.ts'
import { localNews, makeLocalJournal } from './local-journal.ts'
import type { Coordination, Invalidation, Runtime } from './ports.ts'

/** An L2 that is told of changes by messages alone, which nobody orders and nobody repeats. */
export interface Believing {
  readonly l2: L2
  /** Takes in what others did. */
  hear(events: readonly (Invalidation | Promise<Invalidation>)[]): void
}

/**
 * Makes one: the order of changes is this isolate's own, and what is heard is written into it as it comes, so L1 and
 * computations under way are judged by it as by any other news. When the subscription ends, and when it stands anew, L1
 * begins anew as well.
 */
export function believeNews(config: L2Config, subscribe: NonNullable<Coordination['subscribe']>): Believing {
  const { journal, driver } = config
  const local = makeLocalJournal()
  const l2 = connectL2.connect({
    ...config,
    coordination: driver ? emulatedCoordination(driver, local) : journalOnly(localNews(local)),
  })
  let latest: Runtime | undefined
  const catchUp = (): void => {
    if (!latest) return
    const sent = { at: journal.asOf(), gen: journal.gen() }
    // Who did it has been told with the message.
    journal.apply(local.page(journal.cursor()), sent, instant(latest), 0)
  }
  const take = (events: readonly Invalidation[]): void => {
    local.append(events)
    catchUp()
  }
  const lose = (): void => {
    local.lose()
    catchUp()
  }
  const { keeper, standing } = listen(config, subscribe, lose)
  const ready = async (runtime: Runtime): Promise<void> => {
    latest = runtime
    await standing(runtime)
  }
  return {
    hear: (events) => {
      take(events.filter((event): event is Invalidation => !(event instanceof Promise)))
      const later = events.filter((event) => event instanceof Promise)
      if (later.length > 0) Promise.all(later).then(take, lose)
    },
    l2: {
      ...l2,
      read: async (call, options) => (await ready(call.runtime), l2.read(call, options)),
      commit: async (call, draft, mode) => (await ready(call.runtime), l2.commit(call, draft, mode)),
      invalidate: async (call, events) => (await ready(call.runtime), l2.invalidate(call, events)),
      take: async (call) => (await ready(call.runtime), l2.take(call)),
      pull: async (runtime) => (await ready(runtime), l2.pull(runtime)),
      close: () => keeper.close(),
    },
  }
}

/**
 * Listens with the first call. The first calls wait until messages are heard, at most `l2Timeout`: what is kept from
 * then on misses none. `lose` is called where something was kept before.
 */
function listen(
  { name, trace, settings }: L2Config,
  subscribe: NonNullable<Coordination['subscribe']>,
  lose: () => void,
): { readonly keeper: Keeper; readonly standing: (runtime: Runtime) => Promise<void> } {
  let kept = false
  /** Whether requests that cannot listen came first: what those kept may be old by now. */
  let unheard = false
  let stood = false
  let done: () => void = () => {}
  const tried = new Promise<void>((resolve) => (done = resolve))
  const keeper = keepSubscription(subscribe, {
    onOpen: () => {
      if (kept || unheard) lose()
      kept = stood = true
      done()
    },
    onPush: () => {},
    onState: (state, error) => {
      if (state !== 'open') {
        // Once: what is kept while nobody listens goes when somebody does again.
        if (stood) lose()
        stood = false
        done()
      }
      trace.tell({ type: 'push', store: name, state, ...(error === undefined ? {} : { error }) })
    },
  })
  return {
    keeper,
    standing: async (runtime) => {
      if (kept) return
      if (runtime.waitUntil) {
        unheard = true
        return
      }
      keeper.begin(runtime)
      await within(runtime, tried, settings.l2Timeout)
      kept = true
    },
  }
}
