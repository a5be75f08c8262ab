import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache, type BentoCacheOptions, bentostore, type CacheEvents } from '../../src/index.ts'
import { manualClock, manualRuntime } from '../support/clock.ts'
import { failureOf } from '../support/pair.ts'
import { type Stand, STACKS } from '../support/stacks.ts'
import { world } from '../support/world.ts'

const NAMES: readonly (keyof CacheEvents)[] = [
  'cache:hit',
  'cache:miss',
  'cache:written',
  'cache:deleted',
  'cache:expire',
  'cache:cleared',
  'cache:unacknowledged',
  'cache:oversized',
]
const store = 'main'

/** Writes down all events but those of the bus. */
function record(bento: Stand['bento']): [string, unknown][] {
  const told: [string, unknown][] = []
  for (const name of NAMES) bento.on(name, (payload) => told.push([name, payload]))
  return told
}

/** What the bus tells of one cache. */
function recordBus(bento: Stand['bento']) {
  const bus: { published: unknown[]; received: unknown[] } = { published: [], received: [] }
  bento.on('bus:message:published', (payload) => bus.published.push(payload))
  bento.on('bus:message:received', (payload) => bus.received.push(payload))
  return bus
}

describe.each(STACKS)('%s', (name, make) => {
  const layer = name === 'L2 alone' ? 'l2' : 'l1'

  test('each operation tells what Bentocache tells, keys as they were given', async () => {
    const { bento, clock } = make()
    const told = record(bento)
    const expectTold = (...events: [string, unknown][]): void => expect(told.splice(0)).toEqual(events)
    const users = bento.namespace('users')

    await users.set({ key: '1', value: { n: 1 } })
    expectTold(['cache:written', { key: '1', value: { n: 1 }, store }])
    await users.get({ key: '1' })
    expectTold(['cache:hit', { key: '1', value: { n: 1 }, store, layer, graced: false }])
    await bento.get({ key: 'users:1' })
    expectTold(['cache:hit', { key: 'users:1', value: { n: 1 }, store, layer, graced: false }])
    await bento.get({ key: 'nobody', defaultValue: 7 })
    expectTold(['cache:miss', { key: 'nobody', store }])
    await bento.getOrSet({ key: 'made', factory: () => 'v' })
    await clock.settle()
    expectTold(['cache:written', { key: 'made', value: 'v', store }], ['cache:miss', { key: 'made', store }])
    await bento.getOrSet({ key: 'made', factory: () => 'w' })
    expectTold(['cache:hit', { key: 'made', value: 'v', store, layer, graced: false }])
    await bento.deleteMany({ keys: ['made', 'nobody'] })
    expectTold(['cache:deleted', { key: 'made', store }], ['cache:deleted', { key: 'nobody', store }])
    await users.delete({ key: '1' })
    expectTold(['cache:deleted', { key: '1', store }])
    await users.expire({ key: '1' })
    expectTold(['cache:expire', { key: '1', store }])
    await users.clear()
    expectTold(['cache:cleared', { store }])
    await bento.set({ key: 'p', value: 1 })
    told.length = 0
    await bento.pull('p')
    expectTold(
      // Where isolates share an L2, only L2 can give a value to one of them.
      ['cache:hit', { key: 'p', value: 1, store, layer: name === 'L1 alone' ? 'l1' : 'l2', graced: false }],
      ['cache:deleted', { key: 'p', store }],
    )
    await bento.pull('p')
    expectTold(['cache:miss', { key: 'p', store }])
  })

  test('has, missing and deleteByTag tell nothing', async () => {
    const { bento } = make()
    await bento.set({ key: 'k', value: 1, tags: ['t'] })
    const told = record(bento)
    await bento.has({ key: 'k' })
    await bento.missing({ key: 'nobody' })
    await bento.deleteByTag({ tags: ['t'] })
    expect(told).toEqual([])
  })

  test('a graced hit says so, and holds the value itself', async () => {
    const { bento } = make({ grace: '1h' })
    await bento.set({ key: 'k', value: { n: 1 } })
    await bento.expire({ key: 'k' })
    const told = record(bento)
    await bento.get({ key: 'k' })
    expect(told).toEqual([
      ['cache:hit', { key: 'k', value: { n: 1 }, store, layer: expect.any(String) as string, graced: true }],
    ])
  })

  test('a refresh behind a stale value is a graced hit and a write, no miss', async () => {
    const { bento, clock } = make({ grace: '1h' })
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    const told = record(bento)
    await bento.getOrSet({ key: 'k', factory: () => 'new' })
    await clock.settle()
    expect(told.map(([event]) => event).toSorted()).toEqual(['cache:hit', 'cache:written'])
    expect(told).toContainEqual(['cache:written', { key: 'k', value: 'new', store }])
    expect(told).toContainEqual([
      'cache:hit',
      { key: 'k', value: 'old', store, layer: expect.any(String) as string, graced: true },
    ])
  })

  test('a factory that fails is no miss', async () => {
    const { bento, clock } = make()
    const told = record(bento)
    const factory = (): Promise<never> => Promise.reject(new Error('no'))
    await failureOf(bento.getOrSet({ key: 'k', factory }))
    await failureOf(bento.getOrSet({ key: 'k', factory: () => undefined }))
    await clock.settle()
    expect(told).toEqual([])
  })

  test('concurrent callers of one factory are one miss and one write', async () => {
    const { bento, clock } = make()
    const told = record(bento)
    await Promise.all([1, 2, 3].map(() => bento.getOrSet({ key: 'k', factory: async () => 1 })))
    await clock.settle()
    // Who rides along is told as a hit, as Bentocache tells of those who waited; before or after the write.
    expect(told.map(([event]) => event).toSorted()).toEqual([
      'cache:hit',
      'cache:hit',
      'cache:miss',
      'cache:written',
    ])
  })

  test('what a listener does with a value is its own business', async () => {
    const { bento } = make()
    bento.on('cache:hit', ({ value }) => (value as { list: number[] }).list.push(99))
    bento.on('cache:written', ({ value }) => (value as { list: number[] }).list.push(99))
    await bento.set({ key: 'k', value: { list: [1] } })
    await bento.get({ key: 'k' })
    expect(await bento.get({ key: 'k' })).not.toBe(await bento.get({ key: 'k' }))
    const seen = await Promise.all([bento.get({ key: 'k' }), bento.get({ key: 'k' })])
    expect(seen[0]).toEqual(seen[1])
  })

  test('a listener that throws or rejects harms nobody', async () => {
    const { bento } = make()
    const later = vi.fn()
    for (const event of NAMES) {
      bento.on(event, () => {
        throw new Error('a listener’s own trouble')
      })
      const rejecting: () => unknown = () => Promise.reject(new Error('a listener’s own trouble'))
      bento.on(event, rejecting)
      bento.on(event, later)
    }
    bento.onTrace(() => {
      throw new Error('a listener’s own trouble')
    })
    expect(await bento.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
    expect(await bento.get({ key: 'k' })).toBe(1)
    expect([await bento.set({ key: 'k', value: 2 }), await bento.delete({ key: 'k' })]).toEqual([true, true])
    expect(later.mock.calls.length).toBeGreaterThanOrEqual(5)
  })

  test('once is once, and off is off', async () => {
    const { bento } = make()
    const [once, off, on] = [vi.fn(), vi.fn(), vi.fn()]
    bento.once('cache:miss', once).on('cache:miss', off).on('cache:miss', on).off('cache:miss', off)
    bento.off('cache:hit', on)
    for (let time = 0; time < 3; time++) await bento.get({ key: 'nobody' })
    expect([once, off, on].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 3])
    bento.off('cache:miss', on)
    await bento.get({ key: 'nobody' })
    expect(on).toHaveBeenCalledTimes(3)
  })
})

