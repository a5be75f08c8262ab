import { age, type Instant, instant } from './clock.ts'
import { type Guard, hasPage } from './guard.ts'
import { type Keeper, keepSubscription } from './keep-subscription.ts'
import type { Journal } from './journal.ts'
import type { L2Config } from './l2.ts'
import type { Coordination, Page, Push, Runtime } from './ports.ts'
import { inBackground } from './runtime.ts'

/** How long a subscription may lag behind what a call has brought before it counts as dead, in milliseconds. */
const LAG = 2000

/** Keeps the isolate's journal up to date by a subscription, beside what calls bring. */
export interface PushNews {
  /** Makes calls as the guard it was made of does; the first of them opens the subscription. */
  readonly guard: Guard
  readonly close: () => void
}

/** What one connection has told, against what calls have brought. */
interface Heard {
  /** The furthest place either has named; absent until a call that was sent on this connection is answered. */
  told: number | undefined
  /** What a call has brought first, and when. */
  owed: { readonly seq: number; readonly at: Instant } | undefined
  /** Something was told without saying what. */
  hinted: boolean
}

/**
 * Applies news to the journal as they come. They are taken only where they follow what is known without a gap; else
 * they are asked for. They make the isolate know more, never know it more recently: how far L1 may be trusted rests on
 * the isolate's own calls, so a subscription that dies unseen costs freshness and no promise.
 */
export function makePush(
  { name, journal, trace }: L2Config,
  inner: Guard,
  subscribe: NonNullable<Coordination['subscribe']>,
): PushNews {
  let heard: Heard | undefined
  const pulls = makePulls(journal, (runtime) => guard.ask(runtime, 'pull', {}))

  const keeper: Keeper = keepSubscription(subscribe, {
    onOpen: (runtime) => {
      heard = { told: undefined, owed: undefined, hinted: false }
      pulls.pull(runtime)
    },
    onPush: (runtime, push) => {
      if (heard) noteTold(heard, push)
      if (!takePush(journal, push, instant(runtime))) pulls.pull(runtime)
    },
    onState: (state, error) =>
      trace.tell({ type: 'push', store: name, state, ...(error === undefined ? {} : { error }) }),
  })

  const guard: Guard = {
    ask: (runtime, operation, request, options) =>
      pulls.during(runtime, async () => {
        keeper.begin(runtime)
        if (heard?.owed && age(heard.owed.at, instant(runtime)) > LAG) {
          heard = undefined
          keeper.replace()
        }
        const on = heard
        const told = await inner.ask(runtime, operation, request, options)
        if (on) noteBrought(on, (told.reply as { page: Page }).page, instant(runtime))
        return told
      }),
  }
  return {
    guard,
    close: () => {
      pulls.stop()
      keeper.close()
    },
  }
}

/** Takes news in. `false`: they do not follow what is known, or do not say what happened. */
function takePush(journal: Journal, push: Push | undefined, now: Instant): boolean {
  const cursor = journal.cursor()
  if (!push || !cursor || !hasPage(push) || push.page.events === 'gap') return false
  const { page, after } = push
  if (page.head.seq < cursor.seq) return true
  if (page.head.seq === cursor.seq) return page.head.id === cursor.id
  if (after?.seq !== cursor.seq || after.id !== cursor.id) return false
  try {
    return journal.apply(page, { at: journal.asOf(), gen: journal.gen() }, now, Infinity)
  } catch {
    // Whatever it is, it is no page: what really happened is asked for.
    return false
  }
}

interface Pulls {
  /** Asks what happened: one at a time, and once more for what was told meanwhile. */
  pull(runtime: Runtime): void
  /** Makes a call. The first is not overtaken by a pull: what it brings would be lost to the pull's gap. */
  during<T>(runtime: Runtime, call: () => Promise<T>): Promise<T>
  readonly stop: () => void
}

function makePulls(journal: Journal, ask: (runtime: Runtime) => Promise<unknown>): Pulls {
  let calls = 0
  let pulling = false
  let wanted = false
  let stopped = false
  const run = async (runtime: Runtime): Promise<void> => {
    pulling = true
    wanted = false
    // What failed is asked for by the next poll, as without a subscription.
    await ask(runtime).catch(() => {})
    pulling = false
    if (wanted) pull(runtime)
  }
  const pull = (runtime: Runtime): void => {
    if (pulling || (calls > 0 && !journal.cursor())) wanted = true
    else if (!stopped) inBackground(runtime, run(runtime))
  }
  return {
    pull,
    during: async (runtime, call) => {
      calls++
      try {
        return await call()
      } finally {
        calls--
        if (wanted && !pulling) pull(runtime)
      }
    },
    stop: () => void (stopped = true),
  }
}

function noteTold(heard: Heard, push: Push | undefined): void {
  if (!push || !hasPage(push)) {
    heard.owed = undefined
    heard.hinted = true
    return
  }
  heard.told = Math.max(heard.told ?? -1, push.page.head.seq)
  if (heard.owed && heard.owed.seq <= heard.told) heard.owed = undefined
}

function noteBrought(heard: Heard, { head, events }: Page, now: Instant): void {
  const { told } = heard
  // Places of a journal that was lost say nothing about those of the next.
  if (told === undefined || (events === 'gap' && head.seq < told)) {
    heard.told = head.seq
    heard.owed = undefined
  } else if (head.seq > told) {
    if (heard.hinted) heard.told = head.seq
    else heard.owed ??= { seq: head.seq, at: now }
    heard.hinted = false
  }
}
