import { type Instant, instant } from './clock.ts'
import { decode, type Entry } from './entry.ts'
import { utf8Length } from './key.ts'
import type { Page, ReadReply } from './ports.ts'
import { unseal } from './payload.ts'
import { type Call, tell } from './stack.ts'

/** What one read of L2 told, already compared with the journal. */
export interface Found {
  /** Decoded; absent when missing, dead or unusable. */
  readonly entry: Entry | undefined
  readonly stale: boolean
  readonly lease: ReadReply['lease']
  readonly leaseLeft: number | undefined
  /** The journal's end at the read. */
  readonly page: Page
  /** The journal's generation the read belongs to; its entry may be kept only while that lasts. */
  readonly gen: number
  readonly sentAt: Instant
}

export interface ReadOptions {
  /** Ask for the lease under this token, if the entry is missing or stale. */
  readonly token?: string
  /** Count any entry as missing. */
  readonly forced?: boolean
  /** Told the place of the read before its page is taken in. */
  readonly onReply?: (seq: number) => void
}

/**
 * Reads a key from L2 in one round trip: entry, verdict, lease and news. A payload that cannot be read counts as
 * missing, which a second trip tells the coordinator when a lease was wanted.
 *
 * @throws {@link L2CacheError}
 */
export async function readL2(call: Call, options: ReadOptions = {}): Promise<Found> {
  const found = await readOnce(call, options, options.forced ? '*' : undefined)
  if (found.unusable === undefined || options.token === undefined) return found
  return readOnce(call, options, found.unusable)
}

async function readOnce(
  call: Call,
  { token, onReply }: ReadOptions,
  unusable: string | undefined,
): Promise<Found & { unusable?: string }> {
  const { stack, scope, settings, runtime, l2Key } = call
  const { journal } = stack
  const sent = journal.sent(instant(runtime))
  const reply = await stack.l2.call(runtime, 'read', {
    key: l2Key,
    tags: scope.tags(settings.tags),
    namespaces: scope.namespaces,
    lease: token === undefined ? undefined : { token, ttl: leaseTtl(call) },
    unusable,
    cursor: journal.cursor,
  })
  onReply?.(reply.page.head.seq)
  const applied = stack.journal.apply(reply.page, sent, instant(runtime))
  const gen = applied ? journal.gen : sent.gen
  const entry = reply.entry && openEntry(call, reply, sent.at, gen)
  const { stale, lease, leaseLeft, page } = reply
  tell(call, {
    type: 'l2.read',
    found: entry === undefined ? 'nothing' : stale ? 'stale' : 'fresh',
    lease: lease ? 'granted' : leaseLeft === undefined ? 'none' : 'refused',
  })
  if (reply.entry && !entry) tell(call, { type: 'unusable' })
  const found = { entry, stale, lease, leaseLeft, page, gen, sentAt: sent.at }
  return reply.entry && !entry ? { ...found, unusable: reply.entry.version } : found
}

/** Long enough for most factories, short enough to wait for when its holder died. */
const LEASE_TTL = 10_000

/** Past its `hardTimeout` nobody waits for a run, so its lease need not last longer than that and the way back. */
function leaseTtl({ settings, stack }: Call): number {
  const { leaseTtl: given, hardTimeout } = settings
  return (
    given ??
    (hardTimeout === undefined ? LEASE_TTL : hardTimeout + Math.min(stack.settings.l2Timeout, LEASE_TTL))
  )
}

/** Makes an entry of what the coordinator gave; `undefined` when the payload is corrupt, foreign or another key's. */
export function openEntry(call: Call, reply: ReadReply, sentAt: Instant, gen: number): Entry | undefined {
  const { stack, scope, id, l2Key } = call
  const { l1Ttl = Infinity } = stack.settings
  const stored = reply.entry
  const payload = stored && unseal(stored.payload)
  if (!stored || !payload) return undefined
  const fullKey = scope.l2Key(id)
  if (l2Key !== fullKey && payload.key !== fullKey) return undefined
  try {
    return {
      key: id,
      l2Key,
      body: decode(stack.codec, payload.text),
      tags: stored.tags,
      namespaces: stored.namespaces,
      born: sentAt,
      asOf: sentAt,
      freshFor: Math.min(reply.freshFor ?? Infinity, l1Ttl),
      staleFor: Math.min(reply.staleFor ?? Infinity, l1Ttl),
      gen,
      cursor: reply.page.head.seq,
      soft: reply.stale,
      backoffUntil: 0,
      bytes: stack.weigh(id, payload.text),
      visited: false,
      newer: undefined,
      older: undefined,
    }
  } catch {
    return undefined
  }
}

/** Whether the store takes a payload of this size. */
export function fitsL2({ stack }: Call, payload: string): boolean {
  const { maxValueBytes } = stack.l2.limits
  return (
    maxValueBytes === undefined || payload.length * 3 <= maxValueBytes || utf8Length(payload) <= maxValueBytes
  )
}
