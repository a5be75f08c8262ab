import { afterAll, beforeAll, expect, test } from 'vitest'
import { upstashDriver } from '../../drivers/upstash.ts'
import type { Step } from '../../src/index.ts'
import { type FaultyGateway, openFaultyGateway } from '../support/faulty-gateway.ts'
import { type Hosted, hosted } from '../support/hosted-redis.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

let server: RedisServer
let gateway: FaultyGateway

beforeAll(async () => {
  server = await openRedis()
  gateway = await openFaultyGateway({ redisUrl: server.url })
})

afterAll(async () => {
  await gateway?.close()
  await server?.close()
})

/** The next step that is looked for. */
function told({ bento }: Hosted, looked: (step: Step) => boolean): Promise<Step> {
  return new Promise((resolve) => {
    const stop = bento.onTrace((step) => {
      if (!looked(step)) return
      stop()
      resolve(step)
    })
  })
}

test('a process with the bus beside Redis hears of changes without asking, and leaves at its end', async () => {
  const patient = { pollInterval: '1h', maxStaleness: '2h' } as const
  const listener = hosted(upstashDriver(gateway), patient, { push: gateway })
  const other = hosted(upstashDriver(gateway), patient)
  const open = told(listener, (step) => step.type === 'push' && step.state === 'open')
  await listener.bento.set({ key: 'k', value: 'old' })
  await open
  expect(await listener.bento.get({ key: 'k' })).toBe('old')

  const heard = told(listener, (step) => step.type === 'received')
  await other.bento.set({ key: 'k', value: 'new' })
  expect(await heard).toMatchObject({ message: { type: 'delete', keys: ['k'] } })
  expect(await listener.bento.get({ key: 'k' })).toBe('new')

  expect(gateway.gateway.stats().streams).toBe(1)
  await Promise.all([listener, other].map(({ bento }) => bento.disconnectAll()))
  await expect.poll(() => gateway.gateway.stats().streams).toBe(0)
})
