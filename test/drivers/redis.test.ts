import { once } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { redisBusDriver, type RedisConnection, redisDriver, type RedisOptions } from '../../drivers/redis.ts'
import { redisCoordination } from '../../drivers/redis-protocol/coordination.ts'
import { makeEvaluate } from '../../drivers/redis-protocol/evaluate.ts'
import { nameKeys } from '../../drivers/redis-protocol/names.ts'
import { coordinatedDriver } from '../../src/coordinated-driver.ts'
import { BentoCache, bentostore } from '../../src/index.ts'
import type { Push, Subscriber } from '../../src/ports.ts'
import { bentocacheDriverSuite } from '../support/bentocache-driver-suite.ts'
import { manualAtomics, manualRedis } from '../support/manual-redis.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

let server: RedisServer
const opened: { disconnect(): unknown }[] = []

beforeAll(async () => {
  server = await openRedis()
})

afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.disconnect()
})

afterAll(() => server.close())

function connect(): Redis {
  const redis = new Redis(server.port)
  opened.push(redis)
  return redis
}

function cache(options: Partial<RedisOptions> = {}, { bus = false } = {}) {
  const connection = options.connection ?? { host: '127.0.0.1', port: server.port }
  const main = bentostore()
    .useL1Layer(memoryDriver())
    .useL2Layer(redisDriver({ ...options, connection }))
  if (bus) main.useBus(redisBusDriver({ connection }))
  const bento = new BentoCache({ default: 'main', stores: { main } })
  opened.push(bento)
  return bento
}

describe('Bentocache’s driver suite', () => {
  const clock = { now: 1_900_000_000_000 }
  let redis: Redis | undefined
  const send = (command: readonly string[]): Promise<unknown> => {
    redis ??= new Redis(server.port)
    return redis.call(command[0] ?? '', ...command.slice(1))
  }
  afterAll(() => redis?.disconnect())

  bentocacheDriverSuite('on Redis', {
    makeDriver: (prefix) => {
      const coordination = manualRedis(send, () => clock.now, prefix)
      const atomics = manualAtomics(send, () => clock.now, prefix)
      return coordinatedDriver({ coordination, atomics, limits: {}, disconnect: async () => {} }, prefix)
    },
    pass: (ms) => {
      clock.now += ms
    },
  })
})

describe('redisDriver', () => {
  beforeEach(() => connect().flushall())

  test('takes a connection or what makes one', async () => {
    const one = cache()
    const two = cache({ connection: connect() })
    await one.set({ key: 'k', value: { a: '\u{1f371}' }, tags: ['t'] })
    expect(await two.get({ key: 'k' })).toEqual({ a: '\u{1f371}' })
    await two.deleteByTag({ tags: ['t'] })
    expect(await cache().get({ key: 'k' })).toBeUndefined()
  })

  test('keeps to a key prefix of the connection', async () => {
    const connection = new Redis(server.port, { keyPrefix: 'mine:' })
    opened.push(connection)
    const bento = cache({ connection })
    await bento.set({ key: 'k', value: 1 })
    expect(await cache({ connection }).get({ key: 'k' })).toBe(1)
    expect((await connect().keys('*')).filter((key) => !key.startsWith('mine:'))).toEqual([])
    expect(await cache().get({ key: 'k' })).toBeUndefined()
  })

  test('lets a value end by Redis itself', async () => {
    const driver = redisDriver({ connection: connect() }).factory({ prefix: 'p' })
    await driver.set('k', 'v', 30)
    expect(await driver.get('k')).toBe('v')
    const redis = connect()
    const end = Date.now() + 5_000
    while ((await redis.exists('p:k')) === 1 && Date.now() < end) await redis.echo('again')
    expect([await driver.get('k'), await redis.exists('p:k')]).toEqual([undefined, 0])
  })

  test('fails by a word when there is no Redis, and the cache goes on', async () => {
    const connection = new Redis({
      port: 1,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: null,
    })
    connection.on('error', () => {})
    opened.push(connection)
    const driver = redisDriver({ connection }).factory({ prefix: 'p' })
    await expect(driver.get('secret')).rejects.toMatchObject({
      code: 'E_STORE',
      reason: 'it cannot be reached',
    })
    expect(await cache({ connection }).getOrSet({ key: 'k', factory: () => 'made' })).toBe('made')
  })

  test.each([[undefined], [null], ['redis://127.0.0.1'], [6379]])(
    'refuses %j as a connection',
    (connection) => {
      const make = () => redisDriver({ connection } as unknown as RedisOptions)
      expect(make).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'connection' }))
      expect(() => redisBusDriver(undefined as never)).toThrow(
        expect.objectContaining({ option: 'connection' }),
      )
    },
  )

  test('closes what it opened and what it was given, as Bentocache does', async () => {
    const connection = connect()
    const bento = cache({ connection }, { bus: true })
    await bento.set({ key: 'k', value: 1 })
    await bento.disconnect()
    expect(connection.status).toBe('end')
  })
})

