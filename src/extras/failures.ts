import { age, type Instant, instant } from '../clock.ts'
import { FactoryError, FactoryHardTimeout } from '../errors.ts'
import type { Judged } from '../event-log.ts'
import { namesOf } from '../l2.ts'
import type { Call } from '../stack.ts'
import { makeRecent } from './recent.ts'

/** A failure of a factory that is remembered: judged as an entry would be, so that an invalidation of its key ends it. */
interface Failure extends Judged {
  readonly error: FactoryError | FactoryHardTimeout
  readonly since: Instant
  readonly gen: number
}

const failures = makeRecent<Failure>()

/** Whether it is the factory that failed, and not the cache or its user. */
export function isFailure(error: unknown): error is Failure['error'] {
  return error instanceof FactoryError || error instanceof FactoryHardTimeout
}

/** Remembers a failure. */
export function remember(call: Call, error: Failure['error']): void {
  const { journal } = call.stack
  // Who fails because the failure is remembered does not make it last.
  if (failures.get(call)?.error === error) return
  failures.set(call, {
    ...namesOf(call),
    l2Key: call.l2Key,
    error,
    since: instant(call.runtime),
    cursor: journal.seen(),
    gen: journal.gen(),
  })
}

/** The failure of a key that is not older than `errorTtl`, if nothing was told of the key since. */
export function remembered(call: Call, errorTtl: number): Failure['error'] | undefined {
  const failure = failures.get(call)
  if (!failure) return undefined
  const { journal } = call.stack
  const stands = failure.gen === journal.gen() && journal.verdict(failure) === 'untouched'
  if (stands && age(failure.since, instant(call.runtime)) < errorTtl) return failure.error
  failures.delete(call)
  return undefined
}
