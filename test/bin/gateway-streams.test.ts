import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { type Listener, type RawClient, rawClient } from '../support/gateway-client.ts'
import { eventually } from '../support/eventually.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'token-for-streams'

let redis: RedisServer
let gateway: Gateway
let client: RawClient

beforeAll(async () => {
  redis = await openRedis()
  gateway = await startGateway({ token, redis: redis.url, port: 0, heartbeat: 40, maxStreams: 20 })
  client = rawClient(gateway.url, token)
})

afterAll(async () => {
  await gateway.close()
  await redis.close()
})

const subscribersOf = async (channel: string) => {
  const { json } = await client.run('PUBSUB', 'NUMSUB', channel)
  return (json as { result: [string, number] }).result[1]
}
const connectionsOf = async () => {
  const { text } = await client.run('INFO', 'clients')
  return Number(/connected_clients:(\d+)/.exec(text)![1])
}
const allLeft = () => eventually(() => expect(gateway.stats().streams).toBe(0))

async function opened(path: string): Promise<Listener> {
  const listener = await client.listen(path)
  expect(listener.status).toBe(200)
  return listener
}

describe('a stream', () => {
  it('begins with the sign of life and the subscriptions, and goes on with messages', async () => {
    const listener = await opened('/subscribe/news/other%20news')
    expect(await listener.next()).toBe(': heartbeat 40')
    expect(await listener.nextEvent()).toBe('data: subscribe,news,1')
    expect(await listener.nextEvent()).toBe('data: subscribe,other news,2')
    expect((await client.run('PUBLISH', 'news', 'first')).json).toEqual({ result: 1 })
    await client.run('PUBLISH', 'elsewhere', 'lost')
    await client.run('PUBLISH', 'other news', '{"a":"b,c"}')
    await client.run('PUBLISH', 'news', 'grüße')
    expect(await listener.nextEvent()).toBe('data: message,news,first')
    expect(await listener.nextEvent()).toBe('data: message,other news,{"a":"b,c"}')
    expect(await listener.nextEvent()).toBe('data: message,news,grüße')
    listener.cancel()
    await allLeft()
  })

  it('of patterns names pattern and channel', async () => {
    const listener = await opened('/psubscribe/news:*')
    expect(await listener.nextEvent()).toBe('data: psubscribe,news:*,1')
    await client.run('PUBLISH', 'news:berlin', 'hello')
    expect(await listener.nextEvent()).toBe('data: pmessage,news:*,news:berlin,hello')
    listener.cancel()
    await allLeft()
  })

  it('is told again and again that it lives', async () => {
    const listener = await opened('/subscribe/quiet')
    await listener.nextEvent()
    for (let beat = 0; beat < 5; beat += 1) expect(await listener.next()).toBe(': heartbeat 40')
    listener.cancel()
    await allLeft()
  })

  it('carries text as it is, base64 or not, and lines as the format has them', async () => {
    const listener = await client.listen('/subscribe/news', {
      method: 'POST',
      body: [],
      headers: { 'upstash-encoding': 'base64', accept: 'text/event-stream' },
    })
    expect(await listener.nextEvent()).toBe('data: subscribe,news,1')
    await client.run('PUBLISH', 'news', 'one\ntwo\r\nthree')
    expect(await listener.nextEvent()).toBe('data: message,news,one\ndata: two\ndata: three')
    listener.cancel()
    await allLeft()
  })

  it('takes a comma for a part of the name', async () => {
    const listener = await opened('/subscribe/a,b')
    expect(await listener.nextEvent()).toBe('data: subscribe,a,b,1')
    expect(await subscribersOf('a,b')).toBe(1)
    listener.cancel()
    await allLeft()
  })

  it('says once what it is asked for twice', async () => {
    const listener = await opened('/subscribe/news/news')
    expect(await listener.nextEvent()).toBe('data: subscribe,news,1')
    await client.run('PUBLISH', 'news', 'once')
    await client.run('PUBLISH', 'news', 'end')
    expect(await listener.nextEvent()).toBe('data: message,news,once')
    expect(await listener.nextEvent()).toBe('data: message,news,end')
    listener.cancel()
    await allLeft()
  })

  it.each(['/subscribe', '/subscribe/', '/psubscribe/a//b'])('needs a name: %s', async (path) => {
    const { status, json } = await client.send(path)
    expect([status, json]).toEqual([400, { error: 'ERR name a channel or pattern in the path' }])
  })

  it('needs a name that can be written', async () => {
    const { status, json } = await client.send('/subscribe/%ff')
    expect([status, json]).toEqual([400, { error: 'ERR channels and patterns are percent-encoded UTF-8' }])
  })
})

