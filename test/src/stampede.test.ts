import { expect, test } from 'vitest'
import { gate, world } from '../support/world.ts'

test('callers of one isolate share one factory run', async () => {
  const { clock, isolate, calls } = world()
  const a = isolate('a')
  let runs = 0
  const factory = async (): Promise<number> => ++runs
  const values = await clock.run(
    Promise.all(Array.from({ length: 100 }, () => a.bento.getOrSet({ key: 'k', factory }))),
  )
  expect(new Set(values)).toEqual(new Set([1]))
  expect(calls()).toBe(2)
})

test('callers of many isolates share one factory run', async () => {
  const { clock, isolate, ledger } = world()
  const isolates = Array.from({ length: 16 }, (_, n) => Object.assign(isolate(`i${n}`), { latency: 5 + n }))
  let runs = 0
  const factory = async (): Promise<number> => {
    runs++
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 300))
    return runs
  }
  const calls = isolates.flatMap(({ bento }) =>
    Array.from({ length: 100 }, () => bento.getOrSet({ key: 'k', factory })),
  )
  const values = await clock.run(Promise.all(calls))
  expect(new Set(values)).toEqual(new Set([1]))
  expect(ledger.ledger.stats().generations).toBe(1)
})

test('concurrent callers share a failure', async () => {
  const { clock, isolate } = world()
  const { bento } = isolate('a')
  let runs = 0
  const factory = async (): Promise<never> => {
    runs++
    throw new Error('origin down')
  }
  const calls = Array.from({ length: 20 }, () =>
    bento.getOrSet({ key: 'k', factory }).catch((error: unknown) => error),
  )
  const errors = await clock.run(Promise.all(calls))
  expect(runs).toBe(1)
  for (const error of errors)
    expect(error).toMatchObject({ code: 'E_FACTORY_ERROR', cause: new Error('origin down') })
})

test('a caller elsewhere waits for the lease and gets the holder’s value', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  const origin = gate<string>()
  const first = a.bento.getOrSet({ key: 'k', factory: () => origin.promise })
  await clock.settle()
  const second = b.bento.getOrSet({ key: 'k', factory: () => 'never asked' })
  await clock.advance(500)
  origin.open('once')
  expect(await clock.run(first)).toBe('once')
  expect(await clock.run(second)).toBe('once')
  expect(b.story()).toMatch(/^flight.lead > journal.page|flight.lead > l2.read > lease.wait/)
})

test('a dead lease holder delays others by the lease, not for ever', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a', { leaseTtl: 2000 }), isolate('b')]
  a.bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
  await clock.settle()
  a.runtime.dead = true
  const started = clock.elapsed()
  expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'mine' }))).toBe('mine')
  expect(clock.elapsed() - started).toBeLessThanOrEqual(2200)
})

test('a dead lease holder is followed by one factory run, not by those of all who wait', async () => {
  const { clock, isolate } = world()
  const [dead, ...others] = Array.from({ length: 16 }, (_, n) =>
    Object.assign(isolate(`i${n}`, { leaseTtl: 2000 }), { latency: 5 + n }),
  )
  dead!.bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
  await clock.advance(50)
  dead!.runtime.dead = true
  let runs = 0
  const factory = async (): Promise<number> => {
    runs++
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 300))
    return runs
  }
  const values = others.map(({ bento }) => bento.getOrSet({ key: 'k', factory }))
  expect(new Set(await clock.run(Promise.all(values)))).toEqual(new Set([1]))
  expect(runs).toBe(1)
  expect(clock.elapsed()).toBeLessThanOrEqual(2000 + 300 + 300)
})

test('two dead lease holders delay others by two leases, not for ever', async () => {
  const { clock, isolate } = world()
  const isolates = Array.from({ length: 4 }, (_, n) => isolate(`i${n}`, { leaseTtl: 2000 }))
  const [one, two, ...others] = isolates
  for (const { bento, runtime } of [one!, two!]) {
    bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
    await clock.settle()
    if (runtime === one!.runtime) runtime.dead = true
  }
  const values = others.map(({ bento }) => bento.getOrSet({ key: 'k', factory: () => 'mine' }))
  await clock.advance(2000)
  expect(two!.story()).toContain('factory.run')
  two!.runtime.dead = true
  expect(await clock.run(Promise.all(values))).toEqual(['mine', 'mine'])
  expect(clock.elapsed()).toBeLessThanOrEqual(4200)
})

