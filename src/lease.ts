import { age, instant } from './clock.ts'
import { sleep } from './deadline.ts'
import { enterPhase, type Flight } from './flight.ts'
import type { Start } from './l2.ts'
import { look } from './look.ts'
import { type Call, tell } from './stack.ts'

/**
 * A pause before the lease is asked for again is a quarter of what has been waited, from 25 to 200 ms: whoever waits
 * does so hardly longer than the factory takes, and a slow factory is not asked after more often than that needs.
 */
const PAUSE_SHARE = 1 / 4
const SHORTEST_PAUSE = 25
const LONGEST_PAUSE = 200

/**
 * Asks again, on timers of its own, until the value or the lease is there; then the factory runs without the lease.
 * A lease that ends unused has a dead holder, and one of those who wait gets the next: the others wait for that as
 * well, so that one factory runs and not theirs all at once. A second death is waited for by nobody.
 */
export async function awaitLease(call: Call, flight: Flight, start: Start): Promise<Start | 'elsewhere'> {
  const { runtime, settings, stack } = call
  const begun = instant(runtime)
  const waited = (): number => age(begun, instant(runtime))
  const hasStale = start.entry !== undefined && settings.grace > 0
  let lock = 0
  let patience = 0
  const waitFor = (leaseLeft: number): boolean => {
    const before = lock
    lock = Math.min(settings.lockTimeout, waited() + leaseLeft)
    patience = Math.min(lock, hasStale ? settings.timeout : Infinity)
    enterPhase(flight, 'lease', begun, patience + 2 * stack.settings.l2Timeout)
    return lock - before >= 1
  }
  let latest = start
  let leases = waitFor(start.found?.leaseLeft ?? 0) ? 1 : 0
  while (leases > 0) {
    const pause = Math.max(SHORTEST_PAUSE, Math.min(waited() * PAUSE_SHARE, LONGEST_PAUSE))
    // Jitter only shortens: the longest pause is a promise.
    const ms = Math.max(0, Math.min(pause * (0.75 + runtime.random() / 4), patience - waited()))
    tell(call, { type: 'lease.wait', ms })
    await sleep(runtime, ms)
    const over = patience - waited() < 1
    latest = await look(call, flight)
    const { found, entry, stale } = latest
    if (!found || found.lease || (entry && !stale)) return latest
    if (over && (patience < lock || leases > 1 || !waitFor(found.leaseLeft ?? 0))) break
    if (over) leases += 1
  }
  return hasStale && settings.timeout < lock ? 'elsewhere' : latest
}
