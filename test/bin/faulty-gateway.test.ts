import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Fault, type FaultyGateway, openFaultyGateway } from '../support/faulty-gateway.ts'
import { type RawClient, rawClient } from '../support/gateway-client.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

let redis: RedisServer
let faulty: FaultyGateway
let client: RawClient
/** The same Redis, around the faults. */
let straight: RawClient

beforeAll(async () => {
  redis = await openRedis()
})

beforeEach(async () => {
  faulty = await openFaultyGateway({ redisUrl: redis.url, heartbeat: 30 })
  client = rawClient(faulty.url, faulty.token)
  straight = rawClient(faulty.gateway.url, faulty.token)
  await straight.run('FLUSHALL')
  faulty.resetRequests()
})

afterEach(() => faulty.close())

afterAll(() => redis.close())

/** Whether a promise is still open after `ms`. */
async function isOpenAfter(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, true)
  })
  const settled = promise.then(
    () => false,
    () => false,
  )
  const isOpen = await Promise.race([settled, late])
  clearTimeout(timer)
  return isOpen
}

const countOf = async () => (await straight.run('GET', 'count')).json
const never = { result: null }
const once = { result: '1' }

describe('without a fault', () => {
  it('everything passes: commands, pipelines, streams, errors, headers', async () => {
    const { json, headers } = await client.run('INCR', 'count')
    expect(json).toEqual({ result: 1 })
    expect(headers.get('upstash-sync-token')).toMatch(/^[\w-]+$/)
    expect((await client.send('/set/a?EX=10', { body: 'grüße' })).json).toEqual({ result: 'OK' })
    expect((await client.send('/pipeline', { body: [['GET', 'a'], ['NOPE']] })).json).toMatchObject([
      { result: 'grüße' },
      {},
    ])
    expect((await client.run('NOPE')).status).toBe(400)
    expect((await rawClient(faulty.url, 'wrong').run('GET', 'a')).status).toBe(401)
    const listener = await client.listen('/subscribe/channel')
    expect(await listener.nextEvent()).toBe('data: subscribe,channel,1')
    await client.run('PUBLISH', 'channel', 'hello')
    expect(await listener.nextEvent()).toBe('data: message,channel,hello')
    listener.cancel()
    expect(faulty.requests()).toEqual({ '/': 4, '/set/a': 1, '/pipeline': 1, '/subscribe/channel': 1 })
    faulty.resetRequests()
    expect(faulty.requests()).toEqual({})
    expect(faulty.gateway.stats()).toMatchObject({ requests: 0, commands: 0 })
  })
})

