import { describe, expect, test, vi } from 'vitest'
import { memo } from '../../../src/extras/memo.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { memoryStand, STACKS } from '../../support/stacks.ts'
import { gate, world } from '../../support/world.ts'

describe.each(STACKS)('%s', (_, make) => {
  test('a key that was read is read again without asking', async () => {
    const { bento, calls, clock, steps } = make({ ttl: 1 })
    const cache = memo(bento)
    const factory = vi.fn(() => ({ list: [1] }))
    await cache.getOrSet({ key: 'k', factory })
    const before = calls()
    steps.splice(0)
    await clock.advance(60_000)
    expect(await cache.getOrSet({ key: 'k', factory })).toEqual({ list: [1] })
    expect(await cache.get({ key: 'k' })).toEqual({ list: [1] })
    expect(factory).toHaveBeenCalledTimes(1)
    expect(calls()).toBe(before)
    expect(steps).toEqual([])
  })

  test('what callers get is theirs', async () => {
    const cache = memo(make().bento)
    const first = await cache.getOrSet({ key: 'k', factory: () => ({ list: [1] }) })
    first.list.push(2)
    const second = await cache.get<{ list: number[] }>({ key: 'k' })
    second.list.push(3)
    expect(await cache.get({ key: 'k' })).toEqual({ list: [1] })
  })

  test('who reads while it is being read shares that', async () => {
    const { bento, clock } = make()
    const cache = memo(bento)
    const run = gate<string>()
    const factory = vi.fn(() => run.promise)
    const all = Promise.all([1, 2, 3].map(() => cache.getOrSet({ key: 'k', factory })))
    await clock.settle()
    run.open('v')
    expect(await all).toEqual(['v', 'v', 'v'])
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('a miss is remembered by those who only read', async () => {
    const { bento, steps } = make()
    const cache = memo(bento)
    expect(await cache.get({ key: 'k' })).toBeUndefined()
    steps.splice(0)
    expect(await cache.get({ key: 'k', defaultValue: () => 'default' })).toBe('default')
    expect(steps).toEqual([])
    expect(await cache.getOrSet({ key: 'k', factory: () => 'made' })).toBe('made')
    expect(await cache.get({ key: 'k' })).toBe('made')
  })

  test('a failure is not', async () => {
    const cache = memo(make().bento)
    const factory = vi
      .fn(() => 'v')
      .mockImplementationOnce(() => {
        throw new Error('down')
      })
    expect(await failureOf(cache.getOrSet({ key: 'k', factory }))).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await cache.getOrSet({ key: 'k', factory })).toBe('v')
  })

  test.each<[string, (cache: ReturnType<typeof make>['bento']) => Promise<unknown>, unknown]>([
    ['set', (cache) => cache.set({ key: 'k', value: 'new' }), 'new'],
    ['setForever', (cache) => cache.setForever({ key: 'k', value: 'new' }), 'new'],
    ['delete', (cache) => cache.delete({ key: 'k' }), undefined],
    ['deleteMany', (cache) => cache.deleteMany({ keys: ['other', 'k'] }), undefined],
    ['expire', (cache) => cache.expire({ key: 'k' }), undefined],
    ['pull', (cache) => cache.pull('k'), undefined],
    ['deleteByTag', (cache) => cache.deleteByTag({ tags: ['t'] }), undefined],
    ['expireByTag', (cache) => cache.expireByTag({ tags: ['t'] }), undefined],
    ['clear', (cache) => cache.clear(), undefined],
    ['forceFresh', (cache) => cache.getOrSet({ key: 'k', forceFresh: true, factory: () => 'new' }), 'new'],
  ])('%s drops what it covers', async (__, write, then) => {
    const cache = memo(make().bento)
    await cache.set({ key: 'k', value: 'old', tags: ['t'] })
    expect(await cache.get({ key: 'k' })).toBe('old')
    await write(cache)
    expect(await cache.get({ key: 'k' })).toBe(then)
  })

  test('namespaces are apart, and share the memory', async () => {
    const { bento } = make()
    const cache = memo(bento)
    await cache.set({ key: 'k', value: 'root' })
    const users = cache.namespace('users')
    await users.set({ key: 'k', value: 'user' })
    expect([await cache.get({ key: 'k' }), await users.get({ key: 'k' })]).toEqual(['root', 'user'])
    await cache.delete({ key: 'users:k' })
    expect(await cache.namespace('users').get({ key: 'k' })).toBeUndefined()
  })

  test('a read under way when the key is set is not what is remembered', async () => {
    const { bento, clock } = make()
    const cache = memo(bento)
    const run = gate<string>()
    const asked = cache.getOrSet({ key: 'k', factory: () => run.promise })
    await clock.settle()
    await cache.set({ key: 'k', value: 'set' })
    run.open('made before')
    await asked
    expect(await cache.get({ key: 'k' })).toBe('set')
  })
})

test('writes of others are not seen: a page is of one piece', async () => {
  const { a, b, run } = pair()
  const cache = memo(b.bento)
  await run(a.bento.set({ key: 'k', value: 'old' }))
  expect(await run(cache.get({ key: 'k' }))).toBe('old')
  await run(a.bento.set({ key: 'k', value: 'new' }))
  expect(await run(cache.get({ key: 'k' }))).toBe('old')
  expect(await run(memo(b.bento).get({ key: 'k' }))).toBe('old')
  await run(a.bento.delete({ key: 'x' }))
})

test('no more than maxItems keys are remembered', async () => {
  const made = world()
  const { bento } = made.isolate('one', {}, false)
  const cache = memo(bento, { maxItems: 2 })
  for (const key of ['a', 'b', 'c']) await made.clock.run(cache.getOrSet({ key, factory: () => key }))
  const before = made.calls()
  await made.clock.run(cache.get({ key: 'c' }))
  await made.clock.run(cache.get({ key: 'b' }))
  expect(made.calls()).toBe(before)
  await made.clock.run(cache.get({ key: 'a' }))
  expect(made.calls()).toBe(before + 1)
})

test('it is the cache it was made of', async () => {
  const { bento } = memoryStand({ ttl: '1m' })
  const cache = memo(bento)
  expect(cache.defaultStoreName).toBe('main')
  expect(cache.name).toBe('main')
  const heard = vi.fn()
  cache.on('cache:written', heard)
  await cache.set({ key: 'k', value: 'v' })
  expect(heard).toHaveBeenCalledTimes(1)
  await cache.disconnectAll()
})

test('bad input is told', async () => {
  const { bento } = memoryStand()
  expect(() => memo(bento, { maxItems: 0 })).toThrow('Invalid maxItems')
  await expect(memo(bento).get({ key: '' })).rejects.toThrow('Invalid key')
  await expect(memo(bento).getOrSet(undefined as never)).rejects.toThrow('Invalid options')
})
