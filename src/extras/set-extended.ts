import type { Cache, SetOptions } from '../cache.ts'
import { Made } from '../entry.ts'
import { operations } from '../operations.ts'
import { checkOptions } from '../options.ts'
import { set } from '../set.ts'
import { type ExtraOptions, extrasOf } from './extra-options.ts'
import { notedLife } from './noted-life.ts'
import { callOn, changing } from './reach.ts'

/** `set` with {@link ExtraOptions}: `jitter`; and for `eagerRefresh` it is noted how long the value was to be fresh. */
export function setExtended(cache: Cache, options: SetOptions & ExtraOptions): Promise<boolean> {
  checkOptions(options)
  const work = callOn(cache, options, (call) => {
    const life = notedLife(extrasOf(call.stack, options), call.runtime, call.settings.ttl)
    return operations.run(set, call, new Made({ value: options.value, ...life }))
  })
  return changing(cache, [options.key], work)
}
