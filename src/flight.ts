import { age, type Instant } from './clock.ts'
import type { Entry } from './entry.ts'
import type { JournalEvent, Names } from './ports.ts'

/** What a flight's read of L2 found. */
export interface Look {
  /** Fresh, or stale if `stale`. Absent: nothing there, or L2 could not be asked. */
  readonly entry: Entry | undefined
  readonly stale: boolean
  /** L2 could not be asked. */
  readonly blind: boolean
}

/** What a flight came to: a value; nothing, because the factory skipped; or nothing, because another isolate is on it. */
export type Outcome = Entry | 'skipped' | 'elsewhere'

/** What a flight is started with. */
export interface FlightPlan extends Names {
  readonly key: string
  readonly l2Key: string
  readonly startedAt: Instant
  /** Milliseconds the read may take before a waiter may take over. */
  readonly deadline: number
  /** The right to compute is asked for under this name; a takeover goes on with its predecessor's. */
  readonly token: string
  /** Led by `forceFresh`: it takes nothing from L2. */
  readonly forced: boolean
  /** Whose call leads it. */
  readonly leader: object
}

/** One computation of a key in this isolate. Who comes while it runs joins it. */
export interface Flight extends Omit<FlightPlan, 'deadline'> {
  /** Grows with each flight of the isolate: who asked before it started may take its value unseen. */
  readonly id: number
  /** Start of the phase it is in (read, wait for a lease, factory), and how long that may take. */
  since: Instant
  deadline: number
  /** Nothing acknowledged before this will be missing from its value: the send of its last read. */
  asOf: Instant
  /** Place of its last read in the journal; -1 until it is answered. */
  cursor: number
  /** The factory has started, so what is asked for from now on may be newer than its value. */
  running: boolean
  look: Promise<Look>
  outcome: Promise<Outcome>
}

/** Flights looked at for being overdue whenever a new one starts: the map stays bounded without a timer. */
const SWEPT = 4

/** The flights of one store in one isolate, one per key. */
export class Flights {
  readonly #slots = new Map<string, Flight>()
  #started = 0

  /** Flights under way. */
  get size(): number {
    return this.#slots.size
  }

  /** Id of the newest flight so far. */
  get newest(): number {
    return this.#started
  }

  get(key: string): Flight | undefined {
    return this.#slots.get(key)
  }

  /** Opens a flight in the slot of its key. `take` sets what it does at once, before anybody can board. */
  start(plan: FlightPlan, take: (flight: Flight) => Pick<Flight, 'look' | 'outcome'>): Flight {
    const flight = {
      ...plan,
      id: ++this.#started,
      since: plan.startedAt,
      asOf: plan.startedAt,
      cursor: -1,
      running: false,
    } as Flight
    this.put(flight)
    return Object.assign(flight, take(flight))
  }

  /** Gives the flight the slot of its key, whoever has it now. */
  put(flight: Flight): void {
    this.#slots.delete(flight.key)
    this.#slots.set(flight.key, flight)
    this.#sweep(flight.startedAt)
  }

  /** Clears the slot, if the flight still owns it: a late leader must not remove its successor. */
  leave(flight: Flight): void {
    if (this.#slots.get(flight.key) === flight) this.#slots.delete(flight.key)
  }

  /** Clears the slot of a key, or all: who comes from now on starts a new flight. */
  detach(key?: string): void {
    if (key === undefined) this.#slots.clear()
    else this.#slots.delete(key)
  }

  /** Clears the slots of the flights that read before an event that touches them. */
  detachTouched(events: readonly Omit<JournalEvent, 'soft'>[]): void {
    if (this.#slots.size === 0) return
    const last = new Map<string, number>()
    for (const { kind, name, seq } of events) last.set(`${kind} ${name}`, seq)
    for (const flight of this.#slots.values()) {
      const touched = (id: string): boolean => (last.get(id) ?? -1) > flight.cursor
      if (
        touched(`key ${flight.l2Key}`) ||
        flight.tags.some((tag) => touched(`tag ${tag}`)) ||
        flight.namespaces.some((path) => touched(`namespace ${path}`))
      ) {
        this.leave(flight)
      }
    }
  }

  /** Slots whose leader died are cleared by whoever comes later; the oldest stand first. */
  #sweep(now: Instant): void {
    let left = SWEPT
    for (const flight of this.#slots.values()) {
      if (left-- === 0) return
      if (isOverdue(flight, now)) this.leave(flight)
    }
  }
}

/** Whether a flight is past its deadline, so that it can no longer be expected to land. */
export function isOverdue(flight: Flight, now: Instant): boolean {
  return timeLeft(flight, now) <= 0
}

/** Milliseconds until a flight is overdue, as far as is known now: each phase begins anew. */
export function timeLeft(flight: Flight, now: Instant): number {
  return flight.deadline - age(flight.since, now)
}

/** Enters the next phase of a flight. */
export function enterPhase(flight: Flight, now: Instant, deadline: number): void {
  flight.since = now
  flight.deadline = deadline
}
