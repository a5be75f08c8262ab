import { expect, test } from 'vitest'
import { type AtomicWorld, openAtomicWorld } from '../support/atomic-world.ts'

function steps({ sent }: AtomicWorld): string[] {
  return sent.map(({ request }) => request.step)
}

test('a lock is one call to take, to look at, to prolong and to give back', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  const lock = await atoms.lock('l', { ttl: '30s' })
  expect(lock).toMatchObject({ name: 'l', fence: expect.any(Number), token: expect.any(String) })
  expect(lock!.left()).toBe(30_000)
  expect(await lock!.refresh()).toBe(true)
  expect(await lock!.release()).toBe(true)
  expect(steps(world)).toEqual(['acquire', 'extend', 'surrender'])
  expect(world.objects.get('ekiben')!.ledger.stats().atomicSteps).toBe(3)
  expect(world.clock.pending()).toBe(0)
})

test('somebody else’s lock is told at once where nobody wants to wait', async () => {
  const world = openAtomicWorld()
  const [one, two] = [world.isolate('one'), world.isolate('two')]
  const lock = await one.atoms.lock('l')
  expect(await two.atoms.lock('l')).toBeUndefined()
  expect(await two.atoms.lock('m')).toBeDefined()
  await lock!.release()
  const next = await two.atoms.lock('l')
  expect(next!.fence).toBeGreaterThan(lock!.fence)
})

test('two calls of one isolate are two who want the lock', async () => {
  const { atoms } = openAtomicWorld().isolate('one')
  const locks = await Promise.all([atoms.lock('l'), atoms.lock('l')])
  expect(locks.filter(Boolean)).toHaveLength(1)
})

test('who waits gets the lock soon after it is given back, with pauses that grow', async () => {
  const world = openAtomicWorld()
  const lock = await world.isolate('one').atoms.lock('l', { ttl: '1m' })
  const waiting = world.isolate('two').atoms.lock('l', { wait: '10s' })
  await world.clock.advance(4_000)
  const asked = world.sent.length
  // More often than twice a second, and far less often than at the beginning.
  expect(asked).toBeGreaterThan(8)
  expect(asked).toBeLessThan(40)
  await lock!.release()
  const before = world.clock.elapsed()
  expect(await world.clock.run(waiting)).toBeDefined()
  expect(world.clock.elapsed() - before).toBeLessThanOrEqual(500)
})

test('who waits gives up when the time is over, and not before', async () => {
  const world = openAtomicWorld()
  await world.isolate('one').atoms.lock('l', { ttl: '1m' })
  expect(await world.clock.run(world.isolate('two').atoms.lock('l', { wait: '2s' }))).toBeUndefined()
  expect(world.clock.elapsed()).toBeGreaterThanOrEqual(1_999)
  expect(world.clock.elapsed()).toBeLessThanOrEqual(2_001)
  // It was never given, so there is nothing to give back.
  expect(steps(world)).not.toContain('surrender')
  expect(world.clock.pending()).toBe(0)
})

test('a holder that dies is followed when its lock ends, by one of all who wait', async () => {
  const world = openAtomicWorld()
  const dead = world.isolate('dead')
  await dead.atoms.lock('l', { ttl: '5s' })
  dead.runtime.dead = true
  const waiting = ['a', 'b', 'c', 'd'].map((name) =>
    world.isolate(name).atoms.lock('l', { ttl: '1m', wait: '6s' }),
  )
  const locks = await world.clock.run(Promise.all(waiting))
  expect(locks.filter(Boolean)).toHaveLength(1)
})

test('who waits for the end of a lock asks again right then, not a whole pause later', async () => {
  const world = openAtomicWorld()
  await world.isolate('one').atoms.lock('l', { ttl: '10s' })
  const lock = await world.clock.run(world.isolate('two').atoms.lock('l', { wait: '20s' }))
  expect(lock).toBeDefined()
  expect(world.clock.elapsed()).toBeLessThanOrEqual(10_001)
})

