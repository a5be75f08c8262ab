import { describe, expect, test, vi } from 'vitest'
import { type ExtendedContext, getEntry, getOrSetEntry, touch } from '../../../src/extras/entry.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { STACKS } from '../../support/stacks.ts'

const GRACED = { ttl: '1m', grace: '1h', timeout: null } as const
const VALUE = { list: ['a', 'b'] }

/** An origin that knows one state, and what it was asked. */
function origin(state = { etag: '"1"', value: VALUE as unknown }) {
  const asked: (string | undefined)[] = []
  const factory = vi.fn((ctx: ExtendedContext): unknown => {
    asked.push(ctx.etag)
    if (ctx.etag === state.etag) return ctx.notModified()
    return ctx.modified(state.value, { etag: state.etag, lastModified: 'Wed, 25 Nov 2026 07:00:00 GMT' })
  })
  return { state, asked, factory }
}

describe.each(STACKS)('%s: conditional refresh', (_, make) => {
  test('what the origin has not changed is kept, and lives anew', async () => {
    const { bento, clock } = make(GRACED)
    const { factory, asked, state } = origin()
    const ask = () => getOrSetEntry(bento, { key: 'k', tags: ['t'], factory })
    expect(await ask()).toMatchObject({ value: VALUE, etag: '"1"', freshFor: 60_000 })
    await clock.advance(61_000)
    expect(await ask()).toMatchObject({
      value: VALUE,
      etag: '"1"',
      lastModified: 'Wed, 25 Nov 2026 07:00:00 GMT',
      tags: ['t'],
      reason: 'miss',
      freshFor: 60_000,
      staleFor: 3_600_000,
    })
    state.etag = '"2"'
    state.value = 'new'
    await clock.advance(61_000)
    expect(await ask()).toMatchObject({ value: 'new', etag: '"2"' })
    expect(asked).toEqual([undefined, '"1"', '"1"'])
  })

  test('the value is no other for having been kept', async () => {
    const { bento, clock } = make(GRACED)
    const { factory } = origin()
    const first = (await getOrSetEntry(bento, { key: 'k', factory })).value as typeof VALUE
    await clock.advance(61_000)
    const second = (await getOrSetEntry(bento, { key: 'k', factory })).value as typeof VALUE
    expect(second).toEqual(VALUE)
    expect(second).not.toBe(first)
    second.list.push('mine')
    expect(await bento.get({ key: 'k' })).toEqual(VALUE)
  })

  test('what was softly expired is fresh again', async () => {
    const { bento } = make(GRACED)
    const { factory } = origin()
    await getOrSetEntry(bento, { key: 'k', tags: ['t'], factory })
    await bento.expireByTag({ tags: ['t'] })
    expect(await bento.has({ key: 'k' })).toBe(false)
    await getOrSetEntry(bento, { key: 'k', tags: ['t'], factory })
    expect(await bento.has({ key: 'k' })).toBe(true)
    await bento.expire({ key: 'k' })
    await getOrSetEntry(bento, { key: 'k', tags: ['t'], factory })
    expect(await bento.has({ key: 'k' })).toBe(true)
  })

  test('its tags stay, in a namespace too, and more may be added', async () => {
    const { bento, clock } = make(GRACED)
    const users = bento.namespace('users')
    const { factory } = origin()
    await getOrSetEntry(users, { key: 'k', tags: ['a'], factory })
    await clock.advance(61_000)
    expect((await getOrSetEntry(users, { key: 'k', factory })).tags).toEqual(['a'])
    await clock.advance(61_000)
    expect((await getOrSetEntry(users, { key: 'k', tags: ['b'], factory })).tags.toSorted()).toEqual([
      'a',
      'b',
    ])
    await users.deleteByTag({ tags: ['b'] })
    expect(await users.get({ key: 'k' })).toBeUndefined()
  })

  test('what the parent keeps stays the child’s, tags and all', async () => {
    const { bento, clock } = make(GRACED)
    const users = bento.namespace('users')
    const { factory } = origin()
    const keep = async (tags: string[]) => {
      await clock.advance(61_000)
      const kept = await clock.run(getOrSetEntry(bento, { key: 'users:k', tags, factory }))
      expect(kept).toMatchObject({ value: VALUE, reason: 'miss' })
      await clock.settle()
    }
    for (const end of [
      () => users.deleteByTag({ tags: ['childs'] }),
      () => bento.deleteByTag({ tags: ['parents'] }),
      () => users.clear(),
    ]) {
      await clock.run(getOrSetEntry(users, { key: 'k', tags: ['childs'], factory }))
      await keep([])
      await keep(['parents'])
      expect(await getEntry(users, { key: 'k' })).toMatchObject({ value: VALUE, stale: false })
      await end()
      expect(await bento.get({ key: 'users:k' })).toBeUndefined()
    }
  })

  test('it is as old as it was', async () => {
    const { bento, clock } = make(GRACED)
    const { factory } = origin()
    await getOrSetEntry(bento, { key: 'k', factory })
    for (const age of [61_000, 122_000]) {
      await clock.advance(61_000)
      expect(await getOrSetEntry(bento, { key: 'k', factory })).toMatchObject({ age, freshFor: 60_000 })
    }
    expect(await getEntry(bento, { key: 'k' })).toMatchObject({ age: 122_000, freshFor: 60_000 })
  })

  test('the factory may set the new life', async () => {
    const { bento, clock } = make(GRACED)
    await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.modified('v', { etag: '"1"' }) })
    await clock.advance(61_000)
    const entry = await getOrSetEntry(bento, {
      key: 'k',
      factory: (ctx) => {
        ctx.setOptions({ ttl: '10m' })
        return ctx.notModified()
      },
    })
    expect(entry).toMatchObject({ value: 'v', freshFor: 600_000 })
  })

  test('nothing can be kept where nothing is', async () => {
    const { bento, clock } = make(GRACED)
    const ask = () => failureOf(getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.notModified() }))
    expect(await ask()).toMatchObject({ code: 'E_FACTORY_ERROR', cause: { code: 'E_NOTHING_TO_KEEP' } })
    await bento.set({ key: 'k', value: 'v' })
    await clock.advance(3_600_001)
    expect(await ask()).toMatchObject({ cause: { code: 'E_NOTHING_TO_KEEP' } })
  })

  test('what is known to be nothing may be kept as well', async () => {
    const { bento, clock } = make(GRACED)
    await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.notFound() })
    await clock.advance(61_000)
    const entry = await getOrSetEntry(bento, { key: 'k', factory: (ctx) => ctx.notModified() })
    expect(entry).toMatchObject({ value: undefined, negative: true, freshFor: 60_000 })
    expect(await bento.has({ key: 'k' })).toBe(false)
  })

  test('notModified ends the run, with and without return', async () => {
    const { bento, clock } = make(GRACED)
    const ask = (value: string) =>
      getOrSetEntry(bento, {
        key: 'k',
        factory: (ctx) => {
          if (ctx.etag) ctx.notModified()
          return ctx.modified(value, { etag: '"1"' })
        },
      })
    await ask('v')
    await clock.advance(61_000)
    expect(await ask('the empty body of a 304')).toMatchObject({
      value: 'v',
      reason: 'miss',
      freshFor: 60_000,
    })
  })

  test('a factory that catches everything has not undone it', async () => {
    const { bento, clock } = make(GRACED)
    await getOrSetEntry(bento, { key: 'k', factory: () => 'v' })
    for (const fallback of [() => 'fallback', () => Promise.reject<string>(new Error('down'))]) {
      await clock.advance(61_000)
      const factory = async (ctx: ExtendedContext) => {
        try {
          return ctx.notModified()
        } catch {
          return fallback()
        }
      }
      expect(await getOrSetEntry(bento, { key: 'k', factory })).toMatchObject({ value: 'v', reason: 'miss' })
    }
  })

  test('a delete while the origin is asked wins', async () => {
    const { bento, clock } = make(GRACED)
    const { factory } = origin()
    await getOrSetEntry(bento, { key: 'k', factory })
    await clock.advance(61_000)
    await clock.run(
      getOrSetEntry(bento, {
        key: 'k',
        factory: async (ctx) => {
          await bento.delete({ key: 'k' })
          return ctx.notModified()
        },
      }),
    )
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })
})

