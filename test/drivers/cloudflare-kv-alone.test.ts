import { describe, expect, test, vi } from 'vitest'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache, bentostore, type Logger, type Step, type StoreOptions } from '../../src/index.ts'
import { useKvFleets } from '../support/kv-fleet.ts'
import { kvSimulator } from '../support/kv-simulator.ts'

const fleet = useKvFleets()
const make = (): ReturnType<typeof fleet> => fleet({ bus: false })

describe('KV alone', () => {
  test('isolates share values, wherever they are', async () => {
    const { isolate, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    const factory = vi.fn(() => 'made')
    await clock.run(a.bento.getOrSet({ key: 'k', tags: ['t'], factory }))
    await clock.settle()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', tags: ['t'], factory }))).toBe('made')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test.each(['delete', 'expire', 'deleteByTag', 'clear', 'set'] as const)(
    'a %s is seen at once where it happened, elsewhere when KV’s cache of 60 s and L1’s life of 5 s have passed',
    async (act) => {
      const { isolate, clock } = make()
      const [a, b] = [isolate('a'), isolate('b')]
      await a.bento.set({ key: 'k', value: 'old', tags: ['t'], ttl: '1h' })
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      await clock.advance(1000)
      const does = {
        delete: () => a.bento.delete({ key: 'k' }),
        expire: () => a.bento.expire({ key: 'k' }),
        deleteByTag: () => a.bento.deleteByTag({ tags: ['t'] }),
        clear: () => a.bento.clear(),
        set: () => a.bento.set({ key: 'k', value: 'new', ttl: '1h' }),
      }
      await does[act]()
      const now = act === 'set' ? 'new' : undefined
      expect(await a.bento.get({ key: 'k' })).toBe(now)
      expect(await isolate('near', {}, { location: 'a' }).bento.get({ key: 'k' })).toBe(now)
      await clock.advance(57_999)
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      await clock.advance(6000)
      expect(await b.bento.get({ key: 'k' })).toBe(now)
    },
  )

  test('that there was nothing is believed for 60 s elsewhere, and costs a factory there', async () => {
    const { isolate, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    await a.bento.set({ key: 'k', value: 'a’s', ttl: '1h' })
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'b’s', skipL2Write: true }))).toBe(
      'b’s',
    )
  })

  test('each isolate computes for itself, and as one for all who ask it', async () => {
    const { isolate, clock } = make()
    const factory = vi.fn(
      () => new Promise<string>((resolve) => void clock.setTimer(() => resolve('made'), 300)),
    )
    const ask = ({ bento }: ReturnType<typeof isolate>) => bento.getOrSet({ key: 'k', factory })
    const [a, b] = [isolate('a'), isolate('b')]
    await clock.run(Promise.all([ask(a), ask(a), ask(b), ask(b)]))
    expect(factory).toHaveBeenCalledTimes(2)
  })

  test('entry and epochs come in one bulk read, in two for tags that only the entry tells', async () => {
    const { isolate, cost } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    await a.bento.set({ key: 'k', value: 1, tags: ['t', 'u'] })
    expect((await cost(() => b.bento.get({ key: 'k' }))).calls).toEqual(['bulk', 'bulk'])
    await a.bento.set({ key: 'l', value: 1 })
    expect((await cost(() => b.bento.get({ key: 'l' }))).calls).toEqual(['bulk'])
    const tags = ['t', 'u']
    const known = await cost(() => isolate('c').bento.getOrSet({ key: 'k', tags, factory: () => 2 }))
    expect(known).toEqual({ value: 1, calls: ['bulk'] })
  })

  test('deleting asks nothing first', async () => {
    const { isolate, cost } = make()
    const { bento } = isolate('a')
    expect((await cost(() => bento.delete({ key: 'k' }))).calls).toEqual(['delete'])
    const keys = ['k', 'l', 'm']
    expect((await cost(() => bento.deleteMany({ keys }))).calls).toEqual(['delete', 'delete', 'delete'])
  })

  test('tags and namespaces of any length work', async () => {
    const { isolate, clock, kv } = make()
    const { bento } = isolate('a')
    const tags = ['t'.repeat(420), 't'.repeat(600), `${'t'.repeat(600)}2`]
    const space = bento.namespace('n'.repeat(600))
    await space.set({ key: 'k', value: 1, tags })
    await space.set({ key: 'l', value: 2, tags: tags.slice(0, 2) })
    await clock.advance(1000)
    expect(await space.deleteByTag({ tags: tags.slice(2) })).toBe(true)
    expect([await space.get({ key: 'k' }), await space.get({ key: 'l' })]).toEqual([undefined, 2])
    await bento.clear()
    expect(await space.get({ key: 'l' })).toBeUndefined()
    for (const name of kv.records.keys()) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(512)
  })

  test('an invalidation refused for writing too often is not acknowledged, and repeated until it is', async () => {
    const { isolate, clock } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    const tags = ['t']
    await a.bento.set({ key: 'k', value: 'old', tags })
    await b.bento.get({ key: 'k' })
    // The set has just written the epoch of the tag.
    expect(await a.bento.deleteByTag({ tags })).toBe(false)
    expect(a.steps).toContainEqual(expect.objectContaining({ type: 'unacknowledged' }))
    await clock.advance(2000)
    expect(await isolate('near', {}, { location: 'a' }).bento.get({ key: 'k' })).toBeUndefined()
  })

  test('a set refused for writing too often answers false, and leaves no old value behind', async () => {
    const { isolate, clock } = make()
    const { bento } = isolate('a')
    expect(await bento.set({ key: 'k', value: 'old' })).toBe(true)
    expect(await bento.set({ key: 'k', value: 'new' })).toBe(false)
    await clock.advance(2000)
    expect(await isolate('near', {}, { location: 'a' }).bento.get({ key: 'k' })).toBeUndefined()
  })

  test('an epoch that two isolates make at once fails neither of them', async () => {
    const { isolate, kv } = make()
    const [a, b] = [isolate('a'), isolate('b')]
    const read = await Promise.all([a, b].map(({ bento }) => bento.get({ key: 'k' })))
    expect(read).toEqual([undefined, undefined])
    expect(kv.calls.filter((call) => call.startsWith('put '))).toHaveLength(2)
    for (const { steps } of [a, b]) expect(steps.map(({ type }) => type)).not.toContain('l2.error')
  })
})

