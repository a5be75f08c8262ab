import { commit } from '../commit.ts'
import type { Flight, Flights } from '../flight.ts'
import type { L2 } from '../l2.ts'
import { awaitLease } from '../lease.ts'
import type { Runtime } from '../ports.ts'
import { readL2 } from '../read-l2.ts'
import { inBackground } from '../runtime.ts'
import type { Stack } from '../stack.ts'
import { makeBatchGuard } from './batch-guard.ts'

/** A store in which the calls of one operation on many keys go out together. */
export interface Batched {
  readonly stack: Stack
  /** Sends the reads collected so far. */
  flushReads(): void
  /** Sends the commits collected so far, unless a value is still being made ready. */
  flushCommits(): void
}

/** What a batch wants to know of its keys' flights. */
export interface FlightWatch {
  started(flight: Flight): void
  /** Another isolate computes the key: it is waited for by itself. */
  waits(flight: Flight): void
}

/**
 * Makes a store like the given one whose reads, commits and releases of one operation are collected, one call each.
 * Everything else, and above all the flow of a single key, is as it is. `token` is what all leases are asked for under.
 */
export function batchStack(stack: Stack, runtime: Runtime, token: string, watch?: FlightWatch): Batched {
  const { l2 } = stack
  const flights = watch ? watchFlights(stack.flights, watch) : stack.flights
  if (!l2) return { stack: { ...stack, flights }, flushReads: () => {}, flushCommits: () => {} }
  const { guard, reads, commits, releases, onAsked } = makeBatchGuard(l2, runtime, token)
  const limits = stack.driver?.limits ?? {}
  const holds = new Map<string, () => void>()
  onAsked((key) => holds.get(key)?.())
  const batched: L2 = {
    ...l2,
    read: (call, options) => readL2(guard, call, options),
    commit: (call, draft, mode) => {
      // A value may take its time to be made ready, and those that are must not go without it.
      const release = commits.hold()
      holds.set(call.l2Key, release)
      return commit(guard, limits, { call, draft, mode }).finally(release)
    },
    awaitLease: (call, flight, start) => {
      watch?.waits(flight)
      return awaitLease(call, flight, start)
    },
    release: (call, own) => {
      if (own === token) inBackground(call.runtime, releases.add(call.l2Key))
      else l2.release(call, own)
    },
  }
  return {
    stack: { ...stack, l2: batched, flights },
    flushReads: () => reads.flush(),
    flushCommits: () => commits.flush(),
  }
}

function watchFlights(flights: Flights, watch: FlightWatch): Flights {
  return {
    ...flights,
    start: (plan, take) => {
      const flight = flights.start(plan, take)
      watch.started(flight)
      return flight
    },
  }
}