function withOptions(options: Partial<BentoCacheOptions<Record<string, never>>>) {
  const clock = manualClock()
  const main = bentostore({ grace: '1h' }).useL1Layer(memoryDriver())
  const bento = new BentoCache({
    ...options,
    default: 'main',
    stores: { main },
    runtime: manualRuntime(clock, 'a'),
  })
  return { clock, bento }
}

describe('an emitter of one’s own', () => {
  test('gets the events, and is who is listened to', async () => {
    const emitter = new EventEmitter()
    const { bento } = withOptions({ emitter })
    const [direct, through] = [vi.fn(), vi.fn()]
    emitter.on('cache:hit', direct)
    bento.on('cache:hit', through)
    await bento.set({ key: 'k', value: 1 })
    await bento.get({ key: 'k' })
    expect(direct).toHaveBeenCalledWith({ key: 'k', value: 1, store, layer: 'l1', graced: false })
    expect(through).toHaveBeenCalledTimes(1)
    bento.off('cache:hit', through)
    expect(emitter.listenerCount('cache:hit')).toBe(1)
  })

  test('may throw, or reject as Emittery does', async () => {
    for (const emit of [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]) {
      const emitter = { on: vi.fn(), once: vi.fn(), off: vi.fn(), emit: vi.fn(emit) }
      const { bento } = withOptions({ emitter })
      expect(await bento.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
      expect(emitter.emit.mock.calls.map(([event]: unknown[]) => event)).toEqual([
        'cache:written',
        'cache:miss',
      ])
    }
  })
})

describe('a logger', () => {
  test('sees failures as errors and the rest as debug, and never a value', async () => {
    const lines: unknown[] = []
    const line =
      (level: string) =>
      (fields: object, message: string): void =>
        void lines.push({ level, fields, message })
    const { bento, clock } = withOptions({ logger: { debug: line('debug'), error: line('error') } })
    const value = { password: 'hunter2' }
    await bento.set({ key: 'k', value })
    await bento.get({ key: 'k' })
    await bento.getOrSet({ key: 'made', factory: () => value })
    await bento.expire({ key: 'k' })
    await bento.getOrSet({ key: 'k', factory: () => Promise.reject(new Error('origin down')) })
    await bento.getOrSet({ key: 'k', factory: () => value, forceFresh: true })
    await bento.pull('k')
    await clock.settle()
    expect(lines.length).toBeGreaterThan(10)
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines).toContainEqual({
      level: 'debug',
      fields: { store, key: 'k', graced: false },
      message: 'ekiben: l1.hit',
    })
    const errors = lines.filter((entry) => (entry as { level: string }).level === 'error')
    expect(errors).toEqual([
      {
        level: 'error',
        fields: { store, key: 'k', background: true, error: new Error('origin down') },
        message: 'ekiben: factory.error',
      },
    ])
  })

  test('that throws harms nobody', async () => {
    const broken = (): never => {
      throw new Error('disk full')
    }
    const { bento } = withOptions({ logger: { debug: broken, error: broken } })
    expect(await bento.getOrSet({ key: 'k', factory: () => 1 })).toBe(1)
  })
})

