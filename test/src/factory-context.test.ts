import { describe, expect, test, vi } from 'vitest'
import type { FactoryContext, FactoryOptions } from '../../src/index.ts'
import { failureOf } from '../support/pair.ts'
import { memoryStand, STACKS } from '../support/stacks.ts'
import { world } from '../support/world.ts'

const MINUTE = 60_000

describe.each(STACKS)('%s', (_, make) => {
  test.each<[string, (ctx: FactoryContext) => void]>([
    ['setOptions', (ctx) => ctx.setOptions({ ttl: '1m' })],
    ['setTtl', (ctx) => ctx.setTtl('1m')],
  ])('%s sets the ttl of the value, from its write', async (_name, act) => {
    const { bento, clock } = make({ ttl: '1h' })
    const factory = async (ctx: FactoryContext): Promise<number> => {
      act(ctx)
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 2000))
      return 1
    }
    await clock.run(bento.getOrSet({ key: 'k', factory }))
    await clock.advance(MINUTE - 1)
    expect(await bento.has({ key: 'k' })).toBe(true)
    await clock.advance(1)
    expect(await bento.has({ key: 'k' })).toBe(false)
  })

  test.each([null, 0])('setOptions takes %s for ever', async (ttl) => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.getOrSet({ key: 'k', factory: (ctx) => (ctx.setOptions({ ttl }), 1) })
    await clock.advance(1e9)
    expect(await bento.get({ key: 'k' })).toBe(1)
  })

  test('setOptions sets the grace of the value', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.getOrSet({ key: 'k', factory: (ctx) => (ctx.setOptions({ grace: '1h' }), 1) })
    await clock.advance(2 * MINUTE)
    expect([await bento.get({ key: 'k' }), await bento.get({ key: 'k', grace: '1h' })]).toEqual([
      undefined,
      1,
    ])
  })

  test('setOptions turns grace off', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    await bento.getOrSet({ key: 'k', factory: (ctx) => (ctx.setOptions({ grace: false }), 1) })
    await clock.advance(MINUTE)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what setOptions does not name stays, as does what is undefined', async () => {
    const { bento, clock } = make()
    const factory = (ctx: FactoryContext): number => {
      ctx.setOptions({ grace: '1h' })
      ctx.setOptions({ ttl: undefined, tags: undefined, grace: undefined })
      ctx.setOptions({})
      return 1
    }
    await bento.getOrSet({ key: 'k', ttl: '1m', tags: ['t'], factory })
    await clock.advance(MINUTE)
    expect([await bento.get({ key: 'k' }), await bento.get({ key: 'k', grace: '1h' })]).toEqual([
      undefined,
      1,
    ])
    await bento.deleteByTag({ tags: ['t'] })
    expect(await bento.get({ key: 'k', grace: '1h' })).toBeUndefined()
  })

  test.each<[string, (ctx: FactoryContext) => void, string[], string[]]>([
    ['setTags adds', (ctx) => ctx.setTags(['b']), ['a', 'b'], []],
    ['setTags adds each time', (ctx) => (ctx.setTags(['b']), ctx.setTags(['c', 'b'])), ['a', 'b', 'c'], []],
    ['setOptions replaces', (ctx) => ctx.setOptions({ tags: ['b'] }), ['b'], ['a']],
    ['an empty list changes nothing', (ctx) => ctx.setTags([]), ['a'], ['b']],
  ])('tags: %s', async (_name, act, bears, lacks) => {
    const { bento } = make()
    const tags = Object.freeze(['a'])
    const make1 = () => bento.getOrSet({ key: 'k', tags, factory: (ctx) => (act(ctx), 1) })
    for (const tag of lacks) {
      await make1()
      await bento.deleteByTag({ tags: [tag] })
      expect(await bento.has({ key: 'k' })).toBe(true)
    }
    for (const tag of bears) {
      await make1()
      await bento.deleteByTag({ tags: [tag] })
      expect(await bento.has({ key: 'k' })).toBe(false)
    }
  })

  test('options set for one value are gone for the next', async () => {
    const { bento, clock } = make({ ttl: '1h' })
    const factory = vi.fn((ctx: FactoryContext) => {
      if (factory.mock.calls.length === 1) ctx.setOptions({ ttl: '1s', tags: ['t'] })
      return factory.mock.calls.length
    })
    await bento.getOrSet({ key: 'k', factory })
    await clock.advance(1000)
    expect(await bento.getOrSet({ key: 'k', factory })).toBe(2)
    await bento.deleteByTag({ tags: ['t'] })
    await clock.advance(MINUTE)
    expect(await bento.get({ key: 'k' })).toBe(2)
  })

  test('options set after the value was given change nothing', async () => {
    const { bento, clock } = make({ ttl: '1h' })
    let kept: FactoryContext | undefined
    await bento.getOrSet({ key: 'k', factory: (ctx) => ((kept = ctx), 1) })
    kept?.setOptions({ ttl: '1s' })
    await clock.advance(MINUTE)
    expect(await bento.get({ key: 'k' })).toBe(1)
  })

  test('the methods work when taken off the context', async () => {
    const { bento, clock } = make({ ttl: '1h' })
    const factory = ({ setTags, setOptions, setTtl }: FactoryContext): number => {
      setTags(['t'])
      setOptions({ ttl: '1s' })
      setTtl('2s')
      return 1
    }
    await bento.getOrSet({ key: 'k', factory })
    await clock.advance(1999)
    expect(await bento.get({ key: 'k' })).toBe(1)
    await bento.deleteByTag({ tags: ['t'] })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await bento.getOrSet({ key: 's', factory: ({ skip }) => skip() })).toBeUndefined()
    const failing = bento.getOrSet({ key: 'f', factory: ({ fail }) => fail('off') })
    expect(await failureOf(failing)).toMatchObject({ code: 'E_FACTORY_ERROR', cause: new Error('off') })
  })

  test('a factory sees its key as it was given', async () => {
    const { bento } = make()
    const keys: string[] = []
    const factory = (ctx: FactoryContext): number => keys.push(ctx.key)
    await bento.getOrSet({ key: 'a:b', factory })
    await bento.namespace('n').getOrSet({ key: 'c', factory })
    await bento.getOrSet({ key: 'x'.repeat(5000), factory })
    expect(keys).toEqual(['a:b', 'c', 'x'.repeat(5000)])
  })

  test('without a graced value there is no gracedEntry', async () => {
    const { bento } = make({ grace: '1h' })
    expect(await bento.getOrSet({ key: 'k', factory: (ctx) => ctx.gracedEntry ?? 'none' })).toBe('none')
  })

  test('a factory that changes its graced value changes nobody else’s', async () => {
    const { bento } = make({ ttl: '1m', grace: '1h', timeout: null, graceBackoff: 0 })
    await bento.set({ key: 'k', value: { list: [1] } })
    await bento.expire({ key: 'k' })
    const factory = (ctx: FactoryContext): never => {
      const graced = ctx.gracedEntry as { value: { list: number[] } }
      graced.value.list.push(2)
      throw new Error('failed')
    }
    expect(await bento.getOrSet({ key: 'k', factory })).toEqual({ list: [1] })
    expect(await bento.get({ key: 'k' })).toEqual({ list: [1] })
  })

  test('a synchronous factory, a promise and a thenable are all awaited', async () => {
    const { bento } = make()
    // oxlint-disable-next-line unicorn/no-thenable -- the case under test
    const thenable = { then: (resolve: (value: number) => void) => resolve(3) }
    expect(await bento.getOrSet({ key: 'a', factory: () => 1 })).toBe(1)
    expect(await bento.getOrSet({ key: 'b', factory: async () => 2 })).toBe(2)
    expect(await bento.getOrSet({ key: 'c', factory: () => thenable as unknown as number })).toBe(3)
  })

  test('a factory may use the cache, even the key it makes', async () => {
    const { bento, clock } = make()
    const factory = async (): Promise<string> => {
      const inner = await bento.getOrSet({ key: 'inner', factory: () => 'in' })
      return `${inner} ${await bento.get({ key: 'outer', defaultValue: 'out' })}`
    }
    expect(await clock.run(bento.getOrSet({ key: 'outer', factory }))).toBe('in out')
  })
})

