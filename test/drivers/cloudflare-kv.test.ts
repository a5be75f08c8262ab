import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { cloudflareKvDriver, type KVNamespaceLike } from '../../drivers/cloudflare-kv.ts'
import type { CacheDriver } from '../../src/ports.ts'
import { bentocacheDriverSuite } from '../support/bentocache-driver-suite.ts'
import { type LocalKv, openLocalKv } from '../support/kv-local.ts'
import { type KvSimulator, kvSimulator } from '../support/kv-simulator.ts'

// The driver keeps the ends of values by the clock of its machine, which is the simulator's here.
const clock = { passed: 0 }
const started = Date.now()
const now = (): number => started + clock.passed
beforeEach(() => void vi.spyOn(Date, 'now').mockImplementation(now))
afterEach(() => void vi.restoreAllMocks())

let local: LocalKv
beforeAll(async () => {
  local = await openLocalKv()
}, 60_000)
afterAll(() => local?.close())

const suite = kvSimulator({ now, oneWriteASecond: false })
bentocacheDriverSuite('Bentocache’s driver suite, over a simulated KV', {
  makeDriver: (prefix) => cloudflareKvDriver({ binding: suite.at('one') }).factory({ prefix }),
  pass: (ms) => void (clock.passed += ms),
})

bentocacheDriverSuite('Bentocache’s driver suite, over local KV', {
  makeDriver: (prefix) => cloudflareKvDriver({ binding: () => local.kv }).factory({ prefix }),
  pass: (ms) => void (clock.passed += ms),
})

/** A driver over a simulated KV of its own, as one location sees it. */
function open(
  prefix = 'p',
  more: Partial<Parameters<typeof kvSimulator>[0]> = {},
): { kv: KvSimulator; driver: CacheDriver } {
  const kv = kvSimulator({ now, ...more })
  return { kv, driver: cloudflareKvDriver({ binding: kv.at('here') }).factory({ prefix }) }
}

