import { describe, expect, test, vi } from 'vitest'
import { getEntry, getOrSetEntry, remainingTtl } from '../../../src/extras/entry.ts'
import type { FactoryError } from '../../../src/index.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { STACKS } from '../../support/stacks.ts'
import { gate, world } from '../../support/world.ts'

const failing = (message = 'down') => vi.fn((): Promise<string> => Promise.reject(new Error(message)))

describe.each(STACKS)('%s: nothing is an answer', (_, make) => {
  test('what the factory did not find is not asked for again until its own ttl is over', async () => {
    const { bento, clock } = make({ ttl: '1h' })
    const factory = vi.fn((ctx: { notFound(ttl?: string): undefined }) => ctx.notFound('30s'))
    const ask = () => getOrSetEntry<string | undefined>(bento, { key: 'k', factory })
    expect(await ask()).toMatchObject({ value: undefined, negative: true, reason: 'miss', freshFor: 30_000 })
    expect(await ask()).toMatchObject({ value: undefined, negative: true, reason: 'hit' })
    await clock.advance(29_999)
    await ask()
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(await ask()).toMatchObject({ negative: true, reason: 'miss' })
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test('without a ttl of its own it lasts as long as a value', async () => {
    const { bento } = make({ ttl: '1h' })
    const entry = await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.notFound() })
    expect(entry.freshFor).toBe(3_600_000)
  })

  test('it is a default to those who have one, and no value to those who ask whether there is one', async () => {
    const { bento } = make()
    await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.notFound() })
    const factory = vi.fn(() => 'v')
    const asked = { key: 'k', factory, defaultValue: () => 'default' }
    expect(await getOrSetEntry(bento, asked)).toMatchObject({ value: 'default', negative: true })
    expect(await getEntry(bento, { key: 'k', defaultValue: 'default' })).toMatchObject({ value: 'default' })
    expect(await bento.get({ key: 'k', defaultValue: 'default' })).toBe('default')
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await bento.has({ key: 'k' })).toBe(false)
    expect(await bento.missing({ key: 'k' })).toBe(true)
    expect(await remainingTtl(bento, { key: 'k' })).toBeUndefined()
    expect(await bento.pull('k')).toBeUndefined()
    expect(factory).not.toHaveBeenCalled()
  })

  test('an invalidation and a set end it', async () => {
    const { bento } = make()
    await getOrSetEntry(bento, { key: 'k', tags: ['t'], factory: (ctx) => ctx.notFound() })
    await bento.deleteByTag({ tags: ['t'] })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'v' })).toBe('v')
    await getOrSetEntry(bento, { key: 'l', factory: (ctx) => ctx.notFound() })
    await bento.set({ key: 'l', value: 'v' })
    expect(await bento.get({ key: 'l' })).toBe('v')
  })
})