describe('signal', () => {
  const waiting = (seen: { signal?: AbortSignal }) => (ctx: FactoryContext) => {
    seen.signal = ctx.signal
    return new Promise<number>(() => {})
  }

  test.each(STACKS)('%s: aborts at hardTimeout', async (_, make) => {
    const { bento, clock } = make()
    const seen: { signal?: AbortSignal } = {}
    const work = failureOf(bento.getOrSet({ key: 'k', hardTimeout: '3s', factory: waiting(seen) }))
    await clock.advance(2999)
    expect(seen.signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(seen.signal?.aborted).toBe(true)
    expect(await clock.run(work)).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
  })

  test.each(STACKS)('%s: aborts after 25 s where nothing is said', async (_, make) => {
    const { bento, clock } = make()
    const seen: { signal?: AbortSignal } = {}
    const work = failureOf(bento.getOrSet({ key: 'k', factory: waiting(seen) }))
    await clock.advance(24_999)
    expect(seen.signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(seen.signal?.aborted).toBe(true)
    expect(await clock.run(work)).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
  })

  test.each(STACKS)('%s: does not abort when the caller has gone with the stale value', async (_, make) => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: 100 })
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    const seen: { signal?: AbortSignal } = {}
    const work = failureOf(bento.getOrSet<unknown>({ key: 'k', hardTimeout: '5s', factory: waiting(seen) }))
    await clock.advance(4999)
    expect(seen.signal?.aborted).toBe(false)
    expect(await clock.run(work)).toEqual({ resolved: 'old' })
    await clock.advance(1)
    expect(seen.signal?.aborted).toBe(true)
  })

  test('asked for late, it still aborts at the deadline, counted from the start', async () => {
    const { bento, clock } = memoryStand()
    let signal: AbortSignal | undefined
    const factory = async (ctx: FactoryContext): Promise<never> => {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 600))
      signal = ctx.signal
      return new Promise(() => {})
    }
    const work = failureOf(bento.getOrSet({ key: 'k', hardTimeout: 1000, factory }))
    await clock.advance(999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(signal?.aborted).toBe(true)
    await clock.run(work)
  })

  test('is the same each time, and leaves no timer behind', async () => {
    const { bento, clock } = memoryStand()
    const factory = (ctx: FactoryContext): boolean => ctx.signal === ctx.signal
    expect(await bento.getOrSet({ key: 'k', factory })).toBe(true)
    expect(clock.pending()).toBe(0)
  })

  test('costs nothing where it is not asked for', async () => {
    const { bento, clock } = memoryStand()
    let timers = -1
    await bento.getOrSet({ key: 'a', factory: () => (timers = clock.pending()) })
    const without = timers
    const asking = ({ signal }: FactoryContext): boolean => {
      timers = clock.pending()
      return signal.aborted
    }
    await bento.getOrSet({ key: 'b', factory: asking })
    expect(timers - without).toBe(1)
  })
})

