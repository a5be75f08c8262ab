import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../../drivers/memory.ts'
import { bentostore, FullBentoCache } from '../../../src/extras/full.ts'
import { getEntry } from '../../../src/extras/get-entry.ts'
import { getOrSetExtended } from '../../../src/extras/get-or-set-entry.ts'
import { getOrSetMany } from '../../../src/extras/get-or-set-many.ts'
import { memo } from '../../../src/extras/memo.ts'
import { setExtended } from '../../../src/extras/set-extended.ts'
import { setMany } from '../../../src/extras/set-many.ts'
import { touch } from '../../../src/extras/touch.ts'
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

  test('what the factory skips is asked for again', async () => {
    const cache = memo(make().bento)
    await cache.getOrSet({ key: 'k', factory: (ctx) => ctx.skip() as unknown as string })
    expect(await cache.get({ key: 'k' })).toBeUndefined()
    expect(await cache.getOrSet({ key: 'k', factory: () => 'v' })).toBe('v')
  })

  test('who only reads does not hear that the factory of another fails', async () => {
    const { bento, clock } = make()
    const cache = memo(bento)
    const run = gate<string>()
    const made = failureOf(cache.getOrSet({ key: 'k', factory: () => run.promise }))
    const read = cache.get({ key: 'k', defaultValue: 'default' })
    await clock.settle()
    run.fail(new Error('down'))
    expect(await made).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await read).toBe('default')
  })

  test('those who can make a value share the run that fails', async () => {
    const cache = memo(make().bento)
    const factory = vi.fn(() => Promise.reject(new Error('down')))
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(cache.getOrSet({ key: 'k', factory }))))
    for (const failure of failures) expect(failure).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(factory).toHaveBeenCalledTimes(1)
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
    ['set of a named store', (cache) => cache.use('main').set({ key: 'k', value: 'new' }), 'new'],
    ['delete of the default store', (cache) => cache.use().delete({ key: 'k' }), undefined],
    ['setExtended', (cache) => setExtended(cache, { key: 'k', value: 'new' }), 'new'],
    ['setMany', (cache) => setMany(cache, { entries: [{ key: 'k', value: 'new' }] }), 'new'],
    [
      'getOrSetExtended',
      (cache) => getOrSetExtended(cache, { key: 'k', forceFresh: true, factory: () => 'new' }),
      'new',
    ],
  ])('%s drops what it covers', async (__, write, then) => {
    const cache = memo(make().bento)
    await cache.set({ key: 'k', value: 'old', tags: ['t'] })
    expect(await cache.get({ key: 'k' })).toBe('old')
    await write(cache)
    expect(await cache.get({ key: 'k' })).toBe(then)
  })

  test('a named store, and a namespace of it, remembers what was read there', async () => {
    const { bento, steps } = make()
    const cache = memo(bento)
    await cache
      .use('main')
      .namespace('users')
      .getOrSet({ key: 'k', factory: () => 'v' })
    steps.splice(0)
    expect(await cache.namespace('users').get({ key: 'k' })).toBe('v')
    expect(steps).toEqual([])
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

test.each<
  [string, 'commit' | 'commitMany', (cache: ReturnType<typeof pair>['a']['bento']) => Promise<unknown>]
>([
  ['set', 'commit', (cache) => cache.set({ key: 'k', value: 'new' })],
  ['setExtended', 'commit', (cache) => setExtended(cache, { key: 'k', value: 'new' })],
  ['setMany', 'commitMany', (cache) => setMany(cache, { entries: [{ key: 'k', value: 'new' }] })],
])('what was read while %s was under way is not remembered', async (_, operation, write) => {
  const { clock, isolate } = world()
  const one = isolate('one', {}, false)
  const cache = memo(one.bento)
  await clock.run(cache.set({ key: 'k', value: 'old' }))
  const held = one.hold(operation, 'request')
  const written = write(cache)
  await clock.settle()
  expect(await cache.get({ key: 'k' })).toBe('old')
  held.release()
  await clock.run(written)
  expect(await clock.run(cache.get({ key: 'k' }))).toBe('new')
})

test('touch drops what it covers', async () => {
  const { bento, steps } = memoryStand()
  const cache = memo(bento)
  await cache.getOrSet({ key: 'k', factory: () => 'v' })
  await touch(cache, { key: 'k' })
  steps.splice(0)
  await cache.get({ key: 'k' })
  expect(steps).not.toEqual([])
})

test('getOrSetMany drops what it covers', async () => {
  const cache = memo(memoryStand().bento)
  await cache.getOrSet({ key: 'k', factory: () => 'old' })
  await getOrSetMany(cache, { keys: ['k'], forceFresh: true, factory: () => new Map([['k', 'new']]) })
  expect(await cache.get({ key: 'k' })).toBe('new')
})

test('functions that only read drop nothing', async () => {
  const { a, b, run } = pair()
  const cache = memo(b.bento)
  await run(a.bento.set({ key: 'k', value: 'old' }))
  await run(cache.get({ key: 'k' }))
  await run(a.bento.set({ key: 'k', value: 'new' }))
  await run(getEntry(cache, { key: 'k' }))
  expect(await run(cache.get({ key: 'k' }))).toBe('old')
})

test('who hears of failures of L2 does not decide for those who do not', async () => {
  const { a, run } = pair()
  const cache = memo(a.bento)
  a.fault = () => 'refuse'
  const heard = failureOf(cache.get({ key: 'k', suppressL2Errors: false }))
  const others = [cache.getOrSet({ key: 'k', factory: () => 'made' }), cache.get({ key: 'k' })]
  const [failure, made] = await run(Promise.all([heard, ...others]))
  expect(failure).toMatchObject({ code: 'E_L2_CACHE_ERROR' })
  expect(made).toBe('made')
})

describe('with the options of the full cache', () => {
  const full = () => {
    const stores = { main: bentostore({ ttl: '1h' }).useL1Layer(memoryDriver()) }
    const bento = new FullBentoCache({ default: 'main', advice: false, stores })
    return bento.bind({ waitUntil: () => undefined }, { memo: true })
  }
  const down = () => Promise.reject<string>(new Error('down'))

  test('a miss of onlyIfCached keeps nobody from the factory', async () => {
    const cache = full()
    const factory = () => 'made'
    const asked = { key: 'k', onlyIfCached: true, defaultValue: 'default', factory }
    expect(await cache.getOrSet(asked)).toBe('default')
    expect(await cache.getOrSet({ ...asked, defaultValue: 'other' })).toBe('other')
    expect(await cache.getOrSet({ key: 'k', factory })).toBe('made')
    expect(await cache.getOrSet(asked)).toBe('made')
    expect(await cache.getOrSet({ ...asked, forceFresh: true })).toBe('default')
    expect(await cache.get({ key: 'k' })).toBe('made')
  })

  test('who only reads shares a miss, and gives a default of its own', async () => {
    const asked = { key: 'k', onlyIfCached: true, factory: () => 'made' }
    for (const defaultValue of ['default', undefined]) {
      const cache = full()
      expect(await cache.getOrSet<string | undefined>({ ...asked, defaultValue })).toBe(defaultValue)
      expect(await cache.get({ key: 'k' })).toBeUndefined()
      expect(await cache.get({ key: 'k', defaultValue: 'mine' })).toBe('mine')
      expect(await cache.getOrSet({ ...asked, defaultValue: 'other' })).toBe('other')
    }
  })

  test('a default is the caller’s own, and not remembered', async () => {
    const cache = full()
    const ask = (defaultValue: string) => cache.getOrSet({ key: 'k', defaultValue, factory: down })
    expect(await Promise.all([ask('one'), ask('two')])).toEqual(['one', 'two'])
    expect(await cache.get({ key: 'k' })).toBeUndefined()
    expect(await cache.getOrSet({ key: 'k', factory: () => 'made' })).toBe('made')
    expect(await ask('three')).toBe('made')
  })

  test('who has no default hears of the failure that one hides', async () => {
    const cache = full()
    const hidden = cache.getOrSet({ key: 'k', defaultValue: 'default', factory: down })
    const heard = failureOf(cache.getOrSet({ key: 'k', factory: down }))
    expect(await hidden).toBe('default')
    expect(await heard).toMatchObject({ code: 'E_FACTORY_ERROR' })
  })

  test('who has a default does not hear of the failure of who has none', async () => {
    const cache = full()
    const heard = failureOf(cache.getOrSet({ key: 'k', factory: down }))
    const hidden = cache.getOrSet({ key: 'k', defaultValue: 'default', factory: down })
    expect(await heard).toMatchObject({ code: 'E_FACTORY_ERROR' })
    expect(await hidden).toBe('default')
  })

  test('what is cached as nothing is each caller’s own default', async () => {
    const cache = full()
    const ask = (defaultValue?: string) =>
      cache.getOrSet<string | undefined>({ key: 'k', defaultValue, factory: (ctx) => ctx.notFound() })
    expect([await ask('one'), await ask('two'), await ask()]).toEqual(['one', 'two', undefined])
    expect(await Promise.all([ask(), ask('three')])).toEqual([undefined, 'three'])
  })

  test('what is skipped is nobody’s default', async () => {
    const asked = { key: 'k', defaultValue: 'default', factory: (ctx: { skip(): unknown }) => ctx.skip() }
    expect(await full().getOrSet<unknown>(asked)).toBeUndefined()
  })

  test('a default need not be serializable', async () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    const defaultValue = () => circular
    expect(await full().getOrSet<unknown>({ key: 'k', defaultValue, factory: down })).toBe(circular)
  })

  test('what noStore makes is shared with nobody', async () => {
    const cache = full()
    const personal = { key: 'k', noStore: true, factory: () => 'personal' }
    const shared = { key: 'k', factory: () => 'shared' }
    expect(await cache.getOrSet(personal)).toBe('personal')
    expect(await cache.getOrSet(shared)).toBe('shared')
    expect(await cache.getOrSet(personal)).toBe('shared')
    expect(await cache.getOrSet({ ...personal, forceFresh: true })).toBe('personal')
    expect(await cache.getOrSet(shared)).toBe('shared')
  })

  test('a wrapped function reads what is remembered, and drops what it deletes', async () => {
    const cache = full()
    const fn = vi.fn(() => fn.mock.calls.length)
    const counted = cache.wrap(fn, { name: 'counted' })
    const key = await counted.keyFor()
    expect([await counted(), await cache.get({ key }), await counted.refresh()]).toEqual([1, 1, 2])
    expect(await cache.get({ key })).toBe(2)
    await counted.delete()
    expect(await cache.get({ key })).toBeUndefined()
  })

  test('a namespace of a named store can do the same', async () => {
    const cache = full()
    const users = cache.use('main').namespace('users')
    await users.set({ key: 'k', value: 'old' })
    expect(await cache.get({ key: 'users:k' })).toBe('old')
    await users.setMany({ entries: [{ key: 'k', value: 'new' }] })
    expect(await cache.get({ key: 'users:k' })).toBe('new')
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
  expect(cache.off('cache:written', heard)).toBe(cache)
  await cache.disconnectAll()
})

test('bad input is told', async () => {
  const { bento } = memoryStand()
  expect(() => memo(bento, { maxItems: 0 })).toThrow('Invalid maxItems')
  await expect(memo(bento).get({ key: '' })).rejects.toThrow('Invalid key')
  await expect(memo(bento).getOrSet(undefined as never)).rejects.toThrow('Invalid options')
})
