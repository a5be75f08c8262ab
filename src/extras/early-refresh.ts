import { age, instant, type Instant } from '../clock.ts'
import type { Entry } from '../entry.ts'
import type { Factory } from '../factory.ts'
import type { Outcome } from '../flight.ts'
import { planOf, underWay } from '../get-or-set.ts'
import type { Start } from '../l2.ts'
import { look } from '../look.ts'
import { make, type Production } from '../produce.ts'
import { inBackground } from '../runtime.ts'
import { type Call, tell } from '../stack.ts'
import type { ExtraSettings } from './extra-options.ts'
import { makeRecent } from './recent.ts'

/** When the refresh of a key was begun that has not brought anything: it is not tried again with each hit. */
const begun = makeRecent<Instant>()

/** Milliseconds by which two tellings of one life may differ: clocks do, and writes take their time. */
const SLACK = 1000

/** The lives that began anew in L2, each as it was first seen here. */
const seen = makeRecent<Pick<Entry, 'born' | 'ttl'>>()

/**
 * How long an entry was to be fresh. What was read from L2 tells how long it still is. What is noted, or else the call's
 * own `ttl`, is believed where its age bears that out. Where it does not, as after a touch or a 304, the time counts from
 * when that life was first seen here: a refresh may be late, never long before it is due.
 */
function wholeOf(call: Call, { born, ttl, created, notes }: Entry, now: Instant): number {
  if (created === undefined) return ttl
  const left = ttl - age(born, now)
  const told = notes?.ttl ?? call.settings.ttl
  if (Math.abs(call.runtime.now() - created + left - told) <= SLACK) return told
  const first = seen.get(call)
  if (first && Math.abs(first.ttl - age(first.born, now) - left) <= SLACK) return first.ttl
  seen.set(call, { born, ttl })
  return ttl
}

/** Whether a fresh entry is to be refreshed before it expires: its time has come, or chance says so. */
function isDue(call: Call, { eagerRefresh, beta }: ExtraSettings, entry: Entry, now: Instant): boolean {
  const { settings, runtime } = call
  const old = age(entry.born, now)
  const left = entry.ttl - old
  const tried = begun.get(call)
  if (entry.soft || left <= 0 || left === Infinity) return false
  if (tried && age(tried, now) < settings.graceBackoff) return false
  const whole = wholeOf(call, entry, now)
  if (left <= whole - eagerRefresh * whole) return true
  // XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
  return left <= (entry.notes?.cost ?? 0) * beta * -Math.log(1 - runtime.random())
}

/**
 * Refreshes a fresh entry behind the answer, if it is due. L2 is asked for whatever is newer than this very version: if
 * there is something, that is taken; if not, the lease for a new one comes with the answer, to one isolate.
 */
export function refreshEarly(
  call: Call,
  extras: ExtraSettings,
  factory: Factory<unknown>,
  entry: Entry,
): void {
  if (extras.eagerRefresh === 1 && extras.beta === 0) return
  const { stack, runtime, scope } = call
  const now = instant(runtime)
  // A child's value, made anew by its parent, would no longer be the child's.
  if (entry.namespaces.length > scope.namespaces.length) return
  // A write that L2 has not acknowledged yet has no name there.
  if ((stack.l2 && entry.version === undefined) || !isDue(call, extras, entry, now)) return
  if (underWay(call, now)) return
  begun.set(call, now)
  tell(call, { type: 'flight.lead' })
  const plan = { ...planOf(call, now), forced: entry.version ?? '' }
  const flight = stack.flights.start(plan, (started) => {
    const found = look(call, started)
    const outcome = found.then((start) => renew({ call, flight: started, factory, early: true }, start))
    return { look: found, outcome: outcome.finally(() => stack.flights.leave(started)) }
  })
  inBackground(runtime, flight.outcome)
}

/** Takes what is newer, or runs the factory, but only where nobody else is on it. */
async function renew(production: Production, start: Start): Promise<Outcome> {
  const { call } = production
  const newer = start.entry && !start.stale ? start.entry : undefined
  if (!newer && call.stack.l2 && !start.found?.lease) return 'elsewhere'
  const outcome = newer ?? (await make(production, start))
  // Who skipped has brought nothing, and is not asked again with each hit.
  if (outcome !== 'skipped') begun.delete(call)
  return outcome
}
