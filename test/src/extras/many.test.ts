import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { getMany, getOrSetMany, setMany, type SomeFailedError } from '../../../src/extras/many.ts'
import { failureOf } from '../../support/pair.ts'
import { STACKS } from '../../support/stacks.ts'

const KEYS = Array.from({ length: 50 }, (_, at) => `k${at}`)

/** A factory that makes a value of each key, and what it was asked for. */
function loader() {
  return vi.fn(async (keys: string[]) => new Map(keys.map((key) => [key, `value of ${key}`])))
}

describe.each(STACKS)('%s', (name, make) => {
  const inL1 = name !== 'L2 alone'
  const inL2 = name !== 'L1 alone'
  /** Calls that `n` calls to L2 are in this stack. */
  const l2 = (calls: number): number => (inL2 ? calls : 0)

  test('setMany and getMany: one call each', async () => {
    const { bento, calls, clock } = make({ ttl: '1m' })
    const entries = KEYS.map((key) => ({ key, value: { of: key } }))
    expect(await clock.run(setMany(bento, { entries }))).toBe(true)
    expect(calls()).toBe(l2(1))
    expect(await clock.run(getMany(bento, { keys: KEYS }))).toEqual(KEYS.map((key) => ({ of: key })))
    expect(calls()).toBe(l2(inL1 ? 1 : 2))
    expect(await bento.get({ key: 'k7' })).toEqual({ of: 'k7' })
  })

  test('getOrSetMany: cold one read, one factory, one write; warm nothing or one read', async () => {
    const { bento, calls, clock } = make({ ttl: '1m' })
    const factory = loader()
    const ask = () => clock.run(getOrSetMany(bento, { keys: KEYS, factory }))
    expect(await ask()).toEqual(KEYS.map((key) => `value of ${key}`))
    await clock.advance(1)
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([KEYS])
    expect(calls()).toBe(l2(2))
    expect(await ask()).toEqual(KEYS.map((key) => `value of ${key}`))
    expect(calls()).toBe(l2(inL1 ? 2 : 3))
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('the factory is asked only for what is missing', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await clock.run(
      setMany(bento, {
        entries: [
          { key: 'a', value: 1 },
          { key: 'c', value: 3 },
        ],
      }),
    )
    const factory = vi.fn((keys: string[]) => keys.map((key) => key.toUpperCase()))
    const asked = getOrSetMany<unknown>(bento, { keys: ['a', 'b', 'c', 'd'], factory })
    expect(await clock.run(asked)).toEqual([1, 'B', 3, 'D'])
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([['b', 'd']])
  })

  test('what the factory leaves out is not cached', async () => {
    const { bento, clock } = make()
    const factory = vi.fn((keys: string[]) =>
      new Map(keys.map((key) => [key, key === 'a' ? 1 : undefined])).set('z', 9),
    )
    const ask = () => clock.run(getOrSetMany(bento, { keys: ['a', 'b', 'c'], factory }))
    expect(await ask()).toEqual([1, undefined, undefined])
    expect(await ask()).toEqual([1, undefined, undefined])
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
  })

  test('each key has options, tags and an expired value of its own', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'old', value: 'expired' })
    await clock.advance(61_000)
    const seen: unknown[] = []
    await clock.run(
      getOrSetMany(bento, {
        keys: ['old', 'short', 'tagged', 'skipped'],
        tags: ['all'],
        factory: (keys, ctx) => {
          seen.push(ctx.of('old').gracedEntry, ctx.of('short').gracedEntry, ctx.signal.aborted)
          ctx.of('short').setOptions({ ttl: 1000, grace: false })
          ctx.of('tagged').setTags(['one'])
          return new Map(keys.map((key) => [key, key === 'skipped' ? ctx.of(key).skip() : key]))
        },
      }),
    )
    expect(seen).toEqual([{ value: 'expired' }, undefined, false])
    await clock.advance(1000)
    expect(
      await clock.run(getMany(bento, { keys: ['old', 'short', 'tagged', 'skipped'], grace: false })),
    ).toEqual(['old', undefined, 'tagged', undefined])
    await bento.deleteByTag({ tags: ['one'] })
    expect(await clock.run(getMany(bento, { keys: ['old', 'tagged'] }))).toEqual(['old', undefined])
    await bento.deleteByTag({ tags: ['all'] })
    expect(await bento.get({ key: 'old' })).toBeUndefined()
  })

  test('what is expired is given at once and refreshed behind, in one batch', async () => {
    const { bento, calls, clock } = make({ ttl: '1m', grace: '1h' })
    await clock.run(setMany(bento, { entries: KEYS.map((key) => ({ key, value: 'old' })) }))
    await clock.advance(61_000)
    const before = calls()
    const factory = loader()
    const answer = await clock.run(getOrSetMany(bento, { keys: KEYS, factory }))
    expect(new Set(answer)).toEqual(new Set(['old']))
    await clock.advance(10)
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([KEYS])
    expect(calls()).toBe(before + l2(2))
    expect(await bento.get({ key: 'k3' })).toBe('value of k3')
  })

  test('a failure takes nothing away from the others', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'graced', value: 'old' })
    await clock.advance(61_000)
    await bento.set({ key: 'fresh', value: 'v' })
    const onFactoryError = vi.fn()
    const error = (await failureOf(
      clock.run(
        getOrSetMany(bento, {
          keys: ['fresh', 'graced', 'a', 'b'],
          onFactoryError,
          factory: () => Promise.reject<Map<string, string>>(new Error('down')),
        }),
      ),
    )) as SomeFailedError
    expect(error).toMatchObject({ code: 'E_SOME_FAILED', name: 'SomeFailedError' })
    expect([...error.values]).toEqual([
      ['fresh', 'v'],
      ['graced', 'old'],
    ])
    expect([...error.errors.keys()]).toEqual(['a', 'b'])
    expect(error.errors.get('a')).toMatchObject({
      code: 'E_FACTORY_ERROR',
      key: 'a',
      cause: new Error('down'),
    })
    expect(error.cause).toBe(error.errors.get('a'))
    expect(onFactoryError.mock.calls.map(([failed]) => failed.key)).toEqual(['graced', 'a', 'b'])
  })

  test('single callers and batches share the runs of their keys', async () => {
    const { bento, clock } = make()
    const slow = <T>(value: () => T) =>
      new Promise<T>((resolve) => void clock.setTimer(() => resolve(value()), 100))
    const one = vi.fn(() => slow(() => 'one'))
    const many = vi.fn((keys: string[]) => slow(() => keys.map((key) => `many ${key}`)))
    const first = bento.getOrSet({ key: 'a', factory: one })
    const second = getOrSetMany(bento, { keys: ['a', 'b', 'c'], factory: many })
    await clock.settle()
    const third = bento.getOrSet({ key: 'b', factory: one })
    const fourth = getOrSetMany(bento, { keys: ['c', 'd'], factory: many })
    expect(await clock.run(Promise.all([first, second, third, fourth]))).toEqual([
      'one',
      ['one', 'many b', 'many c'],
      'many b',
      ['many c', 'many d'],
    ])
    expect(one).toHaveBeenCalledTimes(1)
    expect(many.mock.calls.map(([keys]) => keys)).toEqual([['b', 'c'], ['d']])
  })

  test('an invalidation while the factory runs is of its key alone', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await clock.run(
      getOrSetMany(bento, {
        keys: ['a', 'b', 'c'],
        factory: async (keys) => {
          await bento.delete({ key: 'b' })
          return keys.map((key) => `of before, ${key}`)
        },
      }),
    )
    await clock.advance(10)
    expect(await clock.run(getMany(bento, { keys: ['a', 'b', 'c'] }))).toEqual([
      'of before, a',
      undefined,
      'of before, c',
    ])
  })

  test('forceFresh asks for all', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await clock.run(setMany(bento, { entries: [{ key: 'a', value: 'old' }] }))
    const factory = loader()
    const asked = getOrSetMany(bento, { keys: ['a', 'b'], forceFresh: true, factory })
    expect(await clock.run(asked)).toEqual(['value of a', 'value of b'])
    await clock.advance(1)
    expect(await bento.get({ key: 'a' })).toBe('value of a')
  })

  test('a hard timeout fails what is not there', async () => {
    const { bento, clock } = make({ hardTimeout: 100 })
    await bento.set({ key: 'a', value: 'v' })
    const asked = getOrSetMany(bento, { keys: ['a', 'b'], factory: () => new Promise<string[]>(() => {}) })
    const error = (await failureOf(clock.run(asked))) as SomeFailedError
    expect(error.errors.get('b')).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
    expect(error.values.get('a')).toBe('v')
  })

  test('namespaces and tags are those of the cache it is asked of', async () => {
    const { bento, clock } = make()
    const users = bento.namespace('users')
    await clock.run(
      setMany(users, {
        tags: ['t'],
        entries: [
          { key: 'a', value: 1 },
          { key: 'b', value: 2, tags: ['u'] },
        ],
      }),
    )
    expect(await clock.run(getMany(bento, { keys: ['a', 'users:a'] }))).toEqual([undefined, 1])
    await users.deleteByTag({ tags: ['u'] })
    expect(await clock.run(getMany(users, { keys: ['a', 'b'] }))).toEqual([1, undefined])
    await users.clear()
    expect(await clock.run(getMany(users, { keys: ['a'] }))).toEqual([undefined])
  })

  test('no keys are no call, and repeated ones are one', async () => {
    const { bento, calls, clock } = make()
    const factory = loader()
    expect(await getMany(bento, { keys: [] })).toEqual([])
    expect(await getOrSetMany(bento, { keys: [], factory })).toEqual([])
    expect(await setMany(bento, { entries: [] })).toBe(true)
    expect(calls()).toBe(0)
    expect(factory).not.toHaveBeenCalled()
    expect(await clock.run(getOrSetMany(bento, { keys: ['a', 'b', 'a'], factory }))).toEqual([
      'value of a',
      'value of b',
      'value of a',
    ])
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([['a', 'b']])
  })

  test('misses get the default, each its own', async () => {
    const { bento, clock } = make()
    await bento.set({ key: 'a', value: { n: 1 } })
    const defaultValue = vi.fn(() => ({ n: 0 }))
    const values = await clock.run(getMany(bento, { keys: ['a', 'b', 'c'], defaultValue }))
    expect(values).toEqual([{ n: 1 }, { n: 0 }, { n: 0 }])
    expect(defaultValue).toHaveBeenCalledTimes(2)
  })

  test.each<[unknown, string]>([
    [undefined, 'Invalid options'],
    [{}, 'Invalid keys'],
    [{ keys: 'a' }, 'Invalid keys'],
    [{ keys: ['a', ''] }, 'Invalid keys[1]'],
    [{ keys: ['a'] }, 'Invalid factory'],
    [{ keys: ['a'], factory: () => [], ttl: -1 }, 'Invalid ttl'],
  ])('getOrSetMany(%o) is refused', async (options, message) => {
    await expect(getOrSetMany(make().bento, options as never)).rejects.toThrow(message)
  })

  test.each<[unknown, string]>([
    [undefined, 'Invalid options'],
    [{}, 'Invalid entries'],
    [{ entries: [1] }, 'Invalid entries[0]'],
    [{ entries: [{ value: 1 }] }, 'Invalid entries[0].key'],
    [
      {
        entries: [
          { key: 'a', value: 1 },
          { key: 'a', value: 2 },
        ],
      },
      'Invalid entries[1].key',
    ],
    [{ entries: [{ key: 'a', value: undefined }] }, 'Cannot set undefined'],
    [{ entries: [{ key: 'a', value: 1, ttl: 'soon' }] }, 'Invalid ttl'],
  ])('setMany(%o) is refused', async (options, message) => {
    await expect(setMany(make().bento, options as never)).rejects.toThrow(message)
  })

  test('one value that cannot be written does not keep the others from it', async () => {
    const { bento, clock } = make()
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const entries = [
      { key: 'a', value: 1 },
      { key: 'bad', value: cyclic },
      { key: 'c', value: 3 },
    ]
    expect(await failureOf(clock.run(setMany(bento, { entries })))).toMatchObject({ code: 'E_SERIALIZATION' })
    expect(await clock.run(getMany(bento, { keys: ['a', 'bad', 'c'] }))).toEqual([1, undefined, 3])
  })

  test.each<[string, unknown]>([
    ['a text', 'values'],
    ['nothing', undefined],
    ['null', null],
    ['a list of the wrong length', ['a']],
  ])('a factory that gives %s is told what to give', async (_, batch) => {
    const { bento, clock } = make()
    const asked = getOrSetMany(bento, { keys: ['a', 'b'], factory: () => batch as string[] })
    const error = (await failureOf(clock.run(asked))) as SomeFailedError
    expect(error.errors.get('b')).toMatchObject({ cause: { code: 'E_BATCH' } })
  })

  test('a factory that asks for a key of nobody is told', async () => {
    const { bento, clock } = make()
    const asked = getOrSetMany(bento, { keys: ['a'], factory: (_keys, ctx) => [ctx.of('x').skip()] })
    const error = (await failureOf(clock.run(asked))) as SomeFailedError
    expect(error.errors.get('a')).toMatchObject({ cause: { code: 'E_BATCH' } })
  })

  test('events are those of single operations', async () => {
    const { bento, steps, clock } = make()
    await clock.run(getOrSetMany(bento, { keys: ['a', 'b'], factory: loader() }))
    await clock.advance(1)
    const of = (key: string) =>
      steps.filter((step) => 'key' in step && step.key === key).map(({ type }) => type)
    expect(of('a')).toEqual(of('b'))
    expect(of('a')).toContain('written')
    expect(of('a')).toContain('miss')
  })
})

test('types', () => {
  const { bento } = STACKS[0]![1]()
  expectTypeOf(
    getOrSetMany(bento, { keys: ['a'], factory: (keys) => keys.map((key) => key.length) }),
  ).toEqualTypeOf<Promise<(number | undefined)[]>>()
  expectTypeOf(
    getOrSetMany(bento, { keys: ['a'], factory: async () => new Map([['a', { n: 1 }]]) }),
  ).toEqualTypeOf<Promise<({ n: number } | undefined)[]>>()
  expectTypeOf(getMany<string>(bento, { keys: ['a'] })).toEqualTypeOf<Promise<string[]>>()
})
