import { divideStack } from './divided-stack.ts'
import { InvalidOptionError } from './errors.ts'
import type { CreateDriverResult } from './ports.ts'

/** Most shards a store is divided into: what concerns all of it is one call for each. */
const MOST_SHARDS = 256

/** How a store is divided. */
export interface ShardOptions {
  /** What holds the store, such as an object or a database: itself if there is one shard, else the start of their names. */
  readonly name: string
  /** Whole number from 1 to 256. Default 1. */
  readonly shards?: number | undefined
}

/**
 * Divides a layer: `make` is called with the name of each shard, which is `name` itself where there is but one, else
 * `name:0`, `name:1` and so on. `join` makes one driver of all, for those who use it by itself. For authors of drivers.
 *
 * @throws {@link InvalidOptionError} for a number of shards that is none.
 */
export function inShards<Driver>(
  { name, shards = 1 }: ShardOptions,
  make: (name: string) => CreateDriverResult<Driver>,
  join: (drivers: readonly Driver[]) => Driver,
): CreateDriverResult<Driver> {
  if (!Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS) {
    throw new InvalidOptionError({
      option: 'shards',
      received: typeof shards === 'number' ? 'a number out of range' : typeof shards,
      allowed: `a whole number from 1 to ${MOST_SHARDS}`,
    })
  }
  if (shards === 1) return make(name)
  const parts = Array.from({ length: shards }, (_, index) => make(`${name}:${index}`))
  return {
    ...(parts[0] as CreateDriverResult<Driver>),
    shards: parts,
    divide: divideStack,
    factory: (config) => join(parts.map((part) => part.factory(config))),
  }
}