describe('a fault', () => {
  it('delays', async () => {
    faulty.fault = { kind: 'delay', ms: 120 }
    const began = performance.now()
    expect((await client.run('INCR', 'count')).json).toEqual({ result: 1 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(115)
  })

  it('hangs, and nothing has run', async () => {
    faulty.fault = { kind: 'hang' }
    expect(await isOpenAfter(150, client.run('INCR', 'count'))).toBe(true)
    expect(await countOf()).toEqual(never)
  })

  it('stalls in the middle of an answer to what has run', async () => {
    faulty.fault = { kind: 'stall' }
    const response = await fetch(`${faulty.url}/incr/count`, {
      headers: { authorization: `Bearer ${faulty.token}` },
    })
    expect(response.status).toBe(200)
    expect(await isOpenAfter(150, response.text())).toBe(true)
    expect(await countOf()).toEqual(once)
  })

  it('resets the connection, and nothing has run', async () => {
    faulty.fault = { kind: 'refuse' }
    await expect(client.run('INCR', 'count')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(await countOf()).toEqual(never)
  })

  it('resets the connection after it has run', async () => {
    faulty.fault = { kind: 'drop-after' }
    await expect(client.run('INCR', 'count')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(await countOf()).toEqual(once)
  })

  it('cuts the JSON of an answer to what has run', async () => {
    faulty.fault = { kind: 'truncate' }
    const response = await fetch(`${faulty.url}/incr/count`, {
      headers: { authorization: `Bearer ${faulty.token}` },
    })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect('{"result":1}'.startsWith(text)).toBe(true)
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
    expect(await countOf()).toEqual(once)
  })

  it.each<[Fault, number, string]>([
    [{ kind: 'rate-limit', seconds: 7 }, 429, '{"error":"ERR max requests limit exceeded"}'],
    [{ kind: 'error' }, 500, '{"error":"ERR internal error"}'],
    [{ kind: 'html', status: 200 }, 200, '<!doctype html><title>Not what you asked for</title>'],
    [{ kind: 'html', status: 502 }, 502, '<!doctype html><title>Not what you asked for</title>'],
    [{ kind: 'shape', body: '{}' }, 200, '{}'],
    [{ kind: 'shape', body: '{"result":{}}' }, 200, '{"result":{}}'],
  ])('answers something else, and nothing has run: %j', async (fault, expectedStatus, expectedText) => {
    faulty.fault = fault
    const { status, text, headers } = await client.run('INCR', 'count')
    expect([status, text]).toEqual([expectedStatus, expectedText])
    expect(headers.get('retry-after')).toBe(fault.kind === 'rate-limit' ? '7' : null)
    expect(await countOf()).toEqual(never)
  })

  it('may be chosen for each request, and ends when it is taken back', async () => {
    faulty.fault = ({ path, body }) => (path === '/' && body.includes('INCR') ? { kind: 'error' } : undefined)
    expect((await client.run('INCR', 'count')).status).toBe(500)
    expect((await client.run('GET', 'count')).status).toBe(200)
    faulty.fault = undefined
    expect((await client.run('INCR', 'count')).json).toEqual({ result: 1 })
    expect(faulty.requests()).toEqual({ '/': 3 })
  })
})

describe('streams', () => {
  it('are cut with a reset', async () => {
    const { hostname, port } = new URL(faulty.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET /subscribe/channel HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${faulty.token}\r\n\r\n`,
    )
    await new Promise((resolve) => socket.once('data', resolve))
    const error = new Promise((resolve) => socket.once('error', resolve))
    const listener = await client.listen('/subscribe/channel')
    await listener.nextEvent()
    expect(faulty.cutStreams()).toBe(2)
    expect(await error).toMatchObject({ code: 'ECONNRESET' })
    expect(await listener.nextEvent()).toBeUndefined()
    expect(faulty.cutStreams()).toBe(0)
    const again = await client.listen('/subscribe/channel')
    expect(await again.nextEvent()).toBe('data: subscribe,channel,1')
  })

  it('fall silent and stay open, heartbeats included, even if the gateway ends them', async () => {
    const silent = await client.listen('/subscribe/channel')
    await silent.nextEvent()
    expect(faulty.silenceStreams()).toBe(1)
    const loud = await client.listen('/subscribe/channel')
    await loud.nextEvent()
    await straight.run('PUBLISH', 'channel', 'hello')
    expect(await loud.nextEvent()).toBe('data: message,channel,hello')
    // What had passed before the silence may still be read; after that nothing comes.
    const drained = (async () => {
      for (;;) if ((await silent.next())?.includes('heartbeat') !== true) return
    })()
    for (let beat = 0; beat < 4; beat += 1) await loud.next()
    expect(await isOpenAfter(50, drained)).toBe(true)
    await redis.restart()
    expect(await loud.nextEvent()).toBeUndefined()
    expect(await isOpenAfter(50, drained)).toBe(true)
  })

  it('are mute from the start where they stall', async () => {
    faulty.fault = { kind: 'stall' }
    const listener = await client.listen('/subscribe/channel')
    expect(listener.status).toBe(200)
    expect(await isOpenAfter(100, listener.next())).toBe(true)
  })
})