describe('with L2', () => {
  test('an invalidation L2 did not hear is unacknowledged, and nothing else', async () => {
    const a = world().isolate('a')
    await a.bento.set({ key: 'k', value: 1 })
    const told = record(a.bento)
    a.fault = () => 'refuse'
    await a.bento.delete({ key: 'k' })
    await a.bento.namespace('n').deleteByTag({ tags: ['t'] })
    await a.bento.clear()
    expect(told).toEqual([
      ['cache:unacknowledged', { store, names: ['bentocache:k'] }],
      ['cache:unacknowledged', { store, names: ['bentocache:n#t'] }],
      ['cache:unacknowledged', { store, names: ['bentocache'] }],
    ])
  })

  test('a value too large for L2 says so, in bytes, and stays in L1', async () => {
    const { isolate } = world()
    const [a, b] = [isolate('a'), isolate('b')]
    const told = record(a.bento)
    const value = '\u{1f371}'.repeat(30_000)
    expect(await a.bento.set({ key: 'k', value })).toBe(true)
    const oversized = told.filter(([event]) => event === 'cache:oversized')
    expect(oversized).toEqual([
      ['cache:oversized', { key: 'k', store, layer: 'l2', bytes: expect.any(Number) as number }],
    ])
    const [[, { bytes }]] = oversized as [[string, { bytes: number }]]
    expect(bytes).toBeGreaterThan(120_000)
    expect(bytes).toBeLessThan(120_200)
    expect([await a.bento.get({ key: 'k' }), await b.bento.get({ key: 'k' })]).toEqual([value, undefined])
  })

  test('a value too large for L1 says so, in bytes, and stays in L2', async () => {
    const { isolate } = world()
    const [a, b] = [isolate('a', {}, { maxSize: 2000 }), isolate('b')]
    const told = record(a.bento)
    const value = 'x'.repeat(3000)
    expect(await a.bento.set({ key: 'k', value })).toBe(true)
    const oversized = told.filter(([event]) => event === 'cache:oversized')
    expect(oversized).toEqual([
      ['cache:oversized', { key: 'k', store, layer: 'l1', bytes: expect.any(Number) as number }],
    ])
    const [[, { bytes }]] = oversized as [[string, { bytes: number }]]
    expect(bytes).toBeGreaterThanOrEqual(3000)
    expect(bytes).toBeLessThan(4000)
    expect([await a.bento.get({ key: 'k' }), await b.bento.get({ key: 'k' })]).toEqual([value, value])
  })

  test('writes are published, never their values, keys as they were given', async () => {
    const a = world().isolate('a')
    const bus = recordBus(a.bento)
    await a.bento.namespace('n').set({ key: 'k', value: 'hunter2' })
    await a.bento.deleteMany({ keys: ['x', 'y'] })
    await a.bento.expire({ key: 'k' })
    await a.bento.clear()
    expect(bus.published).toEqual([
      { message: { type: 'set', keys: ['k'] } },
      { message: { type: 'delete', keys: ['x', 'y'] } },
      { message: { type: 'expire', keys: ['k'] } },
      { message: { type: 'clear', keys: [] } },
    ])
  })

  test('what is not acknowledged is not published', async () => {
    const a = world().isolate('a')
    const bus = recordBus(a.bento)
    a.fault = () => 'refuse'
    await a.bento.set({ key: 'k', value: 1 })
    await a.bento.delete({ key: 'k' })
    await a.bento.clear()
    expect(bus.published).toEqual([])
  })

  test('skipBusNotify publishes nothing', async () => {
    const a = world().isolate('a')
    const bus = recordBus(a.bento)
    await a.bento.set({ key: 'k', value: 1, skipBusNotify: true })
    await a.bento.set({ key: 'k', value: 1, skipBusNotify: true, skipL2Write: true })
    expect(bus.published).toEqual([])
  })

  test('no keys at all publish nothing', async () => {
    const { isolate, calls } = world()
    const a = isolate('a')
    const bus = recordBus(a.bento)
    expect(await a.bento.deleteMany({ keys: [] })).toBe(true)
    expect([bus.published, calls()]).toEqual([[], 0])
  })

  test('others receive what was published, and the sender does not receive its own', async () => {
    const { clock, isolate } = world()
    const [a, b] = [isolate('a'), isolate('b')]
    for (const { bento } of [a, b]) await bento.get({ key: 'warm' })
    const [mine, theirs] = [recordBus(a.bento), recordBus(b.bento)]
    await a.bento.delete({ key: 'k' })
    await a.bento.expire({ key: 'l' })
    await a.bento.clear()
    await clock.advance(1)
    await b.bento.get({ key: 'news' })
    await a.bento.get({ key: 'news' })
    expect(theirs.received).toEqual([
      { message: { type: 'delete', keys: ['k'] } },
      { message: { type: 'expire', keys: ['l'] } },
      { message: { type: 'clear', keys: [] } },
    ])
    expect(mine.received).toEqual([])
  })

  test('a store of memory alone publishes nothing', async () => {
    const { bento } = withOptions({})
    const told = vi.fn()
    bento.on('bus:message:published', told)
    await bento.set({ key: 'k', value: 1 })
    await bento.delete({ key: 'k' })
    expect(told).not.toHaveBeenCalled()
  })
})