describe('a subscription', () => {
  beforeEach(() => connect().flushall())

  /** Hears what one connection hears. */
  function listen(prefix = 'p') {
    const told: string[] = []
    const pushes: (Push | undefined)[] = []
    const waiting = new Set<() => void>()
    const note = (what: string): void => {
      told.push(what)
      for (const look of waiting) look()
    }
    const subscriber: Subscriber = {
      onOpen: () => note('open'),
      onAlive: () => {},
      onPush: (push) => {
        pushes.push(push)
        note('push')
      },
      onEnd: () => note('end'),
    }
    const connection = connect()
    const bus = redisBusDriver({ connection }).factory({ prefix })
    if (!('coordinate' in bus)) throw new Error('no bus')
    const coordination = bus.coordinate(undefined)
    const subscription = coordination.subscribe!(subscriber)
    const until = (what: string, count = 1): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (told.filter((one) => one === what).length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    return { told, pushes, coordination, subscription, until, connection }
  }

  test('hears each change with what it followed on, and no other store’s', async () => {
    const { until, pushes, coordination } = listen()
    await until('open')
    const other = redisBusDriver({ connection: connect() }).factory({ prefix: 'q' })
    if ('coordinate' in other) await other.coordinate(undefined).invalidate({ events: [key('q:k')] })
    await coordination.invalidate({ events: [key('p:a'), { kind: 'tag', name: 'p#t', soft: true }] })
    await coordination.invalidate({ events: [{ kind: 'namespace', name: 'p', soft: false }] })
    await until('push', 2)
    expect(pushes.map((push) => push?.page.events)).toEqual([
      [
        { seq: 2, kind: 'key', name: 'p:a', soft: false },
        { seq: 3, kind: 'tag', name: 'p#t', soft: true },
      ],
      [{ seq: 4, kind: 'namespace', name: 'p', soft: false }],
    ])
    expect(pushes[1]?.after).toEqual(pushes[0]?.page.head)
  })

  test('that is cut is over, once; one that is closed says nothing more', async () => {
    const cut = listen()
    const closed = listen('r')
    await Promise.all([cut.until('open'), closed.until('open')])
    closed.subscription.close()
    await connect().client('KILL', 'TYPE', 'pubsub')
    await cut.until('end')
    expect([cut.told, closed.told]).toEqual([['open', 'end'], ['open']])
  })

  const key = (name: string) => ({ kind: 'key', name, soft: false }) as const
})

describe('what is closed', () => {
  test('before its connection is there opens none', async () => {
    const made = { disconnect: vi.fn(), on: vi.fn(), subscribe: vi.fn(async () => {}) }
    const connection = { call: async () => {}, duplicate: () => made } as unknown as RedisConnection
    const bus = redisBusDriver({ connection }).factory({})
    if (!('coordinate' in bus)) throw new Error('no bus')
    const onEnd = vi.fn()
    const subscriber: Subscriber = { onOpen: vi.fn(), onAlive: vi.fn(), onPush: vi.fn(), onEnd }
    bus.coordinate(undefined).subscribe!(subscriber).close()
    await vi.waitFor(() => expect(made.disconnect).toHaveBeenCalled())
    expect([made.subscribe.mock.calls, onEnd.mock.calls]).toEqual([[], []])
  })

  test('while the package loads stays closed', async () => {
    const driver = redisDriver({ connection: { port: server.port } }).factory({})
    const reading = driver.get('k')
    await driver.disconnect()
    await expect(reading).rejects.toMatchObject({ code: 'E_STORE' })
    await expect(driver.get('k')).rejects.toMatchObject({ code: 'E_STORE' })
  })
})

describe('in a cluster', () => {
  test('a prefix with a brace is refused: it would end the hash tag', () => {
    expect(() => redisDriver({ connection: {}, cluster: true, prefix: 'a}b' })).toThrow(
      expect.objectContaining({ option: 'prefix' }),
    )
  })

  let node: RedisServer
  let cluster: Cluster

  beforeAll(async () => {
    node = await openRedis({ cluster: true })
    cluster = new Cluster([{ host: '127.0.0.1', port: node.port }])
    await once(cluster, 'ready')
  })

  afterAll(async () => {
    cluster.disconnect()
    await node.close()
  })

  test('all keys of a store lie in one slot, and everything works', async () => {
    const make = () => cache({ connection: cluster as never })
    const [one, two] = [make(), make()]
    const users = one.namespace('users')
    expect(await users.getOrSet({ key: '1', tags: ['t'], factory: () => 'Ada' })).toBe('Ada')
    expect(await two.get({ key: 'users:1' })).toBe('Ada')
    expect(await users.deleteByTag({ tags: ['t'] })).toBe(true)
    expect(await make().get({ key: 'users:1' })).toBeUndefined()
    await one.set({ key: 'k', value: 1 })
    expect(await one.deleteMany({ keys: ['k', 'l'] })).toBe(true)
    const slots = new Set<unknown>()
    for (const name of await cluster.keys('*')) slots.add(await cluster.cluster('KEYSLOT', name))
    expect(slots.size).toBe(1)
    opened.length = 0
  })

  test('without the hash tag the keys of one script lie in several', async () => {
    const send = (command: readonly string[]): Promise<unknown> =>
      cluster.call(command[0]!, ...command.slice(1))
    const apart = redisCoordination(
      makeEvaluate(send, { locking: false, replicas: true }),
      nameKeys('p', false),
    )
    await expect(apart.pull({})).rejects.toThrow(/CROSSSLOT/)
  })
})
