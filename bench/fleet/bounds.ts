/** All that the scenes are run with, and all that they must keep to. Durations in milliseconds. */

/** What is added to each HTTP request to Redis on its way there. */
export const DELAY = 20

/** One cold key, asked for everywhere at once. */
export const stampede = {
  isolates: 16,
  callers: 100,
  /** The first callers of all isolates come at once, the others in the course of so many milliseconds. */
  within: 200,
  rounds: 3,
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
   * Beyond `pollInterval`: only a request can poll, and only the next one sees what the poll brought (two gaps). The
   * poll and the read of the new value go to Redis (two delays). The rest is what a busy machine takes for it.
   */
  margin: 2 * TRAFFIC_GAP + 2 * DELAY + 110,
}

/** What isolates ask without being asked. */
export const polling = { pollInterval: 500, intervals: 5, gap: 20 }

/** Processes that are told. */
export const push = { listeners: 2, invalidations: 300, most: 1000 }

/** A stream that no longer tells. */
export const cut = {
  invalidations: 100,
  /** How long the stream is gone, and over what time the invalidations are spread. */
  lasts: 2000,
  /** How long it may take until the stream is there again: a poll, the time a stream may lag, and the pause before it is opened. */
  reopened: 6000,
}
