import { instant } from './clock.ts'
import { L2CacheError } from './errors.ts'
import type { Flight } from './flight.ts'
import type { Found, L2, Start } from './l2.ts'
import type { Call } from './stack.ts'
import { keep } from './write.ts'

/** The leader's read: entry, lease and news in one trip. Without an answer the flight goes on blind. */
export async function look(call: Call, flight: Flight): Promise<Start> {
  const { l2 } = call.stack
  const found = l2 && (await ask(l2, call, flight))
  if (found?.entry) keep(call, found.entry)
  return { entry: found?.entry, stale: found?.stale ?? false, blind: l2 !== undefined && !found, found }
}

async function ask(l2: L2, call: Call, flight: Flight): Promise<Found | undefined> {
  const { flights, journal } = call.stack
  const boarded = flights.get(flight.key) === flight
  const gen = journal.gen()
  flight.asOf = instant(call.runtime)
  try {
    const found = await l2.read(call, {
      token: flight.token,
      unusable: flight.forced ? '*' : undefined,
      onReply: (seq) => void (flight.cursor = seq),
    })
    // A gap in its own page emptied all slots, but cannot speak against what was read with it.
    if (boarded && gen !== found.gen && !flights.get(flight.key)) flights.put(flight)
    return found
  } catch (error) {
    if (error instanceof L2CacheError && call.settings.suppressL2Errors) return undefined
    throw error
  }
}
