import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileDriver } from 'bentocache/drivers/file'
import { kyselyDriver } from 'bentocache/drivers/kysely'
import { redisDriver as theirRedisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BentoCache, bentostore, type CreateDriverResult, type StoreOptions } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { BaseDriver } from '../../src/base-driver.ts'
import type { L2CacheDriver } from '../../src/types.ts'
import { openKysely } from '../support/kysely-sqlite.ts'
import { openRedis } from '../support/redis-server.ts'

// Drivers that were not written for this cache, unchanged, as a process of Node would use them.

/** A store, and a driver for each process that uses it. */
interface Store {
  driver(): CreateDriverResult
  close(): unknown
}

class BasedDriver extends BaseDriver implements L2CacheDriver {
  readonly type = 'l2' as const
  readonly #texts: Map<string, string>

  constructor(config: { prefix?: string }, texts: Map<string, string>) {
    super(config)
    this.#texts = texts
  }
  namespace(name: string): BasedDriver {
    return new BasedDriver({ prefix: this.createNamespacePrefix(name) }, this.#texts)
  }
  async get(key: string): Promise<string | undefined> {
    return this.#texts.get(this.getItemKey(key))
  }
  async pull(key: string): Promise<string | undefined> {
    const text = await this.get(key)
    await this.delete(key)
    return text
  }
  async set(key: string, text: string): Promise<boolean> {
    this.#texts.set(this.getItemKey(key), text)
    return true
  }
  async delete(key: string): Promise<boolean> {
    return this.#texts.delete(this.getItemKey(key))
  }
  async deleteMany(keys: string[]): Promise<boolean> {
    for (const key of keys) await this.delete(key)
    return true
  }
  async clear(): Promise<void> {
    for (const key of this.#texts.keys()) if (key.startsWith(this.getItemKey(''))) this.#texts.delete(key)
  }
  async disconnect(): Promise<void> {}
}

/** The least that is a driver, as a class of its own: what is absent is `null` in the store it wraps. */
class PlainDriver {
  readonly type = 'l2'
  readonly #prefix: string
  readonly #texts: Map<string, string | null>

  constructor(prefix: string, texts: Map<string, string | null>) {
    this.#prefix = prefix
    this.#texts = texts
  }
  namespace(name: string): PlainDriver {
    return new PlainDriver(`${this.#prefix}${name}:`, this.#texts)
  }
  get = async (key: string) => this.#texts.get(this.#prefix + key) ?? undefined
  pull = async (key: string) => {
    const text = await this.get(key)
    this.#texts.delete(this.#prefix + key)
    return text
  }
  set = async (key: string, text: string) => Boolean(this.#texts.set(this.#prefix + key, text))
  delete = async (key: string) => this.#texts.delete(this.#prefix + key)
  deleteMany = async (keys: string[]) =>
    keys.map((key) => this.#texts.delete(this.#prefix + key)).every(Boolean)
  clear = async () => {
    for (const key of this.#texts.keys()) if (key.startsWith(this.#prefix)) this.#texts.delete(key)
  }
  disconnect = async () => {}
}

const STORES: readonly (readonly [name: string, open: () => Promise<Store>])[] = [
  [
    'bentocache/drivers/redis',
    async () => {
      const server = await openRedis()
      return {
        driver: () => theirRedisDriver({ connection: new Redis(server.port) }),
        close: () => server.close(),
      }
    },
  ],
  [
    'bentocache/drivers/file',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'ekiben-file-'))
      return {
        driver: () => fileDriver({ directory, pruneInterval: false }),
        close: () => rmSync(directory, { recursive: true }),
      }
    },
  ],
  [
    'bentocache/drivers/kysely',
    async () => {
      const connection = openKysely()
      return {
        // One connection for both processes: the database lives in it.
        driver: () => {
          const { options, factory } = kyselyDriver({ connection, pruneInterval: false })
          return {
            options,
            factory: (config) => Object.assign(factory(config), { disconnect: async () => {} }),
          }
        },
        close: () => connection.destroy(),
      }
    },
  ],
  [
    'a class on BaseDriver',
    async () => {
      const texts = new Map<string, string>()
      return {
        driver: () => ({
          options: {},
          factory: (config) => new BasedDriver(config as { prefix?: string }, texts),
        }),
        close: () => {},
      }
    },
  ],
  [
    'a plain class',
    async () => {
      const texts = new Map<string, string | null>()
      return {
        driver: () => ({ options: {}, factory: ({ prefix }) => new PlainDriver(`${prefix}:`, texts) }),
        close: () => {},
      }
    },
  ],
]

describe.each(STORES)('%s', (_, open) => {
  let store: Store
  let opened: BentoCache[]
  let passed: number

  beforeEach(async () => {
    opened = []
    passed = 0
    store = await open()
    const now = Date.now
    vi.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + passed)
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    for (const bento of opened) await bento.disconnectAll()
    await store.close()
  })

  /** A process of its own: another memory, the same store. */
  function start(options: StoreOptions = {}) {
    const main = bentostore({ ttl: '1m', ...options })
      .useL1Layer(memoryDriver())
      .useL2Layer(store.driver())
    const bento = new BentoCache({ default: 'main', stores: { main } })
    opened.push(bento)
    const layers: string[] = []
    bento.on('cache:hit', ({ layer, graced }) => void layers.push(graced ? `${layer} graced` : layer))
    return { bento, layers }
  }
  const never = (): never => {
    throw new Error('there is a value')
  }

  test('a value is made once, found in memory, and by another process in the store', async () => {
    const [one, two] = [start(), start()]
    const factory = vi.fn(() => ({ name: '駅弁', n: [1, null] }))
    expect(await one.bento.getOrSet({ key: 'k', factory })).toEqual({ name: '駅弁', n: [1, null] })
    expect(await one.bento.getOrSet({ key: 'k', factory })).toEqual({ name: '駅弁', n: [1, null] })
    expect(await two.bento.getOrSet({ key: 'k', factory })).toEqual({ name: '駅弁', n: [1, null] })
    expect(one.layers).toEqual(['l1'])
    expect(two.layers).toEqual(['l2'])
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('every operation does what it says', async () => {
    const { bento } = start({ grace: '1h' })
    for (const key of ['a', 'b', 'c', 'd']) expect(await bento.set({ key, value: key })).toBe(true)
    expect(await start().bento.get({ key: 'a' })).toBe('a')
    expect(await bento.has({ key: 'a' })).toBe(true)
    expect(await bento.missing({ key: 'z' })).toBe(true)
    expect(await bento.pull('a')).toBe('a')
    expect(await bento.delete({ key: 'b' })).toBe(true)
    expect(await bento.deleteMany({ keys: ['c', 'z'] })).toBe(true)
    const other = start().bento
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => other.get({ key })))).toEqual([
      undefined,
      undefined,
      undefined,
      'd',
    ])
    expect(await bento.expire({ key: 'd' })).toBe(true)
    expect(await start().bento.get({ key: 'd' })).toBeUndefined()
    expect(await start({ grace: '1h' }).bento.get({ key: 'd' })).toBe('d')
    await bento.prune()
  })

