import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import { BentoCache, bentostore, errors, InvalidOptionError, type OperationOptions } from '../../src/index.ts'
import { failureOf } from '../support/pair.ts'
import { type Stand, STACKS } from '../support/stacks.ts'

/** Must never be seen in a message. */
const SECRET = 'hunter2'
const DURATION = 'milliseconds >= 0, a duration such as "30s" or "2.5h", or null'

const durations: [unknown, string][] = [
  [Number.NaN, 'NaN'],
  [-1, 'a negative number'],
  [Infinity, 'an infinite number'],
  ['', 'a text that is no duration'],
  [SECRET, 'a text that is no duration'],
  ['1 fortnight', 'a text that is no duration'],
  ['-5m', 'a negative number'],
  [{ secret: SECRET }, 'object'],
  [true, 'boolean'],
]

const durationOptions = ['ttl', 'grace', 'graceBackoff', 'timeout', 'hardTimeout', 'lockTimeout'] as const

const texts: [unknown, string][] = [
  ['', 'an empty string'],
  [undefined, 'undefined'],
  [null, 'null'],
  [42, 'number'],
  [{ toString: () => SECRET }, 'object'],
  [[SECRET], 'array'],
  [Symbol(SECRET), 'symbol'],
]

/** What `work` is refused with, in the shape every refusal has; and the cache serves on. */
async function refusalOf({ bento }: Stand, work: Promise<unknown>): Promise<unknown> {
  const error = await failureOf(work)
  expect(error).toBeInstanceOf(InvalidOptionError)
  expect(error).toMatchObject({ code: 'E_INVALID_OPTION', name: 'InvalidOptionError' })
  const { message, option, received, allowed } = error as InvalidOptionError
  expect(message).toBe(`Invalid ${option}: received ${received}, expected ${allowed}`)
  expect(message).not.toContain(SECRET)
  expect(await bento.getOrSet({ key: 'after', factory: () => 'usable' })).toBe('usable')
  expect(bento.inflight).toBe(0)
  return error
}

