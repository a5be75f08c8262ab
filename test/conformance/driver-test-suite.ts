/**
 * Bentocache's suite for drivers, by its name and arguments: `ekiben/test_suite` stands for `bentocache/test_suite`. It is
 * made for Japa, and runs under any runner that is given as `test` and `group`. It asks more than Bentocache's does.
 *
 * For new drivers there is `ekiben/conformance`: its cases follow from what a driver offers.
 *
 * @module
 */
import type { CacheDriver } from '../../src/ports.ts'
import { equal } from './check.ts'
import { NAMES, PATTERNS, quoted, VALUES } from './texts.ts'

/** What the suite uses of a group of Japa's. */
export interface SuiteGroup {
  /** Called once before the tests; what it gives is called once after them. */
  setup(run: () => unknown): unknown
  /** Called for each test when it is made. Two of the cases let 2.5 s pass, which is longer than Japa waits. */
  tap?(run: (test: { disableTimeout(): unknown }) => void): unknown
  readonly each: { teardown(run: () => unknown): unknown }
}

/** What Bentocache's suite is given, and what is here beside it. */
export interface DriverTestSuite<Group extends SuiteGroup = SuiteGroup> {
  /** `test` of the runner. */
  test(title: string, run: () => Promise<void>): unknown
  /** The group the tests stand in. */
  readonly group: Group
  /** Makes a driver of one and the same store. Without a prefix it has one that is not `'prefix'`. */
  createDriver(options?: { readonly prefix?: string }): CacheDriver
  /** Called once with the group. */
  configureGroup?(group: Group): unknown
  /** As in Bentocache, where it is not read either: lives are given in milliseconds. */
  readonly supportsMilliseconds?: boolean
  /** Lets time pass for the store. @default waits */
  sleep?(ms: number): Promise<void>
}

interface Scene {
  readonly driver: CacheDriver
  /** Another driver of the store, closed after the test. */
  connect(prefix: string): CacheDriver
  sleep(ms: number): Promise<void>
}

type Case = readonly [title: string, run: (scene: Scene) => Promise<void>]

