import type { CoordinationCalls } from '../../src/ports.ts'

/** The operations, by name. */
export type Operation = keyof CoordinationCalls

/** What a ledger did since it was made, or since the last reset. Kept in memory, so a restart begins at 0. */
export interface LedgerStats {
  readonly calls: Readonly<Record<Operation, number>>
  /** New grants; a grant repeated to its holder does not count. */
  readonly leasesGranted: number
  /**
   * Computations that were due: a lease given again after it ran out or was given back is the same generation; one
   * given after a commit or an invalidation is the next.
   */
  readonly generations: number
  /** Entries stored by commits with or without a lease. */
  readonly fillsStored: number
  /** Entries stored by `set`. */
  readonly setsStored: number
  readonly commitsRefused: number
  readonly eventsAppended: number
  /** Steps of locks and atomic values. */
  readonly atomicSteps: number
}

/** Statistics as they are counted. */
export type Counters = { -readonly [Name in Exclude<keyof LedgerStats, 'calls'>]: number } & {
  readonly calls: Record<Operation, number>
}

/** Statistics of nothing. */
export function noStats(): Counters {
  return {
    calls: { read: 0, readMany: 0, take: 0, commit: 0, commitMany: 0, release: 0, invalidate: 0, pull: 0 },
    leasesGranted: 0,
    generations: 0,
    fillsStored: 0,
    setsStored: 0,
    commitsRefused: 0,
    eventsAppended: 0,
    atomicSteps: 0,
  }
}
