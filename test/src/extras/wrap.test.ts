import { isDeepStrictEqual } from 'node:util'
import { assert, jsonValue, property } from 'fast-check'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { canonical } from '../../../src/extras/canonical.ts'
import { wrap } from '../../../src/extras/wrap.ts'
import { memoryStand, STACKS } from '../../support/stacks.ts'

describe.each(STACKS)('%s', (_, make) => {
  test('a call is made once for the same arguments', async () => {
    const { bento } = make()
    const load = vi.fn(async (id: number, options: { deep: boolean; fields?: string[] }) => ({
      id,
      ...options,
    }))
    const user = wrap(bento, load, { name: 'user', ttl: '5m' })
    expect(await user(1, { deep: true, fields: ['a'] })).toEqual({ id: 1, deep: true, fields: ['a'] })
    expect(await user(1, { fields: ['a'], deep: true })).toEqual({ id: 1, deep: true, fields: ['a'] })
    expect(load).toHaveBeenCalledTimes(1)
    await user(1, { fields: ['b'], deep: true })
    await user(2, { fields: ['a'], deep: true })
    expect(load).toHaveBeenCalledTimes(3)
  })

  test('callers at the same time share one call', async () => {
    const { bento, clock } = make()
    const load = vi.fn(() => new Promise<number>((resolve) => void clock.setTimer(() => resolve(7), 100)))
    const seven = wrap(bento, load, { name: 'seven' })
    expect(await clock.run(Promise.all([seven(), seven(), seven()]))).toEqual([7, 7, 7])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a result can be deleted, expired and refreshed by its arguments, and by its tags', async () => {
    const { bento } = make({ grace: '1h' })
    let made = 0
    const load = vi.fn((_id: string) => ++made)
    const count = wrap(bento, load, { name: 'count', tags: (id) => [`of-${id}`, 'counts'] })
    expect(await count('a')).toBe(1)
    expect(await count.refresh('a')).toBe(2)
    expect(await count('a')).toBe(2)
    expect(await count.delete('a')).toBe(true)
    expect(await count('a')).toBe(3)
    expect(await count.expire('a')).toBe(true)
    expect(await bento.has({ key: await count.keyFor('a') })).toBe(false)
    await bento.deleteByTag({ tags: ['of-a'] })
    expect(await bento.get({ key: await count.keyFor('a') })).toBeUndefined()
    await count('b')
    await bento.deleteByTag({ tags: ['counts'] })
    expect(await bento.get({ key: await count.keyFor('b') })).toBeUndefined()
  })
})

describe('keys', () => {
  const { bento } = memoryStand()
  const keyOf = (...args: readonly unknown[]) =>
    wrap(bento, (...given: readonly unknown[]) => given.length, { name: 'f' }).keyFor(...args)

  test('can be read while they are short, and are hashed where they are not', async () => {
    expect(await keyOf(1, 'a', { b: true })).toBe('f(1,"a",{"b":true})')
    expect(await keyOf()).toBe('f()')
    const long = await keyOf('x'.repeat(10_000))
    expect(long.length).toBeLessThan(200)
    expect(await keyOf('x'.repeat(10_001))).not.toBe(long)
  })

  test('may be made by the caller', async () => {
    const made = wrap(bento, (user: { id: string }) => user.id, { name: 'f', key: (user) => user.id })
    expect(await made.keyFor({ id: 'a' })).toBe('f(a)')
    const bad = wrap(bento, (user: { id: string }) => user.id, { name: 'f', key: () => '' })
    await expect(bad({ id: 'a' })).rejects.toThrow('Invalid key')
  })

  test('tell different data apart', () => {
    const holed: unknown[] = []
    holed[1] = 1
    const different: readonly unknown[] = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      undefined,
      'undefined',
      Number.NaN,
      Infinity,
      -Infinity,
      '',
      [],
      [[]],
      [1],
      ['1'],
      [1, 2],
      [[1], 2],
      [[1, 2]],
      [undefined],
      [null],
      {},
      { a: 1 },
      { a: '1' },
      { a: undefined },
      { b: 1 },
      { a: { b: 1 } },
      { 'a":1,"b': 1 },
      { a: 1, b: 1 },
      new Date(0),
      new Date(1),
      0,
      '1970-01-01T00:00:00.000Z',
      new URL('https://a.example/'),
      'https://a.example/',
      new Map(),
      new Map([[1, 2]]),
      new Map([['1', 2]]),
      new Set(),
      new Set([1]),
      new Set(['1']),
      new Set([[1]]),
      new Uint8Array([1]),
      new Uint8Array([1, 2]),
      new Uint16Array([1]),
      new Uint8Array([1]).buffer,
      /a/,
      /a/g,
      -0,
      holed,
      Array(1),
      Array(2),
      [undefined, 1],
    ]
    const texts = different.map((value) => canonical(value, 'it'))
    expect(new Set(texts).size).toBe(different.length)
  })

  test('do not depend on the order of properties, maps and sets', () => {
    const same = (one: unknown, other: unknown) => expect(canonical(one, 'it')).toBe(canonical(other, 'it'))
    same({ a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 })
    same(new Set([1, 'a']), new Set(['a', 1]))
    same(
      new Map([
        [1, 2],
        [3, 4],
      ]),
      new Map([
        [3, 4],
        [1, 2],
      ]),
    )
    same(Object.create(null), {})
  })

  test('are equal exactly if the data is', () => {
    const data = jsonValue({ maxDepth: 4 })
    assert(
      property(data, data, (one, other) => {
        const alike = isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)))
        expect(canonical(one, 'it') === canonical(other, 'it')).toBe(alike)
        expect(canonical(structuredClone(one), 'it')).toBe(canonical(one, 'it'))
      }),
      { numRuns: 500 },
    )
  })

  test.each<[unknown, string]>([
    [() => 1, 'arguments[0]'],
    [Symbol('s'), 'arguments[0]'],
    [{ user: { load: () => 1 } }, 'arguments[0].user.load'],
    [[1, [Symbol('s')]], 'arguments[0][1][0]'],
    [new AbortController(), 'arguments[0]'],
    [new (class extends Date {})(), 'arguments[0]'],
    [Object.assign([1], { extra: 1 }), 'arguments[0]'],
    [{ [Symbol('s')]: 1 }, 'arguments[0]'],
    [Promise.resolve(1), 'arguments[0]'],
  ])('what is no data is refused by name: %o', async (value, path) => {
    await expect(keyOf(value)).rejects.toMatchObject({ code: 'E_INVALID_OPTION', option: path })
  })

  test('cycles and depths are refused', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    await expect(keyOf(cycle)).rejects.toThrow('without cycles')
    let deep: unknown = 1
    for (let level = 0; level < 25; level++) deep = [deep]
    await expect(keyOf(deep)).rejects.toThrow('at most 20 levels')
    const shared = { a: 1 }
    expect(await keyOf([shared, shared])).toBe('f([{"a":1},{"a":1}])')
  })
})

