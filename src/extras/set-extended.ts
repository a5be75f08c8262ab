import type { Cache, SetOptions } from '../cache.ts'
import { Made } from '../entry.ts'
import { operations } from '../operations.ts'
import { checkOptions } from '../options.ts'
import { set } from '../set.ts'
import { type ExtraOptions, extrasOf } from './extra-options.ts'
import { callOn, changing } from './reach.ts'

/** `set` with {@link ExtraOptions}: `jitter`. */
export function setExtended(cache: Cache, options: SetOptions & ExtraOptions): Promise<boolean> {
  checkOptions(options)
  const work = callOn(cache, options, (call) => {
    const { jitter } = extrasOf(call.stack, options)
    const longer = Math.floor(call.runtime.random() * jitter)
    const value = longer > 0 ? new Made({ value: options.value, longer }) : options.value
    return operations.run(set, call, value)
  })
  return changing(cache, [options.key], work)
}
