import { age, instant } from './clock.ts'
import { sleep } from './deadline.ts'
import { enterPhase, type Flight } from './flight.ts'
import type { Start } from './l2.ts'
import { look } from './look.ts'
import { type Call, tell } from './stack.ts'

/** First and longest pause before the lease is asked for again, in milliseconds. */
const FIRST_WAIT = 25
const LONGEST_WAIT = 250

/** Asks again, on timers of its own, until the value or the lease is there; then the factory runs without the lease. */
export async function awaitLease(call: Call, flight: Flight, start: Start): Promise<Start | 'elsewhere'> {
  const { runtime, settings, stack } = call
  const begun = instant(runtime)
  const hasStale = start.entry !== undefined && settings.grace > 0
  const lock = Math.min(settings.lockTimeout, start.found?.leaseLeft ?? 0)
  const patience = Math.min(lock, hasStale ? settings.timeout : Infinity)
  enterPhase(flight, 'lease', begun, patience + 2 * stack.settings.l2Timeout)
  let latest = start
  for (let pause = FIRST_WAIT; ; pause = Math.min(pause * 2, LONGEST_WAIT)) {
    const left = patience - age(begun, instant(runtime))
    if (left < 1) break
    const ms = Math.min(pause * (0.75 + runtime.random() / 2), left)
    tell(call, { type: 'lease.wait', ms })
    await sleep(runtime, ms)
    latest = await look(call, flight)
    const { found, entry, stale } = latest
    if (!found || found.lease || (entry && !stale)) return latest
  }
  return hasStale && settings.timeout < lock ? 'elsewhere' : latest
}
