import { type Entry, valueOf } from './entry.ts'
import type { Call } from './stack.ts'

/** The caller's own copy of a value. */
export function valueFor({ stack }: Call, entry: Entry): unknown {
  return valueOf(entry.body, stack.codec.serializer)
}

/** Hands a value out of a tier. */
export function serve(call: Call, entry: Entry, layer: 'l1' | 'l2', graced: boolean): unknown {
  const value = valueFor(call, entry)
  const { trace, name: store } = call.stack
  if (trace.active) trace.tell({ type: `${layer}.hit`, store, key: call.key, graced, value })
  return value
}

/** Hands an expired value out, and says why. */
export function serveStale(
  call: Call,
  entry: Entry,
  layer: 'l1' | 'l2',
  reason: 'refresh' | 'timeout' | 'error' | 'outage',
): unknown {
  const { trace, name: store } = call.stack
  if (trace.active) trace.tell({ type: 'stale.served', store, key: call.key, reason })
  return serve(call, entry, layer, true)
}