describe('options', () => {
  test('nothing is done before the first call', () => {
    const kv = kvSimulator({ now })
    cloudflareKvDriver({ binding: kv.at('here') })
      .factory({ prefix: 'p' })
      .namespace('a')
    expect(kv.calls).toEqual([])
  })

  test('a function is asked for the binding at each call', async () => {
    const [first, second] = [kvSimulator({ now }), kvSimulator({ now })]
    let current: KVNamespaceLike | undefined
    const driver = cloudflareKvDriver({ binding: () => current }).factory({})
    await expect(async () => driver.get('k')).rejects.toMatchObject({ code: 'E_MISSING_BINDING' })
    current = first.at('here')
    await driver.set('k', 'one')
    current = second.at('here')
    expect(await driver.get('k')).toBeUndefined()
    current = first.at('here')
    expect(await driver.get('k')).toBe('one')
  })

  test.each([undefined, null, {}, 'KV'])('the binding %o is refused when it is built', (binding) => {
    const options = { binding } as unknown as Parameters<typeof cloudflareKvDriver>[0]
    expect(() => cloudflareKvDriver(options)).toThrow(
      expect.objectContaining({
        code: 'E_MISSING_BINDING',
        message: expect.stringContaining('cloudflareKvDriver') as unknown,
      }),
    )
  })

  test('no options at all are a missing binding', () => {
    const none = undefined as unknown as Parameters<typeof cloudflareKvDriver>[0]
    expect(() => cloudflareKvDriver(none)).toThrow(expect.objectContaining({ code: 'E_MISSING_BINDING' }))
  })

  test.each([
    { prefix: 5 },
    { prefix: 'p'.repeat(257) },
    { cacheTtl: 29_999 },
    { cacheTtl: 'soon' },
    { cacheTtl: null },
    { cacheTtl: Number.NaN },
  ])('the option %o is refused when it is built', (option) => {
    const binding = kvSimulator({ now }).at('here')
    const options = { binding, ...option } as unknown as Parameters<typeof cloudflareKvDriver>[0]
    expect(() => cloudflareKvDriver(options)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })

  test('its own prefix comes before the store’s', async () => {
    const kv = kvSimulator({ now })
    const own = cloudflareKvDriver({ binding: kv.at('here'), prefix: 'own:' })
    await own.factory({ prefix: 'store' }).set('k', 'x')
    expect([...kv.records.keys()]).toEqual(['own:k'])
  })

  test('cacheTtl is milliseconds here and seconds there, and stays away if it is not given', async () => {
    const asked: unknown[] = []
    const binding = {
      getWithMetadata: async (_: unknown, options: unknown) => {
        asked.push(options)
        return { value: null, metadata: null }
      },
    } as unknown as KVNamespaceLike
    for (const cacheTtl of [undefined, 30_000, 45_900, '1h']) {
      await cloudflareKvDriver({ binding, cacheTtl }).factory({}).get('k')
    }
    expect(asked).toEqual([
      { type: 'text' },
      { type: 'text', cacheTtl: 30 },
      { type: 'text', cacheTtl: 45 },
      { type: 'text', cacheTtl: 3600 },
    ])
  })

  test('its limits are stated', () => {
    expect(open().driver.limits).toEqual({
      maxKeyBytes: 512,
      maxValueBytes: 25_165_824,
      minTtl: 60_000,
      staleness: 60_000,
    })
  })
})

describe('lives', () => {
  test.each([
    [1, 60],
    [1500, 60],
    [60_000, 60],
    [60_001, 61],
    [90_500, 91],
    [1e12, 1e9],
    [1e14, 0x7fffffff],
  ])('a life of %i ms ends by itself, and in KV after %i s', async (ttl, seconds) => {
    const { kv, driver } = open()
    await driver.set('k', 'x', ttl)
    expect(kv.records.get('p:k')?.expires).toBe(now() + seconds * 1000)
    clock.passed += ttl - 1
    const shown = ttl < 1e13 ? 'x' : undefined
    expect(await driver.get('k')).toBe(shown)
    clock.passed += 1
    expect([await driver.get('k'), await driver.getMany!(['k', 'l'])]).toEqual([
      undefined,
      [undefined, undefined],
    ])
    clock.passed -= ttl
  })

  test.each([undefined, 0])('a ttl of %o is for ever', async (ttl) => {
    const { kv, driver } = open()
    await driver.set('k', 'x', ttl)
    expect(kv.records.get('p:k')?.expires).toBe(Infinity)
    expect(await driver.get('k')).toBe('x')
  })
})

describe('reading and deleting', () => {
  test('values of many keys come in their order, a hundred a call, repeats once', async () => {
    const { kv, driver } = open()
    const keys = Array.from({ length: 250 }, (_, at) => `${at}`)
    for (const key of keys) if (Number(key) % 3 > 0) await driver.set(key, `v${key}`)
    kv.calls.length = 0
    const values = await driver.getMany!([...keys, '1', '1'])
    expect(values).toEqual([...keys, '1', '1'].map((key) => (Number(key) % 3 > 0 ? `v${key}` : undefined)))
    expect(kv.calls.map((call) => [call.split(' ')[0], call.split(' ').length - 1])).toEqual([
      ['bulk', 100],
      ['bulk', 100],
      ['bulk', 50],
    ])
    kv.calls.length = 0
    expect([await driver.getMany!([]), await driver.getMany!(['1']), kv.calls]).toEqual([
      [],
      ['v1'],
      ['get p:1'],
    ])
  })

  test('values too large for one bulk read are read in several', async () => {
    const { kv, driver } = open()
    const large = 'x'.repeat(10 * 1024 * 1024)
    for (const key of ['a', 'b', 'c', 'd']) await driver.set(key, key + large)
    kv.calls.length = 0
    const values = await driver.getMany!(['a', 'b', 'none', 'c', 'd'])
    expect(values.map((value) => value?.[0])).toEqual(['a', 'b', undefined, 'c', 'd'])
    expect(kv.calls[0]).toBe('bulk p:a p:b p:none p:c p:d')
  })

  test('delete tells whether the key was there; deleteMany does not ask and makes one call a key, six at a time', async () => {
    const { kv, driver } = open()
    await driver.set('k', 'x')
    expect([await driver.delete('k'), await driver.delete('k')]).toEqual([true, false])
    let [under, most] = [0, 0]
    kv.before = async () => {
      most = Math.max(most, ++under)
      await new Promise((resolve) => void setImmediate(resolve))
      under--
    }
    kv.calls.length = 0
    const keys = Array.from({ length: 20 }, (_, at) => `${at}`)
    expect([await driver.deleteMany(keys), await driver.deleteMany([])]).toEqual([true, true])
    expect(kv.calls.toSorted()).toEqual(keys.map((key) => `delete p:${key}`).toSorted())
    expect(most).toBe(6)
  })

  test('what a location does not show yet is deleted all the same', async () => {
    const kv = kvSimulator({ now })
    const at = (location: string) => cloudflareKvDriver({ binding: kv.at(location) }).factory({})
    expect(await at('a').get('k')).toBeUndefined()
    await at('b').set('k', 'x')
    expect(await at('a').delete('k')).toBe(false)
    expect(kv.records.size).toBe(0)
  })

  test('nothing but text is ever put', async () => {
    const { kv, driver } = open()
    const nothing = undefined as unknown as string
    await expect(async () => driver.set('k', nothing)).rejects.toMatchObject({ code: 'E_INVALID_OPTION' })
    expect(kv.records.size).toBe(0)
  })

  test('a second write within a second is refused, and passed on as KV says it', async () => {
    const { driver } = open()
    await driver.set('k', 'x')
    await expect(async () => driver.set('k', 'y')).rejects.toThrow('429')
    clock.passed += 1000
    expect(await driver.set('k', 'y')).toBe(true)
  })

  test('what another program put there is given as it is', async () => {
    const { kv, driver } = open()
    const foreign = kv.at('here')
    await foreign.put('p:a', 'x', {})
    await foreign.put('p:b', 'y', { metadata: 'text' })
    await foreign.put('p:c', 'z', { metadata: { until: 'soon' } })
    expect(await driver.getMany!(['a', 'b', 'c'])).toEqual(['x', 'y', 'z'])
  })
})

describe('clear', () => {
  const names = (kv: KvSimulator): string[] => [...kv.records.keys()].toSorted()

  test('goes on over empty pages until the list is complete', async () => {
    const { kv, driver } = open('p', { pageSize: 3 })
    for (let at = 0; at < 10; at++) await driver.set(`${at}`, 'x')
    await kv.at('here').put('other:k', 'x', {})
    await driver.clear()
    expect(names(kv)).toEqual(['other:k'])
    expect(kv.calls.filter((call) => call.startsWith('list '))).toHaveLength(7)
  })

  test('is exact to the segment, below namespaces too', async () => {
    const kv = kvSimulator({ now })
    const make = (prefix: string) => cloudflareKvDriver({ binding: kv.at('here') }).factory({ prefix })
    const drivers = [make('a'), make('a:b'), make('a:bc'), make('ab'), make('')]
    for (const driver of drivers) await driver.set('k', 'x')
    await make('a').namespace('b').clear()
    expect(names(kv)).toEqual(['a:bc:k', 'a:k', 'ab:k', 'k'])
    await make('a').clear()
    expect(names(kv)).toEqual(['ab:k', 'k'])
    await make('').clear()
    expect(names(kv)).toEqual([])
  })

  test('finds hashed names, below long prefixes and strange ones', async () => {
    for (const prefix of ['p', 'p'.repeat(200), `${'q'.repeat(60)}🍱🍱🍱🍱`, '🍱']) {
      const kv = kvSimulator({ now })
      const make = (path: string) => cloudflareKvDriver({ binding: kv.at('here') }).factory({ prefix: path })
      for (const path of [prefix, `${prefix}x`]) {
        for (const key of ['k', 'k'.repeat(600), '\ud800', '🍱'.repeat(200)]) await make(path).set(key, 'x')
      }
      await make(prefix).clear()
      expect(kv.records.size).toBe(4)
      expect(await make(`${prefix}x`).get('\ud800')).toBe('x')
    }
  })
})
