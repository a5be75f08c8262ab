import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { durableObjectHttpDriver } from '../drivers/durable-object-http.ts'
import { MemoryDriver } from '../drivers/memory.ts'
import { plainDriver } from '../drivers/plain.ts'
import type { CacheDriver } from '../src/ports.ts'
import { registerCacheDriverTestSuite } from './conformance/driver-test-suite.ts'
import type { OpenedStore } from './conformance/index.ts'
import { DRIVERS } from './conformance-table.ts'
import { openRemoteStage, SECRET } from './remote/stage.ts'
import {
  bentocacheDriverSuite,
  collectOurs,
  type DriverSuite,
  ekibenDriverSuite,
} from './support/bentocache-driver-suite.ts'

const SUITES = [
  ['bentocache/test_suite', bentocacheDriverSuite],
  ['ekiben/test_suite', ekibenDriverSuite],
] as const

interface Opens {
  open(): OpenedStore | Promise<OpenedStore>
  stop?(): Promise<void>
}

const STORES: Readonly<Record<string, Opens>> = {
  ...DRIVERS,
  'durable object over http (workerd)': { open: remoteStore },
  'plain over durable object (in process)': { open: plainStore },
}

// Memory reads the machine's clock, see below; the slow store is an imitation that shows writes late, which no suite allows for.
const TIMED = Object.entries(STORES).filter(([name]) => !/^memory$|imitated/.test(name))

/** A Durable Object in workerd, behind its HTTP face. Its clock is its own, so time really passes. */
async function remoteStore(): Promise<OpenedStore> {
  const { address, close } = await openRemoteStage()
  return {
    connect: (prefix) => durableObjectHttpDriver({ url: address, token: SECRET }).factory({ prefix }),
    pass: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
    close,
  }
}

/** The plain contract of a driver that could do more, as the cache sees a driver written for Bentocache. */
async function plainStore(): Promise<OpenedStore> {
  const store = await DRIVERS['durable object (in process)']!.open()
  return {
    ...store,
    connect: (prefix) =>
      plainDriver({ options: {}, factory: () => plain(store.connect(prefix)) }).factory({ prefix }),
  }
}

function plain(driver: CacheDriver): CacheDriver {
  return {
    type: 'l2',
    namespace: (name) => plain(driver.namespace(name)),
    get: (key) => driver.get(key),
    pull: (key) => driver.pull(key),
    set: (key, value, ttl) => driver.set(key, value, ttl),
    delete: (key) => driver.delete(key),
    deleteMany: (keys) => driver.deleteMany(keys),
    clear: () => driver.clear(),
    disconnect: () => driver.disconnect(),
  }
}

afterAll(async () => {
  for (const [, { stop }] of TIMED) await stop?.()
})

describe.each(SUITES)('%s', (_, suite) => {
  for (const [name, { open }] of TIMED) {
    let store: OpenedStore | undefined
    describe(`for ${name}`, () => {
      beforeAll(async () => {
        store = await open()
      }, 60_000)
      afterAll(() => store?.close?.())
      suite('passes', {
        makeDriver: (prefix) => (store as OpenedStore).connect(prefix),
        pass: (ms) => store?.pass(ms),
      })
    })
  }

  describe('for memory', () => {
    const { scene, start } = memoryScene()
    beforeEach(start)
    afterEach(() => void vi.mocked(Date.now).mockRestore())
    suite('passes', scene)
    suite('passes behind plainDriver', {
      ...scene,
      makeDriver: (prefix) =>
        plainDriver({ options: {}, factory: () => scene.makeDriver(prefix) }).factory({ prefix }),
    })
  })
})

/** Memory has one client: what stands for another is the same memory under another prefix. Its clock is the machine's. */
function memoryScene(spoil: (honest: MemoryDriver) => CacheDriver = (honest) => honest): {
  scene: DriverSuite
  start(): void
} {
  const started = Date.now()
  let passed = 0
  const shared = new MemoryDriver({ maxItems: 10_000 })
  return {
    scene: {
      makeDriver: (prefix) => spoil(shared.namespace(prefix)),
      pass: (ms) => {
        passed += ms
      },
    },
    start: () => void vi.spyOn(Date, 'now').mockImplementation(() => started + passed),
  }
}

type Lie = (honest: CacheDriver) => Partial<CacheDriver>