test.each([
  // Milliseconds of the factory, and how often a value that is not there yet may be asked for.
  [100, 5],
  [500, 14],
  [5000, 40],
])('whoever waits for a factory of %i ms sees its value soon, and asks seldom', async (took, most) => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  const slow = async (): Promise<string> => {
    await new Promise<void>((resolve) => void clock.setTimer(resolve, took))
    return 'slow'
  }
  const first = a.bento.getOrSet({ key: 'k', factory: slow })
  await clock.settle()
  expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'never asked' }))).toBe('slow')
  expect(await first).toBe('slow')
  expect(clock.elapsed() - took).toBeLessThanOrEqual(Math.min(200, Math.max(25, took / 4)))
  expect(b.steps.filter(({ type }) => type === 'lease.wait').length).toBeLessThanOrEqual(most)
})

test('a failed factory gives its lease back at once', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  await clock.run(
    a.bento.getOrSet({ key: 'k', factory: () => Promise.reject(new Error('no')) }).catch(() => {}),
  )
  const started = clock.elapsed()
  expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'mine' }))).toBe('mine')
  expect(clock.elapsed() - started).toBe(0)
})

test('lockTimeout bounds the wait for another isolate’s lease', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  a.bento.getOrSet({ key: 'k', factory: () => new Promise(() => {}) }).catch(() => {})
  await clock.settle()
  const value = await clock.run(b.bento.getOrSet({ key: 'k', lockTimeout: 300, factory: () => 'mine' }))
  expect([value, clock.elapsed()]).toEqual(['mine', 300])
})

test('followers of a factory that never settles answer by one takeover', async () => {
  const { clock, isolate } = world()
  const { bento, steps } = isolate('a')
  let runs = 0
  const factory = (): Promise<string> =>
    ++runs === 1 ? new Promise(() => {}) : Promise.resolve(`run ${runs}`)
  const ask = (): Promise<unknown> => bento.getOrSet({ key: 'k', hardTimeout: 1000, factory })
  const leader = ask().catch((error: unknown) => error)
  await clock.settle()
  const followers = Array.from({ length: 10 }, ask)
  expect(await clock.run(Promise.all(followers))).toEqual(Array.from({ length: 10 }, () => 'run 2'))
  expect(await leader).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT', key: 'k' })
  expect([runs, clock.elapsed(), bento.inflight]).toEqual([2, 1000, 0])
  expect(steps.filter(({ type }) => type === 'flight.takeover')).toHaveLength(1)
})

test('followers of a cancelled request answer by their own timers', async () => {
  const { clock, isolate } = world()
  const a = isolate('a')
  // The leader's request is cancelled: its timers never fire and its factory never goes on.
  const cancelled = a.bento.bind({ waitUntil: () => {} })
  void cancelled
    .getOrSet({ key: 'k', hardTimeout: 1000, factory: () => new Promise(() => {}) })
    .catch(() => {})
  await clock.settle()
  const later = a.bento.getOrSet({ key: 'k', hardTimeout: 1000, factory: () => 'mine' })
  expect(await clock.run(later)).toBe('mine')
  expect(clock.elapsed()).toBe(1000)
})

test('a long hardTimeout makes the lease as long: one run, though it takes more than ten seconds', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  let runs = 0
  const factory = async (): Promise<number> => {
    runs++
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 18_000))
    return runs
  }
  const ask = (by: typeof a): Promise<number> => by.bento.getOrSet({ key: 'k', hardTimeout: '20s', factory })
  const first = ask(a)
  await clock.settle()
  expect(await clock.run(Promise.all([first, ask(b)]))).toEqual([1, 1])
})
