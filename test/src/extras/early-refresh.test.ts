import { describe, expect, test, vi } from 'vitest'
import { type ExtendedContext, getOrSetEntry, touch } from '../../../src/extras/entry.ts'
import { setExtended } from '../../../src/extras/set-extended.ts'
import { pair } from '../../support/pair.ts'
import { memoryStand, STACKS } from '../../support/stacks.ts'
import { gate, world } from '../../support/world.ts'

const MINUTE = 60_000

describe.each(STACKS)('%s: eager refresh', (_, make) => {
  test('begins when the share of the ttl has passed, behind the answer, once', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    const factory = vi.fn(() => 'new')
    const ask = () => getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.8, factory })
    await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.8, factory: () => 'old' })
    await clock.advance(0.8 * MINUTE - 1)
    expect(await ask()).toMatchObject({ value: 'old', reason: 'hit' })
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(await ask()).toMatchObject({ value: 'old', reason: 'hit', stale: false })
    await ask()
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await ask()).toMatchObject({ value: 'new', freshFor: MINUTE })
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('who comes while it runs is not kept waiting', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(0.9 * MINUTE)
    const run = gate<string>()
    const factory = vi.fn(() => run.promise)
    const asked = Array.from({ length: 20 }, () =>
      getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory }),
    )
    expect(new Set((await Promise.all(asked)).map(({ value }) => value))).toEqual(new Set(['old']))
    run.open('new')
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await bento.get({ key: 'k' })).toBe('new')
  })

  test('a failure is nobody’s, and tried again after the backoff only', async () => {
    const { bento, clock, steps } = make({ ttl: '1m', graceBackoff: '5s' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(0.5 * MINUTE)
    const onFactoryError = vi.fn()
    const factory = vi.fn(() => Promise.reject<string>(new Error('down')))
    const ask = async () => {
      const { value } = await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory, onFactoryError })
      await clock.settle()
      return value
    }
    expect(await ask()).toBe('old')
    expect(factory).toHaveBeenCalledTimes(1)
    expect(onFactoryError).toHaveBeenCalledTimes(1)
    expect(onFactoryError.mock.calls[0]?.[0]).toMatchObject({ isBackgroundFactory: true })
    expect(steps.filter(({ type }) => type === 'miss')).toEqual([])
    await clock.advance(4999)
    expect(await ask()).toBe('old')
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(await ask()).toBe('old')
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test('one that skips keeps what is there, and is tried again after the backoff only', async () => {
    const { bento, clock } = make({ ttl: '1m', graceBackoff: '5s' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(0.5 * MINUTE)
    const factory = vi.fn((ctx: { skip(): undefined }) => ctx.skip() as never)
    const ask = async () => {
      expect(await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory })).toMatchObject({
        value: 'old',
      })
      await clock.settle()
    }
    await ask()
    await ask()
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(4999)
    await ask()
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask()
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test('an invalidation while it runs wins', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(0.9 * MINUTE)
    const run = gate<string>()
    await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory: () => run.promise })
    await clock.settle()
    await bento.delete({ key: 'k' })
    run.open('of before the delete')
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('its ttl may be the factory’s own', async () => {
    const { bento, clock } = make({ ttl: '1h' })
    const factory = vi.fn((ctx: { setOptions(options: { ttl: number }): void }) => {
      ctx.setOptions({ ttl: 1000 })
      return 'v'
    })
    const ask = () => getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory })
    await ask()
    await clock.advance(499)
    await ask()
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask()
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test.each([
    ['shorter', '10m', '1m'],
    ['longer', '1m', '10m'],
  ])('its share is that of the life a touch began, though that is %s', async (_name, ttl, touched) => {
    const { bento, clock } = make({ ttl })
    const factory = vi.fn(() => 'v')
    const ask = async () => {
      await clock.run(getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.8, factory }))
      await clock.settle()
      return factory.mock.calls.length
    }
    await ask()
    await clock.advance(0.1 * MINUTE)
    expect(await clock.run(touch(bento, { key: 'k', ttl: touched }))).toBe(true)
    expect(await ask()).toBe(1)
    const life = touched === '1m' ? MINUTE : 10 * MINUTE
    await clock.advance(0.7 * life)
    expect(await ask()).toBe(1)
    await clock.advance(0.1 * life)
    expect(await ask()).toBe(2)
  })

  test('what a namespace wrote is not refreshed by its parent', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    const child = bento.namespace('n')
    await child.set({ key: 'k', value: 'of the child' })
    await clock.advance(0.9 * MINUTE)
    const factory = vi.fn(() => 'of the parent')
    await getOrSetEntry(bento, { key: 'n:k', eagerRefresh: 0.5, factory })
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
    expect(await child.get({ key: 'k' })).toBe('of the child')
    await getOrSetEntry(child, { key: 'k', eagerRefresh: 0.5, factory: () => 'new' })
    await clock.settle()
    expect(await child.get({ key: 'k' })).toBe('new')
  })

  test('what is for ever, or softly expired, is not refreshed early', async () => {
    const { bento, clock } = make({ ttl: null, grace: '1h' })
    const factory = vi.fn(() => 'new')
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(MINUTE)
    await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.01, factory })
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
  })
})

