import { Redis as UpstashRedis } from '@upstash/redis'
import { afterEach, describe, expect, test } from 'vitest'
import { redisBusDriver, redisDriver } from '../../drivers/redis.ts'
import { upstashBusDriver, upstashDriver } from '../../drivers/upstash.ts'
import { vercelKvDriver } from '../../drivers/vercel-kv.ts'
import { type Atomics, atomics } from '../../src/atomics.ts'
import { bentostore, BentoCache } from '../../src/index.ts'
import { gatewayForEach, redisForFile } from '../support/redis-for-file.ts'

const file = redisForFile()
const front = gatewayForEach(file)
const opened: Atomics[] = []

afterEach(async () => {
  for (const atoms of opened.splice(0)) await atoms.disconnect()
})

function kept(atoms: Atomics): Atomics {
  opened.push(atoms)
  return atoms
}

/** Another isolate or process: it shares nothing with any other but the database. */
const WAYS: Readonly<Record<string, () => Atomics>> = {
  'upstash by address': () => kept(atomics(upstashDriver(front.gateway))),
  'upstash by client': () =>
    kept(atomics(upstashDriver({ client: new UpstashRedis({ ...front.gateway, enableTelemetry: false }) }))),
  'the upstash bus': () => kept(atomics(upstashBusDriver(front.gateway))),
  'vercel kv': () => kept(atomics(vercelKvDriver(front.gateway))),
  'redis over tcp': () => kept(atomics(redisDriver({ connection: { port: file.server.port } }))),
  'the redis bus': () => kept(atomics(redisBusDriver({ connection: { port: file.server.port } }))),
}

describe.each(Object.entries(WAYS))('%s', (_name, connect) => {
  test('sixteen isolates count at once, and the sum is exact', async () => {
    const all = Array.from({ length: 16 }, connect)
    const sums = await Promise.all(
      all.flatMap((atoms) => Array.from({ length: 25 }, () => atoms.increment('c', { timeout: '30s' }))),
    )
    expect(new Set(sums).size).toBe(400)
    expect(await all[0]!.get('c')).toBe(400)
  })

  test('a lock has one holder at a time, and each the next fence', async () => {
    const all = Array.from({ length: 8 }, connect)
    const fences: number[] = []
    let inside = 0
    const work = all.map((atoms) =>
      atoms.withLock('l', { ttl: '30s', wait: '60s', timeout: '30s' }, async ({ fence }) => {
        expect(++inside).toBe(1)
        fences.push(fence)
        await file.redis.ping()
        inside--
      }),
    )
    await Promise.all(work)
    expect(fences).toHaveLength(8)
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    expect(new Set(fences).size).toBe(8)
  })
})

test('all ways lead to the same locks and values', async () => {
  const all = Object.values(WAYS).map((connect) => connect())
  for (const [at, atoms] of all.entries()) expect(await atoms.increment('c')).toBe(at + 1)
  const lock = await all[0]!.lock('l')
  for (const atoms of all.slice(1)) expect(await atoms.lock('l')).toBeUndefined()
  expect(await (await all[3]!.restoreLock('l', lock!.token))!.release()).toBe(true)
})

test('each call is one request and one command', async () => {
  const atoms = WAYS['upstash by address']!()
  // The first call finds out that this Redis locks no single keys.
  await atoms.get('k')
  const cost = async (run: () => Promise<unknown>): Promise<unknown> => {
    front.gateway.resetRequests()
    await run()
    const { requests, commands } = front.gateway.gateway.stats()
    return { requests, commands }
  }
  const lock = (await atoms.lock('l'))!
  for (const run of [
    () => atoms.lock('m'),
    () => atoms.lock('l'),
    () => lock.refresh(),
    () => atoms.restoreLock('l', lock.token),
    () => lock.release(),
    () => atoms.add('k', 1),
    () => atoms.increment('k'),
    () => atoms.decrement('k'),
    () => atoms.get('k'),
    () => atoms.delete('k'),
  ])
    expect(await cost(run)).toEqual({ requests: 1, commands: 1 })
  expect(await cost(() => atoms.withLock('n', {}, () => {}))).toEqual({ requests: 2, commands: 2 })
})