/** What is wrong with a driver, and a case that has to say so. */
const LIES: readonly (readonly [name: string, found: string, lie: Lie])[] = [
  [
    'gives null for a miss',
    'get() of a key nobody has set is undefined',
    (honest) => ({ get: (key) => honest.get(key) ?? (null as never) }),
  ],
  [
    'keeps a value past its life',
    'set() with a life keeps the value for that long',
    (honest) => ({ set: (key, value) => honest.set(key, value) }),
  ],
  [
    'says it deleted what was not there',
    'delete() of what is not there is false',
    (honest) => ({ delete: (key) => honest.delete(key) || true }),
  ],
  [
    'deletes nothing of several',
    'deleteMany() deletes those keys and no other',
    () => ({ deleteMany: () => true }),
  ],
  [
    'stops deleting at a key that is not there',
    'deleteMany() passes over keys that are not there',
    (honest) => ({
      deleteMany: async (keys) => {
        for (const key of keys) if (!(await honest.delete(key))) return false
        return true
      },
    }),
  ],
  [
    'pulls and leaves the value',
    'pull() gives the value and deletes it',
    (honest) => ({ pull: (key) => honest.get(key) }),
  ],
  ['clears nothing', 'clear() deletes everything', () => ({ clear: () => {} })],
  [
    'parses what looks like a number',
    'a value comes back unchanged: "007"',
    (honest) => ({
      get: (key) => {
        const value = honest.get(key) as string | undefined
        return /^-?\d+$/.test(value ?? '') ? (Number(value) as never) : value
      },
    }),
  ],
  [
    'cuts large values',
    'a value comes back unchanged: 100 KB of quotes and newlines',
    (honest) => ({ set: (key, value, ttl) => honest.set(key, value.slice(0, 65_536), ttl) }),
  ],
  [
    'does not tell upper from lower case',
    'a key is a key: "A"',
    (honest) => ({
      set: (key, value, ttl) => honest.set(key.toLowerCase(), value, ttl),
      delete: (key) => honest.delete(key === 'A' ? 'A' : key.toLowerCase()),
    }),
  ],
  [
    'has one namespace',
    'what is set in a namespace is not above it',
    (honest) => ({ namespace: () => honest }),
  ],
  [
    'keeps the life of the value before',
    'set() without a life ends the life set before',
    (honest) => ({
      set: (key, value, ttl) =>
        honest.set(key, value, ttl ?? (honest.get(key) === undefined ? undefined : 1500)),
    }),
  ],
]

/** Titles of the cases that fail for memory that is wrong in what `lie` says. */
async function failuresOf(lie: Lie): Promise<string[]> {
  const { scene, start } = memoryScene(
    (honest) =>
      new Proxy<CacheDriver>(honest, {
        get: (target, name) => {
          const own: unknown = Reflect.get(lie(target), name) ?? Reflect.get(target, name, target)
          return typeof own === 'function' ? own.bind(target) : own
        },
      }),
  )
  const { tests, setup, teardown } = collectOurs(scene)
  const failed: string[] = []
  start()
  setup()
  for (const { title, run } of tests) {
    await run({} as never).catch(() => failed.push(title))
    await teardown()
  }
  vi.mocked(Date.now).mockRestore()
  return failed
}

describe('ekiben/test_suite', () => {
  it('finds nothing wrong with a driver that is right', async () => {
    expect(await failuresOf(() => ({}))).toEqual([])
  })

  it.each(LIES)('finds a driver out that %s', async (_, found, lie) => {
    expect(await failuresOf(lie)).toContain(found)
  })

  it('leaves nothing behind: each case is cleared up after, and drivers it has made are disconnected', async () => {
    const made: MemoryDriver[] = []
    const { scene, start } = memoryScene((driver) => {
      vi.spyOn(driver, 'disconnect')
      made.push(driver)
      return driver
    })
    const { tests, setup, teardown } = collectOurs(scene)
    start()
    const close = setup() as () => unknown
    for (const { run } of tests) {
      await run({} as never)
      await teardown()
      for (const driver of made) {
        expect(['key', 'a', 'b', 'users:key', 'usersAbc'].map((key) => driver.get(key))).toEqual(
          Array<undefined>(5).fill(undefined),
        )
      }
    }
    expect(made.length).toBeGreaterThan(1)
    await close()
    vi.mocked(Date.now).mockRestore()
    for (const driver of made) expect(driver.disconnect).toHaveBeenCalledTimes(1)
  })

  it('can be given a group that has no tap', () => {
    const titles: string[] = []
    const group = { setup: () => {}, each: { teardown: () => {} } }
    registerCacheDriverTestSuite({
      test: (title) => titles.push(title),
      group,
      createDriver: () => new MemoryDriver(),
    })
    expect(titles).toHaveLength(new Set(titles).size)
  })
})
