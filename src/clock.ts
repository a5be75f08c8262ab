import type { Runtime } from './ports.ts'

/**
 * A point in time on both clocks of one isolate. Never compared with another machine's.
 *
 * A monotonic clock may stand still while the isolate is frozen; a wall clock may be set back. So an age is the
 * larger of both readings, and a wall clock that ran backwards makes everything infinitely old.
 */
export interface Instant {
  readonly monotonic: number
  readonly wall: number
}

/** Older than anything. */
export const NEVER: Instant = { monotonic: -Infinity, wall: -Infinity }

/** Reads both clocks. */
export function instant(runtime: Runtime): Instant {
  return { monotonic: runtime.monotonic(), wall: runtime.now() }
}

/** Milliseconds from `since` to `now`. */
export function age(since: Instant, now: Instant): number {
  const wall = now.wall - since.wall
  return wall < 0 ? Infinity : Math.max(now.monotonic - since.monotonic, wall)
}

/** The one with the smaller age. */
export function later(a: Instant, b: Instant, now: Instant): Instant {
  return age(a, now) <= age(b, now) ? a : b
}
