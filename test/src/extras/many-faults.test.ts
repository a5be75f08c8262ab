import { describe, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../../drivers/memory.ts'
import { chunkedCalls } from '../../../src/chunked-calls.ts'
import { connectL2 } from '../../../src/connect-l2.ts'
import { emulatedCoordination } from '../../../src/emulated-coordination.ts'
import { getMany, getOrSetMany, setMany } from '../../../src/extras/many.ts'
import {
  BentoCache,
  bentostore,
  type CacheDriver,
  type Coordination,
  type Runtime,
} from '../../../src/index.ts'
import { makeLocalJournal } from '../../../src/local-journal.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { manualRuntime } from '../../support/clock.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { gate, world, type World } from '../../support/world.ts'

const oldOf = (keys: string[]): string[] => keys.map((key) => `old ${key}`)

/** A cache over a coordination of the test's own. */
function cacheOver({ clock }: Pick<World, 'clock'>, coordination: Coordination, options: object = {}) {
  const driver = { coordination, limits: {} } as unknown as CacheDriver
  const l2 = { options: {}, factory: () => driver, connect: connectL2 }
  const store = bentostore({ ttl: '1h', ...options }).useL1Layer(memoryDriver())
  const runtime = manualRuntime(clock, 'own')
  return new BentoCache({ default: 'main', stores: { main: store.useL2Layer(l2) }, runtime })
}

test('what another isolate deletes between two parts of a batch does not stay in memory', async () => {
  const made = world()
  const { clock, ledger } = made
  const between = gate<void>()
  let parts = 0
  const commitMany: Coordination['commitMany'] = async (request) => {
    if (++parts === 2) await between.promise
    return ledger.coordination.commitMany(request)
  }
  const limits = { reads: 100, events: 100, commits: 2 }
  const a = cacheOver(made, chunkedCalls({ ...ledger.coordination, commitMany }, limits))
  const b = made.isolate('b', { ttl: '1h' })
  await clock.run(getOrSetMany(a, { keys: ['1', '2', '3', '4'], factory: oldOf }))
  await clock.advance(1)
  expect(await clock.run(b.bento.delete({ key: '1' }))).toBe(true)
  between.open()
  await clock.advance(10_000)
  await clock.run(a.get({ key: 'nobody has' }))
  expect(await clock.run(a.get({ key: '1' }))).toBeUndefined()
  expect(await clock.run(a.get({ key: '2' }))).toBe('old 2')
})

test('news of the bus that come between two writes of a batch to a plain store are not lost', async () => {
  const made = world()
  const { clock } = made
  const texts = new Map<string, string>()
  const slow = gate<void>()
  const values = {
    get: async (key: string) => texts.get(key),
    set: async (key: string, text: string) => {
      if (key === '2') await slow.promise
      return texts.set(key, text).size > 0
    },
  } as unknown as CacheDriver
  const journal = makeLocalJournal()
  const bento = cacheOver(made, emulatedCoordination(values, journal), {
    prefix: '',
    awaitWrites: false,
  })
  await clock.run(getOrSetMany(bento, { keys: ['1', '2'], factory: oldOf }))
  await clock.advance(20)
  expect(texts.has('1')).toBe(true)
  texts.delete('1')
  journal.append([{ kind: 'key', name: '1', soft: false }])
  slow.open()
  await clock.advance(20)
  await clock.run(getMany(bento, { keys: ['nobody has'] }))
  expect(await clock.run(bento.get({ key: '1' }))).toBeUndefined()
})

describe('keys that are ready and wait for the reads of others', () => {
  const keys = Array.from({ length: 12 }, (_, at) => `n${at}:k`)

  /** Half of the keys lie in a shard that does not answer. */
  function halfSilent(hardTimeout: number) {
    const made = world({ shards: 2 })
    const a = made.isolate('a', { ttl: '1m', hardTimeout })
    a.fault = (_, shard) => (shard === 1 ? 'hang' : undefined)
    return { ...made, a }
  }

  test('what the factory may take counts from its call', async () => {
    const { a, clock } = halfSilent(500)
    expect(await clock.run(getOrSetMany(a.bento, { keys, factory: oldOf }))).toEqual(oldOf(keys))
  })

  test('nobody takes over what has not been called', async () => {
    const { a, clock } = halfSilent(500)
    const factory = vi.fn(oldOf)
    const first = getOrSetMany(a.bento, { keys, factory })
    await clock.advance(600)
    a.fault = undefined
    expect(await clock.run(getOrSetMany(a.bento, { keys, factory }))).toEqual(oldOf(keys))
    await clock.run(first)
    expect(factory.mock.calls.flatMap(([asked]) => asked).toSorted()).toEqual(keys.toSorted())
  })

  test.each(['of all', 'of one'])('ctx.signal aborts when nobody waits any more: that %s', async (whose) => {
    const { a, clock } = halfSilent(1500)
    let begun = 0
    const aborted = vi.fn(() => clock.elapsed() - begun)
    const asked = getOrSetMany<string>(a.bento, {
      keys,
      factory: (wanted, ctx) => {
        begun = clock.elapsed()
        const signal = whose === 'of all' ? ctx.signal : ctx.of(wanted[0]!).signal
        signal.addEventListener('abort', aborted)
        return new Promise(() => {})
      },
    })
    const failed = failureOf(asked)
    await clock.advance(2400)
    expect(begun).toBe(1000)
    expect(aborted).not.toHaveBeenCalled()
    await clock.run(failed)
    await clock.advance(1000)
    expect(aborted).toHaveReturnedWith(1500)
  })
})

test.each(['readMany', 'commitMany'] as const)(
  'a coordinator whose %s answers a page and nothing else is trouble with L2, no error of the caller',
  async (operation) => {
    const made = world()
    const { clock, ledger } = made
    const page = async () => ({ page: { head: { seq: 1, id: '' }, events: [] } }) as never
    const bento = cacheOver(made, { ...ledger.coordination, [operation]: page })
    const keys = ['a', 'b']
    expect(await clock.run(getOrSetMany(bento, { keys, factory: oldOf }))).toEqual(oldOf(keys))
    expect(await clock.run(getMany(bento, { keys: ['x', 'y'] }))).toEqual([undefined, undefined])
    expect(await clock.run(setMany(bento, { entries: [{ key: 'q', value: 1 }] }))).toBe(
      operation === 'readMany',
    )
  },
)

test.each([false, true])('a runtime may be an instance of a class (waitUntil: %s)', async (waits) => {
  class OwnRuntime implements Runtime {
    readonly #origin = systemRuntime.now()
    now = (): number => systemRuntime.now()
    monotonic(): number {
      return systemRuntime.now() - this.#origin
    }
    setTimer(run: () => void, ms: number): () => void {
      return systemRuntime.setTimer(run, ms)
    }
    randomId(): string {
      return `${this.#origin} ${systemRuntime.randomId()}`
    }
    random(): number {
      return this.#origin % 1
    }
  }
  const waitUntil = vi.fn()
  const runtime = Object.assign(new OwnRuntime(), waits ? { waitUntil } : {})
  const stores = { main: bentostore().useL1Layer(memoryDriver()) }
  const bento = new BentoCache({ default: 'main', stores, runtime })
  expect(await getOrSetMany(bento, { keys: ['a', 'b'], factory: oldOf })).toEqual(['old a', 'old b'])
  expect(waitUntil.mock.calls.length > 0).toBe(waits)
})

describe('invalidations of a batch', () => {
  const entries = [
    { key: 'k', value: 1 },
    { key: 'l', value: 2 },
  ]

  test('what is tried again is bounded, however many batches were not acknowledged', async () => {
    const { a, clock, ledger } = pair({ ttl: '1m' })
    a.fault = () => 'refuse'
    for (let at = 0; at < 300; at++) {
      const asked = setMany(a.bento, { entries })
      await clock.advance(0)
      expect(await asked).toBe(false)
    }
    expect(clock.pending()).toBeLessThanOrEqual(110)
    a.fault = undefined
    await clock.advance(1000)
    expect(ledger.calls.invalidate).toBe(100)
  })

  test('one that was not acknowledged is tried again as one', async () => {
    const { a, run, clock, ledger } = pair({ ttl: '1m' })
    a.fault = (operation) => (operation === 'commitMany' ? 'refuse' : undefined)
    expect(await run(setMany(a.bento, { entries }))).toBe(false)
    await clock.advance(1000)
    expect(ledger.calls.invalidate).toBe(1)
    expect(a.steps.filter(({ type }) => type === 'received')).toEqual([])
  })

  test('an open breaker costs nothing, as with one key', async () => {
    const { a, clock, run } = pair({ ttl: '1m' })
    a.fault = () => 'hang'
    for (let at = 0; at < 6; at++) await run(a.bento.get({ key: `nobody has ${at}` }))
    const begun = clock.elapsed()
    expect(await run(setMany(a.bento, { skipL2Write: true, entries }))).toBe(false)
    expect(clock.elapsed() - begun).toBeLessThan(5)
  })

  test.each([{ value: 'x'.repeat(200_000) }, { value: 1, skipL2Write: true }])(
    'hold back nothing that is written beside them (%#)',
    async (other) => {
      const { a, clock, run, ledger } = pair({ ttl: '1m' })
      a.latency = 100
      const begun = clock.elapsed()
      expect(await run(setMany(a.bento, { entries: [{ key: 'other', ...other }, ...entries] }))).toBe(true)
      expect(clock.elapsed() - begun).toBeLessThan(250)
      expect(ledger.calls).toMatchObject({ commitMany: 1, invalidate: 1 })
    },
  )

  test('are no news to who made them', async () => {
    const { a, run, hear } = pair({ ttl: '1m' })
    await hear(a)
    expect(await run(setMany(a.bento, { skipL2Write: true, entries }))).toBe(true)
    expect(a.steps.filter(({ type }) => type === 'received')).toEqual([])
  })
})