/** Registers the suite. */
export function registerCacheDriverTestSuite<Group extends SuiteGroup>(suite: DriverTestSuite<Group>): void {
  const { group, createDriver, sleep = wait } = suite
  let driver: CacheDriver | undefined
  group.setup(() => {
    driver = createDriver()
    return () => driver?.disconnect()
  })
  group.tap?.((test) => test.disableTimeout())
  group.each.teardown(() => driver?.clear())
  suite.configureGroup?.(group)
  for (const [title, run] of CASES) {
    suite.test(title, async () => {
      const others: CacheDriver[] = []
      const connect = (prefix: string): CacheDriver => {
        const other = createDriver({ prefix })
        others.push(other)
        return other
      }
      try {
        await run({ driver: driver as CacheDriver, connect, sleep })
      } finally {
        for (const other of others) {
          await other.clear()
          await other.disconnect()
        }
      }
    })
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

function same(actual: unknown, expected: unknown, what = 'the answer'): void {
  equal(actual, expected, what)
}

/** What has to be there, by key; `undefined` for what must not be. */
async function holds(
  driver: CacheDriver,
  values: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const [key, value] of Object.entries(values)) same(await driver.get(key), value, `get(${quoted(key)})`)
}

/** What Bentocache's suite asks, one case for each of its own. */
const BENTOCACHES: readonly Case[] = [
  ['get() of a key nobody has set is undefined', ({ driver }) => holds(driver, { key: undefined })],
  [
    'get() gives what was set',
    async ({ driver }) => {
      await driver.set('key', 'value')
      await holds(driver, { key: 'value', other: undefined })
    },
  ],
  [
    'set() takes the place of the value before',
    async ({ driver }) => {
      await driver.set('key', 'first')
      await driver.set('key', 'value')
      await holds(driver, { key: 'value' })
    },
  ],
  ['set() is true', async ({ driver }) => same(await driver.set('key', 'value'), true)],
  [
    'set() with a life keeps the value for that long',
    async ({ driver, sleep }) => {
      await driver.set('key', 'value', 1500)
      await holds(driver, { key: 'value' })
      await sleep(2500)
      await holds(driver, { key: undefined })
    },
  ],
  [
    'delete() deletes the key and no other',
    async ({ driver }) => {
      await driver.set('key', 'value')
      await driver.set('other', 'value')
      await driver.delete('key')
      await holds(driver, { key: undefined, other: 'value' })
    },
  ],
  [
    'delete() of what is there is true',
    async ({ driver }) => {
      await driver.set('key', 'value')
      same(await driver.delete('key'), true)
    },
  ],
  ['delete() of what is not there is false', async ({ driver }) => same(await driver.delete('key'), false)],
  [
    'deleteMany() deletes those keys and no other',
    async ({ driver }) => {
      for (const key of ['a', 'b', 'c']) await driver.set(key, key)
      same(await driver.deleteMany(['a', 'c']), true)
      await holds(driver, { a: undefined, b: 'b', c: undefined })
    },
  ],
  ['deleteMany() of no keys is true', async ({ driver }) => same(await driver.deleteMany([]), true)],
  [
    'pull() gives the value and deletes it',
    async ({ driver }) => {
      await driver.set('key', 'value')
      same(await driver.pull('key'), 'value')
      await holds(driver, { key: undefined })
    },
  ],
  [
    'pull() of a key nobody has set is undefined',
    async ({ driver }) => same(await driver.pull('key'), undefined),
  ],
  [
    'clear() deletes everything',
    async ({ driver }) => {
      await driver.set('a', 'a')
      await driver.set('b', 'b', 60_000)
      await driver.clear()
      await holds(driver, { a: undefined, b: undefined })
    },
  ],
  [
    'clear() leaves what has another prefix',
    async ({ driver, connect }) => {
      const other = connect('prefix')
      await other.set('key', 'value')
      await driver.clear()
      await holds(other, { key: 'value' })
    },
  ],
  [
    'namespace() is a driver of its own',
    async ({ driver }) => same(driver.namespace('users') === driver, false),
  ],
  [
    'what is set in a namespace is not above it',
    async ({ driver }) => {
      const users = driver.namespace('users')
      await users.set('key', 'user')
      await holds(driver, { key: undefined })
      await holds(users, { key: 'user' })
    },
  ],
  [
    'a key in a namespace has a value of its own',
    async ({ driver }) => {
      const users = driver.namespace('users')
      await driver.set('key', 'root')
      await users.set('key', 'user')
      await holds(users, { key: 'user' })
      await holds(driver, { key: 'root' })
    },
  ],
  [
    'clear() of a namespace leaves what stands above it',
    async ({ driver }) => {
      const users = driver.namespace('users')
      await driver.set('key', 'root')
      await users.set('key', 'user')
      await users.clear()
      await holds(driver, { key: 'root' })
      await holds(users, { key: undefined })
    },
  ],
  [
    'clear() of the root deletes what is in namespaces',
    async ({ driver }) => {
      const posts = driver.namespace('users').namespace('posts')
      await posts.set('key', 'value')
      await driver.clear()
      await holds(posts, { key: undefined })
    },
  ],
  [
    'what is in a namespace is found from above by its path',
    async ({ driver }) => {
      const users = driver.namespace('users')
      const posts = users.namespace('posts')
      await users.set('key', 'user')
      await posts.set('key', 'post')
      await holds(driver, { 'users:key': 'user', 'users:posts:key': 'post' })
      await holds(users, { 'posts:key': 'post' })
    },
  ],
  [
    'clear() of a namespace leaves keys that only begin alike',
    async ({ driver }) => {
      const users = driver.namespace('users')
      await driver.set('usersAbc', 'root')
      await users.set('abc', 'user')
      await users.clear()
      await holds(driver, { usersAbc: 'root' })
      await holds(users, { abc: undefined })
    },
  ],
]

/** What Bentocache's suite does not ask, and drivers have been caught at. */
const MORE: readonly Case[] = [
  [
    'set() without a life ends the life set before',
    async ({ driver, sleep }) => {
      await driver.set('key', 'first', 1500)
      await driver.set('key', 'second')
      await sleep(2500)
      await holds(driver, { key: 'second' })
    },
  ],
  [
    'deleteMany() passes over keys that are not there',
    async ({ driver }) => {
      await driver.set('a', 'a')
      same(await driver.deleteMany(['missing', 'a', 'missing too']), true)
      await holds(driver, { a: undefined })
      // Whether there was anything to delete is told by some drivers of Bentocache and not by others.
      same(typeof (await driver.deleteMany(['missing', 'missing too'])), 'boolean')
    },
  ],
  [
    'pull() by many at a time gives the value to at least one, and leaves nothing',
    async ({ driver }) => {
      await driver.set('key', 'value')
      const pulled = await Promise.all(Array.from({ length: 5 }, async () => driver.pull('key')))
      same(pulled.includes('value'), true)
      same(
        pulled.every((value) => value === 'value' || value === undefined),
        true,
      )
      await holds(driver, { key: undefined })
    },
  ],
  [
    'writes to several namespaces at a time do not meet',
    async ({ driver }) => {
      const names = Array.from({ length: 20 }, (_, at) => `n${at}`)
      await Promise.all(names.map(async (name) => driver.namespace(name).set('key', name)))
      const found = await Promise.all(names.map(async (name) => driver.namespace(name).get('key')))
      same(found, names)
    },
  ],
  ...VALUES.map(([name, make]): Case => [
    `a value comes back unchanged: ${name}`,
    async ({ driver }) => {
      await driver.set('key', make())
      await holds(driver, { key: make() })
    },
  ]),
  ...NAMES.map((name): Case => [
    `a key is a key: ${quoted(name)}`,
    async ({ driver }) => {
      await driver.set(name, 'value')
      same(await driver.get(name), 'value')
      same(await driver.delete(name), true)
      same(await driver.get(name), undefined)
    },
  ]),
  ...PATTERNS.map(([pattern, matched]): Case => [
    `clear() takes no name for a pattern: ${quoted(pattern)}`,
    async ({ driver }) => {
      const other = driver.namespace(matched)
      await other.set('key', 'value')
      await driver.namespace(pattern).clear()
      await holds(other, { key: 'value' })
    },
  ]),
]

const CASES: readonly Case[] = [...BENTOCACHES, ...MORE]
