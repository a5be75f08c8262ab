import { age, instant } from './clock.ts'
import { sleep } from './deadline.ts'
import { L2CacheError } from './errors.ts'
import type { Guard, Reply } from './guard.ts'
import type { Told } from './l2.ts'
import type { CoordinationCalls, Invalidation, Page, Runtime } from './ports.ts'
import { inBackground } from './runtime.ts'
import type { Operation } from './stack.ts'

/** First pause before an unacknowledged invalidation is tried again; it doubles. */
const FIRST_RETRY = 250
/** How long it is tried. `waitUntil` ends 30 s after the response on Workers. */
const RETRY_FOR = 25_000
/** Invalidations tried again at one time, per coordinator and isolate. */
const MOST_RETRIES = 100

/**
 * Makes a call that invalidates. When the coordinator does not acknowledge it, L1 forgets what is concerned,
 * everybody is told, it is tried again in the background, and the answer is `undefined`.
 *
 * @throws {@link L2CacheError} if `suppressL2Errors` is off.
 */
export async function acknowledge<Name extends 'invalidate' | 'take'>(
  guard: Guard,
  operation: Operation,
  events: readonly Invalidation[],
  {
    name,
    request,
  }: { readonly name: Name; readonly request: Omit<Parameters<CoordinationCalls[Name]>[0], 'cursor'> },
): Promise<(Told & { readonly reply: Reply<Name> }) | undefined> {
  try {
    return await guard.ask(operation.runtime, name, request, { onReply: (reply) => firstOwn(reply, events) })
  } catch (error) {
    if (!(error instanceof L2CacheError)) throw error
    unacknowledged(guard, operation, events)
    if (!operation.settings.suppressL2Errors) throw error
    return undefined
  }
}

/** A call's own events are the last of the page it is answered with. */
export function firstOwn({ page }: { readonly page: Page }, events: readonly Invalidation[]): number {
  return page.head.seq - events.length + 1
}

/** What follows when L2 may or may not have heard of an invalidation. */
export function unacknowledged(guard: Guard, operation: Operation, events: readonly Invalidation[]): void {
  const { stack, runtime } = operation
  if (events.some(({ kind }) => kind !== 'key')) stack.l1?.clear()
  stack.trace.tell({ type: 'unacknowledged', store: stack.name, names: events.map(({ name }) => name) })
  guard.retry(runtime, events)
}

/** Makes what repeats invalidations until they are acknowledged: repeating is harmless, it only over-invalidates. */
export function makeRetry(ask: Guard['ask']): Guard['retry'] {
  let running = 0
  const repeat = async (runtime: Runtime, events: readonly Invalidation[]): Promise<void> => {
    const begun = instant(runtime)
    let told: unknown
    for (let pause = FIRST_RETRY; !told && age(begun, instant(runtime)) + pause < RETRY_FOR; pause *= 2) {
      await sleep(runtime, pause * (0.75 + runtime.random() / 2))
      const options = { insist: true, onReply: (reply: { page: Page }) => firstOwn(reply, events) }
      told = await ask(runtime, 'invalidate', { events }, options).catch(() => undefined)
    }
    running--
  }
  return (runtime, events) => {
    if (running >= MOST_RETRIES) return
    running++
    inBackground(runtime, repeat(runtime, events))
  }
}
