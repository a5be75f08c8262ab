import { request as send } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearerProtocol } from '../../drivers/coordinator-protocol/bearer-protocol.ts'
import { NEXT_SECRET, openRemoteStage, type RemoteStage, SECRET } from './stage.ts'

let stage: RemoteStage
let closed: RemoteStage

beforeAll(async () => {
  stage = await openRemoteStage()
  closed = await openRemoteStage({ EKIBEN_SECRET: '' })
}, 60_000)

afterAll(async () => {
  await stage?.close()
  await closed?.close()
})

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

const JSON_TYPE = { 'content-type': 'application/json' }
const BEARER = { authorization: `Bearer ${SECRET}`, ...JSON_TYPE }

async function ask(path: string, init: RequestInit = {}, on = stage): Promise<Answer> {
  const response = await fetch(new URL(path, on.url), {
    method: 'POST',
    headers: BEARER,
    body: '{}',
    ...init,
  })
  const text = await response.text()
  const body: unknown = response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : text
  return { status: response.status, headers: response.headers, body }
}

/** A request as it is written, with headers that `fetch` does not send and a path that nobody normalises. */
async function raw(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  const { hostname, port } = stage.url
  return new Promise((resolve, reject) => {
    const request = send({ hostname, port, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
    if ('expect' in headers) request.flushHeaders()
    else request.end()
  })
}

const upgrade = (protocols: string): Record<string, string> => ({
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-version': '13',
  ...(protocols && { 'sec-websocket-protocol': protocols }),
})

describe('who holds the secret', () => {
  test.each([SECRET, NEXT_SECRET])('is answered (%#)', async (secret) => {
    const headers = { ...JSON_TYPE, authorization: `Bearer ${secret}` }
    const { status, body, headers: answered } = await ask('/cache/v1/ekiben/pull', { headers })
    expect([status, body]).toEqual([200, { page: { head: expect.anything(), events: 'gap' } }])
    expect(answered.get('cache-control')).toBe('no-store')
    expect([...answered.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test.each([
    '/cache/v1/other/pull',
    '/cache/v1/ekiben/prune',
    '/cache/v1/ekiben/stats',
    '/cache/v1/ekiben/ticket',
    '/cache/v1/ekiben/toString',
    '/cache/v1/ekiben/__proto__',
    '/cache/v1/ekiben/pull/',
    '/cache/v1/ekiben',
    '/cache/v1//pull',
    '/cache/v1/%/pull',
    '/cache/v2/ekiben/pull',
    '/cache/v1/../v1/ekiben%2Fpull',
    '/cache/v1/one%2F..%2Fekiben/pull',
    '/cache/v1/ekiben%00/pull',
    '/cache//v1/ekiben/pull',
    '/cache',
  ])('finds nothing at %s', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: { code: 'E_NOT_FOUND' } })
  })

  test('reaches a name by its encoded form and never by a path that leads there', async () => {
    expect((await ask(`/cache/v1/${encodeURIComponent('naïve/..')}/pull`)).status).toBe(200)
    expect(await raw('/cache/v1/naïve/../pull'.replace('ï', '%C3%AF'), BEARER, 'POST')).toBe(404)
    expect(await raw('/cache/v1/two/../ekiben/nothing', BEARER, 'POST')).toBe(404)
  })

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('is refused the method %s', async (method) => {
    const answer = await ask('/cache/v1/ekiben/pull', {
      method,
      ...(method === 'GET' && { body: null }),
    })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded'])(
    'is refused the content type %s',
    async (type) => {
      const headers = { authorization: BEARER.authorization, 'content-type': type ?? '' }
      expect(await ask('/cache/v1/ekiben/pull', { headers })).toMatchObject({ status: 415 })
    },
  )

  test.each([
    ['pull', '{'],
    ['pull', ''],
    ['pull', 'null'],
    ['pull', '[]'],
    ['pull', '"x"'],
    ['read', '{}'],
    ['read', '{"key":"k","tags":[],"namespaces":[],"lease":null}'],
    ['read', '{"key":"k","tags":[],"namespaces":[],"lease":{"token":"A","ttl":0}}'],
    ['read', '{"key":"\\ud800","tags":[],"namespaces":[]}'],
    ['readMany', '{"reads":{}}'],
    ['readMany', '{"reads":[null]}'],
    ['readMany', '{"reads":[],"lease":null}'],
    ['readMany', '{"reads":[],"lease":{"token":"A","ttl":0}}'],
    ['commitMany', '{}'],
    ['commitMany', '{"commits":{}}'],
    ['commitMany', '{"commits":[null]}'],
    ['commitMany', '{"commits":[{"key":"k","tags":[],"namespaces":[]}]}'],
    ['take', '{"key":5,"tags":[],"namespaces":[]}'],
    ['commit', '{"key":"k","tags":[],"namespaces":[]}'],
    ['release', '{"key":"k"}'],
    ['release', '{"key":"k","token":{}}'],
    ['invalidate', '{"events":[{"kind":"other","name":"n","soft":false}]}'],
    ['invalidate', '{"events":[null]}'],
  ])('is told what is wrong with %s %s', async (operation, body) => {
    const answer = await ask(`/cache/v1/ekiben/${operation}`, { body })
    expect(answer).toMatchObject({ status: 400, body: { code: 'E_INVALID_OPTION' } })
  })

  test('is refused text that is no UTF-8', async () => {
    const body = Uint8Array.from([0x22, 0xff, 0x22])
    expect(await ask('/cache/v1/ekiben/pull', { body })).toMatchObject({ status: 400 })
  })

  test('is refused a body that is too large before it is sent', async () => {
    const headers = { ...BEARER, 'content-length': '12000001', expect: '100-continue' }
    expect(await raw('/cache/v1/ekiben/pull', headers, 'POST')).toBe(413)
  })

  test('is told nothing of what failed inside', async () => {
    const commit = { op: 'o', key: 'canary', version: 'v', payload: 'x'.repeat(2_500_000) }
    const rest = { freshFor: null, staleFor: null, mode: { kind: 'set' }, tags: [], namespaces: [] }
    const answer = await ask('/cache/v1/ekiben/commit', { body: JSON.stringify({ ...commit, ...rest }) })
    expect(answer).toMatchObject({
      status: 500,
      body: { code: 'E_COORDINATOR', message: 'The coordinator failed' },
    })
  })
})

describe('who does not hold the secret', () => {
  test.each([
    ['none', {}],
    ['an empty one', { authorization: '' }],
    ['only the scheme', { authorization: 'Bearer ' }],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['a longer one', { authorization: `Bearer ${SECRET}x` }],
    ['a shorter one', { authorization: `Bearer ${SECRET.slice(1)}` }],
    ['both in one', { authorization: `Bearer ${SECRET} ${NEXT_SECRET}` }],
    ['another scheme', { authorization: `Basic ${btoa(`:${SECRET}`)}` }],
    ['no scheme', { authorization: SECRET }],
    ['a protocol without an upgrade', { 'sec-websocket-protocol': bearerProtocol(SECRET) }],
    ['a cookie', { cookie: `token=${SECRET}` }],
  ])('learns nothing from a request with %s', async (_what, headers) => {
    const paths = ['/cache/v1/ekiben/pull', '/cache/v1/other/pull', '/cache/', '/cache/v1/ekiben/subscribe']
    for (const path of paths) {
      const answer = await ask(path, { headers: { ...JSON_TYPE, ...(headers as Record<string, string>) } })
      expect(answer).toMatchObject({
        status: 401,
        body: { code: 'E_UNAUTHORIZED', message: 'Unauthorized' },
      })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
  })

  test.each(['token', 'secret', 'authorization', 'access_token'])(
    'is not let in by the query %s',
    async (name) => {
      const path = `/cache/v1/ekiben/pull?${name}=${SECRET}`
      expect(await ask(path, { headers: JSON_TYPE })).toMatchObject({ status: 401 })
    },
  )

  test('finds nothing where no secret is configured, not even with an empty one', async () => {
    for (const authorization of ['', 'Bearer ', 'Bearer undefined', `Bearer ${SECRET}`]) {
      const headers = { ...JSON_TYPE, authorization }
      expect(await ask('/cache/v1/ekiben/pull', { headers }, closed)).toMatchObject({ status: 404 })
    }
  })
})

describe('a subscription', () => {
  const path = '/cache/v1/ekiben/subscribe'

  test.each([
    ['the protocol and the token', `ekiben.v1, ${bearerProtocol(SECRET)}`, 101],
    ['them the other way round', `${bearerProtocol(NEXT_SECRET)},ekiben.v1`, 101],
    ['only the token', bearerProtocol(SECRET), 426],
    ['only the protocol', 'ekiben.v1', 401],
    ['a wrong token', `ekiben.v1, ${bearerProtocol('wrong')}`, 401],
    [
      'a wrong token before the right one',
      `${bearerProtocol('x')}, ekiben.v1, ${bearerProtocol(SECRET)}`,
      401,
    ],
    ['an empty token', `ekiben.v1, ${bearerProtocol('')}`, 401],
    ['no protocol', '', 401],
  ])('that is offered %s is answered %s', async (_what, protocols, status) => {
    expect(await raw(path, upgrade(protocols))).toBe(status)
  })

  test('takes no bearer header for its token, and opens nothing but itself', async () => {
    expect(await raw(path, { ...upgrade('ekiben.v1'), authorization: `Bearer ${SECRET}` })).toBe(401)
    expect(await raw(path, { authorization: `Bearer ${SECRET}` })).toBe(426)
    const offered = upgrade(`ekiben.v1, ${bearerProtocol(SECRET)}`)
    expect(await raw('/cache/v1/ekiben/pull', offered)).toBe(405)
    expect(await raw('/cache/v1/other/subscribe', offered)).toBe(404)
  })

  test('is not opened by the object itself for requests that are forwarded to it', async () => {
    for (const ticket of ['', 'x', 'undefined', crypto.randomUUID()]) {
      const headers = { ...upgrade(`ekiben.v1, ${bearerProtocol(SECRET)}`), 'x-ekiben-ticket': ticket }
      expect(await raw('/forward/ekiben/subscribe', headers)).toBe(404)
    }
    expect(await ask('/forward/ekiben/v1/ekiben/pull')).toMatchObject({ status: 404, body: 'Not found' })
  })

  test('is hung up on when it says anything but ping', async () => {
    const url = stage.address.replace('http', 'ws')
    for (const message of ['hello', 'x'.repeat(1_000_000), new Uint8Array(3)]) {
      const socket = new WebSocket(`${url}/v1/ekiben/subscribe`, ['ekiben.v1', bearerProtocol(SECRET)])
      socket.addEventListener('open', () => socket.send(message))
      const { code } = await new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
      expect([code, socket.protocol]).toEqual([1008, 'ekiben.v1'])
    }
  })
})
