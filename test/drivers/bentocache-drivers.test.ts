import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { BentoCache, bentostore, type StoreOptions } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { FOREIGN, type ForeignServer, type ForeignStore } from '../support/bentocache-stores.ts'

const run = promisify(execFile)

// Drivers that were not written for this cache, unchanged, as a process of Node would use them.

describe.each(Object.entries(FOREIGN))('%s', (_, serve) => {
  let server: ForeignServer
  let store: ForeignStore
  let opened: BentoCache[]
  let place = 0

  beforeAll(async () => {
    server = await serve()
  }, 60_000)
  afterAll(() => server.stop?.())

  beforeEach(async () => {
    opened = []
    store = await server.open(++place)
    // Some drivers read the time by `new Date()`. Timers stay as they are: clients of databases live on them.
    vi.useFakeTimers({ toFake: ['Date'] })
  })

  afterEach(async () => {
    vi.useRealTimers()
    for (const bento of opened) await bento.disconnectAll()
  })

  function pass(ms: number): void {
    vi.setSystemTime(Date.now() + ms)
  }

  /** A process of its own: another memory, the same store. */
  function start(options: StoreOptions = {}) {
    // The deadline is not what is tested, and machines may be busy.
    const main = bentostore({ ttl: '1m', l2Timeout: '30s', ...options })
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
  const failing = (): never => {
    throw new Error('the origin is down')
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
  })

  test('tags end what bears them, for other processes too', async () => {
    const { bento } = start()
    await bento.set({ key: 'a', value: 1, tags: ['t', 'u'] })
    await bento.set({ key: 'b', value: 2, tags: ['u'] })
    expect(await start().bento.get({ key: 'a' })).toBe(1)
    await bento.deleteByTag({ tags: ['t'] })
    const other = start().bento
    expect(await other.get({ key: 'a' })).toBeUndefined()
    // What is deleted is no graced value either; what has expired is, see below.
    expect(await start({ grace: '1h' }).bento.get({ key: 'a' })).toBeUndefined()
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
    expect(await start({ grace: '1h' }).bento.namespace('users').get({ key: 'k' })).toBeUndefined()
    expect(await third.get({ key: 'k' })).toBe('root')
    await third.clear()
    expect(await start().bento.get({ key: 'k' })).toBeUndefined()
  })

  test('names that begin with each other, and with any sign in them, are apart', async () => {
    const [one, two] = [start(), start()]
    const outer = one.bento.namespace('t')
    const inner = outer.namespace('u')
    expect(
      await inner.set({ key: 'p', value: 1, tags: ['product', 'product:1', 'product/1', 'ä %3A'] }),
    ).toBe(true)
    expect(await outer.set({ key: 'q', value: 2, tags: ['product'] })).toBe(true)
    expect(await two.bento.namespace('t').namespace('u').get({ key: 'p' })).toBe(1)
    expect(await two.bento.namespace('t').get({ key: 'q' })).toBe(2)
    for (const tag of ['product:1', 'product/1', 'ä %3A'])
      expect(await inner.deleteByTag({ tags: [tag] })).toBe(true)
    expect(await inner.get({ key: 'p' })).toBeUndefined()
    expect(await outer.get({ key: 'q' })).toBe(2)
    expect(await outer.deleteByTag({ tags: ['product'] })).toBe(true)
    expect(await outer.get({ key: 'q' })).toBeUndefined()
  })

  test('a namespace does not take what the root wrote into it: its clear would not end that', async () => {
    const { bento } = start()
    await bento.namespace('users').set({ key: 'own', value: 'user' })
    await bento.set({ key: 'users:k', value: 'root' })
    const other = start().bento
    expect(await other.get({ key: 'users:k' })).toBe('root')
    expect(await other.namespace('users').get({ key: 'k' })).toBeUndefined()
    expect(await other.namespace('users').get({ key: 'own' })).toBe('user')
  })

  test('what has expired is served while it is refreshed, by a process that never had it', async () => {
    await start({ ttl: '1m', grace: '1h' }).bento.set({ key: 'k', value: 'old' })
    pass(61_000)
    const { bento } = start({ ttl: '1m', grace: '1h' })
    const done = new Promise<void>((resolve) => void bento.on('cache:written', () => resolve()))
    expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
    await done
    expect(await start({ ttl: '1m', grace: '1h' }).bento.getOrSet({ key: 'k', factory: never })).toBe('new')
    pass(61_000)
    expect(await start({ ttl: '1m' }).bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what has no end has none', async () => {
    await start().bento.setForever({ key: 'k', value: 'v' })
    pass(1000 * 24 * 3_600_000)
    expect(await start().bento.get({ key: 'k' })).toBe('v')
  })

  test('two stores of one driver and two prefixes do not meet', async () => {
    const [a, b] = [start({ prefix: 'a' }).bento, start({ prefix: 'b' }).bento]
    await a.set({ key: 'k', value: 'a' })
    expect(await b.get({ key: 'k' })).toBeUndefined()
    await b.set({ key: 'k', value: 'b' })
    expect(await start({ prefix: 'a' }).bento.get({ key: 'k' })).toBe('a')
  })

  test('what has ended is neither found nor kept by its own process', async () => {
    const { bento } = start({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'v' })
    pass(59_000)
    expect(await bento.get({ key: 'k' })).toBe('v')
    pass(2000)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await bento.has({ key: 'k' })).toBe(false)
    expect(await start({ ttl: '1m' }).bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('new')
  })

  test('a tag ends what bears it in its own namespace only', async () => {
    const { bento } = start()
    const users = bento.namespace('users')
    await users.set({ key: 'k', value: 'user', tags: ['t'] })
    await bento.set({ key: 'k', value: 'root', tags: ['t'] })
    await users.deleteByTag({ tags: ['t'] })
    const other = start().bento
    expect(await other.namespace('users').get({ key: 'k' })).toBeUndefined()
    expect(await other.get({ key: 'k' })).toBe('root')
  })

  test('a failing factory is covered by what another process has stored', async () => {
    await start({ grace: '1h' }).bento.set({ key: 'k', value: 'old' })
    pass(61_000)
    const { bento, layers } = start({ grace: '1h', timeout: '10s' })
    expect(await bento.getOrSet({ key: 'k', factory: failing })).toBe('old')
    expect(layers).toEqual(['l2 graced'])
  })

  test('prune takes what has ended, and nothing else', async () => {
    const { bento } = start()
    await bento.set({ key: 'ends', value: 1, ttl: '1m' })
    await bento.setForever({ key: 'stays', value: 2 })
    const before = await store.count?.()
    await bento.prune()
    expect(await store.count?.()).toBe(before)
    pass(24 * 3_600_000)
    await bento.prune()
    expect(await store.count?.()).toBe(before === undefined ? undefined : before - 1)
    expect(await start().bento.get({ key: 'stays' })).toBe(2)
  })

  test('what a process leaves behind is found by the one that comes after it', async () => {
    const first = start().bento
    await first.set({ key: 'k', value: 'v', tags: ['t'] })
    await first.namespace('n').set({ key: 'k', value: 'in n' })
    await first.disconnectAll()
    const { bento, layers } = start()
    expect(await bento.getOrSet({ key: 'k', tags: ['t'], factory: never })).toBe('v')
    expect(await bento.namespace('n').get({ key: 'k' })).toBe('in n')
    expect(layers).toEqual(['l2', 'l2'])
    await bento.deleteByTag({ tags: ['t'] })
    expect(await start().bento.get({ key: 'k' })).toBeUndefined()
  })

  test('a value that is large and odd comes back as it was', async () => {
    const value = { text: '"\\\n駅弁\u2028'.repeat(10_000), list: [0, -1.5, null, true] }
    await start().bento.set({ key: 'k', value })
    expect(await start().bento.get({ key: 'k' })).toEqual(value)
  })

  test('disconnectAll() disconnects the driver, once', async () => {
    const made = store.driver()
    const disconnects: (() => unknown)[] = []
    const factory: typeof made.factory = (config) => {
      const driver = made.factory(config)
      disconnects.push(vi.spyOn(driver, 'disconnect'))
      return driver
    }
    const main = bentostore({ l2Timeout: '30s' }).useL2Layer({ ...made, factory })
    const bento = new BentoCache({ default: 'main', stores: { main } })
    await bento.set({ key: 'k', value: 'v' })
    expect(await bento.get({ key: 'k' })).toBe('v')
    await bento.disconnectAll()
    expect(disconnects).toHaveLength(1)
    expect(disconnects[0]).toHaveBeenCalledTimes(1)
  })
})

describe('a process that uses a driver with timers or threads of its own', () => {
  test.each(['file', 'kysely', 'knex'])(
    'ends by itself after disconnectAll(), and leaves values: %s',
    async (driver) => {
      const folder = await mkdtemp(join(tmpdir(), 'ekiben-process-'))
      const script = join(import.meta.dirname, '../support/one-process.ts')
      const play = async (act: string): Promise<unknown> =>
        JSON.parse((await run(process.execPath, [script, driver, join(folder, 'store'), act])).stdout)
      expect(await play('write')).toEqual({ stored: true })
      expect(await play('read')).toEqual({ value: { from: 'another process' }, layers: ['l2'] })
      await rm(folder, { recursive: true })
    },
    60_000,
  )
})
