import type { Cache } from '../cache.ts'
import { checkList, checkOptions, invalid } from '../options.ts'
import type { Runtime } from '../ports.ts'
import type { Call, Stack } from '../stack.ts'
import { type Batched, batchStack, type FlightWatch } from './batched-stack.ts'
import { derivedRuntime } from './derived-runtime.ts'
import { callOn } from './reach.ts'

/** Many keys of one operation: a call for each, in stores whose calls go out together. */
export interface ManyCalls {
  readonly calls: ReadonlyMap<string, Call>
  readonly batches: readonly Batched[]
}

/**
 * Makes the calls of an operation on many keys, one for each distinct key. All pause alike where a single one would
 * pause at random: so they ask again together.
 */
export async function callsOn(
  cache: Cache,
  keys: readonly string[],
  optionsOf: (key: string) => object,
  watch?: FlightWatch,
): Promise<ManyCalls> {
  const batches = new Map<Stack, Batched>()
  let token: string | undefined
  let chance: number | undefined
  const made = await Promise.all(
    keys.map((key) =>
      callOn(cache, { ...optionsOf(key), key }, async (call): Promise<readonly [string, Call]> => {
        token ??= call.runtime.randomId()
        chance ??= call.runtime.random()
        const runtime = pausing(call.runtime, chance)
        const batch = batches.get(call.stack) ?? batchStack(call.stack, runtime, token, watch)
        batches.set(call.stack, batch)
        return [key, { ...call, stack: batch.stack, runtime, token }]
      }),
    ),
  )
  return { calls: new Map(made), batches: [...batches.values()] }
}

/** All pause alike where a single one would pause at random. */
function pausing(runtime: Runtime, chance: number): Runtime {
  return Object.assign(derivedRuntime(runtime), { random: () => chance })
}

/** @throws {@link InvalidOptionError} unless `options` is an object with a list of keys. Repeated keys are asked for once. */
export function distinctKeys(options: { readonly keys: readonly string[] }): readonly string[] {
  checkOptions(options)
  if (!Array.isArray(options.keys)) invalid('keys', options.keys, 'an array of strings')
  return checkList(options.keys, 'keys')
}
