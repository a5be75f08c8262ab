import { describe, expect, test } from 'vitest'
import { useFleets } from '../support/bus.ts'

const fleet = useFleets()

describe('a plain L2', () => {
  const make = () => fleet({ bus: false, l2: true })

  test('isolates share values', async () => {
    const { isolate, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'made', tags: ['t'] }))
    await clock.settle()
    expect(await b.bento.getOrSet({ key: 'k', factory: () => 'never' })).toBe('made')
  })

  test.each(['delete', 'expire', 'deleteByTag', 'clear', 'set'] as const)(
    'a %s elsewhere is seen when the life of L1 ends: maxStaleness, no later',
    async (name) => {
      const { isolate, clock } = make()
      const [a, b] = [isolate('a'), isolate('b')]
      await a.bento.set({ key: 'k', value: 'old', tags: ['t'], grace: '1h' })
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      const acts = {
        delete: () => a.bento.delete({ key: 'k' }),
        expire: () => a.bento.expire({ key: 'k' }),
        deleteByTag: () => a.bento.deleteByTag({ tags: ['t'] }),
        clear: () => a.bento.clear(),
        set: () => a.bento.set({ key: 'k', value: 'new' }),
      }
      await acts[name]()
      await clock.advance(4999)
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      await clock.advance(1)
      expect(await b.bento.get({ key: 'k' })).toBe(name === 'set' ? 'new' : undefined)
    },
  )

  test('an entry that is dead and still there is not asked to live on', async () => {
    const { isolate, clock, values } = make()
    const { bento } = isolate('a', { ttl: '1s' })
    await bento.set({ key: 'k', value: 'old' })
    // As Redis does, and as a store does that keeps values longer than asked.
    const { get } = values
    const [kept, lives] = [await get('k'), [] as unknown[]]
    values.get = async (key) => (key === 'k' ? kept : get(key))
    values.set = async (_key, _text, ttl) => lives.push(ttl) > 0
    for (const wait of [1000, 1]) {
      await clock.advance(wait)
      expect(await bento.expire({ key: 'k' })).toBe(true)
    }
    expect(lives).toEqual([])
  })

  test('what is read again from L2 lives in L1 for as long again', async () => {
    const { isolate, clock, asked } = make()
    const { bento } = isolate('a')
    await bento.setForever({ key: 'k', value: 1 })
    for (let round = 0; round < 3; round++) {
      asked.length = 0
      await clock.advance(5000)
      expect(await bento.get({ key: 'k' })).toBe(1)
      expect(asked.filter((call) => call === 'get k')).toHaveLength(1)
      asked.length = 0
      await clock.advance(4999)
      expect([await bento.get({ key: 'k' }), asked]).toEqual([1, []])
    }
  })

  test('l1Ttl sets that life', async () => {
    const { isolate, clock } = make()
    const [a, b] = [isolate('a'), isolate('b', { l1Ttl: '1m' })]
    await a.bento.set({ key: 'k', value: 'old' })
    await b.bento.get({ key: 'k' })
    await a.bento.delete({ key: 'k' })
    await clock.advance(59_999)
    expect(await b.bento.get({ key: 'k' })).toBe('old')
    await clock.advance(1)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })

  test('an entry without tags costs one read of L2 beside its namespace’s', async () => {
    const { isolate, asked } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 1 })
    asked.length = 0
    await b.bento.get({ key: 'k' })
    expect(asked).toHaveLength(2)
  })

  test('epochs are not lost to a user’s key of the same name', async () => {
    const { isolate, asked } = make()
    const { bento } = isolate('a')
    await bento.set({ key: 'k', value: 'old', tags: ['t'] })
    await bento.deleteByTag({ tags: ['t'] })
    const epochs = asked.filter((call) => call.startsWith('set ') && !call.endsWith(':k') && call !== 'set k')
    for (const call of epochs) await bento.set({ key: call.slice(4), value: 'mine' })
    expect(await isolate('b').bento.get({ key: 'k' })).toBeUndefined()
  })

  test('names of long keys, tags and namespaces keep to the store’s limit, with room for its prefix', async () => {
    const { isolate, asked } = fleet({ bus: false, l2: true, limits: { maxKeyBytes: 512 } })
    const [a, b] = [isolate('a').bento, isolate('b').bento]
    for (const length of [400, 440, 512, 3000]) {
      const tags = ['t'.repeat(length)]
      const key = 'k'.repeat(length)
      for (const { cache, reader } of [
        { cache: a, reader: b },
        { cache: a.namespace('n'.repeat(length)), reader: b.namespace('n'.repeat(length)) },
      ]) {
        await cache.set({ key, value: length, tags })
        expect(await reader.get({ key })).toBe(length)
      }
    }
    const longest = asked.map((call) => Buffer.byteLength(call.slice(call.indexOf(' ') + 1)))
    expect(Math.max(...longest)).toBeLessThanOrEqual(448)
  })

  test('where many keys are one call, a read is one, and a second for tags that only the entry tells', async () => {
    const { isolate, values, asked } = make()
    values.getMany = async (keys) => {
      asked.push(`many ${keys.length}`)
      return Promise.all(keys.map(async (key) => values.get(key)))
    }
    const read = async (reader: ReturnType<typeof isolate>, key: string, tags: string[]) => {
      asked.length = 0
      const value = await reader.bento.getOrSet({ key, tags, factory: () => 'never' })
      return [value, asked.filter((call) => call.startsWith('many '))]
    }
    await isolate('a').bento.set({ key: 'k', value: 1, tags: ['t', 'u'] })
    expect(await read(isolate('b'), 'k', ['t', 'u'])).toEqual([1, ['many 6']])
    expect(await read(isolate('c'), 'k', [])).toEqual([1, ['many 2', 'many 4']])
  })

  test('a store that refuses to take an epoch costs hits, not errors', async () => {
    const { isolate, values, clock } = make()
    const { set } = values
    let refused = 0
    values.set = async (key, text, ttl) => {
      if (!key.includes('___ekiben')) return set(key, text, ttl)
      refused++
      throw new Error('429')
    }
    const [a, b] = [isolate('a'), isolate('b')]
    expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'a’s' }))).toBe('a’s')
    await clock.settle()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'b’s' }))).toBe('b’s')
    expect(refused).toBeGreaterThan(1)
    for (const { steps } of [a, b]) expect(steps.map(({ type }) => type)).not.toContain('l2.error')
  })

  test('what another program put there is a miss, and is replaced', async () => {
    const { isolate, values, asked, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'v' })
    const name = asked.find((call) => call.startsWith('set ') && call.endsWith('k'))?.slice(4) as string
    for (const foreign of ['', 'plain text', '{"value":1}', 'e1;{}\n{}', 'e1;null\n', '<html>\n</html>']) {
      await values.set(name, foreign)
      expect(await b.bento.get({ key: 'k' })).toBeUndefined()
      expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
      await clock.settle()
      expect(await isolate(`reader of ${foreign}`).bento.get({ key: 'k' })).toBe('made')
      await b.bento.delete({ key: 'k' })
    }
  })

  test('a store that fails costs a factory, not an error', async () => {
    const { isolate, values, clock } = make()
    const { bento } = isolate('a')
    values.get = () => Promise.reject(new Error('down'))
    values.set = () => Promise.reject(new Error('down'))
    expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    expect(await clock.run(bento.set({ key: 'm', value: 1 }))).toBe(false)
    expect(await clock.run(bento.deleteByTag({ tags: ['t'] }))).toBe(false)
  })

  test('a driver that answers at once, as Bentocache’s may, works as well', async () => {
    const { isolate, values, clock } = make()
    const texts = new Map<string, string>()
    values.get = (key) => texts.get(key)
    values.set = (key, text) => texts.set(key, text).size > 0
    values.delete = (key) => texts.delete(key)
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 1, tags: ['t'] })
    expect(await b.bento.get({ key: 'k' })).toBe(1)
    await a.bento.deleteByTag({ tags: ['t'] })
    await clock.advance(5000)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })
})
