import { age, type Instant, instant } from '../clock.ts'
import { FactoryError, FactoryHardTimeout } from '../errors.ts'
import type { Judged } from '../event-log.ts'
import { namesOf } from '../l2.ts'
import type { Call, Stack } from '../stack.ts'

/** A failure of a factory that is remembered: judged as an entry would be, so that an invalidation of its key ends it. */
interface Failure extends Judged {
  readonly error: FactoryError | FactoryHardTimeout
  readonly since: Instant
  readonly gen: number
}

/** Failures remembered by one store. Beyond that the oldest go. */
const MAX_FAILURES = 1000

const failures = new WeakMap<Stack, Map<string, Failure>>()

/** Whether it is the factory that failed, and not the cache or its user. */
export function isFailure(error: unknown): error is FactoryError | FactoryHardTimeout {
  return error instanceof FactoryError || error instanceof FactoryHardTimeout
}

/** Remembers a failure. */
export function remember(call: Call, error: FactoryError | FactoryHardTimeout): void {
  const { stack, id, l2Key, runtime } = call
  const { journal } = stack
  let known = failures.get(stack)
  if (!known) failures.set(stack, (known = new Map()))
  known.delete(id)
  known.set(id, {
    ...namesOf(call),
    l2Key,
    error,
    since: instant(runtime),
    cursor: journal.seen(),
    gen: journal.gen(),
  })
  const [oldest] = known.keys()
  if (known.size > MAX_FAILURES && oldest !== undefined) known.delete(oldest)
}

/** The failure of a key that is not older than `errorTtl`, if nothing was told of the key since. */
export function remembered(call: Call, errorTtl: number): Failure['error'] | undefined {
  const { stack, id, runtime } = call
  const known = failures.get(stack)
  const failure = known?.get(id)
  if (!failure) return undefined
  const { journal } = stack
  const stands = failure.gen === journal.gen() && journal.verdict(failure) === 'untouched'
  if (stands && age(failure.since, instant(runtime)) < errorTtl) return failure.error
  known?.delete(id)
  return undefined
}
