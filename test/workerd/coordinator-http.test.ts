import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { durableObjectHttpDriver } from '../../drivers/durable-object-http.ts'
import { bearerProtocol } from '../../drivers/coordinator-protocol/bearer-protocol.ts'
import { coordinatorHandler, type CoordinatorHandlerOptions } from '../../workers/coordinator-http.ts'
import type { Coordinator } from '../../workers/coordinator.ts'
import { Subscribers } from '../../workers/coordinator/subscribers.ts'

const SECRET = 'correct-horse'
const BASE = 'https://cache.test'

afterEach(() => vi.restoreAllMocks())

const handle = (options: Partial<CoordinatorHandlerOptions> = {}) =>
  coordinatorHandler({ binding: () => env.COORDINATOR, secret: () => SECRET, ...options })

function post(init: RequestInit = {}): Request {
  const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' }
  return new Request(`${BASE}/v1/ekiben/pull`, { method: 'POST', headers, body: '{}', ...init })
}

const event = { kind: 'tag', name: 't', soft: false } as const

describe('the handler', () => {
  test.each([SECRET, 'wrong', ''])(
    'compares digests in constant time, each secret once (%#)',
    async (token) => {
      const compared = vi.spyOn(crypto.subtle, 'timingSafeEqual')
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const response = await handle({ secret: () => [SECRET, 'other'] })(post({ headers }))
      expect(response.status).toBe(token === SECRET ? 200 : 401)
      await response.text()
      const lengths = compared.mock.calls.map((sides) => sides.map(({ byteLength }) => byteLength))
      expect(lengths).toEqual([
        [32, 32],
        [32, 32],
      ])
    },
  )

  test.each([undefined, '', [], [''], 5])('finds nothing with the secret %j', async (secret) => {
    for (const authorization of [`Bearer ${String(secret)}`, 'Bearer ', '']) {
      const given = secret as string | undefined
      const response = await handle({ secret: () => given })(post({ headers: { authorization } }))
      expect([response.status, await response.json()]).toEqual([404, expect.anything()])
    }
  })

  test('waits for a secret that comes later', async () => {
    const response = await handle({ secret: async () => SECRET })(post())
    expect([response.status, await response.json()]).toEqual([200, { page: expect.anything() }])
  })

  test('says to those who hold the secret that the binding is missing', async () => {
    const response = await handle({ binding: () => undefined })(post())
    expect([response.status, await response.json()]).toEqual([
      500,
      { code: 'E_MISSING_BINDING', message: expect.stringContaining('coordinatorHandler has no binding') },
    ])
  })

  test('stops receiving a body of untold size that is too large', async () => {
    let sent = 0
    const chunk = new TextEncoder().encode(' '.repeat(1_000_000))
    const body = new ReadableStream({
      pull: (stream) => (sent++ < 40 ? stream.enqueue(chunk) : stream.close()),
    })
    const response = await handle()(post({ body }))
    expect([response.status, await response.json()]).toMatchObject([413, { code: 'E_TOO_LARGE' }])
    expect(sent).toBeLessThan(20)
  })

  test.each([
    { secret: SECRET },
    { names: 'ekiben' },
    { names: [''] },
    { path: 'cache' },
    { path: '/cache/' },
    { path: 5 },
    { path: '/cach\u00e9' },
    { path: '/a b' },
    { path: '/a/..' },
  ])('refuses the option %o when it is made', (option) => {
    const make = () => handle(option as unknown as Partial<CoordinatorHandlerOptions>)
    expect(make).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
    expect(make).toThrow(expect.not.objectContaining({ message: expect.stringContaining(SECRET) }))
  })

  test.each([
    () => {
      throw new Error('canary')
    },
    () => Promise.reject(new Error('canary')),
  ])('says nothing of why the secret could not be had (%#)', async (secret) => {
    const response = await handle({ secret })(post())
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('canary')])
  })

  test('gives a Worker that is not bound to the object what a binding gives', async () => {
    const serve = handle()
    const remote = durableObjectHttpDriver({
      url: BASE,
      token: SECRET,
      fetch: async (url, init) => serve(new Request(url, init)),
    }).factory({})
    const bound = durableObjectDriver({ binding: env.COORDINATOR }).factory({})
    await remote.set('k', 'over HTTP', 60_000)
    expect(await bound.get('k')).toBe('over HTTP')
  })

  test('opens a socket that tells of changes', async () => {
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-protocol': `ekiben.v1, ${bearerProtocol(SECRET)}`,
    }
    const request = new Request(`${BASE}/v1/ekiben/subscribe`, { headers })
    const { status, webSocket, headers: answered } = await handle()(request)
    expect([status, answered.get('sec-websocket-protocol')]).toEqual([101, 'ekiben.v1'])
    webSocket!.accept()
    const heard = new Promise((resolve) => webSocket!.addEventListener('message', resolve))
    const { page } = await env.COORDINATOR.getByName('ekiben').invalidate({ events: [event] })
    const { data } = (await heard) as MessageEvent
    expect(JSON.parse(data as string)).toMatchObject({ page: { head: page.head, events: [event] } })
    webSocket!.close(1000)
  })

  test('says to try again when the object was restarted before its ticket was spent', async () => {
    const restarted = {
      idFromName: () => ({}),
      get: () => ({
        ticket: async () => 'of before',
        fetch: async () => new Response(null, { status: 404 }),
      }),
    }
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': `${bearerProtocol(SECRET)}, ekiben.v1` }
    const request = new Request(`${BASE}/v1/ekiben/subscribe`, { headers })
    expect((await handle({ binding: restarted })(request)).status).toBe(503)
  })
})

