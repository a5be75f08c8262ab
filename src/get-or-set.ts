import { age, type Instant, instant } from './clock.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { type Entry, freshness } from './entry.ts'
import { FactoryHardTimeout } from './errors.ts'
import { type Factory, report } from './factory.ts'
import { type Flight, isOverdue } from './flight.ts'
import { FLIGHT_DEADLINE } from './options.ts'
import { gracedEntry, look, produce } from './produce.ts'
import { inBackground } from './runtime.ts'
import { serve, serveStale, valueFor } from './serve.ts'
import type { Call } from './stack.ts'

/** The straight line: L1, then one flight per key: L2, the factory, and the way back into both tiers. */
export async function getOrSet(call: Call, factory: Factory<unknown>): Promise<unknown> {
  const { stack, settings, runtime } = call
  const now = instant(runtime)
  const held = settings.forceFresh ? undefined : stack.l1?.find(call.id)
  if (held && stack.journal.trusts(held.asOf, stack.settings.maxStaleness, now)) {
    const state = freshness(held, now)
    if (state === 'fresh' || (state === 'backoff' && settings.grace > 0)) {
      stack.sync.pollIfDue(runtime, now)
      return serve(call, held, 'l1', state !== 'fresh')
    }
    if (state === 'stale' && settings.grace > 0 && settings.timeout === 0) {
      if (!underWay(call, now)) lead(call, factory, now)
      return serveStale(call, held, 'l1', 'refresh')
    }
  }
  return fly(call, factory, now)
}

/** The moment a caller asked, in time, in the isolate's flights, and in the order of changes. */
interface Asked {
  readonly at: Instant
  readonly newest: number
  readonly gen: number
  readonly cursor: number
}

/** Why a caller must look for another flight: this one is overdue, older than the caller may take, or left to others. */
type Again = 'overdue' | 'older' | 'elsewhere'

/** Rides a flight to its end; where that gives no answer, the next one, the last of them the caller's own. */
async function fly(call: Call, factory: Factory<unknown>, at: Instant): Promise<unknown> {
  const { journal, flights } = call.stack
  const asked: Asked = { at, newest: flights.newest, gen: journal.gen, cursor: journal.seen }
  let after = 0
  for (let overdue = 0; ; ) {
    const flight = await board(call, factory, after)
    const ride = await follow(call, flight, asked)
    if ('value' in ride) return ride.value
    if (ride.again === 'overdue' && ++overdue > 1) throw report(call, new FactoryHardTimeout(call.key))
    after = ride.again === 'elsewhere' ? Infinity : asked.newest
  }
}

/** Joins the flight of the key if its value may be taken, else leads one. */
async function board(call: Call, factory: Factory<unknown>, after: number): Promise<Flight> {
  const { stack, runtime } = call
  const trusted = (flight: Flight, now: Instant): boolean =>
    stack.journal.trusts(flight.asOf, stack.settings.maxStaleness, now)
  let now = instant(runtime)
  let flight = underWay(call, now, after)
  if (flight && !trusted(flight, now)) {
    // Joining is reading a value that is not there yet: the journal must be as recent as for any other read.
    await stack.sync.pull(runtime)
    now = instant(runtime)
    flight = underWay(call, now, after)
  }
  if (!flight || !trusted(flight, now)) return lead(call, factory, now)
  if (stack.trace.active) stack.trace.tell({ type: 'flight.join', store: stack.name, key: call.key })
  return flight
}

/** The flight of the key, unless it is overdue, too old for the caller, or not forced as the caller wants it. */
function underWay({ stack, settings, id }: Call, now: Instant, after = 0): Flight | undefined {
  const flight = stack.flights.get(id)
  if (!flight || flight.id <= after || isOverdue(flight, now)) return undefined
  return settings.forceFresh && (!flight.forced || flight.running) ? undefined : flight
}

