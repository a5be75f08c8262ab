import { age, type Instant, instant } from './clock.ts'
import { sleep } from './deadline.ts'
import { type Entry, freshness, valueOf } from './entry.ts'
import { L2CacheError } from './errors.ts'
import { type Factory, runFactory, SKIPPED } from './factory.ts'
import { enterPhase, type Flight, type Look, type Outcome } from './flight.ts'
import { FLIGHT_DEADLINE } from './options.ts'
import type { CommitMode } from './ports.ts'
import { type Found, readL2 } from './read-l2.ts'
import { inBackground } from './runtime.ts'
import { type Call, tell } from './stack.ts'
import { commit, draft, keep } from './write.ts'

/** First and longest pause before the lease is asked for again, in milliseconds. */
const FIRST_WAIT = 25
const LONGEST_WAIT = 250

/** What a leader knows when it has read L2; `found` is absent when L2 could not be asked. */
export interface Start extends Look {
  readonly found: Found | undefined
}

/** The leader's read: entry, lease and news in one trip. Without an answer the flight goes on blind. */
export async function look(call: Call, flight: Flight): Promise<Start> {
  const found = await readFor(call, flight)
  if (found?.entry) keep(call, found.entry)
  return { entry: found?.entry, stale: found?.stale ?? false, blind: !found, found }
}

async function readFor(call: Call, flight: Flight): Promise<Found | undefined> {
  const { flights, journal } = call.stack
  const boarded = flights.get(flight.key) === flight
  flight.asOf = instant(call.runtime)
  try {
    const onReply = (seq: number): void => void (flight.cursor = seq)
    const found = await readL2(call, { token: flight.token, forced: flight.forced, onReply })
    // Its own page cannot speak against what was read with it.
    if (boarded && found.gen === journal.gen && !flights.get(flight.key)) flights.put(flight)
    return found
  } catch (error) {
    if (error instanceof L2CacheError && call.settings.suppressL2Errors) return undefined
    throw error
  }
}

/** Whether the leader's own caller is content with the expired value and leaves the work to who holds the lease. */
function leavesItToOthers(call: Call, { entry, stale, found }: Start): boolean {
  const { grace, timeout } = call.settings
  return entry !== undefined && stale && !found?.lease && grace > 0 && timeout === 0
}

/**
 * From the read to the value: waits while another isolate holds the lease, runs the factory, keeps the result and
 * hands it to L2.
 */
export async function produce(
  call: Call,
  flight: Flight,
  start: Start,
  factory: Factory<unknown>,
): Promise<Outcome> {
  if (start.entry && !start.stale) return start.entry
  if (leavesItToOthers(call, start)) return 'elsewhere'
  const ready =
    start.found && !start.found.lease && !flight.forced ? await awaitLease(call, flight, start) : start
  if (ready === 'elsewhere') return ready
  if (ready.entry && !ready.stale) return ready.entry
  return make(call, flight, ready, factory)
}

/** Asks again, on timers of its own, until the value or the lease is there; then the factory runs without the lease. */
async function awaitLease(call: Call, flight: Flight, start: Start): Promise<Start | 'elsewhere'> {
  const { runtime, settings, stack } = call
  const begun = instant(runtime)
  const hasStale = start.entry !== undefined && settings.grace > 0
  const patience = Math.min(
    settings.lockTimeout,
    start.found?.leaseLeft ?? 0,
    hasStale ? settings.timeout : Infinity,
  )
  enterPhase(flight, begun, patience + 2 * stack.settings.l2Timeout)
  let latest = start
  for (let pause = FIRST_WAIT; ; pause = Math.min(pause * 2, LONGEST_WAIT)) {
    const left = patience - age(begun, instant(runtime))
    if (left < 1) break
    const ms = Math.min(pause * (0.75 + runtime.random() / 2), left)
    tell(call, { type: 'lease.wait', ms })
    await sleep(runtime, ms)
    const found = await readFor(call, flight)
    if (!found) return { ...latest, found: undefined, blind: true }
    if (found.entry) keep(call, found.entry)
    latest = { entry: found.entry, stale: found.stale, blind: false, found }
    if (found.lease || (found.entry && !found.stale)) return latest
  }
  return hasStale && settings.timeout !== Infinity && settings.timeout <= patience ? 'elsewhere' : latest
}

/** Runs the factory and keeps what it gives: in L1 at once, in L2 if nothing has changed since the read. */
async function make(call: Call, flight: Flight, start: Start, factory: Factory<unknown>): Promise<Outcome> {
  const { stack, runtime } = call
  const { found } = start
  const now = instant(runtime)
  const origin = {
    cursor: found?.page.head.seq ?? stack.journal.seen,
    gen: found?.gen ?? stack.journal.gen,
    asOf: now,
  }
  const mode = commitMode(call, flight, start)
  const graced = gracedEntry(call, start.entry, now)
  const background = graced !== undefined && call.settings.timeout === 0
  const giveBack = (): void => release(call, flight, start)
  flight.running = true
  enterPhase(flight, now, call.settings.hardTimeout ?? FLIGHT_DEADLINE)
  try {
    const produced = await runFactory({
      call,
      factory,
      background,
      deadline: flight.deadline,
      graced: graced && { value: valueOf(graced.body, stack.codec.serializer) },
    })
    if (produced.value === SKIPPED) {
      giveBack()
      return 'skipped'
    }
    const made = draft(call, produced.value, produced.settings, origin)
    // What a takeover has made in the meantime is newer.
    if (!keep(call, made.entry)) return made.entry
    const written = commit(call, made, mode).then(
      (stored) => stored ?? giveBack(),
      (error: unknown) => {
        giveBack()
        if (!call.settings.suppressL2Errors) throw error
      },
    )
    const told = written.finally(() => background || tell(call, { type: 'miss' }))
    if (call.settings.awaitWrites ?? !runtime.waitUntil) await told
    else inBackground(runtime, told)
    return made.entry
  } catch (error) {
    giveBack()
    if (graced) backOff(call, graced)
    throw error
  }
}

/** What the coordinator is asked to judge the write by; nothing is asked of one that was never heard of. */
function commitMode({ stack }: Call, { token }: Flight, { found }: Start): CommitMode | undefined {
  if (found?.lease) return { kind: 'lease', token, grant: found.lease.grant }
  const since = found?.page.head ?? stack.journal.cursor
  return since && { kind: 'free', since }
}

/** Gives an unused lease back, so that nobody waits for its end. */
function release({ stack, runtime, l2Key }: Call, { token }: Flight, { found }: Start): void {
  if (!found?.lease) return
  inBackground(runtime, stack.l2.call(runtime, 'release', { key: l2Key, token }))
}

/** The value that may be served if the factory fails: L2's own verdict, else what L1 still holds and may be trusted. */
export function gracedEntry(call: Call, found: Entry | undefined, now: Instant): Entry | undefined {
  const { stack, settings, id } = call
  if (settings.grace === 0) return undefined
  const entry = found ?? stack.l1?.find(id)
  if (!entry || freshness(entry, now) === 'dead') return undefined
  if (entry.gen !== stack.journal.gen || stack.journal.verdict(entry.l2Key, entry, entry.cursor) === 'hard')
    return undefined
  return stack.journal.trusts(entry.asOf, stack.settings.maxStaleness, now) ? entry : undefined
}

/** Spares a failing origin: for a while from now, the graced value is given without another try. */
function backOff({ runtime, settings }: Call, entry: Entry): void {
  entry.backoffUntil = age(entry.born, instant(runtime)) + settings.graceBackoff
}
