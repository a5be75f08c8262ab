import { decode, type Entry } from './entry.ts'
import type { Guard } from './guard.ts'
import { type Found, namesOf, type ReadOptions, type Told } from './l2.ts'
import type { ReadReply } from './ports.ts'
import { unseal } from './payload.ts'
import { type Call, tell } from './stack.ts'
import { makeEntry } from './write.ts'

/**
 * Reads a key from L2 in one round trip: entry, verdict, lease and news. A payload that cannot be read counts as
 * missing, which a second trip tells the coordinator when a lease was wanted.
 *
 * @throws {@link L2CacheError}
 */
export async function readL2(guard: Guard, call: Call, options: ReadOptions = {}): Promise<Found> {
  const { token, unusable, onReply } = options
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
  const entry = openEntry(call, told)
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

/** Makes an entry of what the coordinator gave; `undefined` when the payload is corrupt, foreign or another key's. */
export function openEntry(
  call: Call,
  { reply, at, gen }: Told & { readonly reply: ReadReply },
): Entry | undefined {
  const { stack, l2Key } = call
  const stored = reply.entry
  const payload = stored && unseal(stored.payload)
  const fullKey = call.scope.l2Key(call.id)
  if (!stored || !payload || payload.key !== (l2Key === fullKey ? undefined : fullKey)) return undefined
  try {
    const parts = {
      body: payload.notes?.nothing ? { value: undefined } : decode(stack.codec, payload.text),
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
    return makeEntry(call, parts, payload.text)
  } catch {
    return undefined
  }
}
