import type { CacheDriver } from '../../src/ports.ts'
import { equal, holds } from './check.ts'
import { type Offer, plainCase, type PlainScene, shortLife, type StoreCase } from './plain-scene.ts'
import { bytesOf, NAMES, numbered, PATTERNS, quoted, wideText } from './texts.ts'

/** How many requests a case sends at once. */
const AT_ONCE = 50

type One = (name: string, run: (scene: PlainScene) => Promise<void>) => StoreCase

/** What keeps keys, prefixes and namespaces apart, and operations on many of them. */
export function placeCases({ limits, getMany, prune }: Offer): StoreCase[] {
  const one: One = (name, run) => plainCase(limits, name, run)
  return [
    ...keyCases(one, limits?.maxKeyBytes),
    ...prefixCases(one),
    ...namespaceCases(one),
    ...manyCases(one),
    ...(getMany ? getManyCases(one) : []),
    ...(prune ? [pruneCase(one, shortLife(limits))] : []),
  ]
}

/** Writes each key as its own value. */
async function fill(driver: CacheDriver, keys: readonly string[]): Promise<void> {
  await each(keys, async (key) => driver.set(key, `value of ${key}`))
}

async function each(keys: readonly string[], run: (key: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < keys.length; at += AT_ONCE) await Promise.all(keys.slice(at, at + AT_ONCE).map(run))
}

/** How many of the keys have a value, each of which must be its own. */
async function count(driver: CacheDriver, keys: readonly string[]): Promise<number> {
  let found = 0
  await each(keys, async (key) => {
    const value = await driver.get(key)
    if (value === undefined) return
    equal(value, `value of ${key}`, `get of ${quoted(key)}`)
    found++
  })
  return found
}

function keyCases(one: One, maxKeyBytes = Infinity): StoreCase[] {
  // The prefix and its colon count.
  const lengths = [600, 5000].filter((bytes) => bytes + 2 <= maxKeyBytes)
  return [
    one('keys: odd ones are all told apart', async ({ driver }) => {
      await fill(driver, NAMES)
      equal(await count(driver, NAMES), NAMES.length, 'keys found')
      for (const [index, key] of NAMES.entries()) {
        equal(await driver.delete(key), true, `delete of ${quoted(key)}`)
        if (index % 8 === 0) equal(await count(driver, NAMES), NAMES.length - index - 1, 'keys left')
      }
    }),
    ...lengths.flatMap((bytes) => [
      one(`keys: one of ${bytes} bytes is told from another that differs at its end`, async ({ driver }) => {
        await longKeys(driver, 'x'.repeat(bytes - 1))
      }),
      one(`keys: one of ${bytes} bytes beyond ASCII is as good`, async ({ driver }) => {
        const key = wideText(bytes - 1)
        equal(bytesOf(key), bytes - 1, 'bytes of the key')
        await longKeys(driver, key)
      }),
    ]),
  ]
}

async function longKeys(driver: CacheDriver, start: string): Promise<void> {
  await driver.set(`${start}1`, 'one')
  await driver.set(`${start}2`, 'two')
  equal(await driver.get(`${start}1`), 'one', 'get')
  equal(await driver.get(`${start}2`), 'two', 'get of the other')
  equal(await driver.delete(`${start}1`), true, 'delete')
  equal(await driver.get(`${start}2`), 'two', 'get of the other after delete')
}

