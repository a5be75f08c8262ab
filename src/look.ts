import { instant } from './clock.ts'
import type { Entry } from './entry.ts'
import { L2CacheError } from './errors.ts'
import type { Flight } from './flight.ts'
import type { Found, L2, Start } from './l2.ts'
import { held } from './serve.ts'
import type { Call } from './stack.ts'
import { keep } from './write.ts'

/** The leader's read: entry, lease and news in one trip. Without an answer the flight goes on blind. */
export async function look(call: Call, flight: Flight): Promise<Start> {
  const { l2 } = call.stack
  const found = l2 && (await ask(l2, call, flight))
  if (found?.entry) keep(call, found.entry)
  const own = found && !found.entry && !flight.forced ? confirmed(call) : undefined
  if (own && found?.lease) l2?.release(call, flight.token)
  const entry = found?.entry ?? own
  return {
    entry,
    inL1: own !== undefined,
    stale: found?.stale ?? false,
    blind: l2 !== undefined && !found,
    found,
  }
}

/** What only L1 has, because L2 keeps no values, or not this one: the news that came with the read do not speak against it. */
export function confirmed(call: Call): Entry | undefined {
  const own = held(call, instant(call.runtime))
  return own?.state === 'fresh' ? own.entry : undefined
}

async function ask(l2: L2, call: Call, flight: Flight): Promise<Found | undefined> {
  const { flights, journal } = call.stack
  const boarded = flights.get(flight.key) === flight
  const gen = journal.gen()
  flight.asOf = instant(call.runtime)
  try {
    const found = await l2.read(call, {
      token: flight.token,
      unusable: flight.forced,
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
