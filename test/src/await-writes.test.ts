import { expect, test } from 'vitest'
import type { OperationOptions } from '../../src/index.ts'
import { world } from '../support/world.ts'

/** How long a miss takes where each way to L2 takes 100 ms and the factory none: the read alone is 200. */
async function missTime(options: OperationOptions, waits: boolean): Promise<number> {
  const { clock, isolate } = world()
  const a = Object.assign(isolate('a'), { latency: 100 })
  if (!waits) delete a.runtime.waitUntil
  expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'made', ...options }))).toBe('made')
  return clock.elapsed()
}

test('where a request has waitUntil the answer does not wait for the write', async () => {
  expect(await missTime({}, true)).toBe(200)
})

test('where it has none the answer waits for the write', async () => {
  expect(await missTime({}, false)).toBe(400)
})

test('awaitWrites decides, if it is given', async () => {
  expect(await missTime({ awaitWrites: true }, true)).toBe(400)
  expect(await missTime({ awaitWrites: false }, false)).toBe(200)
  expect(await missTime({ awaitWrites: undefined }, true)).toBe(200)
})

test('the write is handed to waitUntil whole: when that is settled, all isolates have the value', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  a.latency = 100
  await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'made' }))
  expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  await clock.run(Promise.all(a.runtime.background))
  expect(await b.bento.get({ key: 'k' })).toBe('made')
})

test('set and invalidations always wait', async () => {
  const { clock, isolate } = world()
  const a = Object.assign(isolate('a', { awaitWrites: false }), { latency: 100 })
  const works: (() => Promise<unknown>)[] = [
    () => a.bento.set({ key: 'k', value: 1 }),
    () => a.bento.delete({ key: 'k' }),
    () => a.bento.expire({ key: 'k' }),
    () => a.bento.deleteByTag({ tags: ['t'] }),
    () => a.bento.clear(),
  ]
  for (const work of works) {
    const begun = clock.elapsed()
    await clock.run(work())
    expect(clock.elapsed() - begun).toBe(200)
  }
})

test('a write that fails fails the answer only where both are asked for', async () => {
  for (const [options, code] of [
    [{ awaitWrites: true }, undefined],
    [{ suppressL2Errors: false, awaitWrites: false }, undefined],
    [{ suppressL2Errors: false, awaitWrites: true }, 'E_L2_CACHE_ERROR'],
  ] as const) {
    const { clock, isolate } = world()
    const a = isolate('a')
    a.fault = (operation) => (operation === 'commit' ? 'refuse' : undefined)
    const work = a.bento.getOrSet({ key: 'k', factory: () => 'made', ...options })
    const told = await clock.run(
      work.then(
        () => undefined,
        (error: { code: string }) => error.code,
      ),
    )
    expect(told).toBe(code)
    expect(a.bento.inflight).toBe(0)
  }
})

test('a store that was silent for the read is not waited for again', async () => {
  const { clock, isolate } = world()
  const a = isolate('a')
  delete a.runtime.waitUntil
  a.fault = () => 'hang'
  expect(await clock.run(a.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
  expect(clock.elapsed()).toBe(1000)
})
