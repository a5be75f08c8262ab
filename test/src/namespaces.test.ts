import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Cache } from '../../src/index.ts'
import { sharedStand, memoryStand, STACKS } from '../support/stacks.ts'
import { world } from '../support/world.ts'

function inside(root: Cache, path: readonly string[]): Cache {
  return path.reduce((cache, name) => cache.namespace(name), root)
}

describe.each(STACKS)('%s', (_, make) => {
  test('siblings keep to themselves', async () => {
    const { bento } = make()
    const names = ['a', 'b', 'ab', 'A', 'a ', 'a:b', 'a%3Ab', 'a#b', '__proto__']
    for (const name of names) await bento.namespace(name).set({ key: 'k', value: name })
    const values = await Promise.all(names.map((name) => bento.namespace(name).get({ key: 'k' })))
    expect(values).toEqual(names)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('separators in names and keys let nobody meet', async () => {
    const { bento } = make()
    await bento.namespace('a').set({ key: 'b:c', value: 1 })
    await bento.namespace('a:b').set({ key: 'c', value: 2 })
    expect([
      await bento.namespace('a').get({ key: 'b:c' }),
      await bento.namespace('a:b').get({ key: 'c' }),
      await bento.namespace('a').namespace('b').get({ key: 'c' }),
    ]).toEqual([1, 2, undefined])
  })

  test('a parent reads its children as name:key', async () => {
    const { bento } = make()
    await bento.namespace('users').namespace('admins').set({ key: '1', value: 'root' })
    expect([
      await bento.get({ key: 'users:admins:1' }),
      await bento.namespace('users').get({ key: 'admins:1' }),
      await bento.namespace('users').namespace('admins').get({ key: '1' }),
    ]).toEqual(['root', 'root', 'root'])
  })

  test('a parent deletes and expires its children’s entries as name:key', async () => {
    const { bento } = make({ grace: '1h' })
    const users = bento.namespace('users')
    await users.set({ key: '1', value: 'u' })
    await bento.expire({ key: 'users:1' })
    expect([await users.has({ key: '1' }), await users.get({ key: '1' })]).toEqual([false, 'u'])
    await bento.delete({ key: 'users:1' })
    expect(await users.get({ key: '1' })).toBeUndefined()
  })

  test('a child never reads what was written through its parent', async () => {
    const { bento } = make()
    const users = bento.namespace('users')
    await bento.set({ key: 'users:1', value: 'the parent’s' })
    expect([await users.get({ key: '1' }), await users.has({ key: '1' })]).toEqual([undefined, false])
    expect(await users.getOrSet({ key: '1', factory: () => 'the child’s' })).toBe('the child’s')
    expect(await users.get({ key: '1' })).toBe('the child’s')
  })

  test('a child does not join a computation of its parent', async () => {
    const { bento, clock } = make()
    const factory = (value: string) => () =>
      new Promise<string>((resolve) => void clock.setTimer(() => resolve(value), 100))
    const parent = bento.getOrSet({ key: 'users:1', factory: factory('the parent’s') })
    await clock.settle()
    const child = bento.namespace('users').getOrSet({ key: '1', factory: factory('the child’s') })
    expect(await clock.run(Promise.all([parent, child]))).toEqual(['the parent’s', 'the child’s'])
  })

  test('a child does not pull what its parent wrote', async () => {
    const { bento } = make()
    await bento.set({ key: 'users:1', value: 'the parent’s' })
    expect(await bento.namespace('users').pull('1')).toBeUndefined()
  })

  test('clear drops a namespace and all below it, by segment', async () => {
    const { bento } = make({ grace: '1h' })
    const paths = [[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['ab'], ['b'], ['b', 'a'], ['a:b']]
    const caches = paths.map((path) => inside(bento, path))
    const left = () => Promise.all(caches.map((cache) => cache.has({ key: 'k' })))
    for (const cache of caches) await cache.set({ key: 'k', value: 1 })
    await inside(bento, ['a', 'b']).clear()
    expect(await left()).toEqual([true, true, false, false, true, true, true, true])
    await inside(bento, ['a']).clear()
    expect(await left()).toEqual([true, false, false, false, true, true, true, true])
    expect(await inside(bento, ['a']).get({ key: 'k' })).toBeUndefined()
    await bento.clear()
    expect(await left()).toEqual(caches.map(() => false))
  })

  test('a cleared namespace is usable at once', async () => {
    const { bento } = make()
    const a = bento.namespace('a')
    await a.set({ key: 'k', value: 1 })
    await a.clear()
    await a.set({ key: 'k', value: 2 })
    expect(await a.namespace('b').getOrSet({ key: 'k', factory: () => 3 })).toBe(3)
    expect([await a.get({ key: 'k' }), await bento.get({ key: 'a:b:k' })]).toEqual([2, 3])
  })

  test('a parent may clear what it wrote under a child’s name', async () => {
    const { bento } = make()
    await bento.set({ key: 'a:k', value: 'the parent’s' })
    await bento.namespace('a').clear()
    expect(await bento.get({ key: 'a:k' })).toBe('the parent’s')
    await bento.clear()
    expect(await bento.get({ key: 'a:k' })).toBeUndefined()
  })

  test('a namespace shares flights however it is called', async () => {
    const { bento } = make()
    const factory = vi.fn(async () => 1)
    const ask = () => bento.namespace('users').namespace('admins').getOrSet({ key: 'k', factory })
    await Promise.all(Array.from({ length: 10 }, ask))
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('a namespace has the options and the name of its store', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    const users = bento.namespace('users')
    await users.set({ key: 'k', value: 1 })
    await clock.advance(60_000)
    expect([users.name, await users.has({ key: 'k' })]).toEqual(['main', false])
  })

  test('deep namespaces and long names work', async () => {
    const { bento } = make()
    const deep = Array.from({ length: 20 }, (__, n) => `level ${n}`)
    await inside(bento, deep).set({ key: 'k', value: 'deep' })
    await inside(bento, ['x'.repeat(2000)]).set({ key: 'k', value: 'long' })
    expect(await inside(bento, deep).get({ key: 'k' })).toBe('deep')
    expect(await inside(bento, ['x'.repeat(2000)]).get({ key: 'k' })).toBe('long')
    await inside(bento, deep.slice(0, 1)).clear()
    expect(await inside(bento, deep).get({ key: 'k' })).toBeUndefined()
  })
})

/** Names and keys made of what separates them. */
const piece = fc.string({
  unit: fc.constantFrom('a', 'b', ':', '%', '#', '3', 'A', '@', '~', '/', '\\', '*', ' ', '\0', 'é'),
  minLength: 1,
  maxLength: 4,
})
const place = fc.record({ path: fc.array(piece, { maxLength: 3 }), key: piece })

function isAbove(path: readonly string[], other: readonly string[]): boolean {
  return path.length <= other.length && path.every((name, at) => other[at] === name)
}

describe.each([
  ['L1 alone', () => memoryStand()],
  ['L2 alone', () => sharedStand({}, false)],
  ['L1 and L2', () => sharedStand()],
  ['without a prefix', () => sharedStand({ prefix: '' })],
] as const)('any two places, %s', (_, make) => {
  const stand = make()
  let round = 0

  test('which are not one above the other never meet', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (one, two) => {
        fc.pre(!isAbove(one.path, two.path) && !isAbove(two.path, one.path))
        // A tenant of its own for each pair: pairs must not meet in their keys.
        const root = stand.bento.namespace(`tenant ${round++}`)
        await inside(root, one.path).set({ key: one.key, value: 'one', tags: [two.key] })
        const other = inside(root, two.path)
        expect(await other.get({ key: two.key })).toBeUndefined()
        await other.set({ key: two.key, value: 'two', tags: [one.key] })
        await other.delete({ key: one.key })
        await other.deleteByTag({ tags: [two.key] })
        if (two.path.length > 0) await other.clear()
        expect(await inside(root, one.path).get({ key: one.key })).toBe('one')
      }),
      { numRuns: 200, seed: 42 },
    )
  })

  test('with other keys of one namespace never meet', async () => {
    await fc.assert(
      fc.asyncProperty(place, piece, async ({ path, key }, other) => {
        fc.pre(key !== other)
        const cache = inside(stand.bento.namespace(`tenant ${round++}`), path)
        await cache.set({ key, value: 'one' })
        expect(await cache.get({ key: other })).toBeUndefined()
        await cache.delete({ key: other })
        expect(await cache.get({ key })).toBe('one')
      }),
      { numRuns: 200, seed: 42 },
    )
  })
})

test('a namespace costs no round trip of its own', async () => {
  const { isolate, calls } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  const deep = (cache: Cache) => inside(cache, ['x', 'y', 'z'])
  await deep(a.bento).set({ key: 'k', value: 1 })
  await deep(b.bento).get({ key: 'k' })
  expect(calls()).toBe(2)
  await inside(a.bento, ['x']).clear()
  expect(calls()).toBe(3)
  expect(await deep(a.bento).get({ key: 'k' })).toBeUndefined()
  expect(calls()).toBe(4)
})

test('tenants are apart in other isolates too', async () => {
  const { isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await a.bento.namespace('t1').set({ key: 'k', value: 1 })
  await b.bento.namespace('t2').set({ key: 'k', value: 2 })
  const read = (cache: Cache, name: string) => cache.namespace(name).get({ key: 'k' })
  expect([await read(b.bento, 't1'), await read(a.bento, 't2')]).toEqual([1, 2])
  await a.bento.namespace('t1').clear()
  expect([await read(isolate('c').bento, 't1'), await read(isolate('d').bento, 't2')]).toEqual([undefined, 2])
})