describe.each(STACKS)('%s', (_, make) => {
  test.each(durationOptions.flatMap((option) => durations.map((bad) => [option, ...bad] as const)))(
    '%s %o is refused by every operation that takes it',
    async (option, value, received) => {
      const stand = make()
      const options = { key: 'k', [option]: value } as { key: string } & OperationOptions
      const works = [
        () => stand.bento.getOrSet({ ...options, factory: () => 1 }),
        () => stand.bento.set({ ...options, value: 1 }),
        () => stand.bento.get(options),
      ]
      for (const work of works)
        expect(await refusalOf(stand, work())).toMatchObject({ option, received, allowed: DURATION })
    },
  )

  test.each(texts)('key %o is refused by every operation', async (key, received) => {
    const stand = make()
    const { bento } = stand
    const bad = { key } as { key: string }
    const works = [
      () => bento.getOrSet({ ...bad, factory: () => 1 }),
      () => bento.getOrSetForever({ ...bad, factory: () => 1 }),
      () => bento.get(bad),
      () => bento.set({ ...bad, value: 1 }),
      () => bento.setForever({ ...bad, value: 1 }),
      () => bento.has(bad),
      () => bento.missing(bad),
      () => bento.pull(bad.key),
      () => bento.delete(bad),
      () => bento.expire(bad),
    ]
    const allowed = 'a string that is not empty'
    for (const work of works)
      expect(await refusalOf(stand, work())).toMatchObject({ option: 'key', received, allowed })
    expect(await refusalOf(stand, bento.deleteMany({ keys: ['k', bad.key] }))).toMatchObject({
      option: 'keys[1]',
      received,
      allowed,
    })
  })

  test.each(texts)('tag %o is refused, wherever tags are given', async (tag, received) => {
    const stand = make()
    const { bento } = stand
    const tags = ['fine', tag] as string[]
    const expected = { option: 'tags[1]', received, allowed: 'a string that is not empty' }
    expect(await refusalOf(stand, bento.deleteByTag({ tags }))).toMatchObject(expected)
    expect(await refusalOf(stand, bento.set({ key: 'k', value: 1, tags }))).toMatchObject(expected)
    expect(await refusalOf(stand, bento.getOrSet({ key: 'k', factory: () => 1, tags }))).toMatchObject(
      expected,
    )
    expect(await bento.has({ key: 'k' })).toBe(false)
  })

  test.each<[unknown, string]>([
    [SECRET, 'string'],
    [null, 'null'],
    [{ 0: SECRET }, 'object'],
    [new Set([SECRET]), 'object'],
  ])('a list that is none is refused: %o', async (list, received) => {
    const stand = make()
    const { bento } = stand
    const bad = list as string[]
    const allowed = 'an array of strings'
    expect(await refusalOf(stand, bento.deleteByTag({ tags: bad }))).toMatchObject({
      option: 'tags',
      received,
      allowed,
    })
    expect(await refusalOf(stand, bento.deleteMany({ keys: bad }))).toMatchObject({
      option: 'keys',
      received,
      allowed,
    })
    expect(await refusalOf(stand, bento.set({ key: 'k', value: 1, tags: bad }))).toMatchObject({
      option: 'tags',
      received,
      allowed,
    })
  })

  test.each(texts)('namespace %o is refused', (name, received) => {
    const { bento } = make()
    expect(() => bento.namespace(name as string)).toThrowError(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'namespace', received }),
    )
  })

  test('a factory that is none is refused', async () => {
    const stand = make()
    for (const [factory, received] of [[SECRET, 'string'] as const, [undefined, 'undefined'] as const]) {
      const work = stand.bento.getOrSet({ key: 'k', factory: factory as never })
      expect(await refusalOf(stand, work)).toMatchObject({
        option: 'factory',
        received,
        allowed: 'a function',
      })
    }
  })

  test('flags and functions of another type are refused', async () => {
    const stand = make()
    const cases: [string, unknown, string, string][] = [
      ['forceFresh', 'yes', 'string', 'a boolean'],
      ['suppressL2Errors', 1, 'number', 'a boolean'],
      ['skipL2Write', null, 'null', 'a boolean'],
      ['skipBusNotify', {}, 'object', 'a boolean'],
      ['awaitWrites', 'no', 'string', 'a boolean'],
      ['onFactoryError', SECRET, 'string', 'a function'],
      ['onOutage', SECRET, 'string', "'factory' or 'stale'"],
    ]
    for (const [option, value, received, allowed] of cases) {
      const work = stand.bento.getOrSet({ key: 'k', factory: () => 1, [option]: value })
      expect(await refusalOf(stand, work)).toMatchObject({ option, received, allowed })
    }
  })

  test('what a factory sets wrongly fails that factory alone', async () => {
    const stand = make()
    const factories = [
      (ctx: { setOptions(options: object): void }) => ctx.setOptions({ ttl: SECRET }),
      (ctx: { setTags(tags: string[]): void }) => ctx.setTags(['']),
      (ctx: { setTtl(ttl: number): void }) => ctx.setTtl(-1),
    ]
    for (const factory of factories) {
      const error = await failureOf(stand.bento.getOrSet({ key: 'k', factory }))
      expect(error).toMatchObject({ code: 'E_FACTORY_ERROR', cause: { code: 'E_INVALID_OPTION' } })
      expect(`${(error as Error).cause as Error}`).not.toContain(SECRET)
    }
    expect(await stand.bento.getOrSet({ key: 'k', factory: () => 'usable' })).toBe('usable')
  })

  test('undefined is no value', async () => {
    const { bento } = make()
    const error = { code: 'E_UNDEFINED_VALUE', message: 'Cannot set undefined value in the cache, key: k' }
    expect(await failureOf(bento.set({ key: 'k', value: undefined }))).toMatchObject(error)
    expect(await failureOf(bento.setForever({ key: 'k', value: undefined }))).toMatchObject(error)
    expect(await failureOf(bento.getOrSet({ key: 'k', factory: () => undefined }))).toMatchObject(error)
    expect(await bento.set({ key: 'k', value: null })).toBe(true)
  })

  test('a refused set leaves what was there', async () => {
    const { bento } = make()
    await bento.set({ key: 'k', value: 'old' })
    await failureOf(bento.set({ key: 'k', value: undefined }))
    await failureOf(bento.set({ key: 'k', value: 1n }))
    await failureOf(bento.set({ key: 'k', value: 1, ttl: -1 }))
    expect(await bento.get({ key: 'k' })).toBe('old')
  })

  test('a store nobody made is unknown, under its name and the known ones', () => {
    const { bento } = make()
    for (const name of ['none', '__proto__', 'toString', '']) {
      expect(() => bento.use(name as 'main')).toThrowError(
        expect.objectContaining({
          code: 'E_UNKNOWN_STORE',
          message: `There is no store "${name}". Known stores: main`,
        }),
      )
    }
  })
})