test('a client that repeats what it got no answer to counts once', async () => {
  const client = new UpstashRedis({
    ...front.gateway,
    enableTelemetry: false,
    retry: { retries: 5, backoff: () => 0 },
  })
  const atoms = atomics(upstashDriver({ client }))
  await atoms.get('c')
  let count = 0
  front.gateway.fault = () => (++count % 3 === 0 ? undefined : { kind: 'drop-after' })
  for (let at = 1; at <= 10; at++) expect(await atoms.increment('c', { timeout: '30s' })).toBe(at)
  expect(await atoms.add('v', 1, { timeout: '30s' })).toBe(true)
  const lock = await atoms.lock('l', { timeout: '30s' })
  expect(count).toBeGreaterThan(30)
  front.gateway.fault = undefined
  expect(await atoms.restoreLock('l', lock!.token)).toMatchObject({ fence: lock!.fence })
})

test.each(['drop-after', 'truncate'] as const)(
  'a step whose answer is lost (%s) is done once',
  async (kind) => {
    const atoms = WAYS['upstash by address']!()
    await atoms.get('c')
    front.gateway.fault = { kind }
    const failed = await atoms.increment('c').catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'E_NOT_ACKNOWLEDGED',
      op: expect.any(String),
      cause: { code: 'E_STORE' },
    })
    front.gateway.fault = undefined
    expect(await atoms.get('c')).toBe(1)
    expect(await atoms.increment('c', { op: (failed as { op: string }).op })).toBe(1)
    expect(await atoms.increment('c')).toBe(2)
  },
)

test('no key lies where an entry could, and what is over leaves nothing but the count of locks', async () => {
  const driver = redisDriver({ connection: { port: file.server.port } })
  const atoms = kept(atomics(driver, { prefix: 'p' }))
  await atoms.lock('l', { ttl: 50 })
  await atoms.add('v', 1, { ttl: 50 })
  const keys = (await file.redis.keys('*')).toSorted()
  expect(keys).toEqual([
    expect.stringMatching(/^___ekiben@answer:/),
    '___ekiben@fence:p',
    '___ekiben@lock:p:l',
    '___ekiben@value:p:v',
  ])
  for (const key of keys.filter((each) => !each.includes('fence')))
    expect(await file.redis.pttl(key)).toBeGreaterThan(0)
  const bento = new BentoCache({
    default: 'main',
    stores: { main: bentostore({ prefix: '' }).useL2Layer(driver) },
  })
  for (const key of keys) await bento.set({ key, value: 'entry' })
  expect(await bento.get({ key: '___ekiben@value:p:v' })).toBe('entry')
  await atoms.delete('v')
  expect(await atoms.increment('v')).toBe(1)
  await bento.disconnectAll()
})

test('in a cluster all keys of a store are in one slot', async () => {
  const connection = { port: file.server.port }
  const atoms = kept(atomics(redisDriver({ connection, cluster: true, prefix: 'p' })))
  await atoms.lock('l')
  await atoms.increment('c')
  await atoms.add('v', 1)
  const keys = await file.redis.keys('___ekiben@*')
  expect(keys).toHaveLength(6)
  expect(keys.map((key) => /\{([^}]*)\}/.exec(key)?.[1])).toEqual(keys.map(() => 'p'))
})

test('fences grow though Redis has lost the last one', async () => {
  const atoms = WAYS['upstash by address']!()
  const first = await atoms.lock('l')
  await file.redis.flushall()
  expect((await atoms.lock('l'))!.fence).toBeGreaterThan(first!.fence)
})

test('a look at a value is never left to a replica', async () => {
  const commands: unknown[] = []
  const fetched: typeof fetch = async (url, init) => {
    commands.push((JSON.parse(init!.body as string) as unknown[])[0])
    return fetch(url, init)
  }
  const atoms = atomics(upstashDriver({ ...front.gateway, readFrom: 'nearest', fetch: fetched }))
  await atoms.get('k')
  await atoms.get('k')
  expect(commands.map((command) => String(command).endsWith('_RO'))).toEqual([false, false])
})
