import { describe, expect, test, vi } from 'vitest'
import type { FactoryError } from '../../src/index.ts'
import { failureOf } from '../support/pair.ts'
import { type Stand, STACKS } from '../support/stacks.ts'
import { gate, type Gate, world } from '../support/world.ts'

const GRACED = { ttl: '1m', grace: '1h' }
const MINUTE = 60_000
const HOUR = 3_600_000

/** A stand whose key `k` holds `old`, expired and graced. */
async function stale(make: (typeof STACKS)[number][1], options: object = {}): Promise<Stand> {
  const stand = make({ ...GRACED, ...options })
  await stand.bento.set({ key: 'k', value: 'old' })
  await stand.clock.advance(MINUTE)
  stand.story()
  return stand
}

function rejecting(message = 'origin down') {
  return vi.fn((): Promise<string> => Promise.reject(new Error(message)))
}

/** A factory that takes `ms` of virtual time. */
function slow({ clock }: Stand, ms: number, value: string) {
  return vi.fn(() => new Promise<string>((resolve) => void clock.setTimer(() => resolve(value), ms)))
}

describe.each(STACKS)('%s', (_, make) => {
  test('a stale value is given at once and refreshed behind it', async () => {
    const stand = await stale(make)
    const { bento, clock } = stand
    const factory = slow(stand, 500, 'new')
    const begun = clock.elapsed()
    expect(await bento.getOrSet({ key: 'k', factory })).toBe('old')
    expect(await bento.getOrSet({ key: 'k', factory })).toBe('old')
    expect(clock.elapsed()).toBe(begun)
    await clock.advance(500)
    await clock.settle()
    expect(await bento.getOrSet({ key: 'k', factory })).toBe('new')
    expect(factory).toHaveBeenCalledTimes(1)
    expect(stand.story()).toMatch(/stale\.served/)
  })

  test('many callers of a stale value share one refresh', async () => {
    const stand = await stale(make)
    const { bento, clock } = stand
    const factory = slow(stand, 500, 'new')
    const values = await Promise.all(Array.from({ length: 50 }, () => bento.getOrSet({ key: 'k', factory })))
    expect(new Set(values)).toEqual(new Set(['old']))
    await clock.advance(1000)
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('with a soft timeout a fast factory is waited for', async () => {
    const stand = await stale(make, { timeout: 200 })
    const { bento, clock } = stand
    const begun = clock.elapsed()
    const value = await clock.run(bento.getOrSet({ key: 'k', factory: slow(stand, 150, 'new') }))
    expect([value, clock.elapsed() - begun]).toEqual(['new', 150])
  })

  test('past the soft timeout the stale value is given, and the factory goes on', async () => {
    const stand = await stale(make, { timeout: 200 })
    const { bento, clock } = stand
    const begun = clock.elapsed()
    const value = await clock.run(bento.getOrSet({ key: 'k', factory: slow(stand, 900, 'new') }))
    expect([value, clock.elapsed() - begun]).toEqual(['old', 200])
    expect(stand.steps.filter((step) => step.type === 'stale.served')).toEqual([
      { type: 'stale.served', store: 'main', key: 'k', reason: 'timeout' },
    ])
    await clock.advance(700)
    await clock.settle()
    expect(await bento.get({ key: 'k', grace: false })).toBe('new')
  })

  test('timeout null waits for the factory', async () => {
    const stand = await stale(make, { timeout: null })
    const { bento, clock } = stand
    const begun = clock.elapsed()
    const value = await clock.run(bento.getOrSet({ key: 'k', factory: slow(stand, 5000, 'new') }))
    expect([value, clock.elapsed() - begun]).toEqual(['new', 5000])
  })

  test('the soft timeout means nothing to who has no stale value', async () => {
    const stand = make({ ...GRACED, timeout: 200 })
    const { bento, clock } = stand
    const value = await clock.run(bento.getOrSet({ key: 'k', factory: slow(stand, 900, 'new') }))
    expect([value, clock.elapsed()]).toEqual(['new', 900])
  })

  test('a follower waits by its own soft timeout, from its own call', async () => {
    const stand = await stale(make, { timeout: null })
    const { bento, clock } = stand
    const factory = slow(stand, 5000, 'new')
    const leader = bento.getOrSet({ key: 'k', factory })
    await clock.advance(1000)
    const begun = clock.elapsed()
    const follower = bento.getOrSet({ key: 'k', timeout: 300, factory })
    expect(await clock.run(follower)).toBe('old')
    expect(clock.elapsed() - begun).toBe(300)
    expect(await clock.run(leader)).toBe('new')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('without grace a hard timeout fails the call, and the factory’s late value is kept', async () => {
    const stand = make({})
    const { bento, clock } = stand
    const factory = slow(stand, 3000, 'late')
    const failure = await clock.run(failureOf(bento.getOrSet({ key: 'k', hardTimeout: 1000, factory })))
    expect(failure).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT', key: 'k' })
    expect([clock.elapsed(), factory.mock.calls.length]).toEqual([1000, 1])
    await clock.advance(2000)
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBe('late')
  })

  test('with grace a hard timeout gives the stale value', async () => {
    const stand = await stale(make, { timeout: null, hardTimeout: 1000 })
    const { bento, clock } = stand
    const begun = clock.elapsed()
    const value = await clock.run(bento.getOrSet({ key: 'k', factory: slow(stand, 30_000, 'new') }))
    expect([value, clock.elapsed() - begun]).toEqual(['old', 1000])
  })

  test('a factory without hardTimeout is waited for at most 25 s', async () => {
    const stand = make({})
    const { bento, clock } = stand
    const factory = (): Promise<never> => new Promise(() => {})
    const failure = await clock.run(failureOf(bento.getOrSet({ key: 'k', factory })))
    expect(failure).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
    expect([clock.elapsed(), bento.inflight]).toEqual([25_000, 1])
  })

  test('a failing factory gives the stale value, with the failure told', async () => {
    const { bento, steps } = await stale(make, { timeout: null })
    const onFactoryError = vi.fn<(error: FactoryError) => void>()
    const factory = rejecting()
    expect(await bento.getOrSet({ key: 'k', factory, onFactoryError })).toBe('old')
    expect(onFactoryError).toHaveBeenCalledTimes(1)
    expect(onFactoryError.mock.calls[0]?.[0]).toMatchObject({
      code: 'E_FACTORY_ERROR',
      key: 'k',
      cause: new Error('origin down'),
      isBackgroundFactory: false,
    })
    expect(steps).toContainEqual({ type: 'stale.served', store: 'main', key: 'k', reason: 'error' })
  })

  test('a failing factory without grace fails the call', async () => {
    const { bento } = make({ ttl: '1m' })
    const onFactoryError = vi.fn(() => {
      throw new Error('a listener’s own trouble')
    })
    const factory = (): never => {
      throw new Error('thrown at once')
    }
    const failure = await failureOf(bento.getOrSet({ key: 'k', factory, onFactoryError }))
    expect(failure).toMatchObject({ code: 'E_FACTORY_ERROR', cause: new Error('thrown at once'), key: 'k' })
    expect(onFactoryError).toHaveBeenCalledTimes(1)
    expect(await bento.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
  })

  test('ctx.fail fails the factory and graces the value', async () => {
    const { bento } = await stale(make, { timeout: null, graceBackoff: 0 })
    const fail = (message?: string) => bento.getOrSet({ key: 'k', factory: (ctx) => ctx.fail(message) })
    expect(await fail('not today')).toBe('old')
    await bento.delete({ key: 'k' })
    expect(await failureOf(fail('not today'))).toMatchObject({ cause: new Error('not today') })
    expect(await failureOf(fail())).toMatchObject({ cause: new Error('Factory failed') })
  })

  test('ctx.skip caches nothing and gives undefined, even if a stale value exists', async () => {
    const { bento, steps } = await stale(make, { timeout: null })
    expect(await bento.getOrSet({ key: 'k', factory: (ctx) => ctx.skip() })).toBeUndefined()
    expect(await bento.get({ key: 'k' })).toBe('old')
    expect(await bento.getOrSet({ key: 'new', factory: (ctx) => ctx.skip() })).toBeUndefined()
    expect(await bento.has({ key: 'new' })).toBe(false)
    expect(steps.map(({ type }) => type)).not.toContain('written')
    expect(await bento.getOrSet({ key: 'new', factory: () => 'made' })).toBe('made')
  })

  test('followers of a factory that skips get undefined too', async () => {
    const { bento } = make({})
    const factory = vi.fn(async (ctx: { skip(): undefined }) => ctx.skip())
    const values = await Promise.all([1, 2, 3].map(() => bento.getOrSet({ key: 'k', factory })))
    expect([values, factory.mock.calls.length]).toEqual([[undefined, undefined, undefined], 1])
  })

  test('a factory that gives undefined is graced, and no factory error', async () => {
    const { bento } = await stale(make, { timeout: null })
    const onFactoryError = vi.fn()
    expect(await bento.getOrSet({ key: 'k', factory: () => undefined, onFactoryError })).toBe('old')
    expect(onFactoryError).not.toHaveBeenCalled()
  })

  test.each(['foreground', 'background'])('a factory in the %s sees the graced value', async (where) => {
    const { bento, clock } = await stale(make, { timeout: where === 'foreground' ? null : 0 })
    const seen = vi.fn((ctx: { gracedEntry: unknown }) => ctx.gracedEntry)
    await bento.getOrSet({ key: 'k', factory: (ctx) => (seen(ctx), 'new') })
    await clock.settle()
    expect(seen.mock.results[0]?.value).toEqual({ value: 'old' })
    await bento.getOrSet({ key: 'none', factory: (ctx) => (seen(ctx), 'new') })
    expect(seen.mock.results[1]?.value).toBeUndefined()
  })

  test('a background refresh that fails harms nobody', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    try {
      const stand = await stale(make, { graceBackoff: 0 })
      const { bento, clock } = stand
      const onFactoryError = vi.fn<(error: FactoryError) => void>(() => {
        throw new Error('a listener’s own trouble')
      })
      const throwing = (): never => {
        throw new Error('sync')
      }
      const bad = [rejecting(), () => undefined, () => 1n, throwing]
      for (const factory of bad) {
        expect(await bento.getOrSet<unknown>({ key: 'k', factory, onFactoryError })).toBe('old')
        await clock.advance(100)
      }
      expect(onFactoryError.mock.calls.map(([error]) => error.isBackgroundFactory)).toEqual([true, true])
      expect(bento.inflight).toBe(0)
      expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
      await clock.advance(100)
      expect(await bento.getOrSet({ key: 'k', factory: () => 'newer' })).toBe('new')
      await new Promise((resolve) => void setImmediate(resolve))
      expect(unhandled).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })

  test('grace ends at its time from the write', async () => {
    const { bento, clock } = await stale(make, { timeout: null, graceBackoff: 0 })
    const ask = () => failureOf(bento.getOrSet({ key: 'k', factory: rejecting() }))
    await clock.advance(HOUR - MINUTE - 1)
    expect(await ask()).toEqual({ resolved: 'old' })
    await clock.advance(1)
    expect(await ask()).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('grace shorter than ttl never shortens it', async () => {
    const { bento, clock } = make({ ttl: '1h', grace: '1m' })
    await bento.set({ key: 'k', value: 'v' })
    await clock.advance(HOUR - 1)
    expect(await bento.get({ key: 'k', grace: false })).toBe('v')
    await clock.advance(1)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what is kept for ever stays for ever with grace', async () => {
    const { bento, clock } = make({ grace: '1m' })
    await bento.setForever({ key: 'k', value: 'v' })
    await clock.advance(HOUR * 24 * 365)
    expect(await bento.get({ key: 'k', grace: false })).toBe('v')
  })

  test('get serves a stale value to who takes that, and never refreshes', async () => {
    const { bento, steps } = await stale(make)
    expect(await bento.get({ key: 'k' })).toBe('old')
    expect(await bento.get({ key: 'k', grace: false, defaultValue: 'none' })).toBe('none')
    expect([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })]).toEqual([false, true])
    expect(steps.map(({ type }) => type)).not.toContain('factory.run')
  })

  test('pull gives a stale value where grace is on', async () => {
    const { bento } = await stale(make)
    expect([await bento.pull('k'), await bento.pull('k')]).toEqual(['old', undefined])
  })

  test('after expire the value is graced while it is refreshed; after delete it is not', async () => {
    const { bento, clock } = make(GRACED)
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
    await clock.settle()
    expect(await bento.getOrSet({ key: 'k', factory: () => 'newer' })).toBe('new')
    await bento.delete({ key: 'k' })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'newest' })).toBe('newest')
  })

  test('expire keeps the time a value may still be graced', async () => {
    const { bento, clock } = make(GRACED)
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    await clock.advance(HOUR - 1)
    expect(await bento.get({ key: 'k' })).toBe('old')
    await clock.advance(1)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })
})

describe('graceBackoff', () => {
  const backoffs = STACKS.filter(([name]) => name !== 'L2 alone')
  const quick = { ...GRACED, timeout: null, graceBackoff: '10s' }

  test.each(backoffs)('%s: after a failure the origin is spared, from now', async (_, make) => {
    const { bento, clock } = await stale(make, quick)
    await clock.advance(20 * MINUTE)
    const factory = rejecting()
    const ask = () => bento.getOrSet({ key: 'k', factory })
    expect([await ask(), await ask(), factory.mock.calls.length]).toEqual(['old', 'old', 1])
    for (let second = 1; second < 10; second++) {
      await clock.advance(1000)
      expect(await clock.run(ask())).toBe('old')
    }
    expect(factory).toHaveBeenCalledTimes(1)
    await clock.advance(1000)
    expect([await clock.run(ask()), factory.mock.calls.length]).toEqual(['old', 2])
  })

  test.each(backoffs)('%s: a failing refresh spares the origin too', async (_, make) => {
    const { bento, clock } = await stale(make, { graceBackoff: '4s' })
    const factory = rejecting()
    for (let second = 0; second < 4; second++) {
      expect(await bento.getOrSet({ key: 'k', factory })).toBe('old')
      await clock.advance(1000)
    }
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await bento.getOrSet({ key: 'k', factory })).toBe('old')
    await clock.settle()
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test.each(backoffs)('%s: it never goes past grace', async (_, make) => {
    const { bento, clock } = await stale(make, { ...quick, graceBackoff: '1h' })
    await clock.advance(HOUR - MINUTE - 1000)
    const factory = rejecting()
    const ask = () => failureOf(bento.getOrSet({ key: 'k', factory }))
    expect(await ask()).toEqual({ resolved: 'old' })
    await clock.advance(1000)
    expect(await ask()).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test.each(backoffs)('%s: 0 is off', async (_, make) => {
    const { bento } = await stale(make, { ...quick, graceBackoff: 0 })
    const factory = rejecting()
    for (let time = 0; time < 3; time++) await bento.getOrSet({ key: 'k', factory })
    expect(factory).toHaveBeenCalledTimes(3)
  })

  test.each(backoffs)('%s: a hit in backoff tells that it is graced', async (_, make) => {
    const { bento } = await stale(make, quick)
    await bento.getOrSet({ key: 'k', factory: rejecting() })
    const hits: unknown[] = []
    bento.on('cache:hit', (hit) => hits.push(hit))
    await bento.getOrSet({ key: 'k', factory: rejecting() })
    expect(hits).toEqual([{ key: 'k', value: 'old', store: 'main', layer: 'l1', graced: true }])
  })
})

describe('with L2', () => {
  test('a stale value of L2 is given at once and refreshed by one of all isolates', async () => {
    const { clock, isolate } = world()
    const isolates = ['a', 'b', 'c'].map((name) => isolate(name, GRACED))
    await isolates[0]?.bento.set({ key: 'k', value: 'old' })
    await clock.advance(MINUTE)
    const origin: Gate<string> = gate()
    const factory = vi.fn(() => origin.promise)
    const ask = () => Promise.all(isolates.map(({ bento }) => bento.getOrSet({ key: 'k', factory })))
    expect(await clock.run(ask())).toEqual(['old', 'old', 'old'])
    origin.open('new')
    await clock.settle()
    await clock.advance(6000)
    expect(await clock.run(ask())).toEqual(['new', 'new', 'new'])
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('a refresh is handed to waitUntil, and takes a read and a commit', async () => {
    const { clock, isolate, calls } = world()
    const a = isolate('a', GRACED)
    await a.bento.set({ key: 'k', value: 'old' })
    await clock.advance(MINUTE)
    const [before, background] = [calls(), a.runtime.background.length]
    expect(await a.bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
    expect(a.runtime.background.length).toBeGreaterThan(background)
    await clock.run(Promise.all(a.runtime.background))
    expect(calls() - before).toBe(2)
  })
})
