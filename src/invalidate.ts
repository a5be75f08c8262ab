import { age, type Instant, instant } from './clock.ts'
import { sleep } from './deadline.ts'
import { L2CacheError } from './errors.ts'
import type { Coordination, Invalidation, Page } from './ports.ts'
import { inBackground } from './runtime.ts'
import type { Operation } from './stack.ts'

/** First pause before an unacknowledged invalidation is tried again; it doubles. */
const FIRST_RETRY = 250
/** How long it is tried. `waitUntil` ends 30 s after the response on Workers. */
const RETRY_FOR = 25_000
/** Invalidations tried again at one time, per store and isolate. */
const MOST_RETRIES = 100

/** An acknowledged call, and what is as new as it. */
export interface Acknowledged<Name extends 'invalidate' | 'take'> {
  readonly reply: Awaited<ReturnType<Coordination[Name]>>
  readonly sentAt: Instant
  readonly origin: { readonly cursor: number; readonly gen: number }
}

/**
 * Makes a call that invalidates, and takes its page in. When the coordinator does not acknowledge it, L1 forgets what
 * is concerned, everybody is told, it is tried again in the background, and the answer is `undefined`.
 *
 * @throws {@link L2CacheError} if `suppressL2Errors` is off.
 */
export async function acknowledge<Name extends 'invalidate' | 'take'>(
  operation: Operation,
  name: Name,
  request: Parameters<Coordination[Name]>[0],
  events: readonly Invalidation[],
): Promise<Acknowledged<Name> | undefined> {
  const { stack, runtime, settings } = operation
  const { journal, flights } = stack
  // Who comes from now on must not be given what was asked for before.
  flights.detachTouched(events.map((event) => ({ ...event, seq: Infinity })))
  const sent = journal.sent(instant(runtime))
  try {
    const reply = await stack.l2.call(runtime, name, request)
    const { page } = reply as { page: Page }
    const applied = journal.apply(page, sent, instant(runtime), firstOwn(page, events))
    return {
      reply,
      sentAt: sent.at,
      origin: { cursor: page.head.seq, gen: applied ? journal.gen : sent.gen },
    }
  } catch (error) {
    if (!(error instanceof L2CacheError)) throw error
    unacknowledged(operation, events)
    if (!settings.suppressL2Errors) throw error
    return undefined
  }
}

/** A call's own events are the last of the page it is answered with. */
function firstOwn({ head }: Page, events: readonly Invalidation[]): number {
  return head.seq - events.length + 1
}

/** What follows when L2 may or may not have heard of an invalidation. */
export function unacknowledged(operation: Operation, events: readonly Invalidation[]): void {
  const { stack, runtime } = operation
  if (events.some(({ kind }) => kind !== 'key')) stack.l1?.clear()
  stack.trace.tell({ type: 'unacknowledged', store: stack.name, names: events.map(({ name }) => name) })
  inBackground(runtime, retry(operation, events))
}

/** Repeats an invalidation until it is acknowledged: repeating is harmless, it only over-invalidates. */
async function retry({ stack, runtime }: Operation, events: readonly Invalidation[]): Promise<void> {
  if (stack.retries >= MOST_RETRIES) return
  stack.retries++
  const begun = instant(runtime)
  try {
    for (let pause = FIRST_RETRY; age(begun, instant(runtime)) + pause < RETRY_FOR; pause *= 2) {
      await sleep(runtime, pause * (0.75 + runtime.random() / 2))
      const sent = stack.journal.sent(instant(runtime))
      const request = { events, cursor: stack.journal.cursor }
      const reply = await stack.l2.call(runtime, 'invalidate', request, true).catch(() => undefined)
      if (reply)
        return void stack.journal.apply(reply.page, sent, instant(runtime), firstOwn(reply.page, events))
    }
  } finally {
    stack.retries--
  }
}

/** Sends invalidations in one round trip. `false`: not acknowledged. */
export async function invalidate(operation: Operation, events: readonly Invalidation[]): Promise<boolean> {
  if (events.length === 0) return true
  const request = { events, cursor: operation.stack.journal.cursor }
  return (await acknowledge(operation, 'invalidate', request, events)) !== undefined
}
