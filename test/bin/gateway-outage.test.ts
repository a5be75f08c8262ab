import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { type RawClient, rawClient } from '../support/gateway-client.ts'
import { eventually } from '../support/eventually.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'token-for-outages'
const outOfReach = { error: 'ERR Redis is out of reach' }

let redis: RedisServer
let gateway: Gateway
let client: RawClient
let log: string[]

beforeEach(async () => {
  redis = await openRedis()
  log = []
  gateway = await startGateway({
    token,
    redis: redis.url,
    port: 0,
    heartbeat: 50,
    commandTimeout: 500,
    log: (line) => log.push(line),
  })
  client = rawClient(gateway.url, token)
})

afterEach(async () => {
  await gateway.close()
  await redis.close()
})

const isBack = () =>
  eventually(async () => expect((await client.run('PING')).json).toEqual({ result: 'PONG' }))

describe('a Redis that is killed', () => {
  it('is answered for with 503 on every path, at once, until it is back', async () => {
    await redis.kill('SIGKILL')
    for (const answer of [
      client.run('GET', 'key'),
      client.send('/get/key'),
      client.send('/pipeline', { body: [['GET', 'key'], ['NOPE']] }),
      client.send('/multi-exec', { body: [['GET', 'key']] }),
      client.send('/subscribe/channel'),
    ]) {
      const { status, json } = await answer
      expect(status).toBe(503)
      expect(JSON.stringify(json)).toMatch(/out of reach|connection to Redis was lost/)
    }
    expect((await client.run('GET', 'key')).json).toEqual(outOfReach)
    await redis.restart()
    await isBack()
  })

  it('fails what it was busy with, and does it not twice', async () => {
    await client.run('SET', 'key', 'value')
    const busy = [
      client.run('EVAL', 'while true do end', 0),
      client.send('/pipeline', {
        body: [
          ['INCR', 'count'],
          ['GET', 'key'],
        ],
      }),
      client.send('/multi-exec', {
        body: [
          ['INCR', 'count'],
          ['GET', 'key'],
        ],
      }),
    ]
    await eventually(() => expect(gateway.stats().commands).toBe(6))
    await redis.kill('SIGKILL')
    for (const answer of busy) {
      const { status, json } = await answer
      expect([status, json]).toEqual([
        503,
        { error: 'ERR the connection to Redis was lost: the command may have run' },
      ])
    }
    await redis.restart()
    await isBack()
    expect((await client.run('GET', 'count')).json).toEqual({ result: null })
  })

  it('ends the streams, which can be opened again when it is back', async () => {
    const listener = await client.listen('/subscribe/channel')
    expect(await listener.nextEvent()).toBe('data: subscribe,channel,1')
    await redis.kill('SIGKILL')
    expect(await listener.nextEvent()).toBeUndefined()
    expect(gateway.stats().streams).toBe(0)
    await redis.restart()
    await isBack()
    const again = await client.listen('/subscribe/channel')
    expect(await again.nextEvent()).toBe('data: subscribe,channel,1')
    await client.run('PUBLISH', 'channel', 'hello')
    expect(await again.nextEvent()).toBe('data: message,channel,hello')
    again.cancel()
  })

  it('is told of in the log, without what its URL may hold', async () => {
    await redis.kill('SIGKILL')
    await redis.restart()
    await isBack()
    const address = `127.0.0.1:${redis.port}`
    expect(log).toEqual([
      `Redis at ${address} is connected`,
      `Redis at ${address} is lost`,
      `Redis at ${address} is connected`,
    ])
  })
})

describe('a Redis that hangs', () => {
  it('costs the deadline and no more, and works on when it wakes', async () => {
    await redis.kill('SIGSTOP')
    const answers = await Promise.all([
      client.run('GET', 'key'),
      client.send('/pipeline', { body: [['GET', 'key']] }),
      client.send('/multi-exec', { body: [['GET', 'key']] }),
      client.send('/subscribe/channel'),
    ])
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503])
    expect(answers[0].json).toEqual({
      error: 'ERR Redis did not answer within 500 ms: the command may have run',
    })
    await redis.kill('SIGCONT')
    await isBack()
  })

  it('ends the streams, whose silence would otherwise look like peace', async () => {
    const listener = await client.listen('/subscribe/channel')
    await listener.nextEvent()
    await redis.kill('SIGSTOP')
    expect(await listener.nextEvent()).toBeUndefined()
    await redis.kill('SIGCONT')
    await isBack()
  })
})

describe('a Redis that is not there yet', () => {
  it('does not keep the gateway from starting', async () => {
    await redis.kill('SIGKILL')
    const lines: string[] = []
    const early = await startGateway({
      token,
      redis: redis.url.replace('redis://', 'redis://user:hidden@'),
      port: 0,
      log: (line) => lines.push(line),
    })
    const earlyClient = rawClient(early.url, token)
    const { status, json } = await earlyClient.run('PING')
    expect([status, json]).toEqual([503, outOfReach])
    expect(lines).toEqual([
      `Redis at 127.0.0.1:${redis.port} is out of reach (ECONNREFUSED): answering 503 until it is there`,
    ])
    await early.close()
  })

  it('is found when it comes', async () => {
    await redis.kill('SIGKILL')
    const early = await startGateway({ token, redis: redis.url, port: 0 })
    await redis.restart()
    await eventually(async () =>
      expect((await rawClient(early.url, token).run('PING')).json).toEqual({ result: 'PONG' }),
    )
    await early.close()
  })
})
