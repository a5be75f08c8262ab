import { inChunks } from './chunks.ts'
import type { CacheDriver } from './ports.ts'
import { shardOf } from './shard-of.ts'

/** Bentocache's contract over a store in shards. It does not coordinate: each shard has an order of its own. */
export function shardedDriver(shards: readonly CacheDriver[]): CacheDriver {
  const of = (key: string): CacheDriver => shards[shardOf(key, shards.length)] as CacheDriver
  const each = async (run: (shard: CacheDriver) => unknown): Promise<void> => {
    await inChunks(shards, 1, async (part) => {
      for (const shard of part) await run(shard)
    })
  }
  return {
    type: 'l2',
    limits: shards[0]?.limits ?? {},
    namespace: (name) => of(name).namespace(name),
    get: (key) => of(key).get(key),
    pull: (key) => of(key).pull(key),
    set: (key, value, ttl) => of(key).set(key, value, ttl),
    delete: (key) => of(key).delete(key),
    deleteMany: async (keys) => {
      const parts = new Map<CacheDriver, string[]>()
      for (const key of keys) parts.set(of(key), [...(parts.get(of(key)) ?? []), key])
      const done = await inChunks([...parts], 1, async (part) => {
        const all = part.map(async ([shard, own]) => shard.deleteMany(own))
        return (await Promise.all(all)).every(Boolean)
      })
      return done.every(Boolean)
    },
    clear: () => each((shard) => shard.clear()),
    prune: () => each((shard) => shard.prune?.()),
    disconnect: () => each((shard) => shard.disconnect()),
  }
}