describe('skipL2Write', () => {
  test.each<[string, FactoryOptions | undefined, boolean]>([
    ['set by the call', undefined, true],
    ['set by the factory', { skipL2Write: true }, false],
  ])('%s: the value stays in this isolate', async (_, inFactory, inCall) => {
    const { clock, isolate } = world()
    const [a, b] = [isolate('a'), isolate('b')]
    const factory = (ctx: FactoryContext): string => {
      if (inFactory) ctx.setOptions(inFactory)
      return 'a’s'
    }
    await a.bento.getOrSet({ key: 'k', factory, ...(inCall ? { skipL2Write: true } : {}) })
    await clock.settle()
    expect([await a.bento.get({ key: 'k' }), await b.bento.get({ key: 'k' })]).toEqual(['a’s', undefined])
    const begun = clock.elapsed()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'b’s' }))).toBe('b’s')
    expect(clock.elapsed()).toBe(begun)
  })

  test('of a set: L2 no longer serves the old value as fresh, and others are told', async () => {
    const { clock, isolate } = world()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'old', grace: '1h' })
    expect(await b.bento.get({ key: 'k' })).toBe('old')
    await a.bento.set({ key: 'k', value: 'new', skipL2Write: true })
    expect(await a.bento.get({ key: 'k' })).toBe('new')
    await clock.advance(1001)
    await b.bento.get({ key: 'k' })
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })
})
