import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { memoryDriver, type MemoryOptions } from '../../drivers/memory.ts'
import { json } from '../../src/serializer.ts'
import { memoryStand, sharedStand } from '../support/stacks.ts'
import { world } from '../support/world.ts'

async function present({ bento }: ReturnType<typeof memoryStand>, keys: readonly string[]) {
  const left = await Promise.all(keys.map(async (key) => ((await bento.has({ key })) ? key : '')))
  return left.filter((key) => key !== '')
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `k${n}`)
}

describe('bounds', () => {
  test('maxItems bounds the entries, a thousand where nothing is said', async () => {
    for (const [options, most] of [
      [{ maxItems: 3 }, 3],
      [{}, 1000],
      [{ maxItems: undefined }, 1000],
    ] as const) {
      const stand = memoryStand({}, options)
      const keys = numbered(most + 5)
      for (const key of keys) await stand.bento.set({ key, value: key })
      expect(await present(stand, keys)).toEqual(keys.slice(-most))
    }
  })

  test('what was read is kept, what was not goes', async () => {
    const stand = memoryStand({}, { maxItems: 3 })
    for (const key of ['a', 'b', 'c']) await stand.bento.set({ key, value: key })
    await stand.bento.get({ key: 'a' })
    await stand.bento.set({ key: 'd', value: 'd' })
    expect(await present(stand, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd'])
  })

  test('namespaces share the bounds of their store', async () => {
    const stand = memoryStand({}, { maxItems: 2 })
    await stand.bento.set({ key: 'k0', value: 0 })
    for (const name of ['a', 'b']) await stand.bento.namespace(name).set({ key: 'k', value: name })
    expect(await present(stand, ['k0', 'a:k', 'b:k'])).toEqual(['a:k', 'b:k'])
  })

  test.each<MemoryOptions['maxSize']>([100_000, '100000', '97.65625kb', '97.65625 KB'])(
    'maxSize %s bounds the bytes of keys, values and what they are kept in',
    async (maxSize) => {
      const stand = memoryStand({}, { maxSize, maxItems: 100_000 })
      const keys = numbered(200)
      for (const key of keys) await stand.bento.set({ key, value: 'x'.repeat(1000) })
      const left = await present(stand, keys)
      expect(left.length * 1000).toBeLessThan(100_000)
      expect(left.length).toBeGreaterThan(60)
    },
  )

  test('characters beyond Latin-1 count for two bytes', async () => {
    const count = async (character: string): Promise<number> => {
      const stand = memoryStand({}, { maxSize: 1_000_000, maxItems: 100_000 })
      const keys = numbered(150)
      for (const key of keys) await stand.bento.set({ key, value: character.repeat(10_000) })
      return (await present(stand, keys)).length
    }
    const [latin, kanji] = [await count('é'), await count('駅')]
    expect(latin).toBeGreaterThan(90)
    expect(kanji).toBeLessThan(latin * 0.55)
  })

  test('objects are weighed by their text', async () => {
    const stand = memoryStand({}, { maxSize: 50_000 })
    const keys = numbered(20)
    for (const key of keys) await stand.bento.set({ key, value: { deep: ['x'.repeat(10_000)] } })
    expect((await present(stand, keys)).length).toBe(4)
  })

  test('an entry over maxEntrySize is not kept, and pushes nobody out', async () => {
    const stand = memoryStand({}, { maxSize: '1mb', maxEntrySize: '10kb' })
    await stand.bento.set({ key: 'small', value: 'x'.repeat(9000) })
    expect(await stand.bento.set({ key: 'large', value: 'x'.repeat(11_000) })).toBe(true)
    expect(await present(stand, ['small', 'large'])).toEqual(['small'])
  })

  test('maxEntrySize works alone', async () => {
    const stand = memoryStand({}, { maxEntrySize: '10kb' })
    await stand.bento.set({ key: 'small', value: 'x'.repeat(9000) })
    await stand.bento.set({ key: 'large', value: 'x'.repeat(11_000) })
    expect(await present(stand, ['small', 'large'])).toEqual(['small'])
  })

  test('a value that has grown too large takes its old form with it', async () => {
    const stand = memoryStand({}, { maxEntrySize: '10kb' })
    await stand.bento.set({ key: 'k', value: 'old' })
    await stand.bento.set({ key: 'k', value: 'x'.repeat(11_000) })
    expect(await stand.bento.get({ key: 'k' })).toBeUndefined()
  })

  test('a value too large for L1 is still made once where there is an L2', async () => {
    const { bento, calls } = sharedStand({}, { maxEntrySize: 500 })
    const factory = vi.fn(() => 'x'.repeat(5000))
    await bento.getOrSet({ key: 'k', factory })
    const before = calls()
    expect(await bento.getOrSet({ key: 'k', factory })).toHaveLength(5000)
    expect([factory.mock.calls.length, calls() - before]).toEqual([1, 1])
  })

  test('expired entries take no timer to go', async () => {
    const stand = memoryStand({}, { maxItems: 2 })
    await stand.bento.set({ key: 'old', value: 1, ttl: '1s' })
    expect(stand.clock.pending()).toBe(0)
    await stand.clock.advance(1000)
    expect(await stand.bento.get({ key: 'old', grace: '1h' })).toBeUndefined()
    for (const key of ['a', 'b']) await stand.bento.set({ key, value: key })
    expect(await present(stand, ['old', 'a', 'b'])).toEqual(['a', 'b'])
  })
})

describe('bad options', () => {
  const RANGE = 'number'
  test.each<[MemoryOptions | object, string, string]>([
    [{ maxItems: 0 }, 'maxItems', RANGE],
    [{ maxItems: -1 }, 'maxItems', RANGE],
    [{ maxItems: 1.5 }, 'maxItems', RANGE],
    [{ maxItems: Number.NaN }, 'maxItems', RANGE],
    [{ maxItems: Infinity }, 'maxItems', RANGE],
    [{ maxItems: '5' }, 'maxItems', 'string'],
    [{ maxSize: 0 }, 'maxSize', RANGE],
    [{ maxSize: -5 }, 'maxSize', RANGE],
    [{ maxSize: Number.NaN }, 'maxSize', RANGE],
    [{ maxSize: Infinity }, 'maxSize', RANGE],
    [{ maxSize: '' }, 'maxSize', 'an empty string'],
    [{ maxSize: 'hunter2' }, 'maxSize', 'string'],
    [{ maxSize: '10 parsecs' }, 'maxSize', 'string'],
    [{ maxSize: '-1mb' }, 'maxSize', 'string'],
    [{ maxSize: '0mb' }, 'maxSize', 'string'],
    [{ maxSize: {} }, 'maxSize', 'object'],
    [{ maxSize: [10] }, 'maxSize', 'array'],
    [{ maxSize: true }, 'maxSize', 'boolean'],
    [{ maxEntrySize: 'x' }, 'maxEntrySize', 'string'],
    [{ maxEntrySize: 0 }, 'maxEntrySize', RANGE],
    [{ serialize: 'no' }, 'serialize', 'string'],
    [{ serialize: false, maxSize: '1mb' }, 'serialize', 'boolean'],
    [{ serialize: false, maxEntrySize: '1mb' }, 'serialize', 'boolean'],
  ])('%o', (options, option, received) => {
    const make = () => memoryDriver(options)
    expect(make).toThrowError(expect.objectContaining({ code: 'E_INVALID_OPTION', option, received }))
    expect(make).not.toThrowError(/hunter2/)
  })

  test('long texts are refused, not read in part', () => {
    for (const maxSize of [`${'9'.repeat(100_000)}mb`, '9'.repeat(400), `1${' '.repeat(100_000)}mb`]) {
      expect(() => memoryDriver({ maxSize })).toThrowError(
        expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'maxSize', received: 'string' }),
      )
    }
  })
})

