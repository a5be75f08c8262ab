import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { durableObjectBusDriver, durableObjectDriver } from '../../drivers/durable-object.ts'
import { durableObjectHttpBusDriver, durableObjectHttpDriver } from '../../drivers/durable-object-http.ts'
import { type Atomics, atomics } from '../../src/atomics.ts'
import { coordinatorHandler } from '../../workers/coordinator-http.ts'
import type { Coordinator } from '../../workers/coordinator.ts'

// A real Durable Object, bound and over HTTP.

const SECRET = 'correct-horse'
const URL_OF = 'https://cache.test'
const timeout = '30s'

let made = 0
const freshName = (): string => `atomics ${++made}`

function serve(name: string): (request: Request) => Promise<Response> {
  return coordinatorHandler({ binding: () => env.COORDINATOR, secret: () => SECRET, names: [name] })
}

/** Each call makes another isolate's: nothing is shared but the object. */
const WAYS: Readonly<Record<string, (name: string) => Atomics>> = {
  'the driver': (name) => atomics(durableObjectDriver({ binding: env.COORDINATOR, name }), { timeout }),
  'the bus': (name) => atomics(durableObjectBusDriver({ binding: () => env.COORDINATOR, name }), { timeout }),
  'the driver over HTTP': (name) => atomics(durableObjectHttpDriver(remote(name)), { timeout }),
  'the bus over HTTP': (name) => atomics(durableObjectHttpBusDriver(remote(name)), { timeout }),
}

function remote(name: string): Parameters<typeof durableObjectHttpDriver>[0] {
  const handle = serve(name)
  return { url: URL_OF, token: SECRET, name, fetch: async (url, init) => handle(new Request(url, init)) }
}

describe.each(Object.entries(WAYS))('%s', (_way, connect) => {
  test('sixteen isolates count at once, and the sum is exact', async () => {
    const name = freshName()
    const all = Array.from({ length: 16 }, () => connect(name))
    const sums = await Promise.all(
      all.flatMap((atoms) => Array.from({ length: 20 }, () => atoms.increment('c'))),
    )
    expect(new Set(sums).size).toBe(320)
    expect(await all[0]!.get('c')).toBe(320)
    expect(await env.COORDINATOR.getByName(name).stats()).toMatchObject({ atomicSteps: 321 })
  })

  test('a lock has one holder at a time, and each the next fence', async () => {
    const name = freshName()
    const fences: number[] = []
    let inside = 0
    const work = Array.from({ length: 8 }, () =>
      connect(name).withLock('l', { ttl: '30s', wait: '60s' }, async (lock) => {
        expect(++inside).toBe(1)
        fences.push(lock.fence)
        expect(await lock.refresh()).toBe(true)
        inside--
      }),
    )
    await Promise.all(work)
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b))
    expect(fences).toHaveLength(8)
  })

  test('locks, fences and values outlive the object’s sleep', async () => {
    const name = freshName()
    const atoms = connect(name)
    const lock = await atoms.lock('l', { ttl: '1h' })
    await atoms.increment('c', { op: 'one' })
    await evictDurableObject(env.COORDINATOR.getByName(name))
    expect(await atoms.lock('l')).toBeUndefined()
    expect(await atoms.restoreLock('l', lock!.token)).toMatchObject({ fence: lock!.fence })
    expect(await atoms.increment('c', { op: 'one' })).toBe(1)
    expect(await lock!.release()).toBe(true)
    expect((await atoms.lock('l'))!.fence).toBeGreaterThan(lock!.fence)
  })

  test('each call is one step of the object', async () => {
    const name = freshName()
    const atoms = connect(name)
    const lock = (await atoms.lock('l'))!
    const object = env.COORDINATOR.getByName(name)
    for (const run of [
      () => atoms.lock('l'),
      () => lock.refresh(),
      () => atoms.restoreLock('l', lock.token),
      () => lock.release(),
      () => atoms.add('k', 1),
      () => atoms.decrement('k'),
      () => atoms.get('k'),
      () => atoms.delete('k'),
    ]) {
      await object.resetStats()
      await run()
      expect(await object.stats()).toMatchObject({ atomicSteps: 1, calls: { read: 0, commit: 0, pull: 0 } })
    }
  })
})

test('all four lead to the same locks and values', async () => {
  const name = freshName()
  const all = Object.values(WAYS).map((connect) => connect(name))
  for (const [at, atoms] of all.entries()) expect(await atoms.increment('c')).toBe(at + 1)
  const lock = await all[0]!.lock('l')
  for (const atoms of all.slice(1)) expect(await atoms.lock('l')).toBeUndefined()
  expect(await (await all[2]!.restoreLock('l', lock!.token))!.release()).toBe(true)
})

