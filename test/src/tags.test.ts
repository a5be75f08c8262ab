import { describe, expect, test } from 'vitest'
import { STACKS } from '../support/stacks.ts'
import { world } from '../support/world.ts'

describe.each(STACKS)('%s', (_, make) => {
  test('a tag drops all that bear it, however they were written, and nothing else', async () => {
    const { bento } = make()
    await bento.set({ key: 'set', value: 1, tags: ['t', 'u'] })
    await bento.setForever({ key: 'forever', value: 2, tags: ['t'] })
    await bento.getOrSet({ key: 'made', factory: () => 3, tags: ['t'] })
    await bento.getOrSetForever({ key: 'added', factory: (ctx) => (ctx.setTags(['t']), 4) })
    await bento.set({ key: 'other', value: 5, tags: ['tt', 'T', 't '] })
    await bento.set({ key: 'none', value: 6 })
    expect(await bento.deleteByTag({ tags: ['t'] })).toBe(true)
    const keys = ['set', 'forever', 'made', 'added', 'other', 'none']
    expect(await Promise.all(keys.map((key) => bento.get({ key })))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      5,
      6,
    ])
  })

  test('any of many tags will do', async () => {
    const { bento } = make()
    for (const n of [1, 2, 3, 4]) await bento.set({ key: `k${n}`, value: n, tags: [`t${n}`] })
    await bento.deleteByTag({ tags: ['t1', 't3', 'nobody', 't1'] })
    const left = await Promise.all([1, 2, 3, 4].map((n) => bento.get({ key: `k${n}` })))
    expect(left).toEqual([undefined, 2, undefined, 4])
  })

  test('the tags of the entry count, not those of the call', async () => {
    const { bento } = make()
    await bento.getOrSet({ key: 'k', factory: () => 'first', tags: ['mine'] })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'second', tags: ['other'] })).toBe('first')
    await bento.deleteByTag({ tags: ['other'] })
    expect(await bento.get({ key: 'k' })).toBe('first')
    await bento.deleteByTag({ tags: ['mine'] })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'second', tags: ['other'] })).toBe('second')
  })

  test('what a tag dropped is not served as graced', async () => {
    const { bento } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'old', tags: ['t'] })
    await bento.deleteByTag({ tags: ['t'] })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('new')
  })

  test('nor is it after it was expired', async () => {
    const { bento } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'old', tags: ['t'] })
    await bento.expire({ key: 'k' })
    await bento.deleteByTag({ tags: ['t'] })
    await bento.expire({ key: 'k' })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what is written in the same millisecond after the tag was dropped lives', async () => {
    const { bento, clock } = make()
    for (let round = 0; round < 3; round++) {
      await bento.deleteByTag({ tags: ['t'] })
      await bento.set({ key: 's', value: round, tags: ['t'] })
      await bento.getOrSet({ key: `g${round}`, factory: () => round, tags: ['t'] })
      expect([await bento.get({ key: 's' }), await bento.get({ key: `g${round}` })]).toEqual([round, round])
    }
    expect(clock.elapsed()).toBe(0)
  })

  test('two hundred tags on one entry and in one call', async () => {
    const { bento } = make()
    const tags = Array.from({ length: 200 }, (__, n) => `tag ${n} \u{1f371}`)
    await bento.set({ key: 'all', value: 1, tags })
    expect(await bento.get({ key: 'all' })).toBe(1)
    await bento.deleteByTag({ tags: ['tag 199 \u{1f371}'] })
    expect(await bento.get({ key: 'all' })).toBeUndefined()
    for (const n of [0, 99, 100, 199]) await bento.set({ key: `k${n}`, value: n, tags: [tags[n] as string] })
    expect(await bento.deleteByTag({ tags })).toBe(true)
    const left = await Promise.all([0, 99, 100, 199].map((n) => bento.has({ key: `k${n}` })))
    expect(left).toEqual([false, false, false, false])
  })

  test.each(['#', ':', '%', '%3A', '__proto__', ' ', 'a#b:c', '\0', '*', '{tag}', 'x'.repeat(5000)])(
    'the tag %j is a tag like any other',
    async (tag) => {
      const { bento } = make()
      await bento.set({ key: 'k', value: 1, tags: [tag] })
      await bento.set({ key: 'l', value: 2, tags: [`${tag}.`] })
      await bento.deleteByTag({ tags: [tag] })
      expect([await bento.get({ key: 'k' }), await bento.get({ key: 'l' })]).toEqual([undefined, 2])
    },
  )

  test('a tag and a key of the same name are two things', async () => {
    const { bento } = make()
    await bento.set({ key: 't', value: 'key' })
    await bento.set({ key: 'k', value: 'tagged', tags: ['t'] })
    await bento.delete({ key: 't' })
    expect(await bento.get({ key: 'k' })).toBe('tagged')
    await bento.set({ key: 't', value: 'key' })
    await bento.deleteByTag({ tags: ['t'] })
    expect([await bento.get({ key: 't' }), await bento.get({ key: 'k' })]).toEqual(['key', undefined])
  })

  test('no tags at all is nothing to do', async () => {
    const { bento } = make()
    await bento.set({ key: 'k', value: 1, tags: [] })
    expect([await bento.deleteByTag({ tags: [] }), await bento.get({ key: 'k' })]).toEqual([true, 1])
  })

  test('tags live in the namespace they are used through', async () => {
    const { bento } = make()
    const [a, b] = [bento.namespace('a'), bento.namespace('b')]
    const inner = a.namespace('inner')
    const caches = [bento, a, b, inner]
    const fill = () => Promise.all(caches.map((cache, n) => cache.set({ key: 'k', value: n, tags: ['t'] })))
    const left = () => Promise.all(caches.map((cache) => cache.get({ key: 'k' })))
    await fill()
    await a.deleteByTag({ tags: ['t'] })
    expect(await left()).toEqual([0, undefined, 2, 3])
    await fill()
    await bento.deleteByTag({ tags: ['t'] })
    expect(await left()).toEqual([undefined, 1, 2, 3])
    await fill()
    await inner.deleteByTag({ tags: ['t'] })
    expect(await left()).toEqual([0, 1, 2, undefined])
  })
})

describe('round trips', () => {
  test('tags cost none of their own', async () => {
    const { isolate, calls } = world()
    const [a, b] = [isolate('a'), isolate('b')]
    const cost = async (work: () => Promise<unknown>): Promise<number> => {
      const before = calls()
      await work()
      return calls() - before
    }
    for (const count of [0, 3, 100, 200]) {
      const tags = Array.from({ length: count }, (_, n) => `t${n}`)
      const key = `k${count}`
      expect(await cost(() => a.bento.set({ key, value: 1, tags }))).toBe(1)
      expect(await cost(() => b.bento.get({ key }))).toBe(1)
      expect(await cost(() => b.bento.get({ key }))).toBe(0)
      expect(await cost(() => a.bento.deleteByTag({ tags }))).toBe(count > 0 ? 1 : 0)
      expect(await cost(() => a.bento.getOrSet({ key: `m${key}`, tags, factory: () => 1 }))).toBe(2)
    }
  })

  test('no tags at all cost nothing', async () => {
    const { isolate, calls } = world()
    await isolate('a').bento.deleteByTag({ tags: [] })
    expect(calls()).toBe(0)
  })
})