describe('streams', () => {
  it('share one connection and one subscription, which end with the last of them', async () => {
    const before = await connectionsOf()
    const listeners = await Promise.all(Array.from({ length: 10 }, () => opened('/subscribe/shared')))
    expect(await subscribersOf('shared')).toBe(1)
    expect(await connectionsOf()).toBe(before + 1)
    expect(gateway.stats().streams).toBe(10)
    await client.run('PUBLISH', 'shared', 'to all')
    for (const listener of listeners) {
      await listener.nextEvent()
      expect(await listener.nextEvent()).toBe('data: message,shared,to all')
    }
    for (const listener of listeners.slice(1)) listener.cancel()
    await eventually(() => expect(gateway.stats().streams).toBe(1))
    await client.run('PUBLISH', 'shared', 'to the last')
    expect(await listeners[0]!.nextEvent()).toBe('data: message,shared,to the last')
    listeners[0]!.cancel()
    await allLeft()
    await eventually(async () => expect(await connectionsOf()).toBe(before))
    expect(await subscribersOf('shared')).toBe(0)
  })

  it('leave the channels of others alone', async () => {
    const stays = await opened('/subscribe/one/two')
    const leaves = await opened('/subscribe/two/three')
    leaves.cancel()
    await eventually(async () => expect(await subscribersOf('three')).toBe(0))
    await client.run('PUBLISH', 'two', 'still here')
    await stays.nextEvent()
    await stays.nextEvent()
    expect(await stays.nextEvent()).toBe('data: message,two,still here')
    stays.cancel()
    await allLeft()
  })

  it('come and go at the same time without losing anything', async () => {
    for (let round = 0; round < 20; round += 1) {
      const listener = await opened('/subscribe/busy')
      await client.run('PUBLISH', 'busy', `round ${round}`)
      await listener.nextEvent()
      expect(await listener.nextEvent()).toBe(`data: message,busy,round ${round}`)
      listener.cancel()
    }
    await allLeft()
  })

  it('are bounded in number', async () => {
    const listeners = await Promise.all(Array.from({ length: 20 }, () => opened('/subscribe/full')))
    const { status, json } = await client.send('/subscribe/full')
    expect([status, json]).toEqual([503, { error: 'ERR too many open streams' }])
    for (const listener of listeners) listener.cancel()
    await allLeft()
    const after = await opened('/subscribe/full')
    after.cancel()
    await allLeft()
  })
})

describe('a client that does not read', () => {
  it('is disconnected, and the others go on', async () => {
    const reader = await opened('/subscribe/flood')
    await reader.nextEvent()
    const { hostname, port } = new URL(gateway.url)
    const idle: Socket = connect(Number(port), hostname)
    idle.write(`GET /subscribe/flood HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await eventually(() => expect(gateway.stats().streams).toBe(2))
    idle.pause()
    const payload = 'x'.repeat(500_000)
    await eventually(async () => {
      await client.run('PUBLISH', 'flood', payload)
      expect(await reader.nextEvent()).toBe(`data: message,flood,${payload}`)
      expect(gateway.stats().streams).toBe(1)
    })
    reader.cancel()
    idle.destroy()
    await allLeft()
  })
})

describe('a closed gateway', () => {
  it('has ended its streams', async () => {
    const other = await startGateway({ token, redis: redis.url, port: 0 })
    const listener = await rawClient(other.url, token).listen('/subscribe/last')
    await listener.nextEvent()
    await Promise.all([other.close(), other.close()])
    expect(await listener.nextEvent()).toBeUndefined()
    expect(await subscribersOf('last')).toBe(0)
  })
})