function prefixCases(one: One): StoreCase[] {
  return [
    one('prefixes: what one has another does not see, delete or pull', async ({ connect }) => {
      const [here, there] = [connect('here'), connect('there')]
      await here.set('k', 'x')
      equal(await there.get('k'), undefined, 'get below another prefix')
      equal(await there.pull('k'), undefined, 'pull below another prefix')
      equal(await there.delete('k'), false, 'delete below another prefix')
      await there.deleteMany(['k'])
      equal(await here.get('k'), 'x', 'get')
    }),
    one('prefixes: without one all works too', async ({ connect }) => {
      const bare = connect('')
      await bare.set('k', 'x')
      await bare.namespace('n').set('k', 'y')
      equal([await bare.get('k'), await bare.namespace('n').get('k')], ['x', 'y'], 'get')
      equal(await bare.delete('k'), true, 'delete')
      await bare.set('k', 'x')
      await bare.clear()
      equal(
        [await bare.get('k'), await bare.namespace('n').get('k')],
        [undefined, undefined],
        'get after clear',
      )
    }),
    ...PATTERNS.map(([pattern, matched]) =>
      one(`clear: below ${quoted(pattern)} leaves ${quoted(matched)} alone`, async ({ connect }) => {
        const [own, other] = [connect(pattern), connect(matched)]
        await fill(own, ['k', 'l'])
        await fill(other, ['k', 'l'])
        await own.clear()
        equal([await count(own, ['k', 'l']), await count(other, ['k', 'l'])], [0, 2], 'keys left in both')
      }),
    ),
    one('clear: takes all keys, however odd or many, and can be repeated', async ({ driver }) => {
      const keys = [...NAMES, ...numbered(400)]
      await driver.clear()
      await fill(driver, keys)
      await driver.clear()
      equal(await count(driver, keys), 0, 'keys left')
      await driver.clear()
      await fill(driver, ['k'])
      equal(await count(driver, ['k']), 1, 'keys set after clear')
    }),
  ]
}

function namespaceCases(one: One): StoreCase[] {
  return [
    one('namespaces: each has keys of its own', async ({ driver }) => {
      const [a, b] = [driver.namespace('a'), driver.namespace('b')]
      for (const place of [driver, a, b]) equal(await place.get('k'), undefined, 'get of a missing key')
      await driver.set('k', 'root')
      await a.set('k', 'in a')
      equal([await driver.get('k'), await a.get('k'), await b.get('k')], ['root', 'in a', undefined], 'get')
      equal(await b.delete('k'), false, 'delete in another')
      equal(await a.delete('k'), true, 'delete')
      equal(await driver.get('k'), 'root', 'get of the parent')
    }),
    one(
      'namespaces: are new objects over the same keys, and read from above by name',
      async ({ driver, connect }) => {
        const a = driver.namespace('a')
        holds(a !== driver.namespace('a') && a !== driver, 'namespace() must give a new object each time')
        await a.set('k', 'x')
        equal(await driver.namespace('a').get('k'), 'x', 'get of another object')
        equal(await connect('p').namespace('a').get('k'), 'x', 'get of another client')
        equal(await driver.get('a:k'), 'x', 'get from the parent')
        await a.namespace('b').set('k', 'y')
        equal(await driver.namespace('a').namespace('b').get('k'), 'y', 'get two levels deep')
        equal([await a.get('b:k'), await driver.get('a:b:k')], ['y', 'y'], 'get from above')
      },
    ),
    one('namespaces: clearing one takes those below and no other', async ({ driver }) => {
      const a = driver.namespace('a')
      const places = [
        driver,
        a,
        a.namespace('b'),
        a.namespace('bc'),
        driver.namespace('ab'),
        driver.namespace('b'),
      ]
      const values = async (): Promise<unknown> => Promise.all(places.map(async (place) => place.get('k')))
      for (const place of places) await place.set('k', 'x')
      await a.namespace('b').clear()
      equal(await values(), ['x', 'x', undefined, 'x', 'x', 'x'], 'get after clearing a:b')
      await a.clear()
      equal(await values(), ['x', undefined, undefined, undefined, 'x', 'x'], 'get after clearing a')
      await a.set('k', 'x')
      await driver.clear()
      equal(
        await values(),
        places.map(() => undefined),
        'get after clearing the root',
      )
    }),
    ...NAMES.filter((name) => !name.includes(':')).map((name) =>
      one(`namespaces: ${quoted(name)} is a name as any other`, async ({ driver }) => {
        const own = driver.namespace(name)
        await fill(own, ['k', 'l'])
        await fill(driver.namespace('ab'), ['k'])
        equal(await count(own, ['k', 'l']), 2, 'keys found')
        await own.clear()
        equal(await count(own, ['k', 'l']), 0, 'keys left')
        equal(await count(driver.namespace('ab'), ['k']), 1, 'keys of another namespace')
      }),
    ),
  ]
}

