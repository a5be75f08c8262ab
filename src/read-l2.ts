import type { PayloadPlace } from './codecs/codec.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { decode, type Entry } from './entry.ts'
import { InvalidOptionError } from './errors.ts'
import type { Guard } from './guard.ts'
import { type Found, namesOf, type ReadOptions, type Told } from './l2.ts'
import type { MaybePromise, ReadReply } from './ports.ts'
import { unseal } from './payload.ts'
import { valueFor } from './serve.ts'
import { type Call, tell } from './stack.ts'
import { checkSchema, fits } from './value-schema.ts'
import { makeEntry } from './write.ts'

/**
 * Reads a key from L2 in one round trip: entry, verdict, lease and news. A payload that cannot be read counts as
 * missing, which a second trip tells the coordinator when a lease was wanted.
 *
 * @throws {@link L2CacheError}
 */
export async function readL2(guard: Guard, call: Call, options: ReadOptions = {}): Promise<Found> {
  const { token, unusable, onReply } = options
  checkSchema(call.settings.schema)
  const request = {
    key: call.l2Key,
    ...namesOf(call),
    lease: token === undefined ? undefined : { token, ttl: leaseTtl(call) },
    unusable,
  }
  const told = await guard.ask(call.runtime, 'read', request, {
    onReply: ({ page }) => onReply?.(page.head.seq),
  })
  const { stale, lease, leaseLeft, page, entry: stored } = told.reply
  const opened = openEntry(call, told)
  const entry = opened instanceof Promise ? await opened : opened
  tell(call, {
    type: 'l2.read',
    found: entry ? (stale ? 'stale' : 'fresh') : 'nothing',
    lease: lease ? 'granted' : leaseLeft === undefined ? 'none' : 'refused',
  })
  if (stored && !entry) {
    tell(call, { type: 'unusable' })
    if (token !== undefined && unusable === undefined)
      return readL2(guard, call, { ...options, unusable: stored.version })
  }
  return { at: told.at, gen: told.gen, entry, stale, lease, leaseLeft, head: page.head }
}

/** Long enough for most factories, short enough to wait for when its holder died. */
const LEASE_TTL = 10_000

/** As long as anybody waits for the run, and the way back. Past its `hardTimeout` nobody does. */
function leaseTtl({ settings, stack }: Call): number {
  const { leaseTtl: given, hardTimeout } = settings
  if (given !== undefined || hardTimeout === undefined) return given ?? LEASE_TTL
  return hardTimeout + Math.min(stack.settings.l2Timeout, LEASE_TTL)
}

/**
 * Makes an entry of what the coordinator gave; `undefined` when the payload is corrupt, foreign, another key's, or does not
 * fit. At once, unless a codec or schema takes its time; who waits for that waits no longer than for L2.
 */
export function openEntry(
  call: Call,
  told: Told & { readonly reply: ReadReply },
): MaybePromise<Entry | undefined> {
  const stored = told.reply.entry
  const { codec } = call.stack.settings
  if (!stored || !codec) return stored && readEntry(call, told, stored.payload)
  const open = async (): Promise<Entry | undefined> => {
    const payload = await codec.open(stored.payload, placeOf(call, stored.namespaces))
    return payload === undefined ? undefined : readEntry(call, told, payload)
  }
  return inTime(call, open())
}

/** Where a payload belongs. An entry that is read by its parent lies where it was written. */
export function placeOf({ scope, id }: Call, namespaces: readonly string[]): PayloadPlace {
  return { key: scope.l2Key(id), namespace: namespaces.toSorted((a, b) => b.length - a.length)[0] ?? '' }
}

async function inTime<T>({ runtime, stack }: Call, work: Promise<T | undefined>): Promise<T | undefined> {
  const done = await within(runtime, work, stack.settings.l2Timeout).catch((error: unknown) => {
    // What was never set up right is no broken payload.
    if (error instanceof InvalidOptionError) throw error
    return undefined
  })
  return done === TIMED_OUT ? undefined : done
}

function readEntry(
  call: Call,
  { reply, at, gen }: Told & { readonly reply: ReadReply },
  text: string,
): MaybePromise<Entry | undefined> {
  const { stack, l2Key, settings } = call
  const stored = reply.entry
  const payload = stored && unseal(text)
  const fullKey = call.scope.l2Key(call.id)
  if (!stored || !payload || payload.key !== (l2Key === fullKey ? undefined : fullKey)) return undefined
  if (payload.schema !== stack.settings.schemaVersion) return undefined
  try {
    const nothing = payload.notes?.nothing
    const parts = {
      body: nothing ? { value: undefined } : decode(stack.codec, payload.text),
      notes: payload.notes,
      version: stored.version,
      created: payload.created,
      tags: stored.tags,
      namespaces: stored.namespaces,
      born: at,
      asOf: at,
      freshFor: reply.freshFor ?? Infinity,
      staleFor: reply.staleFor ?? Infinity,
      gen,
      cursor: reply.page.head.seq,
      soft: reply.stale,
    }
    const entry = makeEntry(call, parts, payload.text)
    if (!settings.schema || nothing) return entry
    const fit = fits(settings.schema, valueFor(call, entry))
    return fit instanceof Promise
      ? inTime(
          call,
          fit.then((good) => (good ? entry : undefined)),
        )
      : fit
        ? entry
        : undefined
  } catch {
    return undefined
  }
}
