import { type Instant, instant } from './clock.ts'
import { FactoryHardTimeout } from './errors.ts'
import { type Factory, report } from './factory.ts'
import { type Flight, type FlightPlan, isOverdue } from './flight.ts'
import { type Asked, follow } from './follow.ts'
import { FLIGHT_DEADLINE } from './options.ts'
import { namesOf } from './l2.ts'
import { look } from './look.ts'
import { produce } from './produce.ts'
import { inBackground } from './runtime.ts'
import { held, serve, serveStale } from './serve.ts'
import { type Call, tell } from './stack.ts'

/** The straight line: L1, then one flight per key: L2, the factory, and the way back into both tiers. */
export async function getOrSet(call: Call, factory: Factory<unknown>): Promise<unknown> {
  const { settings, runtime } = call
  const now = instant(runtime)
  const own = settings.forceFresh ? undefined : held(call, now)
  if (own?.state === 'fresh') return serve(call, own.entry, 'l1', false)
  if (own && settings.grace > 0) {
    if (own.state === 'backoff') return serve(call, own.entry, 'l1', true)
    if (own.state === 'stale' && settings.timeout === 0) {
      if (!underWay(call, now)) lead(call, factory, now)
      return serveStale(call, own.entry, 'l1', 'refresh')
    }
  }
  return fly(call, factory, now)
}

/** Rides a flight to its end; where that gives no answer, the next one, the last of them the caller's own. */
async function fly(call: Call, factory: Factory<unknown>, at: Instant): Promise<unknown> {
  const { journal, flights } = call.stack
  const asked: Asked = { at, newest: flights.newest(), gen: journal.gen(), cursor: journal.seen() }
  let after = 0
  for (let overdue = 0; ;) {
    const flight = await board(call, factory, after)
    const ride = await follow({ call, flight, asked })
    if ('value' in ride) return ride.value
    if (ride.again === 'overdue' && ++overdue > 1) throw report(call, new FactoryHardTimeout(call.key))
    after = ride.again === 'elsewhere' ? Infinity : asked.newest
    tell(call, { type: 'flight.restart' })
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
    await stack.l2?.pull(runtime)
    now = instant(runtime)
    flight = underWay(call, now, after)
  }
  if (!flight || !trusted(flight, now)) return lead(call, factory, now)
  tell(call, { type: 'flight.join' })
  return flight
}

/** The flight of the key, unless it is overdue, too old for the caller, its parent's, or not forced as the caller wants it. */
export function underWay({ stack, scope, settings, id }: Call, now: Instant, after = 0): Flight | undefined {
  const flight = stack.flights.get(id)
  if (!flight || flight.id <= after || isOverdue(flight, now)) return undefined
  if (flight.namespaces.length < scope.namespaces.length) return undefined
  const joinable = flight.forced === '*' && (flight.phase === 'read' || flight.phase === 'lease')
  return settings.forceFresh && !joinable ? undefined : flight
}

/** What a flight of this call is started with. One that takes over goes on under the token of its predecessor. */
export function planOf(call: Call, now: Instant, late?: Flight): FlightPlan {
  const { stack, settings, runtime } = call
  return {
    key: call.id,
    l2Key: call.l2Key,
    ...namesOf(call),
    startedAt: now,
    deadline: Math.min(FLIGHT_DEADLINE, 3 * stack.settings.l2Timeout),
    hardTimeout: settings.hardTimeout ?? FLIGHT_DEADLINE,
    token: late?.token ?? call.token ?? runtime.randomId(),
    forced: settings.forceFresh ? '*' : undefined,
    leader: call,
  }
}

/** Starts a flight in the slot of the key. The runtime keeps its work alive, whatever becomes of this request. */
function lead(call: Call, factory: Factory<unknown>, now: Instant): Flight {
  const { flights } = call.stack
  const current = flights.get(call.id)
  const late = current && isOverdue(current, now) ? current : undefined
  tell(call, { type: late ? 'flight.takeover' : 'flight.lead' })
  const flight = flights.start(planOf(call, now, late), (started) => {
    const found = look(call, started)
    const produced = found.then((start) => produce({ call, flight: started, factory }, start))
    return { look: found, outcome: produced.finally(() => flights.leave(started)) }
  })
  inBackground(call.runtime, flight.outcome)
  return flight
}
