/**
 * A store that is divided among several coordinators by the outermost namespace of its keys.
 *
 * @module
 */
import { InvalidOptionError } from '../src/errors.ts'
import type { CacheDriver, CreateDriverResult } from '../src/ports.ts'
import { shardedDriver } from '../src/sharded-driver.ts'
import { inShards } from '../src/shards.ts'
import type { BusDriver } from '../src/store.ts'

/** Options of {@link sharded}. */
export interface ShardedOptions {
  /**
   * Stores the keys are divided among: a whole number from 1 to 256. With another number entries are looked for
   * elsewhere, which leaves those that are stored out of reach.
   */
  readonly shards: number
  /** Beginning of their names: shard `i` is `name:i`; a single one is `name` itself. @default 'ekiben' */
  readonly name?: string | undefined
}

/**
 * Divides a layer among several coordinators, by the first namespace of a key, or by its text before the first colon.
 * `make` is called with the name of each. The L2 and the bus of a store are divided alike.
 *
 * What concerns one key or namespace costs one call as before; what concerns all of the root costs one for each shard.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) for a number of `shards` that is none.
 *
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { bentostore } from 'ekiben'
 * import { durableObjectDriver } from 'ekiben/drivers/durable-object'
 * import { sharded } from 'ekiben/drivers/sharded'
 *
 * const binding = () => env.COORDINATOR
 * const store = bentostore().useL2Layer(sharded({ shards: 8 }, (name) => durableObjectDriver({ binding, name })))
 * ```
 */
export function sharded<Driver extends CacheDriver | BusDriver>(
  { shards, name = 'ekiben' }: ShardedOptions,
  make: (name: string) => CreateDriverResult<Driver>,
): CreateDriverResult<Driver> {
  return inShards({ name, shards }, make, join)
}

/** One driver of all, for who uses it by itself. */
function join<Driver extends CacheDriver | BusDriver>(drivers: readonly Driver[]): Driver {
  if (drivers.some((driver) => 'coordinate' in driver)) {
    // Each shard has a journal of its own, so only a store, which knows the shard of a name, can be told by them.
    throw new InvalidOptionError({ option: 'shards', received: 'a use outside of useBus()', allowed: '1' })
  }
  return shardedDriver(drivers as readonly CacheDriver[]) as Driver
}
