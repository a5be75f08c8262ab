import { age, instant } from './clock.ts'
import { freshness } from './entry.ts'
import { L2CacheError } from './errors.ts'
import { type Factory, runFactory, SKIPPED } from './factory.ts'
import { enterPhase, type Flight, type Outcome } from './flight.ts'
import { forgives, gracedEntry } from './graced.ts'
import type { Start } from './l2.ts'
import type { CommitMode } from './ports.ts'
import { inBackground } from './runtime.ts'
import { type Call, tell } from './stack.ts'
import { type Draft, keep, makeDraft } from './write.ts'

/** What a leader needs on its way from the read to the value. */
export interface Production {
  readonly call: Call
  readonly flight: Flight
  readonly factory: Factory<unknown>
  /** Nobody waits for it, whatever the call says. */
  readonly early?: boolean
}

/**
 * From the read to the value: waits while another isolate holds the lease, runs the factory, keeps the result and
 * hands it to L2.
 */
export async function produce(production: Production, start: Start): Promise<Outcome> {
  const { call, flight } = production
  const { entry, stale, found } = start
  if (entry && !stale) return entry
  if (entry && call.settings.grace > 0 && freshness(entry, instant(call.runtime)) === 'backoff') {
    // Its factory has just failed here, and L1 only had to be checked.
    if (found?.lease) call.stack.l2?.release(call, flight.token)
    return 'elsewhere'
  }
  let ready: Start | 'elsewhere' = start
  if (found && !found.lease && !flight.forced) {
    const { grace, timeout } = call.settings
    // The leader's own caller is content with the expired value, and whoever holds the lease refreshes it.
    if (entry && grace > 0 && timeout === 0) return 'elsewhere'
    ready = (await call.stack.l2?.awaitLease(call, flight, start)) ?? start
  }
  if (ready === 'elsewhere') return ready
  return ready.entry && !ready.stale ? ready.entry : make(production, ready)
}

/** Runs the factory and keeps what it gives: in L1 at once, in L2 if nothing has changed since the read. */
export async function make(
  { call, flight, factory, early }: Production,
  { entry, found }: Start,
): Promise<Outcome> {
  const { stack, runtime, settings } = call
  const { journal, l2 } = stack
  const now = instant(runtime)
  const origin = { cursor: found?.head.seq ?? journal.seen(), gen: found?.gen ?? journal.gen(), asOf: now }
  const since = found?.head ?? journal.cursor()
  const lease = found?.lease
  const mode: CommitMode | undefined = lease
    ? { kind: 'lease', token: flight.token, grant: lease.grant }
    : since && { kind: 'free', since }
  const giveBack = (): void => void (lease && l2?.release(call, flight.token))
  const graced = gracedEntry(call, entry, now)
  const background = early ?? (graced !== undefined && settings.timeout === 0 && !flight.forced)
  enterPhase(flight, 'factory', now, flight.hardTimeout)
  try {
    const produced = await runFactory({ call, factory, background, deadline: flight.hardTimeout, graced })
    if (produced.value === SKIPPED) {
      giveBack()
      if (!background) tell(call, { type: 'miss' })
      return 'skipped'
    }
    const draft = makeDraft(call, produced.value, produced.settings, origin)
    enterPhase(flight, 'write', instant(runtime), 2 * stack.settings.l2Timeout)
    flight.made = true
    // What a takeover has made in the meantime is newer. Of a value that was asked for anew the coordinator judges.
    if (!keep(call, draft.entry) && !flight.forced) return draft.entry
    const written = write({ call, draft, mode, background }).then((told) => told ?? giveBack())
    // A store that has just been silent is not waited for a second time.
    if (settings.awaitWrites ?? (!runtime.waitUntil && (found || !l2))) await written
    else inBackground(runtime, written.catch(giveBack))
    return draft.entry
  } catch (error) {
    giveBack()
    // Spares a failing origin: for a while from now, the graced value is given without another try.
    if (graced && forgives(call, error))
      graced.backoffUntil = age(graced.born, instant(runtime)) + settings.graceBackoff
    throw error
  }
}

interface Written {
  readonly call: Call
  readonly draft: Draft
  readonly mode: CommitMode | undefined
  readonly background: boolean
}

/**
 * Hands the value to L2. A write that fails costs a factory elsewhere, never the caller's answer, unless asked to. What was
 * never set up right is no failure of L2.
 */
async function write({ call, draft, mode, background }: Written): Promise<boolean | undefined> {
  const { l2 } = call.stack
  try {
    const told = l2 && mode && (await l2.commit(call, draft, mode))
    if (told !== false) tell(call, { type: 'written', value: draft.value })
    return told
  } catch (error) {
    if (!(error instanceof L2CacheError) || !call.settings.suppressL2Errors) throw error
    tell(call, { type: 'written', value: draft.value })
    return undefined
  } finally {
    if (!background) tell(call, { type: 'miss' })
  }
}
