import { describe, expect, test, vi } from 'vitest'
import type { CoordinationCalls } from '../../src/index.ts'
import { failureOf } from '../support/pair.ts'
import { type Isolate, world, type World } from '../support/world.ts'

const REFUSED = {
  code: 'E_L2_CACHE_ERROR',
  name: 'L2CacheError',
  cause: new Error('connection refused'),
}

/** A world with one isolate whose calls to L2 all fail in one way once `cut` is called. */
function scene(options: Parameters<World['isolate']>[1] = {}, memory: Parameters<World['isolate']>[2] = {}) {
  const made = world()
  const a = made.isolate('a', options, memory)
  let tries = 0
  const cut = (way: 'hang' | 'refuse' | 'lose', only?: keyof CoordinationCalls): void => {
    a.fault = (operation) => {
      if (only && operation !== only) return undefined
      tries++
      return way
    }
  }
  const mend = (): void => void (a.fault = undefined)
  /** Calls that were sent and failed, since the last time. */
  const failed = (): number => {
    const count = tries
    tries = 0
    return count
  }
  return { ...made, a, cut, mend, failed }
}

/** Gives the value and how long it took. */
async function timed<T>({ clock }: World, work: Promise<T>): Promise<[T, number]> {
  const begun = clock.elapsed()
  const value = await clock.run(work)
  return [value, clock.elapsed() - begun]
}

describe('deadlines', () => {
  test.each<[string, (isolate: Isolate) => Promise<unknown>, unknown]>([
    ['get', ({ bento }) => bento.get({ key: 'k' }), undefined],
    ['has', ({ bento }) => bento.has({ key: 'k' }), false],
    ['missing', ({ bento }) => bento.missing({ key: 'k' }), true],
    ['pull', ({ bento }) => bento.pull('k'), undefined],
    ['set', ({ bento }) => bento.set({ key: 'k', value: 1 }), false],
    ['delete', ({ bento }) => bento.delete({ key: 'k' }), false],
    ['deleteMany', ({ bento }) => bento.deleteMany({ keys: ['k', 'l'] }), false],
    ['expire', ({ bento }) => bento.expire({ key: 'k' }), false],
    ['deleteByTag', ({ bento }) => bento.deleteByTag({ tags: ['t'] }), false],
    ['clear', ({ bento }) => bento.clear(), undefined],
    ['getOrSet', ({ bento }) => bento.getOrSet({ key: 'k', factory: () => 'made' }), 'made'],
  ])('%s waits for a store that hangs as long as l2Timeout, no longer', async (_, run, expected) => {
    for (const [options, wait] of [
      [{}, 1000],
      [{ l2Timeout: 300 }, 300],
    ] as const) {
      const stage = scene(options)
      stage.cut('hang')
      expect(await timed(stage, run(stage.a))).toEqual([expected, wait])
    }
  })

  test('the first read is answered after l2Timeout and the factory', async () => {
    for (const warm of [false, true]) {
      const stage = scene()
      if (warm) await stage.a.bento.get({ key: 'warm' })
      stage.cut('hang')
      const factory = (): Promise<string> =>
        new Promise((resolve) => void stage.clock.setTimer(() => resolve('made'), 70))
      expect(await timed(stage, stage.a.bento.getOrSet({ key: 'k', factory }))).toEqual(['made', 1070])
    }
  })

  test('a slow store is a working store', async () => {
    const stage = scene()
    stage.a.latency = 499
    expect(await timed(stage, stage.a.bento.set({ key: 'k', value: 1 }))).toEqual([true, 998])
    stage.a.latency = 500
    expect(await timed(stage, stage.a.bento.set({ key: 'k', value: 2 }))).toEqual([false, 1000])
  })

  test('with a stale value in L1 the caller waits by the soft timeout, not by the store', async () => {
    const stage = scene({ ttl: '1s', grace: '1h', timeout: 200 })
    await stage.a.bento.set({ key: 'k', value: 'old' })
    await stage.clock.advance(1000)
    stage.cut('hang')
    const work = stage.a.bento.getOrSet({ key: 'k', factory: () => 'new' })
    expect(await timed(stage, work)).toEqual(['old', 200])
  })

  test('a deadline leaves no timer behind', async () => {
    const stage = scene()
    stage.cut('hang', 'read')
    await stage.clock.run(stage.a.bento.get({ key: 'k' }))
    await stage.clock.settle()
    expect(stage.clock.pending()).toBe(0)
  })
})

