import { describe, expect, test, vi } from 'vitest'
import { getEntry, getOrSetEntry, remainingTtl } from '../../../src/extras/entry.ts'
import { STACKS } from '../../support/stacks.ts'
import { pair } from '../../support/pair.ts'
import { gate, world } from '../../support/world.ts'

describe.each(STACKS)('%s: what is told of a value', (name, make) => {
  const cached = name === 'L2 alone' ? 'l2' : 'l1'

  test('it was made by the caller’s own factory', async () => {
    const { bento } = make({ ttl: '1m' })
    const entry = await getOrSetEntry(bento, {
      key: 'k',
      tags: ['a'],
      grace: '1h',
      factory: () => ({ n: 1 }),
    })
    expect(entry).toEqual({
      key: 'k',
      value: { n: 1 },
      tier: 'factory',
      reason: 'miss',
      stale: false,
      negative: false,
      collapsed: false,
      age: 0,
      freshFor: 60_000,
      staleFor: 3_600_000,
      tags: ['a'],
      etag: undefined,
      lastModified: undefined,
    })
  })

  test('it was found, and how old it is', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await getOrSetEntry(bento, { key: 'k', factory: () => 'v' })
    await clock.advance(2000)
    const entry = await getOrSetEntry(bento, { key: 'k', factory: () => 'other' })
    expect(entry).toMatchObject({ value: 'v', tier: cached, reason: 'hit', age: 2000, freshFor: 58_000 })
  })

  test('it has expired, and its refresh runs behind the answer', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const entry = await getOrSetEntry(bento, { key: 'k', factory: () => 'new' })
    expect(entry).toMatchObject({
      value: 'old',
      stale: true,
      reason: 'refresh',
      freshFor: -1000,
      staleFor: 3_539_000,
    })
    await clock.settle()
    expect(await getOrSetEntry(bento, { key: 'k', factory: () => 'newer' })).toMatchObject({
      value: 'new',
      reason: 'hit',
    })
  })

  test('it has expired, and the factory took too long', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: 100 })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const slow = gate<string>()
    const asked = getOrSetEntry(bento, { key: 'k', factory: () => slow.promise })
    await clock.advance(100)
    expect(await asked).toMatchObject({ value: 'old', stale: true, reason: 'timeout' })
    slow.open('new')
    await clock.settle()
  })

  test('it has expired, and the factory failed, just now and a moment ago', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const factory = vi.fn(() => Promise.reject<string>(new Error('down')))
    expect(await getOrSetEntry(bento, { key: 'k', factory })).toMatchObject({ value: 'old', reason: 'error' })
    await clock.advance(1000)
    expect(await getOrSetEntry(bento, { key: 'k', factory })).toMatchObject({ value: 'old', reason: 'error' })
    expect(factory).toHaveBeenCalledTimes(name === 'L2 alone' ? 2 : 1)
  })

  test('the factory skipped', async () => {
    const { bento } = make()
    const entry = await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.skip() })
    expect(entry).toMatchObject({ value: undefined, tier: undefined, reason: 'skipped' })
  })

  test('another caller’s run made it', async () => {
    const { bento, clock } = make()
    const run = gate<string>()
    const factory = vi.fn(() => run.promise)
    const both = [1, 2].map(() => getOrSetEntry(bento, { key: 'k', factory }))
    await clock.settle()
    run.open('v')
    const told = await Promise.all(both)
    expect(told.map(({ collapsed }) => collapsed)).toEqual([false, true])
    expect(told.map(({ tier, reason }) => `${tier} ${reason}`)).toEqual(['factory miss', 'factory miss'])
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('what is for ever has no end', async () => {
    const { bento } = make({ ttl: null })
    const entry = await getOrSetEntry(bento, { key: 'k', factory: () => 'v' })
    expect(entry).toMatchObject({ freshFor: Infinity, staleFor: Infinity })
    expect(await remainingTtl(bento, { key: 'k' })).toBe(Infinity)
  })

  test('callers have copies of their own', async () => {
    const { bento } = make()
    const first = await getOrSetEntry(bento, { key: 'k', factory: () => ({ list: [1] }) })
    first.value.list.push(2)
    const second = await getOrSetEntry(bento, { key: 'k', factory: () => ({ list: [] as number[] }) })
    expect(second.value).toEqual({ list: [1] })
  })

  test('a read tells the same, and computes nothing', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    expect(await getEntry(bento, { key: 'k' })).toBeUndefined()
    expect(await getEntry(bento, { key: 'k', defaultValue: () => 'd' })).toMatchObject({
      value: 'd',
      reason: 'default',
      tier: undefined,
    })
    await bento.set({ key: 'k', value: 'v', tags: ['t'] })
    expect(await getEntry(bento, { key: 'k' })).toMatchObject({
      value: 'v',
      reason: 'hit',
      tags: ['t'],
      freshFor: 60_000,
    })
    expect(await remainingTtl(bento, { key: 'k' })).toBe(60_000)
    await bento.expire({ key: 'k' })
    await clock.advance(1)
    expect(await getEntry(bento, { key: 'k' })).toMatchObject({ value: 'v', stale: true, reason: 'grace' })
    expect((await getEntry(bento, { key: 'k' }))?.freshFor).toBeLessThanOrEqual(0)
    expect(await remainingTtl(bento, { key: 'k' })).toBeUndefined()
  })

  test('tags are told as they were given, in a namespace too', async () => {
    const { bento } = make()
    const users = bento.namespace('users')
    await getOrSetEntry(users, { key: 'k', tags: ['a#b'], factory: () => 'v' })
    expect((await getEntry(users, { key: 'k' }))?.tags).toEqual(['a#b'])
  })

  test('bad input is told at once', async () => {
    const { bento } = make()
    const asked = (options: unknown) => getOrSetEntry(bento, options as never)
    await expect(asked(undefined)).rejects.toThrow('Invalid options: received undefined, expected an object')
    await expect(asked({ key: '', factory: () => 1 })).rejects.toThrow('Invalid key')
    await expect(asked({ key: 'k' })).rejects.toThrow('Invalid factory')
    await expect(getEntry(bento, undefined as never)).rejects.toThrow('Invalid options')
  })
})