describe.each(STACKS)('%s: failures', (_, make) => {
  test('are remembered for errorTtl, and told alike', async () => {
    const { bento, clock } = make()
    const factory = failing()
    const onFactoryError = vi.fn<(error: FactoryError) => void>()
    const ask = () => failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '5s', factory, onFactoryError }))
    const first = await ask()
    expect(first).toMatchObject({ code: 'E_FACTORY_ERROR', cause: new Error('down') })
    await clock.advance(4999)
    expect(await ask()).toBe(first)
    expect(factory).toHaveBeenCalledTimes(1)
    expect(onFactoryError).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask()
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test('are forgotten with a set, an invalidation, and by force', async () => {
    const { bento, clock } = make()
    const ask = (factory: () => Promise<string>, options: object = {}) =>
      failureOf(getOrSetEntry(bento, { key: 'k', tags: ['t'], errorTtl: '1m', factory, ...options }))
    const good = vi.fn(() => Promise.resolve('v'))
    for (const end of [
      () => bento.delete({ key: 'k' }),
      () => bento.expire({ key: 'k' }),
      () => bento.deleteByTag({ tags: ['t'] }),
      () => bento.clear(),
    ]) {
      await ask(failing())
      expect(await ask(good)).toMatchObject({ code: 'E_FACTORY_ERROR' })
      await end()
      expect(await ask(good)).toMatchObject({ resolved: { value: 'v' } })
      await bento.delete({ key: 'k' })
      await clock.settle()
    }
    await ask(failing())
    expect(await ask(good, { forceFresh: true })).toMatchObject({ resolved: { value: 'v' } })
    await bento.delete({ key: 'k' })
    await ask(failing())
    await bento.set({ key: 'k', value: 'set' })
    expect(await ask(good)).toMatchObject({ resolved: { value: 'set' } })
  })

  test('are not remembered without errorTtl, nor where a graced value hid them', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null, graceBackoff: 0 })
    const factory = failing()
    await failureOf(getOrSetEntry(bento, { key: 'k', factory }))
    await failureOf(getOrSetEntry(bento, { key: 'k', factory }))
    expect(factory).toHaveBeenCalledTimes(2)
    await bento.set({ key: 'l', value: 'old' })
    await clock.advance(61_000)
    const ask = () => getOrSetEntry(bento, { key: 'l', errorTtl: '1h', factory })
    expect(await ask()).toMatchObject({ value: 'old', reason: 'error' })
    expect(await ask()).toMatchObject({ value: 'old', reason: 'error' })
    expect(factory).toHaveBeenCalledTimes(4)
  })

  test('a hard timeout is one of them', async () => {
    const { bento, clock } = make()
    const ask = () =>
      failureOf(
        getOrSetEntry(bento, {
          key: 'k',
          errorTtl: '1m',
          hardTimeout: 100,
          factory: () => gate<string>().promise,
        }),
      )
    expect(await clock.run(ask())).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
    const begun = clock.elapsed()
    expect(await ask()).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
    expect(clock.elapsed()).toBe(begun)
  })

  test('of the user’s doing are told, not remembered', async () => {
    const { bento } = make()
    const ask = (factory: () => unknown) =>
      failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '1m', factory, defaultValue: 'd' }))
    expect(await ask(() => undefined)).toMatchObject({ code: 'E_UNDEFINED_VALUE' })
    expect(await ask(() => 'v')).toMatchObject({ resolved: { value: 'v' } })
  })

  test('leave the default where nothing else is left', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    const factory = failing()
    const asked = { key: 'k', factory, defaultValue: 'default' }
    expect(await getOrSetEntry(bento, asked)).toMatchObject({
      value: 'default',
      reason: 'default',
      tier: undefined,
    })
    expect(await bento.has({ key: 'k' })).toBe(false)
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    expect(await getOrSetEntry(bento, asked)).toMatchObject({ value: 'old', reason: 'error' })
  })

  test('the default spares the origin for errorTtl as well', async () => {
    const { bento } = make()
    const factory = failing()
    const asked = { key: 'k', factory, defaultValue: () => Promise.resolve('default'), errorTtl: '1m' }
    expect((await getOrSetEntry(bento, asked)).value).toBe('default')
    expect((await getOrSetEntry(bento, asked)).value).toBe('default')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('are answered by a graced value only if graceOn says so', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const graceOn = vi.fn((error: unknown) => !/401/.test(String((error as Error).cause)))
    const ask = (message: string) =>
      failureOf(getOrSetEntry(bento, { key: 'k', factory: failing(message), graceOn }))
    expect(await ask('401')).toMatchObject({ code: 'E_FACTORY_ERROR' })
    // No backoff either: who asks next hears of it too.
    expect(await ask('401')).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await ask('503')).toMatchObject({ resolved: { value: 'old', reason: 'error' } })
  })
})