describe('copies', () => {
  test('each caller has its own: leader, followers, hits, and the one who set it', async () => {
    const { bento } = memoryStand()
    const mine = { list: [1] }
    await bento.set({ key: 'set', value: mine })
    mine.list.push(2)
    const made = { list: [1] }
    const ask = () => bento.getOrSet({ key: 'made', factory: async () => made })
    const all = [...(await Promise.all([ask(), ask(), ask()])), await ask(), await bento.get({ key: 'set' })]
    expect(new Set([...all, made]).size).toBe(6)
    for (const value of all) {
      expect(value).toEqual({ list: [1] })
      value.list.push(3)
    }
    expect([await ask(), await bento.get({ key: 'set' })]).toEqual([{ list: [1] }, { list: [1] }])
  })

  test('what never had a shape to share is not copied', async () => {
    const serialize = vi.fn(json.serialize)
    const { bento } = memoryStand({ serializer: { ...json, serialize } })
    for (const value of ['text', 1, true, null]) await bento.set({ key: 'k', value })
    expect(serialize).not.toHaveBeenCalled()
  })

  test('serialize: false shares one object, of any kind', async () => {
    const { bento } = memoryStand({}, { serialize: false })
    class Train {
      readonly run = (): string => 'running'
    }
    const train = new Train()
    expect(await bento.getOrSet({ key: 'k', factory: () => train })).toBe(train)
    expect(await bento.get({ key: 'k' })).toBe(train)
    for (const value of [() => 1, Symbol('s'), 10n, Number.NaN, -0, new Map([[1, 2]])]) {
      await bento.set({ key: 'k', value })
      expect(await bento.get({ key: 'k' })).toBe(value)
    }
  })

  test('serialize: false with an L2 shares what L2 would give', async () => {
    const { clock, isolate } = world()
    const [a, b] = [isolate('a', {}, { serialize: false }), isolate('b', {}, { serialize: false })]
    const miss = await a.bento.getOrSet({ key: 'k', factory: () => ({ at: new Date(0), no: undefined }) })
    expect(miss).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' })
    expect(await a.bento.get({ key: 'k' })).toBe(miss)
    await clock.settle()
    const read = await b.bento.get({ key: 'k' })
    expect(read).toStrictEqual(miss)
    expect(await b.bento.get({ key: 'k' })).toBe(read)
  })

  test('a serializer of one’s own decides what comes back, from every tier', async () => {
    const serializer = {
      serialize: (value: unknown) => JSON.stringify(value, (_, part: unknown) => part).replace(/^/, 'mine '),
      deserialize: (text: string): unknown => ({ revived: JSON.parse(text.slice(5)) as unknown }),
    }
    const { clock, isolate } = world()
    const [a, b] = [isolate('a', { serializer }), isolate('b', { serializer })]
    const expected = { revived: { n: 1 } }
    expect(await a.bento.getOrSet({ key: 'k', factory: () => ({ n: 1 }) })).toEqual(expected)
    expect(await a.bento.get({ key: 'k' })).toEqual(expected)
    await clock.settle()
    expect([await b.bento.get({ key: 'k' }), await b.bento.get({ key: 'k' })]).toEqual([expected, expected])
  })

  test('a serializer that fails to read makes a miss in L2', async () => {
    const { isolate } = world()
    const broken = {
      serialize: json.serialize,
      deserialize: () => {
        throw new Error('hunter2')
      },
    }
    await isolate('a').bento.set({ key: 'k', value: { n: 1 } })
    const b = isolate('b', { serializer: broken })
    expect(await b.bento.get({ key: 'k', defaultValue: 'none' })).toBe('none')
    expect(b.story()).toBe('journal.page > l2.read > unusable > miss')
  })
})