describe('in L2', () => {
  test('a kept value is not sent again', async () => {
    const { a, b, run, clock, ledger } = pair(GRACED)
    const { factory } = origin()
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    const stored = () => ledger.ledger.read({ key: 'bentocache:k', tags: [], namespaces: ['bentocache'] })
    const { version, payload } = stored().entry!
    await clock.advance(61_000)
    expect(stored().stale).toBe(true)
    const before = ledger.calls.commit
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    await clock.settle()
    expect(ledger.calls.commit).toBe(before + 1)
    expect(stored()).toMatchObject({ stale: false, entry: { version, payload } })
    expect(await run(getEntry(b.bento, { key: 'k' }))).toMatchObject({
      value: VALUE,
      freshFor: 60_000,
      etag: '"1"',
    })
  })

  test('what L2 no longer has is written whole', async () => {
    const { a, b, run, clock, ledger } = pair({ ...GRACED, maxStaleness: '1d' })
    const { factory } = origin()
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    await clock.advance(61_000)
    // Lost without a word, as an eviction is.
    ledger.sql.exec('DELETE FROM entries')
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    await clock.settle()
    expect(await run(getEntry(b.bento, { key: 'k' }))).toMatchObject({ value: VALUE, etag: '"1"' })
    expect(await run(getEntry(a.bento, { key: 'k' }))).toMatchObject({ tier: 'l1', value: VALUE })
  })

  test('all isolates tell one age, whether it was kept or written whole', async () => {
    const { a, b, run, clock } = pair(GRACED)
    const { factory } = origin()
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    for (const tags of [[], ['added']]) {
      await clock.advance(61_000)
      await run(getOrSetEntry(a.bento, { key: 'k', tags, factory }))
      await clock.settle()
      const ages = [a, b].map(async ({ bento }) => (await getEntry(bento, { key: 'k' }))?.age)
      expect(await run(Promise.all(ages))).toEqual(Array(2).fill(tags.length === 0 ? 61_000 : 122_000))
    }
  })

  test('with skipL2Write its new life is this isolate’s alone', async () => {
    const { a, b, run, clock, ledger } = pair(GRACED)
    const { factory } = origin()
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    await clock.advance(61_000)
    const before = ledger.calls.commit
    for (const options of [{ skipL2Write: true }, { setsIt: true }]) {
      const kept = (ctx: ExtendedContext) => {
        if ('setsIt' in options) ctx.setOptions({ skipL2Write: true })
        return ctx.notModified()
      }
      await run(getOrSetEntry(a.bento, { key: 'k', forceFresh: true, ...options, factory: kept }))
      await clock.settle()
      expect(ledger.calls.commit).toBe(before)
      expect(await run(getEntry(a.bento, { key: 'k' }))).toMatchObject({ tier: 'l1', stale: false })
      expect(await run(getEntry(b.bento, { key: 'k', grace: '1h' }))).toMatchObject({ stale: true })
    }
  })

  test('another isolate’s newer value is not kept for the old one', async () => {
    const { a, b, run, clock } = pair(GRACED)
    const { factory } = origin()
    await run(getOrSetEntry(a.bento, { key: 'k', factory }))
    await clock.advance(61_000)
    const asked = run(
      getOrSetEntry(a.bento, {
        key: 'k',
        factory: async (ctx) => {
          await b.bento.set({ key: 'k', value: 'set meanwhile' })
          return ctx.notModified()
        },
      }),
    )
    await asked
    await clock.settle()
    expect(await run(b.bento.get({ key: 'k' }))).toBe('set meanwhile')
    await clock.advance(6000)
    expect(await run(a.bento.get({ key: 'k' }))).toBe('set meanwhile')
  })
})