test('a lock counts what is left of it down, and from when it was asked for', async () => {
  const world = openAtomicWorld()
  world.mishap = 'late'
  const { atoms, runtime } = world.isolate('one', { timeout: '5s' })
  const lock = await world.clock.run(atoms.lock('l', { ttl: '10s' }))
  // The answer took three seconds, and nobody here knows when it was given.
  expect(lock!.left()).toBe(7_000)
  await world.clock.advance(6_000)
  expect(lock!.left()).toBe(1_000)
  // A wall clock that ran backwards is believed nothing.
  runtime.wallSkew = -60_000
  expect(lock!.left()).toBe(0)
  runtime.wallSkew = 0
  await world.clock.advance(2_000)
  expect(lock!.left()).toBe(0)
})

test('a lock is prolonged from now, by its own ttl or another', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  const lock = await atoms.lock('l', { ttl: '10s' })
  await world.clock.advance(9_000)
  expect(await lock!.refresh()).toBe(true)
  expect(lock!.left()).toBe(10_000)
  expect(await lock!.refresh('1m')).toBe(true)
  expect(lock!.left()).toBe(60_000)
  await world.clock.advance(59_999)
  expect(await world.isolate('two').atoms.lock('l')).toBeUndefined()
})

test.each(['dropped', 'lost'] as const)(
  'a refresh that may have shortened a lock, its answer %s, leaves no more than that',
  async (mishap) => {
    const world = openAtomicWorld()
    const lock = await world.isolate('one').atoms.lock('l', { ttl: '30s' })
    world.mishap = mishap
    const refreshing = lock!.refresh('2s')
    await expect(world.clock.run(refreshing)).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
    world.mishap = undefined
    expect(lock!.left()).toBe(2_000 - world.clock.elapsed())
    await world.clock.advance(2_000)
    expect(lock!.left()).toBe(0)
    expect(await world.isolate('two').atoms.lock('l')).toBeDefined()
  },
)

test('a refresh that never arrived prolongs nothing, and one that is answered makes up for it', async () => {
  const world = openAtomicWorld()
  const lock = await world.isolate('one').atoms.lock('l', { ttl: '10s' })
  world.mishap = 'refused'
  await expect(lock!.refresh('1m')).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
  expect(lock!.left()).toBe(10_000)
  await expect(lock!.refresh('2s')).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
  world.mishap = undefined
  expect(await lock!.refresh()).toBe(true)
  expect(lock!.left()).toBe(10_000)
})

test('a lock that ran out is neither prolonged nor released over its successor', async () => {
  const world = openAtomicWorld()
  const [one, two] = [world.isolate('one'), world.isolate('two')]
  const late = await one.atoms.lock('l', { ttl: '1s' })
  await world.clock.advance(1_000)
  const successor = await two.atoms.lock('l', { ttl: '1m' })
  expect([await late!.refresh(), await late!.release()]).toEqual([false, false])
  expect(late!.left()).toBe(0)
  expect(await one.atoms.lock('l')).toBeUndefined()
  expect(await successor!.release()).toBe(true)
})

test('nothing is left of a lock that was given back, even if a refresh is answered later', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one', { timeout: '5s' })
  const lock = await atoms.lock('l')
  world.mishap = ({ step }) => (step === 'extend' ? 'late' : undefined)
  const refreshing = lock!.refresh()
  expect(await lock!.release()).toBe(true)
  expect(await world.clock.run(refreshing)).toBe(false)
  expect(lock!.left()).toBe(0)
})