/** Anything JSON can hold, and much it changes. */
const values = fc.oneof(
  fc.anything({
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withUnicodeString: true,
    withObjectString: true,
    key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON', '\ud800', 'length')),
    values: [
      fc.integer(),
      fc.double(),
      fc.constantFrom(-0, Number.NaN, Infinity, 1e308, 5e-324, 2 ** 53 + 2),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\ud83c', '\udf71\ud83c', '\0', '\u2028', '\n', '"\\', ''),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.date(),
    ],
  }),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, new Date(0), new Date(Number.NaN), '\ud800', ''),
)

describe('parity', () => {
  const { clock, isolate } = world()
  const [a, b, bare] = [isolate('a'), isolate('b'), isolate('bare', {}, false)]
  const alone = memoryStand()
  let round = 0

  test('a miss, a follower, an L1 hit, an L2 hit and memory alone give equal values', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        fc.pre(value !== undefined && JSON.stringify(value) !== undefined)
        const key = `k${round++}`
        const ask = () => a.bento.getOrSet<unknown>({ key, factory: async () => value })
        const [miss, follower] = await Promise.all([ask(), ask()])
        await clock.settle()
        const seen = [
          follower,
          await ask(),
          await b.bento.get({ key }),
          await b.bento.get({ key }),
          await bare.bento.get({ key }),
          await alone.bento.getOrSet<unknown>({ key, factory: () => value }),
          await alone.bento.get({ key }),
        ]
        // Not by toStrictEqual, which takes a key named constructor for the object's own.
        const copies = [miss, ...seen]
        const same = copies.map((copy) => isDeepStrictEqual(copy, JSON.parse(JSON.stringify(value))))
        expect(same).toEqual(copies.map(() => true))
      }),
      { numRuns: 300, seed: 42 },
    )
  })

  test('what JSON cannot write fails the same everywhere', async () => {
    for (const value of [undefined, () => 1, Symbol('s'), 1n, { n: 1n }]) {
      const codes = await Promise.all(
        [a, bare, alone].map(({ bento }) =>
          bento.set({ key: 'bad', value }).catch(({ code }: { code: string }) => code),
        ),
      )
      const code = value === undefined ? 'E_UNDEFINED_VALUE' : 'E_SERIALIZATION'
      expect(codes).toEqual([code, code, code])
    }
  })

  test('a key of __proto__ stays an own key', async () => {
    const value = JSON.parse('{"__proto__":{"polluted":true}}') as object
    const copy = await a.bento.getOrSet<object>({ key: 'proto', factory: () => value })
    await clock.settle()
    for (const got of [
      copy,
      await a.bento.get<object>({ key: 'proto' }),
      await b.bento.get<object>({ key: 'proto' }),
    ]) {
      expect(Object.keys(got)).toEqual(['__proto__'])
      expect((got as { polluted?: boolean }).polluted).toBeUndefined()
    }
  })
})
