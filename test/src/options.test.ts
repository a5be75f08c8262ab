import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache, bentostore, type OperationOptions, type StoreOptions } from '../../src/index.ts'
import { DEFAULTS, join } from '../../src/options.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'

interface Levels {
  readonly global?: StoreOptions
  readonly store?: StoreOptions
}

function made({ global = {}, store = {} }: Levels = {}) {
  const clock = manualClock()
  const main = bentostore(store).useL1Layer(memoryDriver())
  const bento = new BentoCache({
    ...global,
    default: 'main',
    stores: { main },
    runtime: manualRuntime(clock, 'a'),
  })
  return { clock, bento }
}

/** How long an entry is fresh, found by waiting: 1 is up to a minute, 2 is up to two. `Infinity` is for more than ten. */
async function minutesFresh(levels: Levels, operation: OperationOptions = {}): Promise<number> {
  const { clock, bento } = made(levels)
  await bento.set({ key: 'k', value: 1, ...operation })
  for (let minutes = 1; minutes <= 60; minutes++) {
    await clock.advance(60_000)
    if (!(await bento.has({ key: 'k' }))) return minutes
  }
  return Infinity
}

describe('levels', () => {
  test('without options an entry is fresh for half an hour', async () => {
    expect(await minutesFresh({})).toBe(30)
  })

  test('the global level beats the default', async () => {
    expect(await minutesFresh({ global: { ttl: '3m' } })).toBe(3)
  })

  test('the store beats the global level', async () => {
    expect(await minutesFresh({ global: { ttl: '3m' }, store: { ttl: '2m' } })).toBe(2)
  })

  test('the operation beats the store', async () => {
    expect(await minutesFresh({ global: { ttl: '3m' }, store: { ttl: '2m' } }, { ttl: '1m' })).toBe(1)
  })

  test('an explicit undefined is unset, at every level', async () => {
    expect(await minutesFresh({ global: { ttl: undefined } })).toBe(30)
    expect(await minutesFresh({ global: { ttl: '3m' }, store: { ttl: undefined } })).toBe(3)
    expect(await minutesFresh({ store: { ttl: '2m' } }, { ttl: undefined })).toBe(2)
    expect(await minutesFresh({ global: { ttl: '3m' }, store: { ttl: undefined } }, { ttl: undefined })).toBe(
      3,
    )
  })

  test('null and 0 are for ever, and beat the level below', async () => {
    expect(await minutesFresh({ store: { ttl: '2m' } }, { ttl: null })).toBe(Infinity)
    expect(await minutesFresh({ store: { ttl: '2m' } }, { ttl: 0 })).toBe(Infinity)
    expect(await minutesFresh({ global: { ttl: '3m' }, store: { ttl: null } })).toBe(Infinity)
  })

  test('every option has three levels', () => {
    const levels: (StoreOptions & OperationOptions)[] = [
      {
        grace: '1h',
        timeout: '1s',
        graceBackoff: '1s',
        hardTimeout: '1s',
        lockTimeout: '1s',
        suppressL2Errors: false,
      },
      {
        grace: '2h',
        timeout: '2s',
        graceBackoff: '2s',
        hardTimeout: '2s',
        lockTimeout: '2s',
        suppressL2Errors: true,
      },
    ]
    const joined = levels.reduce((base, level) => join(base, level), DEFAULTS)
    expect(joined).toEqual({
      ...DEFAULTS,
      grace: 7_200_000,
      timeout: 2000,
      graceBackoff: 2000,
      hardTimeout: 2000,
      lockTimeout: 2000,
      suppressL2Errors: true,
    })
  })

  test('a level of undefined alone costs nothing and changes nothing', () => {
    const unset = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, undefined]))
    expect(join(DEFAULTS, unset)).toBe(DEFAULTS)
  })

  test('the caller’s options are read, never written', async () => {
    const { bento } = made()
    const tags = Object.freeze(['a'])
    const options = Object.freeze({ key: 'k', ttl: '1m', tags, factory: () => 1 })
    expect(await bento.getOrSet(options)).toBe(1)
    expect(options).toEqual({ key: 'k', ttl: '1m', tags: ['a'], factory: options.factory })
  })

  test('an option nobody knows is ignored', async () => {
    const { bento } = made()
    const odd = { key: 'k', value: 1, colour: 'red', __proto__: { ttl: 'abc' } }
    expect(await bento.set({ ...odd })).toBe(true)
  })
})

describe('off and for ever', () => {
  test.each<[OperationOptions, Partial<Record<keyof OperationOptions, unknown>>]>([
    [{ grace: false }, { grace: 0 }],
    [{ grace: 0 }, { grace: 0 }],
    [{ timeout: 0 }, { timeout: 0 }],
    [{ timeout: null }, { timeout: Infinity }],
    [{ hardTimeout: null }, { hardTimeout: undefined }],
    [{ hardTimeout: 0 }, { hardTimeout: undefined }],
    [{ lockTimeout: null }, { lockTimeout: Infinity }],
    [{ ttl: '2.5h' }, { ttl: 9_000_000 }],
  ])('%o', (level, expected) => {
    expect(join(DEFAULTS, level)).toMatchObject(expected)
  })
})