describe('breaker', () => {
  test('opens after five failures in a row, probes once after ten seconds, and closes', async () => {
    const stage = scene()
    const { a, clock, cut, mend, failed } = stage
    const read = () => clock.run(a.bento.get({ key: 'k' }))
    const states = () => a.steps.flatMap((step) => (step.type === 'breaker' ? [step.state] : []))
    cut('refuse')
    for (let time = 0; time < 4; time++) await read()
    expect([failed(), states()]).toEqual([4, []])
    await read()
    expect([failed(), states()]).toEqual([1, ['open']])
    for (let time = 0; time < 20; time++) await read()
    await clock.advance(9999)
    await read()
    expect(failed()).toBe(0)
    await clock.advance(1)
    await Promise.all([1, 2, 3, 4].map(() => a.bento.get({ key: 'k' })))
    expect(failed()).toBe(1)
    await clock.advance(9999)
    await read()
    expect(failed()).toBe(0)
    mend()
    await clock.advance(1)
    await read()
    expect(states()).toEqual(['open', 'closed'])
    const before = stage.calls()
    for (let time = 0; time < 3; time++) await read()
    expect(stage.calls() - before).toBe(3)
  })

  test('failures with a success between them do not open it', async () => {
    const { a, clock, cut, mend, failed } = scene()
    for (let time = 0; time < 5; time++) {
      cut('refuse')
      for (let call = 0; call < 4; call++) await clock.run(a.bento.get({ key: 'k' }))
      mend()
      await clock.run(a.bento.get({ key: 'k' }))
    }
    expect([failed(), a.steps.filter(({ type }) => type === 'breaker')]).toEqual([20, []])
  })

  test('open, it adds no time and no call', async () => {
    const stage = scene()
    stage.cut('hang')
    await stage.clock.run(Promise.all([1, 2, 3, 4, 5].map((n) => stage.a.bento.get({ key: `${n}` }))))
    stage.failed()
    const work = stage.a.bento.getOrSet({ key: 'k', factory: () => 'made' })
    expect([await timed(stage, work), stage.failed()]).toEqual([['made', 0], 0])
  })

  test('a probe whose request died gives way to another', async () => {
    const stage = scene()
    const { a, clock, cut, failed } = stage
    cut('refuse')
    for (let time = 0; time < 5; time++) await clock.run(a.bento.get({ key: 'k' }))
    cut('hang')
    await clock.advance(10_000)
    failed()
    // Its request is cancelled: neither its answer nor its timer ever comes.
    a.bento.get({ key: 'k' }).catch(() => {})
    await clock.settle()
    a.runtime.dead = true
    await clock.advance(10_000)
    a.runtime.dead = false
    await clock.run(a.bento.get({ key: 'k' }))
    expect(failed()).toBe(2)
  })

  test('l2CircuitBreakerDuration sets the pause, 0 and null turn it off', async () => {
    for (const off of [0, null]) {
      const { a, clock, cut, failed } = scene({ l2CircuitBreakerDuration: off })
      cut('refuse')
      for (let time = 0; time < 12; time++) await clock.run(a.bento.get({ key: 'k' }))
      expect(failed()).toBe(12)
    }
    const { a, clock, cut, failed } = scene({ l2CircuitBreakerDuration: '3s' })
    cut('refuse')
    for (let time = 0; time < 6; time++) await clock.run(a.bento.get({ key: 'k' }))
    await clock.advance(3000)
    await clock.run(a.bento.get({ key: 'k' }))
    expect(failed()).toBe(6)
  })

  test('open, errors are still told to who wants them', async () => {
    const { a, clock, cut } = scene({ suppressL2Errors: false })
    cut('refuse')
    for (let time = 0; time < 5; time++) await clock.run(failureOf(a.bento.get({ key: 'k' })))
    expect(await clock.run(failureOf(a.bento.get({ key: 'k' })))).toMatchObject({
      code: 'E_L2_CACHE_ERROR',
      cause: { code: 'E_L2_UNAVAILABLE' },
    })
  })
})