describe.each(STACKS)('%s: early expiration by chance', (_, make) => {
  test('comes the likelier the dearer the factory and the nearer the end', async () => {
    const runs = async (cost: number, beta: number) => {
      const { bento, clock } = make({ ttl: '1m' })
      const factory = vi.fn(
        () => new Promise<string>((resolve) => void clock.setTimer(() => resolve('v'), cost)),
      )
      await clock.run(getOrSetEntry(bento, { key: 'k', beta, factory }))
      let asked = 0
      while (factory.mock.calls.length === 1 && asked < 59) {
        await clock.advance(1000)
        await clock.run(getOrSetEntry(bento, { key: 'k', beta, factory }))
        asked++
      }
      return 60 - asked
    }
    const [cheap, dear, eager] = [await runs(10, 1), await runs(10_000, 1), await runs(10_000, 3)]
    expect(cheap).toBe(1)
    expect(dear).toBeGreaterThan(1)
    expect(eager).toBeGreaterThan(dear)
  })

  test('never without beta', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    const factory = vi.fn(() => 'v')
    for (let second = 0; second < 60; second++) {
      await getOrSetEntry(bento, { key: 'k', factory })
      await clock.advance(999)
    }
    expect(factory).toHaveBeenCalledTimes(1)
  })
})

describe('several isolates', () => {
  test('one of them refreshes, the others take what it made', async () => {
    const made = world()
    const fleet = Array.from({ length: 8 }, (__, at) => made.isolate(`isolate ${at}`, { ttl: '1m' }))
    await made.clock.run(fleet[0]!.bento.set({ key: 'k', value: 'old' }))
    await made.clock.run(Promise.all(fleet.map(({ bento }) => bento.get({ key: 'k' }))))
    await made.clock.advance(0.9 * MINUTE)
    const factory = vi.fn(
      () => new Promise<string>((resolve) => void made.clock.setTimer(() => resolve('new'), 500)),
    )
    const ask = () =>
      made.clock.run(
        Promise.all(fleet.map(({ bento }) => getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory }))),
      )
    expect(new Set((await ask()).map(({ value }) => value))).toEqual(new Set(['old']))
    await made.clock.advance(500)
    expect(factory).toHaveBeenCalledTimes(1)
    // Those who were refused keep the old value until they ask again, after the backoff.
    await made.clock.advance(10_000)
    await ask()
    await made.clock.settle()
    expect(new Set((await ask()).map(({ value }) => value))).toEqual(new Set(['new']))
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('a newer value is taken in one round trip, without a factory', async () => {
    const { a, b, run, clock, calls } = pair({ ttl: '1m', maxStaleness: '1h', pollInterval: '1h' })
    await run(a.bento.set({ key: 'k', value: 'old' }))
    await run(b.bento.get({ key: 'k' }))
    await clock.advance(0.9 * MINUTE)
    await run(a.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => 'new' }))
    await clock.settle()
    const before = calls()
    const factory = vi.fn(() => 'newest')
    await run(getOrSetEntry(b.bento, { key: 'k', eagerRefresh: 0.5, factory }))
    await clock.settle()
    expect(calls()).toBe(before + 1)
    expect(factory).not.toHaveBeenCalled()
    expect(await run(b.bento.get({ key: 'k' }))).toBe('new')
  })

  test.each([
    ['notes its ttl', 0.8],
    ['notes nothing', false],
  ] as const)(
    'a value of a shorter ttl is not due at the first hit elsewhere, where set %s',
    async (_, share) => {
      const { a, b, run, clock } = pair({ ttl: '30m' })
      await run(setExtended(a.bento, { key: 'k', value: 'set', ttl: '1m', eagerRefresh: share }))
      const factory = vi.fn(() => 'new')
      const ask = async () => {
        await run(getOrSetEntry(b.bento, { key: 'k', eagerRefresh: 0.8, factory }))
        await clock.settle()
        return factory.mock.calls.length
      }
      expect(await ask()).toBe(0)
      await clock.advance(0.8 * MINUTE - 1)
      expect(await ask()).toBe(0)
      await clock.advance(1)
      expect(await ask()).toBe(1)
    },
  )

  test('a value whose set notes its ttl is due at its share, although another isolate reads it late', async () => {
    const { a, b, run, clock } = pair({ ttl: '30m' })
    await run(setExtended(a.bento, { key: 'k', value: 'set', ttl: '1m', eagerRefresh: 0.8 }))
    await clock.advance(0.8 * MINUTE)
    const factory = vi.fn(() => 'new')
    await run(getOrSetEntry(b.bento, { key: 'k', eagerRefresh: 0.8, factory }))
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('what an origin has confirmed for a shorter time is not due at once elsewhere', async () => {
    const { a, b, run, clock } = pair({ ttl: '1h', grace: '10h', timeout: null })
    const ask = async ({ bento }: typeof a, factory: (ctx: ExtendedContext) => string) => {
      const asked = getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.8, factory })
      await run(asked)
      await clock.settle()
    }
    await ask(a, (ctx) => ctx.modified('v', { etag: 'e' }))
    await clock.advance(60 * MINUTE)
    await ask(a, (ctx) => {
      ctx.setOptions({ ttl: '5m' })
      return ctx.notModified()
    })
    const factory = vi.fn(() => 'new')
    await ask(b, factory)
    expect(factory).not.toHaveBeenCalled()
    await clock.advance(4 * MINUTE)
    await ask(b, factory)
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('with L2 out of reach nothing is refreshed early', async () => {
    const { a, run, clock } = pair({ ttl: '1m', maxStaleness: '1h' })
    await run(a.bento.set({ key: 'k', value: 'old' }))
    await clock.advance(0.9 * MINUTE)
    a.fault = () => 'refuse'
    const factory = vi.fn(() => 'new')
    expect(await run(getOrSetEntry(a.bento, { key: 'k', eagerRefresh: 0.5, factory }))).toMatchObject({
      value: 'old',
    })
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
  })

  test('who wants the value made anew does not take what an early refresh finds', async () => {
    const { a, b, run, clock } = pair({ ttl: '1m', maxStaleness: '1h', pollInterval: '1h' })
    await run(a.bento.set({ key: 'k', value: 'old' }))
    await clock.advance(0.9 * MINUTE)
    await run(b.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => 'new' }))
    await clock.settle()
    const read = a.hold('read', 'request')
    await run(getOrSetEntry(a.bento, { key: 'k', eagerRefresh: 0.5, factory: () => 'early' }))
    await clock.settle()
    expect(read.waiting()).toBe(true)
    const asked = a.bento.getOrSet({ key: 'k', forceFresh: true, factory: () => 'made anew' })
    await clock.settle()
    read.release()
    expect(await run(asked)).toBe('made anew')
  })

  test('a write that L2 has not acknowledged is not replaced by what L2 has of old', async () => {
    const { a, run, clock } = pair({ ttl: '1m', grace: '1h', maxStaleness: '1h', pollInterval: '1h' })
    await run(a.bento.set({ key: 'k', value: 'in L2', ttl: '1h' }))
    expect(
      await run(a.bento.set({ key: 'k', value: 'in L1 only', skipL2Write: true, skipBusNotify: true })),
    ).toBe(true)
    await clock.advance(0.9 * MINUTE)
    const factory = vi.fn(() => 'new')
    await run(getOrSetEntry(a.bento, { key: 'k', eagerRefresh: 0.5, factory }))
    await clock.settle()
    expect(factory).not.toHaveBeenCalled()
    expect(await run(a.bento.get({ key: 'k' }))).toBe('in L1 only')
  })
})

test('none begins while the value is being made anew', async () => {
  const { bento, clock } = memoryStand({ ttl: '1m' })
  await clock.run(bento.set({ key: 'k', value: 'old' }))
  await clock.advance(0.9 * MINUTE)
  const anew = gate<string>()
  const asked = bento.getOrSet({ key: 'k', forceFresh: true, factory: () => anew.promise })
  await clock.settle()
  const factory = vi.fn(() => 'early')
  await clock.run(getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory }))
  await clock.settle()
  anew.open('made anew')
  expect(await clock.run(asked)).toBe('made anew')
  expect(factory).not.toHaveBeenCalled()
})
