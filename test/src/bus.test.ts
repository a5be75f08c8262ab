import { describe, expect, test, vi } from 'vitest'
import { type BusFleetOptions, useFleets } from '../support/bus.ts'
import { failureOf } from '../support/pair.ts'

const fleet = useFleets()

const KINDS: [string, BusFleetOptions][] = [
  ['memory with a bus', { bus: true }],
  ['a value store with a bus', { bus: true, l2: true }],
  ['a value store with a bus, without memory', { bus: true, l2: true, l1: false }],
  ['a plain L2', { bus: false, l2: true }],
  ['a plain L2 without memory', { bus: false, l2: true, l1: false }],
]

describe.each(KINDS)('%s', (_, options) => {
  test('values are set, made, read, told and deleted', async () => {
    const { isolate, clock } = fleet(options)
    const { bento } = isolate('a')
    expect(await bento.set({ key: 'k', value: { n: 1 } })).toBe(true)
    expect(await bento.get({ key: 'k' })).toEqual({ n: 1 })
    expect([await bento.has({ key: 'k' }), await bento.missing({ key: 'l' })]).toEqual([true, true])
    const factory = vi.fn(async () => [1])
    const ask = () => bento.getOrSet({ key: 'made', factory })
    expect(await clock.run(Promise.all([ask(), ask()]))).toEqual([[1], [1]])
    await clock.settle()
    expect([await clock.run(ask()), factory.mock.calls.length]).toEqual([[1], 1])
    expect(await bento.delete({ key: 'k' })).toBe(true)
    expect(await bento.deleteMany({ keys: ['made', 'nobody'] })).toBe(true)
    expect([await bento.get({ key: 'k' }), await bento.get({ key: 'made' })]).toEqual([undefined, undefined])
  })

  test('a value is pulled once', async () => {
    const { bento } = fleet(options).isolate('a')
    await bento.set({ key: 'k', value: 'once' })
    expect([await bento.pull('k'), await bento.pull('k')]).toEqual(['once', undefined])
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('ttl and grace are kept', async () => {
    const { isolate, clock } = fleet(options)
    const { bento } = isolate('a', { ttl: '2s', grace: '1h' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(1999)
    expect(await bento.get({ key: 'k', grace: false })).toBe('old')
    await clock.advance(1)
    expect([await bento.get({ key: 'k', grace: false }), await bento.get({ key: 'k' })]).toEqual([
      undefined,
      'old',
    ])
    expect(await bento.getOrSet({ key: 'k', factory: () => 'new' })).toBe('old')
    await clock.advance(100)
    expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'newer' }))).toBe('new')
  })

  test('a failing factory is graced', async () => {
    const { isolate, clock } = fleet(options)
    const { bento } = isolate('a', { ttl: '2s', grace: '1h', timeout: null })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(2000)
    const factory = (): Promise<never> => Promise.reject(new Error('origin down'))
    expect(await clock.run(bento.getOrSet({ key: 'k', factory }))).toBe('old')
    await bento.delete({ key: 'k' })
    expect(await clock.run(failureOf(bento.getOrSet({ key: 'k', factory })))).toMatchObject({
      code: 'E_FACTORY_ERROR',
    })
  })

  test('expire leaves the value to grace, delete does not', async () => {
    const { bento } = fleet(options).isolate('a', { grace: '1h' })
    await bento.set({ key: 'k', value: 'old' })
    expect(await bento.expire({ key: 'k' })).toBe(true)
    expect([await bento.has({ key: 'k' }), await bento.get({ key: 'k' })]).toEqual([false, 'old'])
    await bento.delete({ key: 'k' })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('tags drop what bears them, also those the factory added', async () => {
    const { isolate, clock } = fleet(options)
    const { bento } = isolate('a', { grace: '1h' })
    await bento.set({ key: 'a', value: 1, tags: ['t', 'u'] })
    await bento.set({ key: 'b', value: 2, tags: ['u'] })
    await clock.run(bento.getOrSet({ key: 'c', factory: ({ setTags }) => (setTags(['t']), 3) }))
    await clock.settle()
    expect(await bento.deleteByTag({ tags: ['t'] })).toBe(true)
    const left = await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
    expect(left).toEqual([undefined, 2, undefined])
    await bento.set({ key: 'a', value: 4, tags: ['t'] })
    expect(await bento.get({ key: 'a' })).toBe(4)
  })

  test('two hundred tags are no trouble', async () => {
    const { bento } = fleet(options).isolate('a')
    const tags = Array.from({ length: 200 }, (__, n) => `t${n}`)
    await bento.set({ key: 'k', value: 1, tags })
    expect(await bento.get({ key: 'k' })).toBe(1)
    await bento.deleteByTag({ tags: tags.slice(150, 151) })
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('namespaces keep apart and are cleared by segment', async () => {
    const { bento } = fleet(options).isolate('a')
    const names = ['a', 'ab', 'b']
    for (const name of names) await bento.namespace(name).set({ key: 'k', value: name, tags: ['t'] })
    await bento.namespace('a').namespace('b').set({ key: 'k', value: 'deep' })
    await bento.set({ key: 'k', value: 'root', tags: ['t'] })
    const left = () => Promise.all(['a:k', 'ab:k', 'b:k', 'a:b:k', 'k'].map((key) => bento.get({ key })))
    expect(await left()).toEqual(['a', 'ab', 'b', 'deep', 'root'])
    await bento.namespace('b').deleteByTag({ tags: ['t'] })
    expect(await left()).toEqual(['a', 'ab', undefined, 'deep', 'root'])
    await bento.namespace('a').clear()
    expect(await left()).toEqual([undefined, 'ab', undefined, undefined, 'root'])
    await bento.clear()
    expect(await left()).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  test.each(['delete', 'set', 'deleteByTag', 'clear', 'pull'] as const)(
    'a %s beats a factory that runs',
    async (name) => {
      const { isolate, clock } = fleet(options)
      const { bento } = isolate('a')
      const factory = (): Promise<string> =>
        new Promise((resolve) => void clock.setTimer(() => resolve('old'), 500))
      const made = bento.getOrSet({ key: 'k', tags: ['t'], factory })
      await clock.advance(100)
      const acts = {
        delete: () => bento.delete({ key: 'k' }),
        set: () => bento.set({ key: 'k', value: 'new' }),
        deleteByTag: () => bento.deleteByTag({ tags: ['t'] }),
        clear: () => bento.clear(),
        pull: () => bento.pull('k'),
      }
      await acts[name]()
      expect(await clock.run(made)).toBe('old')
      await clock.settle()
      expect(await bento.get({ key: 'k' })).toBe(name === 'set' ? 'new' : undefined)
    },
  )

  test('a value of any kind survives', async () => {
    const { bento } = fleet(options).isolate('a')
    for (const value of [null, 0, '', false, [], '\ud800', 'a\nb', { __proto__: null, n: [null] }]) {
      await bento.set({ key: 'k', value })
      expect(await bento.get({ key: 'k' })).toEqual(value)
    }
  })
})

describe('memory with a bus', () => {
  test('isolates hear of each other’s changes within pollInterval, under traffic', async () => {
    const { isolate, clock } = fleet({ bus: true })
    const [a, b] = [isolate('a'), isolate('b')]
    for (const { bento } of [a, b]) await bento.getOrSet({ key: 'k', factory: () => 'old', tags: ['t'] })
    await a.bento.deleteByTag({ tags: ['t'] })
    await clock.advance(1001)
    await b.bento.get({ key: 'k' })
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })

  test.each(['delete', 'expire', 'clear', 'set'] as const)('a %s reaches the others', async (name) => {
    const { isolate, clock } = fleet({ bus: true })
    const [a, b] = [isolate('a'), isolate('b')]
    await b.bento.set({ key: 'k', value: 'b’s' })
    const acts = {
      delete: () => a.bento.delete({ key: 'k' }),
      expire: () => a.bento.expire({ key: 'k' }),
      clear: () => a.bento.clear(),
      set: () => a.bento.set({ key: 'k', value: 'a’s' }),
    }
    await acts[name]()
    expect(await a.bento.get({ key: 'k' })).toBe(name === 'set' ? 'a’s' : undefined)
    await clock.advance(5001)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })

  test('what the news do not speak against is served from memory again after a pause', async () => {
    const { isolate, clock, ledger } = fleet({ bus: true })
    const { bento } = isolate('a')
    await bento.set({ key: 'k', value: 'mine', ttl: '1h' })
    await clock.advance(60_000)
    expect(await bento.getOrSet({ key: 'k', factory: () => 'made again' })).toBe('mine')
    await clock.advance(60_000)
    expect(await bento.get({ key: 'k' })).toBe('mine')
    expect([await bento.has({ key: 'k' }), ledger.calls.pull]).toEqual([true, 2])
  })

  test('memory is not trusted longer than maxStaleness without news', async () => {
    let down = false
    const { isolate, clock } = fleet({ bus: true, fault: () => down })
    const { bento } = isolate('a')
    await bento.set({ key: 'k', value: 'old' })
    down = true
    await clock.advance(5000)
    expect(await bento.get({ key: 'k' })).toBe('old')
    await clock.advance(1)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
    expect(await bento.get({ key: 'k' })).toBe('new')
  })

  test('no value is ever sent', async () => {
    const { isolate, ledger } = fleet({ bus: true })
    const { bento } = isolate('a')
    await bento.set({ key: 'k', value: 'hunter2' })
    await bento.getOrSet({ key: 'l', factory: () => 'hunter2' })
    expect(ledger.calls.commit).toBe(0)
    expect(JSON.stringify(ledger.sql.exec('SELECT * FROM entries').toArray())).toBe('[]')
  })

  test('an idle hit costs nothing, a set and a miss one call each', async () => {
    const { isolate, ledger } = fleet({ bus: true })
    const { bento } = isolate('a')
    const calls = () => Object.values(ledger.calls).reduce((sum, count) => sum + count, 0)
    await bento.set({ key: 'k', value: 1 })
    expect(calls()).toBe(1)
    await bento.get({ key: 'k' })
    expect(calls()).toBe(1)
    await bento.getOrSet({ key: 'l', factory: () => 1 })
    expect(calls()).toBe(2)
  })
})

describe('a value store with a bus', () => {
  const make = (more: Partial<BusFleetOptions> = {}) => fleet({ bus: true, l2: true, ...more })

  test('isolates share values, and one factory', async () => {
    const { isolate, clock } = make()
    const isolates = ['a', 'b', 'c'].map((name) => isolate(name))
    const factory = vi.fn(
      () => new Promise<string>((resolve) => void clock.setTimer(() => resolve('made'), 300)),
    )
    const values = await clock.run(
      Promise.all(isolates.map(({ bento }) => bento.getOrSet({ key: 'k', factory }))),
    )
    expect([values, factory.mock.calls.length]).toEqual([['made', 'made', 'made'], 1])
  })

  test('a body is written once, under its version', async () => {
    const { isolate, asked } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'one' })
    await a.bento.set({ key: 'k', value: 'two' })
    const written = asked.filter((call) => call.startsWith('set '))
    expect(new Set(written).size).toBe(2)
    for (const call of written) expect(call).toMatch(/^set bentocache:k@.+/)
    asked.length = 0
    expect(await b.bento.get({ key: 'k' })).toBe('two')
    expect(asked).toEqual([written[1]?.replace('set', 'get')])
  })

  test('the old body, still shown by the store, is not served', async () => {
    const { isolate, values } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'old' })
    // The store goes on showing all it ever had: nothing is deleted from it.
    values.delete = async () => true
    await a.bento.delete({ key: 'k' })
    expect(await b.bento.get({ key: 'k', grace: '1h' })).toBeUndefined()
  })

  test('a body that does not show is a miss, and is made again at once', async () => {
    const { isolate, values, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 'old' })
    await values.clear()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    const begun = clock.elapsed()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
    await clock.settle()
    expect(clock.elapsed()).toBe(begun)
    expect(await isolate('c').bento.get({ key: 'k' })).toBe('new')
  })

  test('names in the store keep to its limit', async () => {
    const { isolate, asked } = make({ limits: { maxKeyBytes: 512 } })
    const { bento } = isolate('a')
    for (const length of [400, 470, 480, 490, 501, 512, 600, 5000]) {
      const key = 'k'.repeat(length)
      await bento.set({ key, value: length })
      expect(await isolate(`reader ${length}`).bento.get({ key })).toBe(length)
    }
    const longest = asked.map((call) => Buffer.byteLength(call.split(' ')[1] ?? ''))
    expect(Math.max(...longest)).toBeLessThanOrEqual(512)
  })

  test('a value store that fails costs a factory, not an error', async () => {
    const { isolate, values, clock } = make()
    const { bento } = isolate('a')
    values.get = () => Promise.reject(new Error('down'))
    values.set = () => Promise.reject(new Error('down'))
    expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    expect(await clock.run(bento.get({ key: 'l' }))).toBeUndefined()
    expect(await clock.run(bento.set({ key: 'm', value: 1 }))).toBe(false)
  })
})
