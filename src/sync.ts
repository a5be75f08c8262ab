import { age, type Instant, instant, NEVER } from './clock.ts'
import { within } from './deadline.ts'
import type { Journal } from './journal.ts'
import type { Guard } from './guard.ts'
import type { L2 } from './l2.ts'
import type { Settings } from './options.ts'
import type { Runtime } from './ports.ts'
import { inBackground } from './runtime.ts'

/** Keeps the isolate's journal recent. */
export type Sync = Pick<L2, 'pollIfDue' | 'pull'>

/**
 * Recent without a subscription, which no isolate could hold. Pages ride on every call to L2; where only L1 is hit,
 * the journal is pulled at most once per `pollInterval`, and only under traffic.
 */
export function makeSync(journal: Journal, guard: Guard, { pollInterval, l2Timeout }: Settings): Sync {
  let current: Promise<unknown> | undefined
  let startedAt = NEVER

  const start = (runtime: Runtime, now: Instant): Promise<unknown> => {
    startedAt = now
    const pull: Promise<unknown> = guard
      .ask(runtime, 'pull', {})
      .catch(() => undefined)
      .finally(() => {
        if (current === pull) current = undefined
      })
    return (current = pull)
  }

  return {
    pollIfDue: (runtime, now) => {
      const last = Math.min(age(journal.asOf(), now), age(startedAt, now))
      if (last > pollInterval) inBackground(runtime, start(runtime, now))
    },
    pull: (runtime) => {
      const now = instant(runtime)
      // A pull whose request died never settles; past its deadline it is not waited for.
      const shared = age(startedAt, now) < l2Timeout ? current : undefined
      return within(runtime, shared ?? start(runtime, now), l2Timeout)
    },
  }
}
