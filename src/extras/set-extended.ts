import type { Cache, SetOptions } from '../cache.ts'
import { Made } from '../entry.ts'
import { operations } from '../operations.ts'
import { checkOptions } from '../options.ts'
import { set } from '../set.ts'
import { type ExtraOptions, extrasOf } from './extra-options.ts'
import { callOn, changing } from './reach.ts'

/** `set` with {@link ExtraOptions}: `jitter`; and for `eagerRefresh` it is noted how long the value was to be fresh. */
export function setExtended(cache: Cache, options: SetOptions & ExtraOptions): Promise<boolean> {
  checkOptions(options)
  const work = callOn(cache, options, (call) => {
    const { jitter, eagerRefresh } = extrasOf(call.stack, options)
    const longer = Math.floor(call.runtime.random() * jitter)
    const ttl = call.settings.ttl + longer
    const notes = eagerRefresh < 1 && ttl < Infinity ? { ttl } : undefined
    const value = longer > 0 || notes ? new Made({ value: options.value, notes, longer }) : options.value
    return operations.run(set, call, value)
  })
  return changing(cache, [options.key], work)
}