describe('the object', () => {
  test('opens one socket for a ticket', async () => {
    const object = env.COORDINATOR.getByName('tickets')
    const headers = { upgrade: 'websocket', 'x-ekiben-ticket': await object.ticket() }
    const other = env.COORDINATOR.getByName('another')
    const ask = async (stub = object) => stub.fetch('https://coordinator/subscribe', { headers })
    expect((await ask(other)).status).toBe(404)
    const { status, webSocket } = await ask()
    expect(status).toBe(101)
    webSocket!.accept()
    webSocket!.close(1000)
    expect((await ask()).status).toBe(404)
  })

  test('takes no ticket that is ten seconds old, and none of the time before a restart', async () => {
    const object = env.COORDINATOR.getByName('old tickets')
    const late = await runInDurableObject(object, async (instance: Coordinator) => {
      const ticket = await instance.ticket()
      const now = Date.now()
      vi.spyOn(Date, 'now').mockReturnValue(now + 10_000)
      return instance.fetch(new Request(BASE, { headers: { 'x-ekiben-ticket': ticket } })).status
    })
    expect(late).toBe(404)
    vi.restoreAllMocks()
    const headers = { 'x-ekiben-ticket': await object.ticket() }
    await evictDurableObject(object)
    expect((await object.fetch('https://coordinator/', { headers })).status).toBe(404)
  })

  test('keeps no more than ten thousand tickets, the youngest', async () => {
    const statuses = await runInDurableObject(
      env.COORDINATOR.getByName('many tickets'),
      async (instance: Coordinator) => {
        const tickets: string[] = []
        for (let at = 0; at < 10_001; at++) tickets.push(await instance.ticket())
        return [tickets[0]!, tickets[1]!].map(
          (ticket) => instance.fetch(new Request(BASE, { headers: { 'x-ekiben-ticket': ticket } })).status,
        )
      },
    )
    expect(statuses).toEqual([404, 101])
  })

  test('hangs up on a subscriber that cannot be told, and tells the others', async () => {
    const hungUp: number[] = []
    const told: string[] = []
    const gone = (): never => {
      throw new TypeError('gone')
    }
    const sockets = [
      { send: gone, close: (code: number) => void hungUp.push(code) },
      { send: gone, close: gone },
      { send: (text: string) => void told.push(text), close: gone },
    ]
    const state = {
      acceptWebSocket: gone,
      getWebSockets: () => sockets as unknown as WebSocket[],
      setWebSocketAutoResponse: () => {},
    }
    const head = { seq: 2, id: 'two' }
    new Subscribers(state, () => 0).tell({ after: { seq: 1, id: 'one' }, page: { head, events: 'gap' } })
    expect([hungUp, told]).toEqual([[1011], [expect.stringContaining('gap')]])
  })

  test('does no more than before while nobody listens', async () => {
    const object = env.COORDINATOR.getByName('alone')
    const queries = await runInDurableObject(object, async (instance: Coordinator, state) => {
      const { sql } = state.storage
      const count = async (): Promise<number> => {
        const exec = vi.spyOn(sql, 'exec')
        await instance.invalidate({ events: [event] })
        const { length } = exec.mock.calls
        exec.mockRestore()
        return length
      }
      await count()
      const alone = await count()
      instance.fetch(new Request(BASE, { headers: { 'x-ekiben-ticket': await instance.ticket() } }))
      return { alone, listened: await count() }
    })
    expect(queries.listened).toBeGreaterThan(queries.alone)
    expect(queries.alone).toBe(9)
  })
})
