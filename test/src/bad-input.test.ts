import { expect, test } from 'vitest'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache, bentostore, type CreateDriverResult, errors } from '../../src/index.ts'
import { toMilliseconds } from '../../src/durations.ts'
import { world } from '../support/world.ts'

/** As a JavaScript user passes it: whatever the types say. */
const loose = (value: unknown): never => value as never

const SECRET = 'hunter2'

const cases: [string, (bento: ReturnType<typeof one>) => unknown, string, RegExp, RegExp][] = [
  ['an empty key', (bento) => bento.get({ key: '' }), 'key', /empty/, /not empty/],
  ['a key that is a number', (bento) => bento.set({ key: loose(7), value: 1 }), 'key', /number/, /string/],
  ['no key', (bento) => bento.delete(loose({})), 'key', /undefined/, /string/],
  ['a negative ttl', (bento) => miss(bento, { ttl: -1 }), 'ttl', /negative/, />= 0/],
  ['a ttl that is NaN', (bento) => miss(bento, { ttl: Number.NaN }), 'ttl', /NaN/, />= 0/],
  ['an infinite ttl', (bento) => miss(bento, { ttl: Infinity }), 'ttl', /infinite/, /null/],
  ['a ttl in words', (bento) => miss(bento, { ttl: `${SECRET} days` }), 'ttl', /no duration/, /"2.5h"/],
  ['a negative duration', (bento) => miss(bento, { hardTimeout: '-5s' }), 'hardTimeout', /negative/, />= 0/],
  ['a grace that is true', (bento) => miss(bento, { grace: true }), 'grace', /boolean/, /duration/],
  ['tags that are no list', (bento) => miss(bento, { tags: SECRET }), 'tags', /string/, /array/],
  ['a tag that is no string', (bento) => miss(bento, { tags: ['a', 7] }), 'tags[1]', /number/, /string/],
  ['an empty tag', (bento) => bento.deleteByTag({ tags: [''] }), 'tags[0]', /empty/, /not empty/],
  ['keys that are no list', (bento) => bento.deleteMany({ keys: loose(SECRET) }), 'keys', /string/, /array/],
  [
    'a factory that is a value',
    (bento) => bento.getOrSet({ key: 'k', factory: loose(SECRET) }),
    'factory',
    /string/,
    /function/,
  ],
  [
    'a flag that is a string',
    (bento) => miss(bento, { forceFresh: SECRET }),
    'forceFresh',
    /string/,
    /boolean/,
  ],
  ['an unknown outage policy', (bento) => miss(bento, { onOutage: SECRET }), 'onOutage', /string/, /'stale'/],
]

function one(): BentoCache {
  return new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
}

function miss(bento: BentoCache, options: object): Promise<unknown> {
  return bento.getOrSet({ key: 'k', factory: () => 1, ...options })
}

