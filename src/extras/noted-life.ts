import type { Notes } from '../entry.ts'
import type { Runtime } from '../ports.ts'
import type { ExtraSettings } from './extra-options.ts'

/** How much longer than its `ttl` a value is to be fresh, and what of that is noted with it. */
export function notedLife(
  { jitter, eagerRefresh }: ExtraSettings,
  runtime: Runtime,
  ttl: number,
): { readonly longer: number; readonly notes: Notes | undefined } {
  const longer = jitter > 0 ? Math.floor(runtime.random() * jitter) : 0
  // Noted only where somebody will ask: each note is sent to L2 and back.
  return { longer, notes: eagerRefresh < 1 && ttl < Infinity ? { ttl: ttl + longer } : undefined }
}