describe.each(STACKS)('%s: touch', (name, make) => {
  test('a life begins anew, longer or shorter', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: VALUE })
    await clock.advance(50_000)
    expect(await touch(bento, { key: 'k' })).toBe(true)
    await clock.advance(50_000)
    expect(await getEntry(bento, { key: 'k' })).toMatchObject({ value: VALUE, freshFor: 10_000 })
    expect(await touch(bento, { key: 'k', ttl: '1s' })).toBe(true)
    await clock.advance(1000)
    expect(await bento.has({ key: 'k' })).toBe(false)
  })

  test('what is not there is not touched', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    expect(await touch(bento, { key: 'k' })).toBe(false)
    await bento.set({ key: 'k', value: 'v', tags: ['t'] })
    await clock.advance(60_000)
    expect(await touch(bento, { key: 'k' })).toBe(false)
    await bento.set({ key: 'k', value: 'v', tags: ['t'] })
    await bento.deleteByTag({ tags: ['t'] })
    expect(await touch(bento, { key: 'k' })).toBe(false)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what was expired by hand stays expired', async () => {
    const { bento } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'v' })
    await bento.expire({ key: 'k' })
    expect(await touch(bento, { key: 'k' })).toBe(true)
    expect(await bento.has({ key: 'k' })).toBe(false)
    expect(await bento.get({ key: 'k' })).toBe('v')
    await bento.set({ key: 'l', value: 'v', tags: ['t'] })
    await bento.expireByTag({ tags: ['t'] })
    expect(await touch(bento, { key: 'l' })).toBe(true)
    expect(await bento.has({ key: 'l' })).toBe(false)
  })

  test('it is one call, and tags still end the value', async () => {
    const { bento, calls } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'v', tags: ['t'] })
    const before = calls()
    await touch(bento, { key: 'k', ttl: '1h' })
    expect(calls()).toBe(before + (name === 'L1 alone' ? 0 : 1))
    await bento.deleteByTag({ tags: ['t'] })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('bad input is told', async () => {
    const { bento } = make()
    await expect(touch(bento, { key: '' })).rejects.toThrow('Invalid key')
    await expect(touch(bento, { key: 'k', ttl: -1 })).rejects.toThrow('Invalid ttl')
    await expect(touch(bento, undefined as never)).rejects.toThrow('Invalid options')
  })
})

test('a touch reaches the other isolates', async () => {
  const { a, b, run, clock, hear } = pair({ ttl: '1m' })
  await run(a.bento.set({ key: 'k', value: 'v' }))
  await run(b.bento.get({ key: 'k' }))
  await run(touch(a.bento, { key: 'k', ttl: '2s' }))
  await hear(b)
  expect(await run(getEntry(b.bento, { key: 'k' }))).toMatchObject({ tier: 'l2', freshFor: 2000 })
  await clock.advance(2000)
  expect(await run(b.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a touch that L2 does not take says so', async () => {
  const { a, run } = pair({ ttl: '1m' })
  await run(a.bento.set({ key: 'k', value: 'v' }))
  a.fault = () => 'refuse'
  expect(await run(touch(a.bento, { key: 'k' }))).toBe(false)
  await expect(run(touch(a.bento, { key: 'k', suppressL2Errors: false }))).rejects.toMatchObject({
    code: 'E_L2_CACHE_ERROR',
  })
})