function manyCases(one: One): StoreCase[] {
  return [
    one('deleteMany: takes those named and no other, whether they are there or not', async ({ driver }) => {
      await fill(driver, ['a', 'b', 'c'])
      equal(await driver.deleteMany(['a', 'missing', 'b', 'a']), true, 'deleteMany')
      equal(await count(driver, ['a', 'b']), 0, 'keys left')
      equal(await driver.get('c'), 'value of c', 'get of what was not named')
    }),
    one('deleteMany: of nothing is true', async ({ driver }) => {
      await fill(driver, ['a'])
      equal(await driver.deleteMany([]), true, 'deleteMany')
      equal(await count(driver, ['a']), 1, 'keys left')
    }),
    one('deleteMany: takes a thousand keys', async ({ driver }) => {
      const keys = numbered(1000)
      await fill(
        driver,
        keys.filter((_, index) => index % 9 === 0),
      )
      await fill(driver, ['other'])
      const named = [...keys]
      equal(await driver.deleteMany(named), true, 'deleteMany')
      equal(named, keys, 'the list that was passed')
      equal(await count(driver, [...keys, 'other']), 1, 'keys left')
    }),
    one('concurrency: sets of many keys at once all arrive', async ({ driver, connect }) => {
      const keys = numbered(100)
      const other = connect('p')
      await Promise.all(
        keys.map(async (key, index) => (index % 2 ? driver : other).set(key, `value of ${key}`)),
      )
      equal(await count(driver, keys), keys.length, 'keys found')
    }),
    one('concurrency: of sets of one key at once one whole text is left', async ({ driver, connect }) => {
      const texts = numbered(20).map((name) => name.repeat(1000))
      const other = connect('p')
      await Promise.all(texts.map(async (text, index) => (index % 2 ? driver : other).set('k', text)))
      const value = await driver.get('k')
      holds(value !== undefined && texts.includes(value), 'get must give one of the texts that were set')
      equal(await other.get('k'), value, 'get of another client')
    }),
  ]
}

function getManyCases(one: One): StoreCase[] {
  return [
    one(
      'getMany: gives values in the order of the keys, misses and repeats among them',
      async ({ driver }) => {
        await fill(driver, ['a', 'b'])
        await driver.namespace('n').set('a', 'in n')
        const values = await driver.getMany?.(['b', 'missing', 'a', 'b', 'n:a', '__proto__'])
        equal(values, ['value of b', undefined, 'value of a', 'value of b', 'in n', undefined], 'getMany')
        equal(
          await driver.namespace('n').getMany?.(['b', 'a']),
          [undefined, 'in n'],
          'getMany of a namespace',
        )
      },
    ),
    one('getMany: of nothing is nothing', async ({ driver }) => {
      equal(await driver.getMany?.([]), [], 'getMany')
    }),
    one('getMany: gives texts unchanged, empty ones too, for hundreds of keys', async ({ driver }) => {
      const keys = [...NAMES, ...numbered(300)]
      await fill(driver, keys)
      await driver.set('a', '')
      const expected = keys.map((key) => (key === 'a' ? '' : `value of ${key}`))
      equal(await driver.getMany?.(keys), expected, 'getMany')
    }),
  ]
}

function pruneCase(one: One, { ttl, end }: { readonly ttl: number; readonly end: number }): StoreCase {
  return one('prune: takes what has ended and nothing else', async ({ driver, pass }) => {
    await driver.set('short', 'x', ttl)
    await driver.set('long', 'y', end + 3_600_000)
    await driver.set('ever', 'z')
    await pass(end)
    await driver.prune?.()
    equal(await driver.get('short'), undefined, 'get of what has ended')
    equal([await driver.get('long'), await driver.get('ever')], ['y', 'z'], 'get of what lives')
  })
}
