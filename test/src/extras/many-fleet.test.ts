import { describe, expect, test, vi } from 'vitest'
import { getMany, getOrSetMany, setMany, type SomeFailedError } from '../../../src/extras/many.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { world, type Isolate } from '../../support/world.ts'

const KEYS = Array.from({ length: 50 }, (_, at) => `k${at}`)
const valuesOf = (keys: readonly string[]) => new Map(keys.map((key) => [key, `value of ${key}`]))

/** A factory that takes its time, and what each isolate was asked for. */
function slowLoader({ clock }: Pick<ReturnType<typeof world>, 'clock'>, ms: number) {
  return vi.fn(
    (keys: string[]) =>
      new Promise<Map<string, string>>((resolve) => void clock.setTimer(() => resolve(valuesOf(keys)), ms)),
  )
}

describe('a fleet', () => {
  test('16 isolates that want the same keys make each of them once, in few calls', async () => {
    const made = world()
    const fleet = Array.from({ length: 16 }, (_, at) => made.isolate(`isolate ${at}`, { ttl: '1m' }))
    const factory = slowLoader(made, 200)
    const asked = fleet.map(({ bento }) => getOrSetMany(bento, { keys: KEYS, factory }))
    const answers = await made.clock.run(Promise.all(asked))
    for (const answer of answers) expect(answer).toEqual(KEYS.map((key) => `value of ${key}`))
    expect(factory.mock.calls.flatMap(([keys]) => keys).toSorted()).toEqual(KEYS.toSorted())
    expect(factory).toHaveBeenCalledTimes(1)
    // One read each, one commit, and some more looks by those who wait: all keys of a look go in one call.
    expect(made.calls()).toBeLessThan(16 * 12)
  })

  test('keys that overlap are made by whoever was first, and waited for by the other', async () => {
    const { a, b, clock, run, ledger } = pair({ ttl: '1m' })
    const [ofA, ofB] = [slowLoader({ clock }, 200), slowLoader({ clock }, 50)]
    const first = getOrSetMany(a.bento, { keys: ['1', '2', '3'], factory: ofA })
    await clock.settle()
    const second = getOrSetMany(b.bento, { keys: ['2', '3', '4', '5'], factory: ofB })
    expect(await run(second)).toEqual(['2', '3', '4', '5'].map((key) => `value of ${key}`))
    expect(await run(first)).toEqual(['1', '2', '3'].map((key) => `value of ${key}`))
    expect(ofA.mock.calls.map(([keys]) => keys)).toEqual([['1', '2', '3']])
    expect(ofB.mock.calls.map(([keys]) => keys)).toEqual([['4', '5']])
    expect(ledger.calls.read).toBe(0)
  })

  test('a holder that died is followed by one batch, when its lease has ended', async () => {
    const made = world()
    const [dying, next] = ['dying', 'next'].map((name) =>
      made.isolate(name, { ttl: '1m', leaseTtl: '3s' }),
    ) as [Isolate, Isolate]
    getOrSetMany(dying.bento, { keys: KEYS, factory: () => new Promise<string[]>(() => {}) }).catch(() => {})
    await made.clock.settle()
    dying.runtime.dead = true
    const factory = slowLoader(made, 10)
    const begun = made.clock.elapsed()
    await made.clock.run(getOrSetMany(next.bento, { keys: KEYS, factory }))
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([KEYS])
    expect(made.clock.elapsed() - begun).toBeLessThan(3300)
  })

  test('a factory that fails gives all its leases back, in one call', async () => {
    const { a, b, run, clock, ledger } = pair({ ttl: '1m' })
    const failing = () => Promise.reject<string[]>(new Error('down'))
    await failureOf(run(getOrSetMany(a.bento, { keys: KEYS, factory: failing })))
    await clock.advance(1)
    expect(ledger.calls).toMatchObject({ readMany: 1, commitMany: 1, release: 0 })
    const begun = clock.elapsed()
    await run(getOrSetMany(b.bento, { keys: KEYS, factory: valuesOf }))
    expect(clock.elapsed()).toBe(begun)
  })

  test('a flight that is joined dies with its isolate’s request, and is taken over', async () => {
    const { a, run, clock } = pair({ ttl: '1m', hardTimeout: '2s' })
    getOrSetMany(a.bento, { keys: ['1', '2'], factory: () => new Promise<string[]>(() => {}) }).catch(
      () => {},
    )
    await clock.settle()
    const factory = vi.fn(() => 'taken over')
    expect(await run(a.bento.getOrSet({ key: '1', factory }))).toBe('taken over')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('what another isolate deletes while the factory runs is not stored', async () => {
    const { a, b, run, clock } = pair({ ttl: '1m' })
    const factory = slowLoader({ clock }, 100)
    const asked = getOrSetMany(a.bento, { keys: ['1', '2', '3'], tags: ['all'], factory })
    await clock.advance(50)
    await run(b.bento.delete({ key: '2' }))
    await run(asked)
    await clock.advance(10)
    expect(await run(getMany(b.bento, { keys: ['1', '2', '3'] }))).toEqual([
      'value of 1',
      undefined,
      'value of 3',
    ])
    const again = getOrSetMany(a.bento, { keys: ['4', '5'], tags: ['all'], factory })
    await clock.advance(50)
    await run(b.bento.deleteByTag({ tags: ['all'] }))
    await run(again)
    await clock.advance(10)
    expect(await run(getMany(b.bento, { keys: ['1', '3', '4', '5'] }))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('what was set together reaches the others, and is no news to who set it', async () => {
    const { a, b, run, hear } = pair({ ttl: '1m' })
    await run(getMany(b.bento, { keys: KEYS }))
    await run(a.bento.get({ key: 'x' }))
    await run(setMany(a.bento, { entries: KEYS.map((key) => ({ key, value: 'new' })) }))
    expect(a.steps.filter(({ type }) => type === 'received')).toEqual([])
    await hear(b)
    expect(new Set(await run(getMany(b.bento, { keys: KEYS })))).toEqual(new Set(['new']))
  })
})

describe('trouble with L2', () => {
  const outages = ['refuse', 'hang', 'lose'] as const

  test.each(outages)('%s: the factory runs once for all, and its values are given', async (fault) => {
    const { a, run } = pair({ ttl: '1m', l2Timeout: 100 })
    a.fault = () => fault
    const factory = vi.fn(valuesOf)
    expect(await run(getOrSetMany(a.bento, { keys: KEYS, factory }))).toEqual(
      KEYS.map((key) => `value of ${key}`),
    )
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await run(getMany(a.bento, { keys: ['nobody has', 'these'] }))).toEqual([undefined, undefined])
  })

  test.each(outages)(
    '%s: what was not acknowledged says so, and is invalidated as soon as L2 is back',
    async (fault) => {
      const { a, b, run, clock } = pair({ ttl: '10m', l2Timeout: 100 })
      await run(setMany(b.bento, { entries: KEYS.map((key) => ({ key, value: 'old' })) }))
      a.fault = (operation) => (operation === 'commitMany' || operation === 'invalidate' ? fault : undefined)
      expect(await run(setMany(a.bento, { entries: KEYS.map((key) => ({ key, value: 'new' })) }))).toBe(false)
      expect(a.steps.filter(({ type }) => type === 'unacknowledged')).toHaveLength(KEYS.length)
      a.fault = undefined
      await clock.advance(25_000)
      const values = new Set(await run(getMany(b.bento, { keys: KEYS })))
      expect(values.has('old')).toBe(false)
    },
  )

  test('with suppressL2Errors off it is told', async () => {
    const { a, run } = pair({ suppressL2Errors: false })
    a.fault = () => 'refuse'
    await expect(run(getMany(a.bento, { keys: ['a', 'b'] }))).rejects.toMatchObject({
      code: 'E_L2_CACHE_ERROR',
    })
    await expect(run(setMany(a.bento, { entries: [{ key: 'a', value: 1 }] }))).rejects.toMatchObject({
      code: 'E_L2_CACHE_ERROR',
    })
    const error = (await failureOf(
      run(getOrSetMany(a.bento, { keys: ['a', 'b'], factory: valuesOf })),
    )) as SomeFailedError
    expect(error.values.get('a')).toBe(1)
    expect(error.errors.get('b')).toMatchObject({ code: 'E_L2_CACHE_ERROR' })
  })

  test('an L2 that answers for fewer keys than it was asked is none', async () => {
    const made = world()
    const { ledger } = made
    const { readMany, commitMany } = ledger.coordination
    Object.assign(ledger.coordination, {
      readMany: async (request: Parameters<typeof readMany>[0]) => {
        const reply = await readMany(request)
        return { ...reply, entries: reply.entries.slice(1) }
      },
      commitMany: async (request: Parameters<typeof commitMany>[0]) => {
        const reply = await commitMany(request)
        return { ...reply, commits: reply.commits.slice(1) }
      },
    })
    const { bento } = made.isolate('one')
    expect(await made.clock.run(getOrSetMany(bento, { keys: ['a', 'b'], factory: valuesOf }))).toEqual([
      'value of a',
      'value of b',
    ])
    expect(await made.clock.run(setMany(bento, { entries: [{ key: 'a', value: 1 }] }))).toBe(false)
  })
})

describe('large and divided stores', () => {
  test('a thousand keys', async () => {
    const { a, b, run, clock } = pair({ ttl: '1m' })
    const keys = Array.from({ length: 1000 }, (_, at) => `k${at}`)
    const factory = vi.fn(valuesOf)
    await run(getOrSetMany(a.bento, { keys, factory }))
    await clock.advance(1)
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await run(getMany(b.bento, { keys }))).toEqual(keys.map((key) => `value of ${key}`))
  })

  test('in shards each is asked once', async () => {
    const made = world({ shards: 3 })
    const { bento } = made.isolate('one', { ttl: '1m' }, false)
    const factory = vi.fn(valuesOf)
    await made.clock.run(getOrSetMany(bento, { keys: KEYS, factory }))
    await made.clock.advance(1)
    expect(factory.mock.calls.map(([keys]) => keys)).toEqual([KEYS])
    expect(made.calls()).toBe(6)
    await made.clock.run(getMany(bento, { keys: KEYS }))
    expect(made.calls()).toBe(9)
    await made.clock.run(setMany(bento, { entries: KEYS.map((key) => ({ key, value: 1 })) }))
    expect(made.calls()).toBe(12)
  })
})
