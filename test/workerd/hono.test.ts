import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { bento } from '../../adapters/hono/cloudflare.ts'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { bentostore } from '../../src/index.ts'

const STATUS = 'ekiben; fwd=miss; detail=none'

function open(object: string) {
  const main = bentostore({ ttl: '1m', grace: '1h' })
    .useL1Layer(memoryDriver())
    .useL2Layer(durableObjectDriver({ binding: () => env.COORDINATOR, name: object }))
  return bento({ default: 'main', stores: { main }, cacheStatus: true, serverTiming: true })
}

test('a refresh behind an answer is kept alive by the execution context of its request', async () => {
  let runs = 0
  const app = new Hono()
    .use(open('hono refresh'))
    .get('/', async (c) => c.text(`${await c.var.cache.getOrSet({ key: 'k', factory: async () => ++runs })}`))
    .delete('/', async (c) => c.json(await c.var.cache.expire({ key: 'k' })))
  const ask = async (method: string): Promise<readonly [string, string | undefined]> => {
    const context = createExecutionContext()
    const response = await app.request('/', { method }, {}, context)
    const body = await response.text()
    await waitOnExecutionContext(context)
    return [body, response.headers.get('Cache-Status')?.replace(/ttl=\d+/, 'ttl=?')]
  }
  expect(await ask('GET')).toEqual(['1', 'ekiben; fwd=miss; stored; ttl=?; detail=factory'])
  expect(await ask('DELETE')).toEqual(['true', undefined])
  expect(await ask('GET')).toEqual(['1', 'ekiben; hit; ttl=?; detail=l1-refresh'])
  expect(await ask('GET')).toEqual(['2', 'ekiben; hit; ttl=?; detail=l1'])
})

test('a connection that becomes a WebSocket is left alone', async () => {
  const app = new Hono().use(open('hono socket')).get('/', async (c) => {
    await c.var.cache.get({ key: 'k' })
    const { 0: client, 1: server } = new WebSocketPair()
    server.accept()
    server.addEventListener('message', ({ data }) => server.send(`heard ${String(data)}`))
    return new Response(null, { status: 101, webSocket: client })
  })
  const response = await app.request('/', { headers: { upgrade: 'websocket' } }, {}, createExecutionContext())
  expect([response.status, response.headers.get('Cache-Status')]).toEqual([101, null])
  const socket = response.webSocket!
  socket.accept()
  const heard = new Promise((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
  )
  socket.send('hello')
  expect(await heard).toBe('heard hello')
  socket.close()
})

test.each([
  ['a redirect', () => Response.redirect('http://cache.test/'), 302],
  ['what a binding answered', () => env.COORDINATOR.getByName('hono fetch').fetch('http://cache.test/'), 404],
])('headers that cannot be changed are those of a copy: %s', async (_, answer, status) => {
  const app = new Hono().use(open('hono headers')).get('/', async (c) => {
    await c.var.cache.get({ key: 'k' })
    return answer()
  })
  const response = await app.request('/', {}, {}, createExecutionContext())
  expect([response.status, response.headers.get('Cache-Status')]).toEqual([status, STATUS])
  await response.text()
})