describe.each(STACKS)('%s: what a call asks for', (_, make) => {
  test('onlyIfCached runs nothing', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    const factory = vi.fn(() => 'new')
    const ask = (options: object = {}) =>
      getOrSetEntry(bento, { key: 'k', onlyIfCached: true, factory, ...options })
    expect(await ask()).toMatchObject({ value: undefined, reason: 'default' })
    expect(await ask({ defaultValue: 'd' })).toMatchObject({ value: 'd', reason: 'default' })
    await bento.set({ key: 'k', value: 'v' })
    expect(await ask()).toMatchObject({ value: 'v', reason: 'hit' })
    await clock.advance(61_000)
    expect(await ask()).toMatchObject({ value: 'v', reason: 'grace', stale: true })
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
  })

  test('noStore keeps nothing of what it makes, and gives what is cached', async () => {
    const { bento } = make()
    const ask = (options: object = {}) =>
      getOrSetEntry(bento, { key: 'k', noStore: true, factory: () => ({ made: 1 }), ...options })
    const { value, ...rest } = await ask()
    expect(value).toEqual({ made: 1 })
    expect(rest).toMatchObject({ tier: 'factory', reason: 'no-store' })
    expect(await bento.has({ key: 'k' })).toBe(false)
    await bento.set({ key: 'k', value: 'cached' })
    expect(await ask()).toMatchObject({ value: 'cached', reason: 'hit' })
    expect(await ask({ forceFresh: true })).toMatchObject({ value: { made: 1 }, reason: 'no-store' })
    expect(await bento.get({ key: 'k' })).toBe('cached')
  })

  test('noStore gives the types a hit would, and knows all that a factory may answer', async () => {
    const { bento, clock } = make()
    const ask = (factory: Parameters<typeof getOrSetEntry>[1]['factory'], options: object = {}) =>
      failureOf(getOrSetEntry(bento, { key: 'k', noStore: true, factory, ...options }))
    expect(await ask(() => ({ at: new Date(0), none: undefined }))).toMatchObject({
      resolved: { value: { at: '1970-01-01T00:00:00.000Z' } },
    })
    expect(await ask((ctx) => ctx.notFound())).toMatchObject({ resolved: { value: undefined } })
    expect(await ask((ctx) => ctx.skip())).toMatchObject({ resolved: { value: undefined } })
    expect(await ask((ctx) => ctx.modified('v', { etag: '"1"' }))).toMatchObject({ resolved: { value: 'v' } })
    expect(await ask((ctx) => ctx.notModified())).toMatchObject({ cause: { code: 'E_NOTHING_TO_KEEP' } })
    expect(await ask(failing())).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await clock.run(ask(() => gate().promise, { hardTimeout: 50 }))).toMatchObject({
      code: 'E_FACTORY_HARD_TIMEOUT',
    })
  })

  test('jitter adds to the ttl at random, never takes from it', async () => {
    const { bento } = make({ ttl: '1m' })
    const lives = new Set<number>()
    for (let at = 0; at < 20; at++) {
      const { freshFor } = await getOrSetEntry(bento, { key: `k${at}`, jitter: '10s', factory: () => 'v' })
      expect(freshFor).toBeGreaterThanOrEqual(60_000)
      expect(freshFor).toBeLessThan(70_000)
      lives.add(freshFor)
    }
    expect(lives.size).toBeGreaterThan(15)
  })
})

describe('options', () => {
  const { isolate } = world()
  const { bento } = isolate('one')

  test.each([
    [{ jitter: -1 }, 'Invalid jitter'],
    [{ jitter: 'soon' }, 'Invalid jitter'],
    [{ eagerRefresh: 0 }, 'Invalid eagerRefresh'],
    [{ eagerRefresh: 1 }, 'Invalid eagerRefresh'],
    [{ eagerRefresh: '0.5' }, 'Invalid eagerRefresh'],
    [{ beta: -1 }, 'Invalid beta'],
    [{ beta: Infinity }, 'Invalid beta'],
    [{ errorTtl: {} }, 'Invalid errorTtl'],
    [{ graceOn: true }, 'Invalid graceOn'],
    [{ onlyIfCached: 1 }, 'Invalid onlyIfCached'],
    [{ noStore: 'yes' }, 'Invalid noStore'],
  ])('%o is refused', async (options, message) => {
    const asked = getOrSetEntry(bento, { key: 'k', factory: () => 'v', ...(options as object) })
    await expect(asked).rejects.toThrow(message)
    await expect(asked).rejects.toMatchObject({ code: 'E_INVALID_OPTION' })
  })

  test.each([
    { jitter: undefined, eagerRefresh: undefined, graceOn: undefined },
    { eagerRefresh: false, jitter: null, errorTtl: 0 },
  ])('%o is none', async (options) => {
    const entry = await getOrSetEntry(bento, {
      key: 'none',
      ttl: '1m',
      factory: () => 'v',
      ...(options as object),
    })
    expect(entry.freshFor).toBe(60_000)
  })

  test('a validator that is no text is told', async () => {
    const asked = getOrSetEntry(bento, {
      key: 'v',
      factory: (ctx) => ctx.modified('v', { etag: 1 as never }),
    })
    await expect(asked).rejects.toMatchObject({ cause: { code: 'E_INVALID_OPTION' } })
  })
})

test('what one isolate found to be nothing is nothing to the others', async () => {
  const { a, b, run } = pair()
  await run(getOrSetEntry(a.bento, { key: 'k', factory: (ctx) => ctx.notFound() }))
  const factory = vi.fn(() => 'v')
  expect(await run(getOrSetEntry(b.bento, { key: 'k', factory }))).toMatchObject({
    negative: true,
    tier: 'l2',
  })
  expect(await run(b.bento.getOrSet({ key: 'k', factory }))).toBeUndefined()
  expect(factory).not.toHaveBeenCalled()
})
