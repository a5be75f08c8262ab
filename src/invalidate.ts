import { instant } from './clock.ts'
import type { Invalidated } from './l2.ts'
import type { Invalidation } from './ports.ts'
import type { Operation } from './stack.ts'

/**
 * Makes invalidations true everywhere, in one round trip. `undefined`: L2 did not acknowledge them.
 *
 * @throws {@link L2CacheError} if `suppressL2Errors` is off.
 */
export async function invalidate(
  operation: Operation,
  events: readonly Invalidation[],
): Promise<Invalidated | undefined> {
  const { flights, l2 } = operation.stack
  // Who comes from now on must not be given what was asked for before.
  flights.detachTouched(events)
  return l2 ? l2.invalidate(operation, events) : invalidateAlone(operation, events)
}

/** A store without L2 is its own coordinator: what it invalidates goes into its journal at once. */
function invalidateAlone({ stack, runtime }: Operation, events: readonly Invalidation[]): Invalidated {
  const { journal } = stack
  const now = instant(runtime)
  const first = Math.max(journal.seen(), 0) + 1
  const page = {
    head: { seq: first + events.length - 1, id: '' },
    events: events.map((event, at) => ({ ...event, seq: first + at })),
  }
  journal.apply(page, { at: now, gen: journal.gen() }, now, first)
  return { gen: journal.gen(), page }
}
