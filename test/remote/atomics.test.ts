import { afterAll, beforeAll, expect, test } from 'vitest'
import { durableObjectHttpDriver } from '../../drivers/durable-object-http.ts'
import { type Atomics, atomics, NotAcknowledgedError } from '../../src/atomics.ts'
import { openRemoteStage, type RemoteStage, SECRET } from './stage.ts'

// Processes in Node, a Durable Object in workerd, and HTTP between them.

let stage: RemoteStage

beforeAll(async () => {
  stage = await openRemoteStage()
}, 60_000)

afterAll(() => stage?.close())

/** Another process: it shares nothing with any other but the object. */
function connect(name: string, token = SECRET): Atomics {
  return atomics(durableObjectHttpDriver({ url: stage.address, token, name }), { timeout: '30s' })
}

/** Counts one, however often that has to be asked. */
async function countOne(atoms: Atomics): Promise<number> {
  let op: string | undefined
  for (;;) {
    try {
      return await atoms.increment('c', { op })
    } catch (error) {
      if (!(error instanceof NotAcknowledgedError)) throw error
      op = error.op
    }
  }
}

test('an object that is restarted again and again loses no count and adds none', async () => {
  const all = Array.from({ length: 8 }, () => connect('one'))
  const counting = all.map(async (atoms) => {
    const sums: number[] = []
    for (let at = 0; at < 25; at++) sums.push(await countOne(atoms))
    return sums
  })
  const crashing = (async () => {
    for (let at = 0; at < 5; at++) await stage.crash('one')
  })()
  const [sums] = await Promise.all([Promise.all(counting), crashing])
  expect(new Set(sums.flat()).size).toBe(200)
  expect(await all[0]!.get('c')).toBe(200)
}, 60_000)

test('a lock outlives the object’s restart, and is one process’s at a time', async () => {
  const [a, b] = [connect('two'), connect('two')]
  const lock = await a.lock('l', { ttl: '1h' })
  await stage.crash('two')
  expect(await b.lock('l')).toBeUndefined()
  expect(await b.restoreLock('l', lock!.token)).toMatchObject({ fence: lock!.fence })
  expect(await lock!.release()).toBe(true)
  expect((await b.lock('l'))!.fence).toBeGreaterThan(lock!.fence)
})

test('who does not hold the secret gets nothing, and no token is in what is thrown', async () => {
  const failed = await connect('one', 'wrong-secret')
    .lock('l')
    .catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 'E_NOT_ACKNOWLEDGED',
    cause: { reason: expect.stringContaining('401') },
  })
  expect(JSON.stringify(failed) + String((failed as Error).cause)).not.toContain('wrong-secret')
})
