import { age, type Instant } from './clock.ts'
import type { Entry } from './entry.ts'
import { touches } from './journal.ts'
import type { Invalidation, Names } from './ports.ts'

/** What a flight's read of L2 found. */
export interface Look {
  /** Fresh, or stale if `stale`. Absent: nothing there, or L2 could not be asked. */
  readonly entry: Entry | undefined
  readonly stale: boolean
  /** L2 had nothing, L1 did. */
  readonly inL1: boolean
  /** L2 could not be asked. */
  readonly blind: boolean
}

/** What a flight came to: a value; nothing, because the factory skipped; or nothing, because another isolate is on it. */
export type Outcome = Entry | 'skipped' | 'elsewhere'

/** The stages of a flight. Once the factory runs, what is asked for may be newer than its value. */
export type Phase = 'read' | 'lease' | 'factory' | 'write'

/** What a flight is started with. */
export interface FlightPlan extends Names {
  readonly key: string
  readonly l2Key: string
  readonly startedAt: Instant
  /** Milliseconds the read may take before a waiter may take over. */
  readonly deadline: number
  /** The same for the factory. */
  readonly hardTimeout: number
  /** The right to compute is asked for under this name; a takeover goes on with its predecessor's. */
  readonly token: string
  /** What of L2 it does not take: a version, or, led by `forceFresh`, any (`'*'`). Absent: it takes what is valid. */
  readonly forced: string | undefined
  /** Whose call leads it. */
  readonly leader: object
}

/** One computation of a key in this isolate. Who comes while it runs joins it. */
export interface Flight extends Omit<FlightPlan, 'deadline'> {
  /** Grows with each flight of the isolate: who asked before it started may take its value unseen. */
  readonly id: number
  /** What it is about, since when, and how many milliseconds that may take. */
  phase: Phase
  since: Instant
  deadline: number
  /** Its value comes from its own factory. */
  made: boolean
  /** Nothing acknowledged before this will be missing from its value: the send of its last read. */
  asOf: Instant
  /** Place of its last read in the journal; -1 until it is answered. */
  cursor: number
  look: Promise<Look>
  outcome: Promise<Outcome>
}

/** Flights looked at for being overdue whenever a new one starts: the map stays bounded without a timer. */
const SWEPT = 4

/** The flights of one store in one isolate, one per key. */
export interface Flights {
  /** Flights under way. */
  size(): number
  /** Id of the newest flight so far. */
  newest(): number
  get(key: string): Flight | undefined
  /** Opens a flight in the slot of its key. `take` sets what it does at once, before anybody can board. */
  start(plan: FlightPlan, take: (flight: Flight) => Pick<Flight, 'look' | 'outcome'>): Flight
  /** Gives the flight the slot of its key, whoever has it now. */
  put(flight: Flight): void
  /** Clears the slot, if the flight still owns it: a late leader must not remove its successor. */
  leave(flight: Flight): void
  /** Clears the slot of a key, or all: who comes from now on starts a new flight. */
  detach(key?: string): void
  /** Clears the slots of the flights that an event touches which they did not yet know when they read. */
  detachTouched(events: readonly (Invalidation & { readonly seq?: number })[]): void
}

export function makeFlights(): Flights {
  const slots = new Map<string, Flight>()
  let started = 0

  const leave = (flight: Flight): void => {
    if (slots.get(flight.key) === flight) slots.delete(flight.key)
  }

  const put = (flight: Flight): void => {
    slots.delete(flight.key)
    slots.set(flight.key, flight)
    // Slots whose leader died are cleared by whoever comes later; the oldest stand first.
    let left = SWEPT
    for (const other of slots.values()) {
      if (left-- === 0) return
      if (isOverdue(other, flight.startedAt)) leave(other)
    }
  }

  return {
    size: () => slots.size,
    newest: () => started,
    get: (key) => slots.get(key),
    start: (plan, take) => {
      const { startedAt } = plan
      const flight = {
        ...plan,
        id: ++started,
        since: startedAt,
        asOf: startedAt,
        cursor: -1,
        phase: 'read',
        made: false,
      } as Flight
      put(flight)
      return Object.assign(flight, take(flight))
    },
    put,
    leave,
    detach: (key) => {
      if (key === undefined) slots.clear()
      else slots.delete(key)
    },
    detachTouched: (events) => {
      for (const flight of slots.values()) {
        if (events.some((event) => (event.seq ?? Infinity) > flight.cursor && touches(event, flight)))
          leave(flight)
      }
    },
  }
}

/** Whether a flight is past its deadline, so that it can no longer be expected to land. */
export function isOverdue(flight: Flight, now: Instant): boolean {
  return timeLeft(flight, now) <= 0
}

/** Milliseconds until a flight is overdue, as far as is known now: each phase begins anew. */
export function timeLeft(flight: Flight, now: Instant): number {
  return remaining(flight.deadline, flight.since, now)
}

/** Milliseconds left of `ms` since an instant. No limit has no end, whatever the clocks did. */
export function remaining(ms: number, since: Instant, now: Instant): number {
  return ms === Infinity ? ms : ms - age(since, now)
}

/** Enters the next phase of a flight. */
export function enterPhase(flight: Flight, phase: Phase, now: Instant, deadline: number): void {
  flight.phase = phase
  flight.since = now
  flight.deadline = deadline
}
