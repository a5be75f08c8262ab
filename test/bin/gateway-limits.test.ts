import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { InvalidOptionError } from '../../src/errors.ts'
import { type RawClient, rawClient } from '../support/gateway-client.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'tok/en+with=signs'
const maxBodyBytes = 1000

let redis: RedisServer
let gateway: Gateway
let client: RawClient

beforeAll(async () => {
  redis = await openRedis()
  gateway = await startGateway({ token, redis: redis.url, port: 0, maxBodyBytes })
  client = rawClient(gateway.url, token)
})

afterAll(async () => {
  await gateway.close()
  await redis.close()
})

/** Every way to ask for something. */
const routes = [
  ['POST', '/', ['PING']],
  ['POST', '/pipeline', [['PING']]],
  ['POST', '/multi-exec', [['PING']]],
  ['GET', '/ping', undefined],
  ['POST', '/ping', undefined],
  ['GET', '/subscribe/channel', undefined],
  ['GET', '/psubscribe/pattern', undefined],
  ['DELETE', '/', undefined],
] as const

const queried = (path: string, value: string) => `${path}?_token=${encodeURIComponent(value)}`

async function statusOf(method: string, path: string, options: { body?: unknown; authorization?: string }) {
  const response = await fetch(gateway.url + path, {
    method,
    ...(options.authorization === undefined ? {} : { headers: { authorization: options.authorization } }),
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  const isStream = response.headers.get('content-type') === 'text/event-stream'
  const body: unknown = isStream ? response.body?.cancel() : await response.json()
  return { status: response.status, body, headers: response.headers }
}

describe('a request without the token', () => {
  it.each(routes)('is refused: %s %s', async (method, path, body) => {
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
      token,
      `Bearer ${token} ${token}`,
    ]) {
      const answer = await statusOf(method, path, {
        body,
        ...(authorization === undefined ? {} : { authorization }),
      })
      expect([authorization, answer.status, answer.body]).toEqual([
        authorization,
        401,
        { error: 'Unauthorized' },
      ])
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    for (const wrong of ['', 'wrong', `${token}x`]) {
      expect((await statusOf(method, queried(path, wrong), { body })).status).toBe(401)
    }
  })

  it('is refused even if the query has the right one and the header a wrong one', async () => {
    for (const authorization of ['Bearer wrong', `Basic ${token}`, '']) {
      const answer = await statusOf('GET', queried('/ping', token), { authorization })
      expect([authorization, answer.status]).toEqual([authorization, 401])
    }
  })

  it('reaches nothing of Redis', async () => {
    gateway.resetStats()
    await statusOf('POST', '/', { body: ['SET', 'key', 'value'] })
    expect(gateway.stats()).toMatchObject({ requests: 1, commands: 0 })
  })
})

describe('a request with the token', () => {
  it.each(routes.slice(0, -1))('is answered: %s %s', async (method, path, body) => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const answer = await statusOf(method, path, { body, authorization: `${scheme} ${token}` })
      expect([scheme, answer.status]).toEqual([scheme, 200])
    }
    expect((await statusOf(method, queried(path, token), { body })).status).toBe(200)
  })
})

describe('a method that makes no sense', () => {
  it.each([
    ['GET', '/', 'POST, PUT'],
    ['GET', '/pipeline', 'POST, PUT'],
    ['HEAD', '/multi-exec', 'POST, PUT'],
    ['DELETE', '/get/key', 'GET, HEAD, POST, PUT'],
    ['PATCH', '/', 'POST, PUT'],
    ['OPTIONS', '/get/key', 'GET, HEAD, POST, PUT'],
    ['HEAD', '/subscribe/channel', 'GET, POST, PUT'],
    ['DELETE', '/psubscribe/pattern', 'GET, POST, PUT'],
  ])('is refused: %s %s', async (method, path, allow) => {
    const answer = await client.send(path, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })
})

describe('the size of a body', () => {
  const bodyOf = (size: number) => JSON.stringify(['ECHO', 'x'.repeat(size - '["ECHO",""]'.length)])

  it('may be what is allowed and not a byte more', async () => {
    expect((await client.send('/', { body: bodyOf(maxBodyBytes) })).status).toBe(200)
    const { status, json } = await client.send('/', { body: bodyOf(maxBodyBytes + 1) })
    expect([status, json]).toEqual([413, { error: 'ERR max request size exceeded: 1000 bytes' }])
  })

  it('is measured where it is not declared', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' }
      const upload = request(gateway.url, { method: 'POST', headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      upload.on('error', reject)
      for (let chunk = 0; chunk < 100; chunk += 1) upload.write('x'.repeat(100))
      upload.end()
    })
    expect(status).toBe(413)
  })

  it('does not stop the next request', async () => {
    await client.send('/', { body: 'x'.repeat(5_000_000) })
    expect((await client.run('PING')).json).toEqual({ result: 'PONG' })
  })
})

describe('an option', () => {
  it.each<[string, object, string]>([
    [
      'no token',
      { token: undefined },
      'Invalid token: received undefined, expected printable ASCII without spaces',
    ],
    ['an empty token', { token: '' }, 'Invalid token: received an empty one'],
    ['a token with a space', { token: 'se cret' }, 'Invalid token: received another text'],
    ['another scheme', { redis: 'http://user:secret@host' }, 'Invalid redis: received the scheme http:'],
    ['no URL', { redis: 'secret' }, 'Invalid redis: received no URL, expected a URL with redis: or rediss:'],
    [
      'a port beyond the last',
      { port: 65_536 },
      'Invalid port: received 65536, expected an integer from 0 to 65535',
    ],
    ['a port that is no number', { port: Number.NaN }, 'Invalid port: received NaN'],
    [
      'no time between heartbeats',
      { heartbeat: 0 },
      'Invalid heartbeat: received 0, expected an integer from 1 to 2147483647',
    ],
    ['too much time', { commandTimeout: 2 ** 31 }, 'Invalid commandTimeout: received 2147483648'],
    [
      'part of a byte',
      { maxBodyBytes: 1.5 },
      'Invalid maxBodyBytes: received 1.5, expected an integer of at least 1',
    ],
    ['a text for a number', { maxStreams: '10' }, 'Invalid maxStreams: received string'],
    ['no host', { host: '' }, 'Invalid host: received string, expected an address or a name'],
  ])('is refused with %s', async (_name, options, message) => {
    const started = startGateway({ token: 'token', ...options })
    await expect(started).rejects.toThrow(InvalidOptionError)
    await expect(started).rejects.toThrow(message)
    await expect(started).rejects.not.toThrow(/secret|se cret/)
  })

  it('may be undefined', async () => {
    const options = { redis: undefined, host: undefined, heartbeat: undefined, log: undefined }
    const other = await startGateway({ token, port: 0, ...options, redis: redis.url })
    expect(other.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    await other.close()
  })

  it('that names a port in use fails the start', async () => {
    const port = Number(new URL(gateway.url).port)
    await expect(startGateway({ token, redis: redis.url, port })).rejects.toThrow('EADDRINUSE')
  })
})
