import { age, type Instant, instant } from '../clock.ts'
import { FactoryError, FactoryHardTimeout, InvalidOptionError } from '../errors.ts'
import type { Judged } from '../event-log.ts'
import { underWay } from '../get-or-set.ts'
import { namesOf } from '../l2.ts'
import { find } from '../get.ts'
import { held, serve, serveStale } from '../serve.ts'
import type { Call } from '../stack.ts'
import { NothingToKeepError } from './extended-factory.ts'
import { makeRecent, type Recent } from './recent.ts'

/** A failure of a factory that is remembered: judged as an entry would be, so that an invalidation of its key ends it. */
interface Failure extends Judged {
  readonly error: FactoryError | FactoryHardTimeout
  readonly since: Instant
  readonly gen: number
  /** When it was last known that there is no value. */
  asOf: Instant
  /** Whoever failed would not have taken an expired value: there may be one. */
  readonly unforgiven: boolean
}

const failures = makeRecent<Failure>()

/** Keys of which a graced value was refused to who asked: they wait for the factory until it brings something. */
export const refused: Recent<true> = makeRecent<true>()

/** Whether it is the factory that failed, and not the cache or its user. */
export function isFailure(error: unknown): error is Failure['error'] {
  if (error instanceof FactoryHardTimeout) return true
  if (!(error instanceof FactoryError)) return false
  return !(error.cause instanceof InvalidOptionError || error.cause instanceof NothingToKeepError)
}

/** How far the news have been heard. */
export interface Heard {
  readonly cursor: number
  readonly gen: number
}

/** What has been heard now. Noted before a factory runs: what is told meanwhile is newer than its failure. */
export function heardBy({ stack: { journal } }: Call): Heard {
  return { cursor: journal.seen(), gen: journal.gen() }
}

/** Remembers a failure of the caller's own factory. That another's took too long for the caller is none. */
export function remember(call: Call, error: Failure['error'], heard: Heard): void {
  const now = instant(call.runtime)
  const unforgiven = call.settings.grace === 0 || refused.get(call) === true
  failures.set(call, {
    ...namesOf(call),
    ...heard,
    l2Key: call.l2Key,
    error,
    since: now,
    asOf: now,
    unforgiven,
  })
}

/**
 * What is given while a failure is remembered: a value that is there all the same, or the failure. `undefined`: none is
 * remembered, or a run is under way that may bring more.
 *
 * @throws {@link FactoryError}, {@link FactoryHardTimeout}
 */
export async function insteadOfFailing(
  call: Call,
  errorTtl: number,
  forgives: (error: unknown) => boolean,
): Promise<{ readonly value: unknown } | undefined> {
  const { runtime, settings, stack } = call
  const failure = standing(call, errorTtl)
  const now = instant(runtime)
  if (!failure || underWay(call, now)) return undefined
  const own = held(call, now)
  if (own?.state === 'fresh') return undefined
  const { error } = failure
  const graces = settings.grace > 0 && forgives(error)
  if (own && own.state !== 'dead' && graces) return { value: serveStale(call, own.entry, 'l1', 'error') }
  // That there is nothing is believed as long as a value would be, but not longer for news: another's fill is none.
  if (age(failure.asOf, now) <= stack.settings.maxStaleness && !(graces && failure.unforgiven)) {
    stack.l2?.pollIfDue(runtime, now)
    throw error
  }
  const hit = await find(call)
  if (hit && !hit.graced) return { value: serve(call, hit.entry, hit.layer, false) }
  if (hit && graces) return { value: serveStale(call, hit.entry, hit.layer, 'error') }
  failure.asOf = instant(runtime)
  throw error
}

/** The failure of a key that is not older than `errorTtl`, if nothing was told of the key since. */
function standing(call: Call, errorTtl: number): Failure | undefined {
  const failure = failures.get(call)
  // A parent's is not the child's, nor the other way round.
  if (failure?.namespaces.length !== call.scope.namespaces.length) return undefined
  const { journal } = call.stack
  const stands = failure.gen === journal.gen() && journal.verdict(failure) === 'untouched'
  if (stands && age(failure.since, instant(call.runtime)) < errorTtl) return failure
  failures.delete(call)
  return undefined
}