test('a lock alone sets an alarm, and its row goes when its time is over', async () => {
  const name = freshName()
  const object = env.COORDINATOR.getByName(name)
  await WAYS['the driver']!(name).lock('l', { ttl: '1s' })
  await runInDurableObject(object, async (instance: Coordinator, state) => {
    expect(await state.storage.getAlarm()).not.toBeNull()
    Object.defineProperty(instance, 'now', { value: () => Date.now() + 60_000 })
    await instance.alarm()
    expect(state.storage.sql.exec('SELECT * FROM locks').toArray()).toEqual([])
  })
})

test('a step writes few rows, and one that changes nothing writes none', async () => {
  const object = env.COORDINATOR.getByName(freshName())
  const rows = await runInDurableObject(object, async (instance: Coordinator, state) => {
    const { sql } = state.storage
    const costOf = async (request: Parameters<Coordinator['atomic']>[0]): Promise<number> => {
      const exec = vi.spyOn(sql, 'exec')
      await instance.atomic(request)
      const cursors = exec.mock.results.map(({ value }) => value as SqlStorageCursor<never>)
      exec.mockRestore()
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)
    }
    const lock = { name: 'l', token: 'A', ttl: 60_000 }
    const count = { step: 'increment', name: 'c', by: 1, ttl: 60_000 } as const
    await costOf({ step: 'acquire', ...lock, name: 'first' })
    return {
      acquire: await costOf({ step: 'acquire', ...lock }),
      refused: await costOf({ step: 'acquire', ...lock, token: 'B' }),
      extend: await costOf({ step: 'extend', ...lock }),
      surrender: await costOf({ step: 'surrender', ...lock }),
      create: await costOf({ ...count, op: '1' }),
      increment: await costOf({ ...count, op: '2' }),
      repeat: await costOf({ ...count, op: '2' }),
      read: await costOf({ step: 'read', name: 'c' }),
      remove: await costOf({ step: 'remove', name: 'c' }),
      nothing: await costOf({ step: 'remove', name: 'c' }),
    }
  })
  expect(rows).toEqual({
    acquire: 3,
    refused: 0,
    extend: 2,
    surrender: 1,
    create: 4,
    increment: 3,
    repeat: 0,
    read: 0,
    remove: 1,
    nothing: 0,
  })
})

describe('over HTTP', () => {
  const post = (body: unknown, init: RequestInit = {}): Request =>
    new Request(`${URL_OF}/v1/ekiben/atomic`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    })
  const acquire = { step: 'acquire', name: 'http', token: 'A', ttl: 1_000 }

  test('a step wants the secret, a POST and JSON as all else does', async () => {
    const handle = serve('ekiben')
    const headers = { authorization: 'Bearer wrong', 'content-type': 'application/json' }
    const statuses: number[] = []
    for (const request of [
      post(acquire, { headers }),
      post(acquire, { headers: { 'content-type': 'application/json' } }),
      new Request(`${URL_OF}/v1/ekiben/atomic`, { headers: { authorization: `Bearer ${SECRET}` } }),
      post(acquire, { headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'text/plain' } }),
      post(acquire),
    ]) {
      const response = await handle(request)
      statuses.push(response.status)
      await response.text()
    }
    expect(statuses).toEqual([401, 401, 405, 415, 200])
  })

  test.each([
    [{ ...acquire, step: 'drop' }, 'step'],
    [{ ...acquire, name: 'x'.repeat(1_025) }, 'name'],
    [{ ...acquire, token: 5 }, 'token'],
    [{ ...acquire, ttl: 1e12 }, 'ttl'],
    [{ step: 'add', name: 'n', text: `"${'x'.repeat(65_536)}"`, ttl: null, op: '1' }, 'text'],
    [{ step: 'increment', name: 'n', by: 1.5, ttl: null, op: '1' }, 'by'],
  ])('a bad step is refused before it wakes the object (%#)', async (body, option) => {
    const untouched = {
      idFromName: () => ({}),
      get: () => ({
        atomic: () => {
          throw new Error('woken')
        },
      }),
    }
    const handle = coordinatorHandler({ binding: untouched, secret: () => SECRET })
    const response = await handle(post(body))
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'E_INVALID_OPTION', message: expect.stringContaining(`Invalid ${option}`) },
    ])
  })
})