describe('several isolates', () => {
  test('the age of what another isolate wrote is counted from its write', async () => {
    const { a, b, run, clock } = pair({ ttl: '1m' })
    await run(a.bento.set({ key: 'k', value: 'v' }))
    await clock.advance(30_000)
    const entry = await run(getEntry(b.bento, { key: 'k' }))
    expect(entry).toMatchObject({ tier: 'l2', age: 30_000, freshFor: 30_000 })
    await clock.advance(2000)
    expect(await run(getEntry(b.bento, { key: 'k' }))).toMatchObject({
      tier: 'l1',
      age: 32_000,
      freshFor: 28_000,
    })
  })

  test('without answer from L2, what is served as it is says so', async () => {
    const made = world()
    const a = made.isolate('a', { ttl: '1m', grace: '1h', onOutage: 'stale', maxStaleness: '5s' })
    await made.clock.run(a.bento.set({ key: 'k', value: 'v' }))
    await made.clock.advance(10_000)
    a.fault = () => 'refuse'
    const entry = await made.clock.run(
      getOrSetEntry(a.bento, { key: 'k', factory: () => gate<string>().promise }),
    )
    expect(entry).toMatchObject({ value: 'v', reason: 'outage', stale: true })
  })

  test('l1Ttl shortens the life in memory, not what is told of the value', async () => {
    const { a, run, clock, calls } = pair({ ttl: '1m', l1Ttl: '2s' })
    await run(getOrSetEntry(a.bento, { key: 'k', factory: () => 'v' }))
    const before = calls()
    await clock.advance(1000)
    expect(await run(getEntry(a.bento, { key: 'k' }))).toMatchObject({ tier: 'l1', freshFor: 59_000 })
    expect(calls()).toBe(before)
    await clock.advance(1000)
    expect(await run(getEntry(a.bento, { key: 'k' }))).toMatchObject({ tier: 'l2', freshFor: 58_000 })
    expect(calls()).toBe(before + 1)
  })

  test('l1Ttl may be set by an operation and by a factory', async () => {
    const { a, run, clock } = pair({ ttl: '1m' })
    await run(a.bento.set({ key: 'set', value: 'v', l1Ttl: 100 }))
    await run(
      a.bento.getOrSet({
        key: 'made',
        factory: (ctx) => {
          ctx.setOptions({ l1Ttl: 100 })
          return 'v'
        },
      }),
    )
    await run(a.bento.set({ key: 'long', value: 'v' }))
    await clock.advance(100)
    expect((await run(getEntry(a.bento, { key: 'set' })))?.tier).toBe('l2')
    expect((await run(getEntry(a.bento, { key: 'made' })))?.tier).toBe('l2')
    expect((await run(getEntry(a.bento, { key: 'long' })))?.tier).toBe('l1')
  })
})