describe('advice', () => {
  const build = (options: StoreOptions, bus: boolean, more: object = {}): Step[] => {
    const store = bentostore(options)
      .useL1Layer(memoryDriver())
      .useL2Layer(cloudflareKvDriver({ binding: kvSimulator({ now: () => 0 }).at('here') }))
    if (bus) store.useBus({ options: {}, factory: () => ({ coordinate: vi.fn(), disconnect: () => {} }) })
    const steps: Step[] = []
    const plugins = [{ register: (bento: BentoCache) => void bento.onTrace((step) => steps.push(step)) }]
    const bento = new BentoCache({ default: 'main', stores: { main: store }, plugins, ...more })
    bento.bind({ waitUntil: () => {} })
    return steps
  }

  test('is told once, when a cache is built on KV without a bus, and says what to add', () => {
    expect(build({}, false)).toEqual([
      { type: 'advice', store: 'main', message: expect.stringMatching(/60 s.*lease.*useBus\(/) as unknown },
    ])
    expect(build({}, true)).toEqual([])
  })

  test('goes to the logger as a warning, where it takes warnings', () => {
    const logger = { debug: vi.fn(), warn: vi.fn(), error: vi.fn() }
    build({}, false, { logger })
    expect(logger.warn.mock.calls).toEqual([
      [{ store: 'main', message: expect.stringContaining('KV alone') as unknown }, 'ekiben: advice'],
    ])
    const { warn, ...plain } = logger
    build({}, false, { logger: plain satisfies Logger })
    expect([warn.mock.calls.length, logger.debug.mock.calls.length]).toEqual([1, 1])
  })

  test('a lease that nobody could give is refused at construction', () => {
    const refusal = expect.objectContaining({
      code: 'E_INVALID_OPTION',
      option: 'leaseTtl',
      message: expect.stringContaining('useBus(') as unknown,
    })
    expect(() => build({ leaseTtl: '5s' }, false)).toThrow(refusal)
    expect(build({ leaseTtl: undefined }, false)).toHaveLength(1)
    expect(build({ leaseTtl: '5s' }, true)).toEqual([])
  })
})