  test('tags end what bears them, for other processes too', async () => {
    const { bento } = start()
    await bento.set({ key: 'a', value: 1, tags: ['t', 'u'] })
    await bento.set({ key: 'b', value: 2, tags: ['u'] })
    expect(await start().bento.get({ key: 'a' })).toBe(1)
    await bento.deleteByTag({ tags: ['t'] })
    const other = start().bento
    expect(await other.get({ key: 'a' })).toBeUndefined()
    expect(await other.get({ key: 'b' })).toBe(2)
    await other.expireByTag({ tags: ['u'] })
    expect(await start().bento.get({ key: 'b' })).toBeUndefined()
    expect(await start({ grace: '1h' }).bento.get({ key: 'b' })).toBe(2)
  })

  test('namespaces are apart, and cleared alone', async () => {
    const { bento } = start()
    const users = bento.namespace('users')
    await users.set({ key: 'k', value: 'user' })
    await bento.set({ key: 'k', value: 'root' })
    const other = start().bento
    expect(await other.namespace('users').get({ key: 'k' })).toBe('user')
    expect(await other.get({ key: 'users:k' })).toBe('user')
    await users.clear()
    const third = start().bento
    expect(await third.namespace('users').get({ key: 'k' })).toBeUndefined()
    expect(await third.get({ key: 'k' })).toBe('root')
    await third.clear()
    expect(await start().bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what has expired is served while it is refreshed, by a process that never had it', async () => {
    await start({ ttl: '1m', grace: '1h' }).bento.set({ key: 'k', value: 'old' })
    passed = 61_000
    const { bento } = start({ ttl: '1m', grace: '1h' })
    const done = new Promise<void>((resolve) => void bento.on('cache:written', () => resolve()))
    expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
    await done
    expect(await start({ ttl: '1m', grace: '1h' }).bento.getOrSet({ key: 'k', factory: never })).toBe('new')
    passed += 61_000
    expect(await start({ ttl: '1m' }).bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what has no end has none', async () => {
    await start().bento.setForever({ key: 'k', value: 'v' })
    passed = 1000 * 24 * 3_600_000
    expect(await start().bento.get({ key: 'k' })).toBe('v')
  })

  test('two stores of one driver and two prefixes do not meet', async () => {
    const [a, b] = [start({ prefix: 'a' }).bento, start({ prefix: 'b' }).bento]
    await a.set({ key: 'k', value: 'a' })
    expect(await b.get({ key: 'k' })).toBeUndefined()
    await b.set({ key: 'k', value: 'b' })
    expect(await start({ prefix: 'a' }).bento.get({ key: 'k' })).toBe('a')
  })
})