describe('suppressL2Errors', () => {
  const operations: [string, (isolate: Isolate, options: object) => Promise<unknown>][] = [
    ['get', ({ bento }, options) => bento.get({ key: 'k', ...options })],
    ['has', ({ bento }, options) => bento.has({ key: 'k', ...options })],
    ['set', ({ bento }, options) => bento.set({ key: 'k', value: 1, ...options })],
    ['delete', ({ bento }, options) => bento.delete({ key: 'k', ...options })],
    ['deleteMany', ({ bento }, options) => bento.deleteMany({ keys: ['k'], ...options })],
    ['expire', ({ bento }, options) => bento.expire({ key: 'k', ...options })],
    ['deleteByTag', ({ bento }, options) => bento.deleteByTag({ tags: ['t'], ...options })],
    ['clear', ({ bento }, options) => bento.clear(options)],
    ['getOrSet', ({ bento }, options) => bento.getOrSet({ key: 'k', factory: () => 'made', ...options })],
  ]

  test.each(operations)('false: %s rejects with what the store said', async (_, run) => {
    for (const memory of [{}, false] as const) {
      const { a, clock, cut } = scene({}, memory)
      cut('refuse')
      expect(await clock.run(failureOf(run(a, { suppressL2Errors: false })))).toMatchObject(REFUSED)
    }
  })

  test.each(operations)('true, the default with and without L1: %s resolves', async (_, run) => {
    for (const memory of [{}, false] as const) {
      const { a, clock, cut } = scene({}, memory)
      cut('refuse')
      expect(await clock.run(failureOf(run(a, {})))).toHaveProperty('resolved')
    }
  })

  test('a hang is told as such', async () => {
    const { a, clock, cut } = scene({ suppressL2Errors: false, l2Timeout: 250 })
    cut('hang')
    expect(await clock.run(failureOf(a.bento.get({ key: 'k' })))).toMatchObject({
      code: 'E_L2_CACHE_ERROR',
      cause: { code: 'E_L2_TIMEOUT', message: 'L2 did not answer within 250 ms' },
    })
  })

  test('false: a read that fails leaves no flight and no lock', async () => {
    const { a, clock, cut, mend } = scene()
    const ask = () => a.bento.getOrSet({ key: 'k', suppressL2Errors: false, factory: () => 'made' })
    cut('refuse')
    expect(await clock.run(failureOf(ask()))).toMatchObject(REFUSED)
    expect(a.bento.inflight).toBe(0)
    mend()
    expect(await clock.run(ask())).toBe('made')
  })

  test('a factory’s own error is no L2 error', async () => {
    const { a, clock, cut } = scene()
    cut('refuse')
    const factory = (): never => {
      throw new Error('origin down')
    }
    expect(await clock.run(failureOf(a.bento.getOrSet({ key: 'k', factory })))).toMatchObject({
      code: 'E_FACTORY_ERROR',
      cause: new Error('origin down'),
    })
  })
})