test.each(cases)(
  '%s is told by name, and the cache stays usable',
  async (_, act, option, received, allowed) => {
    const bento = one()
    const error: unknown = await Promise.resolve(act(bento)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(errors.E_INVALID_OPTION)
    expect(error).toMatchObject({
      code: 'E_INVALID_OPTION',
      option,
      received: expect.stringMatching(received),
      allowed: expect.stringMatching(allowed),
    })
    expect(String(error)).toContain(option)
    expect(String(error)).not.toContain(SECRET)
    expect(await bento.getOrSet({ key: 'k', factory: () => 'usable' })).toBe('usable')
  },
)

test('a bad option of a factory fails its call, not the cache', async () => {
  const bento = one()
  const factory = ({ setOptions }: { setOptions(options: object): void }): number => (
    setOptions({ ttl: -1 }),
    1
  )
  const error = { code: 'E_FACTORY_ERROR', cause: expect.objectContaining({ option: 'ttl' }) }
  await expect(bento.getOrSet({ key: 'k', factory })).rejects.toMatchObject(error)
  expect(await bento.getOrSet({ key: 'k', factory: () => 2 })).toBe(2)
})

test('bad options of a store or of all stores are told at construction', () => {
  const make = (globals: object, own: object = {}): BentoCache =>
    new BentoCache({ default: 'main', stores: { main: bentostore(own) }, ...globals })
  expect(() => make({ ttl: 'soon' })).toThrowError(expect.objectContaining({ option: 'ttl' }))
  expect(() => make({}, { pollInterval: -1 })).toThrowError(
    expect.objectContaining({ option: 'pollInterval' }),
  )
  expect(() => make({ serializer: {} })).toThrowError(expect.objectContaining({ option: 'serializer' }))
  expect(() => make({ stores: {} })).toThrowError(expect.objectContaining({ option: 'stores' }))
  expect(() => make({ stores: { main: {} } })).toThrowError(
    expect.objectContaining({ option: 'stores.main' }),
  )
  expect(() => bentostore().useL1Layer(loose(memoryDriver))).toThrowError(
    expect.objectContaining({ option: 'useL1Layer' }),
  )
})

test('an unknown store is told with those that are known', () => {
  const bento = one()
  expect(() => bento.use(loose('nope'))).toThrowError(expect.objectContaining({ code: 'E_UNKNOWN_STORE' }))
  expect(() => bento.use(loose('nope'))).toThrowError(/Known stores: main/)
  expect(() => bento.use(loose('constructor'))).toThrowError(errors.E_UNKNOWN_STORE)
  expect(() => new BentoCache({ default: loose('x'), stores: { main: bentostore() } })).toThrowError(
    errors.E_UNKNOWN_STORE,
  )
})

test('sizes of memory are told by name', () => {
  const option = (options: object): unknown => {
    try {
      return memoryDriver(options)
    } catch (error) {
      return (error as { option: string }).option
    }
  }
  expect(option({ maxItems: 0 })).toBe('maxItems')
  expect(option({ maxItems: 1.5 })).toBe('maxItems')
  expect(option({ maxSize: 'big' })).toBe('maxSize')
  expect(option({ maxEntrySize: -1 })).toBe('maxEntrySize')
  expect(option({ serialize: false, maxSize: 10 })).toBe('serialize')
  expect(option({ maxSize: '10mb', maxEntrySize: '1kb' })).toHaveProperty('factory')
})

test('a missing binding is told at construction, or at the call for one that is looked up', async () => {
  expect(() => durableObjectDriver({ binding: loose(undefined) })).toThrowError(errors.E_MISSING_BINDING)
  const late: CreateDriverResult = durableObjectDriver({ binding: () => undefined })
  const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL2Layer(late) } })
  const failed: unknown[] = []
  bento.onTrace((step) => 'error' in step && failed.push(step.error))
  expect(await bento.getOrSet({ key: 'k', factory: () => 'still answered' })).toBe('still answered')
  expect(failed[0]).toMatchObject({ code: 'E_MISSING_BINDING', option: 'binding' })
})

test('a plain driver where nothing can emulate is told what to use', () => {
  const store = bentostore().useL2Layer({ ...memoryDriver() })
  const bento = new BentoCache({ default: 'main', stores: { main: store } })
  expect(() => bento.use('main')).toThrowError(/plainDriver/)
})

test('an explicit undefined is as good as nothing', async () => {
  const { clock, isolate } = world()
  const { bento } = isolate('a', { ttl: '1h', grace: '2h', timeout: undefined })
  await bento.set({ key: 'k', value: 1, ttl: undefined, grace: undefined, tags: undefined })
  await clock.advance(59 * 60_000)
  expect(await bento.get({ key: 'k' })).toBe(1)
  await clock.advance(2 * 60_000)
  expect(await bento.get({ key: 'k', grace: undefined })).toBe(1)
  expect(await bento.has({ key: 'k' })).toBe(false)
})

test('durations are read in one pass, in all their spellings', () => {
  const spelled: [unknown, number | null][] = [
    [0, 0],
    [1500.5, 1500.5],
    [null, null],
    ['10', 10],
    ['250ms', 250],
    ['1 msec', 1],
    ['2 milliseconds', 2],
    ['1.5s', 1500],
    ['.5m', 30_000],
    ['2 mins', 120_000],
    ['2.5h', 9_000_000],
    ['1 Hour', 3_600_000],
    ['3 days', 259_200_000],
    ['1w', 604_800_000],
    ['1y', 31_557_600_000],
  ]
  expect(spelled.map(([text]) => toMilliseconds(text, 'ttl'))).toEqual(spelled.map(([, ms]) => ms))
  for (const text of [
    '',
    ' ',
    's',
    '.',
    '1.2.3s',
    '1 fortnight',
    '5ss',
    '1e3',
    '0x10',
    'NaN',
    '9'.repeat(100_000),
  ]) {
    expect(() => toMilliseconds(text, 'ttl')).toThrowError(errors.E_INVALID_OPTION)
  }
})
