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

/** Whether a fresh entry is to be refreshed before it expires: its time has come, or chance says so. */
function isDue(call: Call, { eagerRefresh, beta }: ExtraSettings, entry: Entry, now: Instant): boolean {
  const { settings, runtime } = call
  const old = age(entry.born, now)
  const left = entry.ttl - old
  const tried = begun.get(call)
  if (entry.soft || left <= 0 || left === Infinity) return false
  if (tried && age(tried, now) < settings.graceBackoff) return false
  // What was read from L2 tells how long it is still fresh, not how long it was to be.
  const known = entry.created === undefined ? entry.ttl : Math.max(settings.ttl, entry.ttl)
  const whole = entry.notes?.ttl ?? known
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
  const { stack, runtime } = call
  const now = instant(runtime)
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