test('what is shared inside an argument does not make it endless', async () => {
  const { bento } = memoryStand()
  let shared: unknown = 1
  for (let level = 0; level < 19; level++) shared = [shared, shared]
  const made = wrap(bento, (value: unknown) => typeof value, { name: 'f' })
  await expect(made(shared)).rejects.toThrow('at most 10000 parts')
})

test('names cannot meet', async () => {
  const { bento } = memoryStand()
  const one = wrap(bento, () => 'one', { name: 'a', key: () => 'b:c' })
  const two = wrap(bento, () => 'two', { name: 'a:b', key: () => 'c' })
  expect([await one(), await two()]).toEqual(['one', 'two'])
  expect(() => wrap(bento, () => 1, { name: 'a(b' })).toThrow('Invalid name')
})

test('a function that gives nothing is called each time', async () => {
  const { bento } = memoryStand()
  const nothing = vi.fn((): string | undefined => undefined)
  const made = wrap(bento, nothing, { name: 'nothing' })
  expect([await made(), await made()]).toEqual([undefined, undefined])
  expect(nothing).toHaveBeenCalledTimes(2)
})

test('the function keeps its this', async () => {
  const { bento } = memoryStand()
  const shop = {
    prices: { tea: 3 },
    price: wrap(
      bento,
      function (this: { prices: Record<string, number> }, name: string) {
        return this.prices[name] ?? 0
      },
      { name: 'price' },
    ),
  }
  expect(await shop.price('tea')).toBe(3)
  expect(await shop.price.refresh.call(shop, 'tea')).toBe(3)
})

test('a failure is told as getOrSet tells it', async () => {
  const { bento } = memoryStand()
  const failing = wrap(
    bento,
    (): number => {
      throw new Error('down')
    },
    { name: 'failing' },
  )
  await expect(failing()).rejects.toMatchObject({ code: 'E_FACTORY_ERROR', cause: new Error('down') })
})

test('bad options are told at once', () => {
  const { bento } = memoryStand()
  const make = (fn: unknown, options: unknown) => () =>
    wrap(bento, fn as () => void, options as { name: string })
  expect(make(() => 1, {})).toThrow('Invalid name')
  expect(make(() => 1, undefined)).toThrow('Invalid options')
  expect(make('f', { name: 'f' })).toThrow('Invalid fn')
  expect(make(() => 1, { name: 'f', key: 'k' })).toThrow('Invalid key')
})

test('types follow the function', () => {
  const { bento } = memoryStand()
  const load = (id: number, deep = false): { id: number; deep: boolean } => ({ id, deep })
  const sync = wrap(bento, load, { name: 'sync', tags: (id) => [`${id}`] })
  const later = wrap(bento, async (id: string) => id.length, { name: 'later', tags: (id) => [id] })
  expectTypeOf(sync).parameters.toEqualTypeOf<Parameters<typeof load>>()
  expectTypeOf(sync).returns.toEqualTypeOf<Promise<{ id: number; deep: boolean }>>()
  expectTypeOf(later).returns.toEqualTypeOf<Promise<number>>()
  expectTypeOf(later.delete).parameters.toEqualTypeOf<[id: string]>()
})