/** Starts a flight in the slot of the key. The runtime keeps its work alive, whatever becomes of this request. */
function lead(call: Call, factory: Factory<unknown>, now: Instant): Flight {
  const { stack, scope, settings, runtime } = call
  const { flights, trace, name: store } = stack
  const type = flights.get(call.id) ? 'flight.takeover' : 'flight.lead'
  if (trace.active) trace.tell({ type, store, key: call.key })
  const plan = {
    key: call.id,
    l2Key: call.l2Key,
    tags: scope.tags(settings.tags),
    namespaces: scope.namespaces,
    startedAt: now,
    deadline: settings.hardTimeout ?? FLIGHT_DEADLINE,
    forced: settings.forceFresh,
    leader: call,
  }
  const flight = flights.start(plan, (started) => {
    const found = look(call, started)
    const produced = found.then((start) => produce(call, started, start, factory))
    return { look: found, outcome: produced.finally(() => flights.leave(started)) }
  })
  inBackground(runtime, flight.outcome)
  return flight
}

/** Waits for a flight on timers of the caller's own, and decides what the caller gets of it. */
async function follow(call: Call, flight: Flight, asked: Asked): Promise<{ value: unknown } | { again: Again }> {
  const { runtime, settings, stack } = call
  const limit = Math.min(flight.deadline, settings.hardTimeout ?? Infinity)
  const left = (): number => limit - age(flight.startedAt, instant(runtime))
  const overdue = (): { again: Again } => {
    if (flight.leader !== call && flight.deadline <= limit) return { again: 'overdue' }
    throw report(call, new FactoryHardTimeout(call.key))
  }
  const found = await within(runtime, flight.look, left())
  if (found === TIMED_OUT) return overdue()
  if (found.entry && !found.stale) return take(call, flight, found.entry, asked, 'l2')
  const stale = settings.grace > 0 && found.entry && mayTake(call, flight, found.entry, asked, true) ? found.entry : undefined
  if (stale && settings.timeout === 0) return { value: serveStale(call, stale, 'l2', 'refresh') }
  const unchecked = found.blind && settings.onOutage === 'stale' ? stack.l1?.find(call.id) : undefined
  if (unchecked && freshness(unchecked, asked.at) !== 'dead') return { value: serveStale(call, unchecked, 'l1', 'outage') }

  const patience = stale ? settings.timeout - age(asked.at, instant(runtime)) : Infinity
  try {
    const outcome = await within(runtime, flight.outcome, Math.min(patience, left()))
    if (outcome === 'skipped') return { value: undefined }
    if (outcome !== TIMED_OUT && outcome !== 'elsewhere') return take(call, flight, outcome, asked)
    if (stale) return { value: serveStale(call, stale, 'l2', outcome === TIMED_OUT ? 'timeout' : 'refresh') }
    return outcome === 'elsewhere' ? { again: outcome } : overdue()
  } catch (error) {
    const graced = gracedEntry(call, stale, instant(runtime))
    if (graced) return { value: serveStale(call, graced, stale ? 'l2' : 'l1', 'error') }
    throw error
  }
}

/** Gives the caller what a flight brought, unless it is older than the caller may take. */
function take(call: Call, flight: Flight, entry: Entry, asked: Asked, layer?: 'l2'): { value: unknown } | { again: Again } {
  if (!mayTake(call, flight, entry, asked)) return { again: 'older' }
  return { value: layer ? serve(call, entry, layer, false) : valueFor(call, entry) }
}

/** Whether nothing that was known when the caller asked is missing from what a flight found. */
function mayTake({ stack: { journal } }: Call, flight: Flight, entry: Entry, asked: Asked, graced = false): boolean {
  if (flight.id > asked.newest || asked.cursor < 0) return true
  if (entry.gen !== journal.gen || asked.gen !== journal.gen) return false
  const verdict = entry.cursor >= asked.cursor ? 'untouched' : journal.verdict(entry.l2Key, entry, entry.cursor)
  return verdict === 'untouched' || (graced && verdict === 'soft')
}
