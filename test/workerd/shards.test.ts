import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { BentoCache, bentostore } from '../../adapters/cloudflare.ts'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { sharded } from '../../drivers/sharded.ts'
import { shardOf } from '../../src/shard-of.ts'

const SHARDS = 3

function isolate(): BentoCache {
  const l2 = sharded({ name: 'sharded', shards: SHARDS }, (name) =>
    durableObjectDriver({ binding: env.COORDINATOR, name }),
  )
  const store = bentostore({ awaitWrites: true }).useL1Layer(memoryDriver()).useL2Layer(l2)
  return new BentoCache({ default: 'main', stores: { main: store } })
}

test('a store in shards keeps each tenant in one object, and is cleared in all', async () => {
  const [a, b] = [isolate(), isolate()]
  const tenants = Array.from({ length: 12 }, (_, at) => `tenant${at}`)
  for (const tenant of tenants) {
    await a.namespace(tenant).getOrSet({ key: 'k', tags: ['t'], factory: () => tenant })
    expect(await b.get({ key: `${tenant}:k` })).toBe(tenant)
  }
  const objects = Array.from({ length: SHARDS }, (_, at) =>
    env.COORDINATOR.get(env.COORDINATOR.idFromName(`sharded:${at}`)),
  )
  const stats = await Promise.all(objects.map(async (object) => object.stats()))
  const expected = objects.map((_, at) => tenants.filter((tenant) => shardOf(tenant, SHARDS) === at).length)
  expect(stats.map(({ fillsStored }) => fillsStored)).toEqual(expected)
  expect(expected).not.toContain(0)
  await b.clear()
  const left = await Promise.all(tenants.map((tenant) => isolate().namespace(tenant).has({ key: 'k' })))
  expect(left).not.toContain(true)
  const after = await Promise.all(objects.map(async (object) => object.stats()))
  expect(after.map(({ calls }) => calls.invalidate)).toEqual([1, 1, 1])
})
