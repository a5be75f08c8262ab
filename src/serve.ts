import { type Entry, valueOf } from './entry.ts'
import { type Call, tell } from './stack.ts'

/** The caller's own copy of a value. */
export function valueFor({ stack }: Call, entry: Entry): unknown {
  return valueOf(entry.body, stack.codec.serializer)
}

/** Hands a value out of a tier. */
export function serve(call: Call, entry: Entry, layer: 'l1' | 'l2', graced: boolean): unknown {
  const value = valueFor(call, entry)
  if (call.stack.trace.active) tell(call, { type: `${layer}.hit`, graced, value })
  return value
}

/** Hands an expired value out, and says why. */
export function serveStale(
  call: Call,
  entry: Entry,
  layer: 'l1' | 'l2',
  reason: 'refresh' | 'timeout' | 'error' | 'outage',
): unknown {
  tell(call, { type: 'stale.served', reason })
  return serve(call, entry, layer, true)
}
