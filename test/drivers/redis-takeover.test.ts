import { BentoCache as Bentocache, bentostore as theirStore } from 'bentocache'
import { memoryDriver as theirMemory } from 'bentocache/drivers/memory'
import { redisDriver as theirRedis } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { redisDriver } from '../../drivers/redis.ts'
import { BentoCache, type BentoStore, bentostore, type Step } from '../../src/index.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// A store that Bentocache 1.x has filled is taken over warm.

let server: RedisServer
let redis: Redis
let theirs: Bentocache<{ main: ReturnType<typeof theirStore> }>
let ours: BentoCache<{ main: BentoStore }>

beforeEach(async () => {
  server = await openRedis()
  redis = new Redis(server.port)
  theirs = makeTheirs()
  ours = makeOurs()
})

afterEach(async () => {
  await theirs.disconnectAll()
  await ours.disconnectAll()
  redis.disconnect()
  await server.close()
})

function makeTheirs() {
  const connection = new Redis(server.port)
  const main = theirStore({ ttl: '10m' }).useL1Layer(theirMemory()).useL2Layer(theirRedis({ connection }))
  return new Bentocache({ default: 'main', stores: { main } })
}

function makeOurs() {
  const main = bentostore({ ttl: '10m' })
    .useL1Layer(memoryDriver())
    .useL2Layer(redisDriver({ connection: { port: server.port } }))
  return new BentoCache({ default: 'main', stores: { main } })
}

/** A factory that must not run. */
const never = (): never => {
  throw new Error('there is a value')
}

test('values of every kind are found where Bentocache left them', async () => {
  const values = {
    text: '123',
    number: 0,
    truth: false,
    nothing: null,
    list: [1, { a: '\u{1f371}\n' }],
    empty: '',
  }
  for (const [key, value] of Object.entries(values)) {
    await theirs.set({ key, value })
    expect([key, await ours.getOrSet({ key, factory: never })]).toEqual([key, value])
  }
  await theirs.setForever({ key: 'for ever', value: 1 })
  expect(await ours.getOrSet({ key: 'for ever', factory: never })).toBe(1)
})

test('a large value without an end is found at once: no pattern goes over it again and again', async () => {
  const value = '"logicalExpiration" "createdAt":'.repeat(60_000)
  await theirs.setForever({ key: 'k', value })
  expect(await ours.getOrSet({ key: 'k', factory: never })).toBe(value)
})

test('namespaces are the same', async () => {
  await theirs.namespace('users').namespace('admins').set({ key: '1', value: 'Ada' })
  expect(await ours.namespace('users').namespace('admins').get({ key: '1' })).toBe('Ada')
  expect(await ours.get({ key: 'users:admins:1' })).toBe('Ada')
})

test('what has expired is computed, or given as graced', async () => {
  await theirs.set({ key: 'k', value: 'old', ttl: '1m', grace: '1h' })
  await theirs.expire({ key: 'k' })
  expect(await ours.get({ key: 'k' })).toBeUndefined()
  expect(await ours.get({ key: 'k', grace: '1h' })).toBe('old')
  expect(await ours.getOrSet({ key: 'k', factory: () => 'new' })).toBe('new')
  expect(await makeOurs().get({ key: 'k' })).toBe('new')
})

test('tags deleted by Bentocache, before or after, are deleted', async () => {
  await theirs.set({ key: 'a', value: 1, tags: ['x'] })
  await theirs.set({ key: 'b', value: 2, tags: ['x', 'y'] })
  await theirs.set({ key: 'c', value: 3, tags: ['z'] })
  expect(await ours.getOrSet({ key: 'b', factory: never })).toBe(2)
  await theirs.deleteByTag({ tags: ['y'] })
  const fresh = makeOurs()
  expect([
    await fresh.get({ key: 'a' }),
    await fresh.get({ key: 'b' }),
    await fresh.get({ key: 'c' }),
  ]).toEqual([1, undefined, 3])
  await fresh.disconnect()
})

test('the first tag or namespace that we delete ends them all, since they bear no stamp to tell them by', async () => {
  await theirs.set({ key: 'a', value: 1, tags: ['x'] })
  await theirs.set({ key: 'b', value: 2 })
  // Written by a clock that was ahead.
  await redis.set('bentocache:c', JSON.stringify({ value: 3, tags: [], createdAt: Date.now() + 86_400_000 }))
  expect([await ours.get({ key: 'a' }), await ours.get({ key: 'c' })]).toEqual([1, 3])
  expect(await ours.deleteByTag({ tags: ['x'] })).toBe(true)
  const fresh = makeOurs()
  expect([await ours.get({ key: 'a' }), await fresh.get({ key: 'b' })]).toEqual([undefined, undefined])
  expect(await fresh.get({ key: 'c' })).toBeUndefined()
  await fresh.disconnect()
})

test('the loss of the epochs ends them too: nobody knows any longer whether anything was ended', async () => {
  await theirs.set({ key: 'a', value: 1 })
  expect(await ours.get({ key: 'a' })).toBe(1)
  await ours.clear()
  await redis.del('___ekiben:bentocache:epochs')
  const fresh = makeOurs()
  expect(await fresh.get({ key: 'a' })).toBeUndefined()
  await fresh.disconnect()
})

test('one whose tag Bentocache deleted is leased like any that is missing', async () => {
  await theirs.set({ key: 'k', value: 'old', tags: ['x'] })
  await theirs.deleteByTag({ tags: ['x'] })
  const steps: Step[] = []
  ours.onTrace((step) => void steps.push(step))
  expect(await ours.getOrSet({ key: 'k', factory: () => 'new' })).toBe('new')
  expect(steps.find(({ type }) => type === 'l2.read')).toMatchObject({ found: 'nothing', lease: 'granted' })
})

test('a key is set, expired, deleted and pulled as any other', async () => {
  for (const key of ['set', 'expired', 'deleted', 'pulled']) await theirs.set({ key, value: 'old' })
  await ours.set({ key: 'set', value: 'new' })
  await ours.expire({ key: 'expired' })
  expect(await ours.delete({ key: 'deleted' })).toBe(true)
  expect([await ours.pull('pulled'), await ours.pull('pulled')]).toEqual(['old', undefined])
  const fresh = makeOurs()
  expect([
    await fresh.get({ key: 'set' }),
    await fresh.get({ key: 'expired' }),
    await fresh.get({ key: 'expired', grace: '1h' }),
    await fresh.get({ key: 'deleted' }),
  ]).toEqual(['new', undefined, 'old', undefined])
  await fresh.disconnect()
})

test.each(['{"value":', '{"value":1', '{"value":1}', '{"value":1,"createdAt":"x"}', '{"other":1}', '<html>'])(
  'what is none of an entry (%s) is a miss',
  async (text) => {
    await redis.set('bentocache:k', text)
    expect(await ours.get({ key: 'k' })).toBeUndefined()
    expect(await ours.getOrSet({ key: 'k', factory: () => 'made' })).toBe('made')
  },
)