test('a lock is restored elsewhere by its token, as long as it lasts', async () => {
  const world = openAtomicWorld()
  const [one, two] = [world.isolate('one'), world.isolate('two')]
  const lock = await one.atoms.lock('l', { ttl: '10s' })
  await world.clock.advance(4_000)
  const restored = await two.atoms.restoreLock('l', lock!.token, { ttl: '20s' })
  expect(restored).toMatchObject({ name: 'l', token: lock!.token, fence: lock!.fence })
  expect(restored!.left()).toBe(6_000)
  expect(await restored!.refresh()).toBe(true)
  expect(restored!.left()).toBe(20_000)
  expect(await restored!.release()).toBe(true)
  expect(await two.atoms.restoreLock('l', lock!.token)).toBeUndefined()
  expect(await two.atoms.restoreLock('m', lock!.token)).toBeUndefined()
})

test('withLock runs under the lock and gives it back, whatever comes of it', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  const fence = await atoms.withLock('l', { ttl: '1m' }, async (lock) => {
    expect(await atoms.lock('l')).toBeUndefined()
    return lock.fence
  })
  expect(fence).toBeGreaterThan(0)
  const failing = atoms.withLock('l', {}, () => {
    throw new TypeError('of the work')
  })
  await expect(failing).rejects.toThrow('of the work')
  expect(await atoms.lock('l')).toBeDefined()
})

test('withLock runs nothing without the lock, and says why', async () => {
  const world = openAtomicWorld()
  await world.isolate('one').atoms.lock('l', { ttl: '1m' })
  let ran = false
  const work = world.isolate('two').atoms.withLock('l', { wait: '1s' }, () => void (ran = true))
  await expect(world.clock.run(work)).rejects.toMatchObject({ code: 'E_LOCK_HELD' })
  expect(ran).toBe(false)
})

test('withLock gives what was done, though the lock could not be given back', async () => {
  const world = openAtomicWorld()
  world.mishap = ({ step }) => (step === 'surrender' ? 'refused' : undefined)
  expect(await world.isolate('one').atoms.withLock('l', {}, () => 'done')).toBe('done')
})

test('a grant whose answer was lost is thrown as not acknowledged, and given back behind it', async () => {
  const world = openAtomicWorld()
  const { atoms, runtime } = world.isolate('one')
  world.mishap = ({ step }) => (step === 'acquire' ? 'lost' : undefined)
  const failed = await world.clock.run(atoms.lock('l').catch((error: unknown) => error))
  expect(failed).toMatchObject({
    code: 'E_NOT_ACKNOWLEDGED',
    step: 'acquire',
    cause: { code: 'E_L2_TIMEOUT' },
  })
  expect(world.clock.elapsed()).toBe(1_000)
  expect(runtime.background).toHaveLength(1)
  await Promise.all(runtime.background)
  world.mishap = undefined
  expect(await world.isolate('two').atoms.lock('l')).toBeDefined()
})

test('who waits finds a grant again whose answer was lost: the same one', async () => {
  const world = openAtomicWorld()
  let count = 0
  world.mishap = () => (++count === 1 ? 'dropped' : undefined)
  const lock = await world.clock.run(world.isolate('one').atoms.lock('l', { ttl: '10s', wait: '2s' }))
  expect(steps(world)).toEqual(['acquire', 'acquire'])
  expect(new Set(world.sent.map(({ request }) => (request as { token: string }).token)).size).toBe(1)
  // Nothing was prolonged by asking again.
  expect(lock!.left()).toBeLessThan(10_000)
})

test('who waits through an outage is told of it at its end, within a deadline of the wait', async () => {
  const world = openAtomicWorld()
  world.mishap = 'hang'
  const waiting = world.isolate('one').atoms.lock('l', { wait: '3s', timeout: '500ms' })
  await expect(world.clock.run(waiting)).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
  expect(world.clock.elapsed()).toBeLessThanOrEqual(3_501)
})

test('a release that is not acknowledged says so, and may be repeated', async () => {
  const world = openAtomicWorld()
  const lock = await world.isolate('one').atoms.lock('l')
  world.mishap = 'refused'
  await expect(lock!.release()).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED', step: 'surrender' })
  expect(lock!.left()).toBe(0)
  world.mishap = undefined
  expect(await lock!.release()).toBe(true)
})
