/** All that the scenes are run with, and all that they must keep to. Durations in milliseconds. */

/** What is added to each HTTP request to Redis on its way there. */
export const DELAY = 20

/** One cold key, asked for everywhere at once. */
export const stampede = {
  isolates: 16,
  callers: 100,
  /** The first callers of all isolates come at once, the others in the course of so many milliseconds. */
  within: 200,
  /** One more comes first, in isolates that never did anything: its waits are told and not judged. */
  rounds: 3,
  /** A round in which timers of the machine were late by more is told, and another is played. */
  quiet: 20,
  /** Rounds that may be played at most. */
  mostRounds: 6,
  /** How long the factory takes. */
  factory: 500,
  /** How much longer than the factory anybody may wait. */
  most: 300,
}

/** Who holds the lease is killed. */
export const killed = {
  leaseTtl: 3000,
  /** Callers in each of the two isolates that are left. */
  callers: 20,
  /** The next factory starts within this many lives of the lease, counted from when the dead one was asked. */
  most: 1.1,
}

const TRAFFIC_GAP = 50

/** Tags and namespaces, by polls alone. */
export const pull = {
  pollInterval: 1000,
  /** Fleets of three, side by side, each with a store of its own. */
  fleets: 4,
  rounds: 12,
  /** Pause between two requests to an isolate. */
  gap: TRAFFIC_GAP,
  /**
   * Beyond `pollInterval`: only a request can poll, and only another one sees what the poll brought (two gaps). The
   * poll goes to Redis (one delay). The rest is what a busy machine takes for it.
   */
  margin: 2 * TRAFFIC_GAP + DELAY + 80,
}

/** What isolates ask without being asked. */
export const polling = { pollInterval: 500, intervals: 5, gap: 20 }

/** Processes that are told. */
export const push = { listeners: 2, invalidations: 300, most: 1000 }

/** A stream that no longer tells. */
export const cut = {
  /** Each of a key of its own. */
  invalidations: 100,
  /** How long the stream is gone, and over what time the invalidations are spread. */
  lasts: 2000,
  /** The defaults, where polls help before `maxStaleness` has to. */
  polled: { pollInterval: 1000, maxStaleness: 5000 },
  /** Polls come too late, so that nothing but the bound itself is left. */
  unpolled: { pollInterval: 3_600_000, maxStaleness: 1500 },
  /** Pause between two sweeps over all keys. */
  sweep: 2,
  /** How long it may take until the stream is there again: news that it leaves out, how far it may lag, and pauses. */
  reopened: 6000,
}