describe('an outage', () => {
  test('costs one factory per isolate and key, whose value is trusted for maxStaleness', async () => {
    const stage = scene()
    const { a, clock, cut } = stage
    cut('refuse')
    const factory = vi.fn(async () => factory.mock.calls.length)
    const ask = () => a.bento.getOrSet({ key: 'k', factory })
    expect(await clock.run(Promise.all([ask(), ask(), ask()]))).toEqual([1, 1, 1])
    for (let second = 1; second <= 5; second++) {
      await clock.advance(1000)
      expect(await clock.run(ask())).toBe(1)
    }
    await clock.advance(1)
    expect(await clock.run(Promise.all([ask(), ask()]))).toEqual([2, 2])
  })

  test('with a longer maxStaleness the value is trusted for longer', async () => {
    const { a, clock, cut } = scene({ maxStaleness: '1m' })
    cut('hang')
    const factory = vi.fn(() => factory.mock.calls.length)
    const ask = () => clock.run(a.bento.getOrSet({ key: 'k', factory }))
    await ask()
    await clock.advance(58_000)
    expect(await ask()).toBe(1)
    await clock.advance(3000)
    expect(await ask()).toBe(2)
  })

  test('leaves L1 what it may be trusted with, and no more', async () => {
    const { a, clock, cut } = scene({ grace: '1h' })
    await a.bento.set({ key: 'k', value: 'old' })
    cut('refuse')
    await clock.advance(5000)
    expect(await clock.run(a.bento.get({ key: 'k' }))).toBe('old')
    await clock.advance(1)
    expect(await clock.run(a.bento.get({ key: 'k' }))).toBeUndefined()
    expect(await clock.run(a.bento.has({ key: 'k' }))).toBe(false)
    const fail = (): Promise<never> => Promise.reject(new Error('origin down too'))
    expect(await clock.run(failureOf(a.bento.getOrSet({ key: 'k', factory: fail })))).toMatchObject({
      code: 'E_FACTORY_ERROR',
    })
  })

  test('onOutage: stale serves what L1 has, however old, up to its grace', async () => {
    const { a, clock, cut, mend } = scene({ ttl: '1m', grace: '1h', onOutage: 'stale' })
    await a.bento.set({ key: 'k', value: 'old' })
    cut('refuse')
    const factory = (): Promise<string> =>
      new Promise((resolve) => void clock.setTimer(() => resolve('new'), 1000))
    const ask = () => clock.run(a.bento.getOrSet({ key: 'k', factory }))
    await clock.advance(30 * 60_000)
    expect([await ask(), await clock.run(a.bento.get({ key: 'k' }))]).toEqual(['old', 'old'])
    expect(a.steps).toContainEqual({ type: 'stale.served', store: 'main', key: 'k', reason: 'outage' })
    mend()
    await clock.advance(20_000)
    await ask()
    await clock.advance(1000)
    expect(await ask()).toBe('new')
  })

  test('a value just made is served as such, not as a stale one, whatever onOutage says', async () => {
    const { a, clock, cut } = scene({ ttl: '1m', grace: '1h', onOutage: 'stale' })
    cut('refuse')
    const hits: unknown[] = []
    a.bento.on('cache:hit', (hit) => hits.push(hit))
    expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
    expect([hits, a.steps.filter(({ type }) => type === 'stale.served')]).toEqual([[], []])
  })

  test('onOutage: stale gives nothing past grace, and nothing of what was deleted here', async () => {
    const { a, clock, cut } = scene({ ttl: '1m', grace: '1h', onOutage: 'stale' })
    await a.bento.set({ key: 'k', value: 'old' })
    await a.bento.set({ key: 'd', value: 'old' })
    await a.bento.delete({ key: 'd' })
    cut('refuse')
    await clock.advance(3_600_000)
    for (const key of ['k', 'd']) {
      expect(await clock.run(a.bento.getOrSet({ key, factory: () => 'new' }))).toBe('new')
    }
  })

  test('a commit that fails costs nobody the value', async () => {
    const { a, isolate, clock, cut } = scene()
    cut('refuse', 'commit')
    expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    await clock.settle()
    expect(await clock.run(a.bento.get({ key: 'k' }))).toBe('made')
    const b = isolate('b')
    const begun = clock.elapsed()
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'again' }))).toBe('again')
    expect(clock.elapsed() - begun).toBe(0)
  })

  test('a value made during it is told as any other: written, then missed', async () => {
    const { a, clock, cut } = scene()
    const told: string[] = []
    a.bento.on('cache:written', ({ key }) => told.push(`written ${key}`))
    a.bento.on('cache:miss', ({ key }) => told.push(`miss ${key}`))
    cut('refuse')
    await clock.run(a.bento.getOrSet({ key: 'cold', factory: () => 1 }))
    await clock.settle()
    expect(told).toEqual(['written cold', 'miss cold'])
  })

  test('a value whose commit fails is told so too', async () => {
    const { a, clock, cut } = scene()
    const told: string[] = []
    a.bento.on('cache:written', ({ key }) => told.push(`written ${key}`))
    a.bento.on('cache:miss', ({ key }) => told.push(`miss ${key}`))
    cut('refuse', 'commit')
    await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 1 }))
    await clock.settle()
    expect(told).toEqual(['written k', 'miss k'])
  })

  test('without L1 every caller gets a value', async () => {
    const { a, clock, cut } = scene({}, false)
    cut('refuse')
    const factory = vi.fn(async () => 'made')
    const ask = () => a.bento.getOrSet({ key: 'k', factory })
    expect(await clock.run(Promise.all([ask(), ask()]))).toEqual(['made', 'made'])
    expect(factory).toHaveBeenCalledTimes(1)
    expect(await clock.run(ask())).toBe('made')
  })

  test('is over when the store is back', async () => {
    const { a, isolate, clock, cut, mend } = scene()
    cut('refuse')
    await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'during' }))
    mend()
    await clock.advance(20_000)
    expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'after' }))).toBe('after')
    await clock.settle()
    expect(await clock.run(isolate('b').bento.get({ key: 'k' }))).toBe('after')
  })
})
