import { type Instant, instant } from './clock.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { type Entry } from './entry.ts'
import { FactoryHardTimeout, L2CacheError } from './errors.ts'
import { report } from './factory.ts'
import { type Flight, isOverdue, remaining, timeLeft } from './flight.ts'
import { forgives, gracedEntry, uncheckedEntry } from './graced.ts'
import { serve, serveStale } from './serve.ts'
import type { Call } from './stack.ts'

/** The moment a caller asked, in time, in the isolate's flights, and in the order of changes. */
export interface Asked {
  readonly at: Instant
  readonly newest: number
  readonly gen: number
  readonly cursor: number
}

/** Why a caller must look for another flight: this one is overdue, older than the caller may take, or left to others. */
export type Again = 'overdue' | 'older' | 'elsewhere'

export type Ride = { readonly value: unknown } | { readonly again: Again }

/** A caller and the flight it waits for. */
export interface Passenger {
  readonly call: Call
  readonly flight: Flight
  readonly asked: Asked
}

/** Waits for a flight on timers of the caller's own, and decides what the caller gets of it. */
export async function follow(passenger: Passenger): Promise<Ride> {
  const { call, flight, asked } = passenger
  const { settings } = call
  // What the caller could be given however long L2 takes.
  const held = settings.forceFresh ? undefined : gracedEntry(call, undefined, asked.at)
  const patience = { since: asked.at, ms: settings.timeout }
  const found = await waitFor(call, flight, flight.look, held && patience).catch((error: unknown) => {
    // A leader who wants to hear of L2's failures does not decide for who does not.
    if (error instanceof L2CacheError && settings.suppressL2Errors && flight.leader !== call) return undefined
    throw error
  })
  if (!found) return { again: 'elsewhere' }
  if (found === TIMED_OUT) {
    return held ? { value: serveStale(call, held, 'l1', 'timeout') } : overdue(call, flight)
  }
  if (found.entry && !found.stale) return take(passenger, found.entry, found.inL1 ? 'l1' : 'l2')
  const stale = staleOf(passenger, found.entry)
  const layer = stale === found.entry ? 'l2' : 'l1'
  if (stale && settings.timeout === 0) return { value: serveStale(call, stale, layer, 'refresh') }
  const unchecked = found.blind && !flight.made && uncheckedEntry(call, asked.at)
  if (unchecked) return { value: serveStale(call, unchecked, 'l1', 'outage') }

  try {
    const outcome = await waitFor(call, flight, flight.outcome, stale && patience)
    if (outcome === 'skipped') return { value: undefined }
    if (outcome !== TIMED_OUT && outcome !== 'elsewhere')
      return take(passenger, outcome, flight.made ? 'l1' : 'l2')
    if (stale) return { value: serveStale(call, stale, layer, outcome === TIMED_OUT ? 'timeout' : 'refresh') }
    return outcome === 'elsewhere' ? { again: outcome } : overdue(call, flight)
  } catch (error) {
    // Once there is a new value, it is the write of it that has failed.
    const graced = !flight.made && forgives(call, error) && gracedEntry(call, stale, instant(call.runtime))
    if (graced) return { value: serveStale(call, graced, graced === found.entry ? 'l2' : 'l1', 'error') }
    throw error
  }
}

/** The expired value the caller may be given: L2's, else what L1 holds until there is a new one. */
function staleOf(passenger: Passenger, found: Entry | undefined): Entry | undefined {
  const { call, flight } = passenger
  const taken = found && mayTake(passenger, found, true) ? found : undefined
  if (call.settings.forceFresh || (flight.made && !taken)) return undefined
  return gracedEntry(call, taken, instant(call.runtime))
}

/** Waits until a flight is overdue, or for as long as the caller's patience lasts. Phases that begin anew are waited for. */
async function waitFor<T>(
  { runtime, settings }: Call,
  flight: Flight,
  promise: Promise<T>,
  patience?: { readonly since: Instant; readonly ms: number },
): Promise<T | typeof TIMED_OUT> {
  for (;;) {
    const now = instant(runtime)
    const { hardTimeout = Infinity } = settings
    const left = Math.min(
      timeLeft(flight, now),
      flight.phase === 'factory' ? remaining(hardTimeout, flight.since, now) : Infinity,
      patience ? remaining(patience.ms, patience.since, now) : Infinity,
    )
    if (left <= 0) return TIMED_OUT
    // No longer than the next phase may last: nobody is woken when it begins.
    const result = await within(runtime, promise, Math.min(left, flight.hardTimeout, hardTimeout))
    if (result !== TIMED_OUT) return result
  }
}

/** What a caller does who has waited long enough: the leader fails, as does who is less patient; others go on without it. */
function overdue(call: Call, flight: Flight): Ride {
  if (flight.leader !== call && isOverdue(flight, instant(call.runtime))) return { again: 'overdue' }
  throw report(call, new FactoryHardTimeout(call.key))
}

/** Gives the caller what a flight brought, unless it is older than the caller may take. */
function take(passenger: Passenger, entry: Entry, layer: 'l1' | 'l2'): Ride {
  if (!mayTake(passenger, entry)) return { again: 'older' }
  const { call, flight } = passenger
  const own = flight.made && flight.leader === call
  return { value: serve(call, entry, own ? 'factory' : layer, flight.made && 'flight') }
}

/** Whether nothing that was known when the caller asked is missing from what a flight found. */
function mayTake({ call, flight, asked }: Passenger, entry: Entry, graced = false): boolean {
  const { journal } = call.stack
  if (flight.id > asked.newest || asked.cursor < 0) return true
  if (entry.gen !== journal.gen() || asked.gen !== journal.gen()) return false
  const verdict = entry.cursor >= asked.cursor ? 'untouched' : journal.verdict(entry)
  // L1 may have checked the very entry in the meantime, raised its place and marked it.
  return verdict !== 'hard' && (graced || (verdict === 'untouched' && !entry.soft))
}