describe('at construction', () => {
  const main = () => bentostore().useL1Layer(memoryDriver())

  test('bad options of a store or of all are told at once', () => {
    for (const [option, value, received] of [
      ['ttl', -1, 'a negative number'],
      ['grace', 'soon', 'a text that is no duration'],
      ['l2Timeout', Number.NaN, 'NaN'],
      ['maxStaleness', '', 'a text that is no duration'],
      ['pollInterval', {}, 'object'],
      ['leaseTtl', 'x', 'a text that is no duration'],
      ['l1Ttl', -5, 'a negative number'],
      ['l2CircuitBreakerDuration', 'x', 'a text that is no duration'],
      ['prefix', 5, 'number'],
      ['serializer', {}, 'object'],
      ['serializer', null, 'null'],
    ] as const) {
      const bad = { [option]: value }
      const refusal = expect.objectContaining({ code: 'E_INVALID_OPTION', option, received })
      expect(() => new BentoCache({ ...bad, default: 'main', stores: { main: main() } })).toThrowError(
        refusal,
      )
      const stores = { main: bentostore(bad).useL1Layer(memoryDriver()) }
      expect(() => new BentoCache({ default: 'main', stores })).toThrowError(refusal)
    }
  })

  test('a serializer that only writes is refused', () => {
    const serializer = { serialize: JSON.stringify } as never
    expect(() => new BentoCache({ serializer, default: 'main', stores: { main: main() } })).toThrowError(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'serializer' }),
    )
  })

  test('stores that are none are refused', () => {
    for (const [stores, option, received] of [
      [undefined, 'stores', 'undefined'],
      [{}, 'stores', 'object'],
      [null, 'stores', 'null'],
      [{ main: {} }, 'stores.main', 'object'],
      [{ main: main(), other: undefined }, 'stores.other', 'undefined'],
    ] as const) {
      expect(() => new BentoCache({ default: 'main', stores: stores as never })).toThrowError(
        expect.objectContaining({ code: 'E_INVALID_OPTION', option, received }),
      )
    }
  })

  test('a default that is no store is unknown', () => {
    expect(() => new BentoCache({ default: 'other' as 'main', stores: { main: main() } })).toThrowError(
      expect.objectContaining({
        code: 'E_UNKNOWN_STORE',
        message: 'There is no store "other". Known stores: main',
      }),
    )
  })

  test('layers that are none are refused', () => {
    const bad = SECRET as never
    for (const [layer, run] of [
      ['useL1Layer', () => bentostore().useL1Layer(bad)],
      ['useL2Layer', () => bentostore().useL2Layer(bad)],
      ['useBus', () => bentostore().useBus(bad)],
      ['driver', () => plainDriver(bad)],
    ] as const) {
      expect(run).toThrowError(
        expect.objectContaining({ code: 'E_INVALID_OPTION', option: layer, received: 'string' }),
      )
    }
  })

  test('a driver that does not coordinate needs plainDriver in the bare core', () => {
    const bento = new BentoCache({
      default: 'main',
      stores: { main: bentostore().useL2Layer(memoryDriver()) },
    })
    expect(() => bento.use('main')).toThrowError(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'useL2Layer' }),
    )
  })
})

test('errors are known by code, as Bentocache lists them', () => {
  for (const [code, made] of Object.entries(errors)) {
    expect(made.code).toBe(code)
    expect(made.title).toBe(made.name)
  }
  expect(new InvalidOptionError({ option: 'o', received: 'r', allowed: 'a' }).toString()).toBe(
    'InvalidOptionError [E_INVALID_OPTION]: Invalid o: received r, expected a',
  )
})
