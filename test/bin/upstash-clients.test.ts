import { Redis } from '@upstash/redis'
import { createClient } from '@vercel/kv'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { eventually } from '../support/eventually.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'token-for-clients'

let redis: RedisServer
let gateway: Gateway

beforeAll(async () => {
  redis = await openRedis()
  gateway = await startGateway({ token, redis: redis.url, port: 0 })
})

afterAll(async () => {
  await gateway.close()
  await redis.close()
})

interface ClientOptions {
  readonly automaticDeserialization?: boolean
  readonly enableAutoPipelining?: boolean
  readonly responseEncoding?: false | 'base64'
}

const clients: readonly (readonly [string, (options?: ClientOptions) => Redis])[] = [
  ['@upstash/redis', (options) => new Redis({ url: gateway.url, token, retry: false, ...options })],
  ['@vercel/kv', (options) => createClient({ url: gateway.url, token, retry: false, ...options })],
]

describe.each(clients)('%s', (_name, open) => {
  let client: Redis

  beforeEach(async () => {
    client = open()
    await client.flushall()
  })

  it('reads and writes strings', async () => {
    expect(await client.set('key', 'value', { ex: 100 })).toBe('OK')
    expect(await client.get('key')).toBe('value')
    expect(await client.ttl('key')).toBe(100)
    expect(await client.set('key', 'other', { nx: true })).toBeNull()
    expect(await client.set('key', 'other', { get: true })).toBe('value')
    expect(await client.mget('key', 'none')).toEqual(['other', null])
    expect(await client.incrby('count', 5)).toBe(5)
    expect(await client.getdel('key')).toBe('other')
    expect(await client.exists('key', 'count')).toBe(1)
    expect(await client.ping()).toBe('PONG')
  })

  it('keeps structures, unicode and what looks like something else', async () => {
    const raw = open({ automaticDeserialization: false })
    const value = { list: [1, null, 'drei'], ключ: '🚃', 'quo"te': 'new\nline' }
    await client.set('object', value)
    expect(await client.get('object')).toEqual(value)
    for (const text of [
      'OK',
      'null',
      '123',
      '',
      '🚃 駅弁',
      '\u0000\u0001',
      'a,b\r\nc',
      'x'.repeat(300_000),
    ]) {
      await raw.set('text', text)
      expect(await raw.get('text')).toBe(text)
      expect(await raw.mget('text')).toEqual([text])
    }
  })

  it('works without base64 as well', async () => {
    const plain = open({ responseEncoding: false })
    await plain.hset('hash', { field: 'ü', OK: 'OK' })
    expect(await plain.hgetall('hash')).toEqual({ field: 'ü', OK: 'OK' })
  })

  it('reads and writes hashes', async () => {
    expect(await client.hset('hash', { one: 1, two: { deep: true } })).toBe(2)
    expect(await client.hget('hash', 'two')).toEqual({ deep: true })
    expect(await client.hgetall('hash')).toEqual({ one: 1, two: { deep: true } })
    expect(await client.hmget('hash', 'one', 'none')).toEqual({ one: 1, none: null })
    expect(await client.hincrby('hash', 'one', 2)).toBe(3)
    expect(await client.hscan('hash', 0)).toEqual(['0', expect.arrayContaining(['one', 3])])
    expect(await client.hdel('hash', 'one')).toBe(1)
    expect(await client.hgetall('none')).toBeNull()
  })

  it('reads and writes sets, sorted sets and streams', async () => {
    expect(await client.sadd('set', 'a', 'b')).toBe(2)
    expect((await client.smembers('set')).toSorted()).toEqual(['a', 'b'])
    expect(await client.smismember('set', ['a', 'c'])).toEqual([1, 0])
    expect(await client.zadd('zset', { score: 1, member: 'a' }, { score: 2.5, member: 'b' })).toBe(2)
    expect(await client.zrange('zset', 0, -1, { withScores: true })).toEqual(['a', 1, 'b', 2.5])
    expect(await client.zrange('zset', 2, 3, { byScore: true })).toEqual(['b'])
    const id = await client.xadd('stream', '*', { field: 'value' })
    expect(await client.xrange('stream', '-', '+')).toEqual({ [id]: { field: 'value' } })
    expect(await client.scan(0, { match: 's*' })).toEqual(['0', expect.arrayContaining(['set', 'stream'])])
  })

  it('runs scripts', async () => {
    expect(await client.eval('return {KEYS[1], ARGV[1], 3, false}', ['key'], ['arg'])).toEqual([
      'key',
      'arg',
      3,
      null,
    ])
    expect(await client.evalRo("return redis.call('GET', KEYS[1])", ['none'], [])).toBeNull()
    await expect(client.evalRo("return redis.call('SET', KEYS[1], 1)", ['key'], [])).rejects.toThrow(
      'Write commands are not allowed',
    )
    await expect(client.evalsha('f'.repeat(40), [], [])).rejects.toThrow('NOSCRIPT')
    const sha = await client.scriptLoad('return ARGV[1]')
    expect(await client.evalsha(sha, [], ['loaded'])).toBe('loaded')
    const script = client.createScript<string>("return 'made of ' .. ARGV[1]")
    expect(await script.exec([], ['rice'])).toBe('made of rice')
    expect(await script.exec([], ['fish'])).toBe('made of fish')
  })

  it('tells what Redis refuses', async () => {
    await client.set('key', 'text')
    await expect(client.incr('key')).rejects.toThrow('ERR value is not an integer or out of range')
    await expect(client.lpush('key', 1)).rejects.toThrow('WRONGTYPE')
  })

  it('sends pipelines', async () => {
    const pipeline = client.pipeline().set('key', 1).incr('key').get('none')
    expect(await pipeline.exec()).toEqual(['OK', 2, null])
    const failing = client.pipeline().set('key', 'text').incr('key').get('key')
    expect(await failing.exec({ keepErrors: true })).toEqual([
      { result: 'OK', error: undefined },
      { result: undefined, error: expect.stringContaining('not an integer') },
      { result: 'text', error: undefined },
    ])
  })

  it('makes pipelines of what is asked for at the same time', async () => {
    const automatic = open({ enableAutoPipelining: true })
    await automatic.set('a', 1)
    gateway.resetStats()
    expect(await Promise.all([automatic.get('a'), automatic.get('b'), automatic.exists('a')])).toEqual([
      1,
      null,
      1,
    ])
    expect(gateway.stats()).toMatchObject({ requests: 1, paths: { '/pipeline': 1 }, commands: 3 })
  })

  it('sends transactions', async () => {
    const transaction = client.multi().set('key', 1).incr('key').hset('hash', { a: 1 }).hgetall('hash')
    expect(await transaction.exec()).toEqual(['OK', 2, 1, { a: 1 }])
    expect(gateway.stats().paths).toHaveProperty('/multi-exec')
    await expect(client.multi().set('key', 3).eval('return 1', ['a', 'b'], []).exec()).resolves.toEqual([
      'OK',
      1,
    ])
  })

  it('sends back the sync token it got', async () => {
    const sent: (string | null)[] = []
    const original = globalThis.fetch
    const spied = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
      sent.push(new Headers(init?.headers).get('upstash-sync-token'))
      return original(url, init)
    })
    const fresh = open({ enableAutoPipelining: false })
    await fresh.set('key', 1)
    await fresh.get('key')
    await fresh.set('key', 2)
    await fresh.get('key')
    spied.mockRestore()
    const [first, second, third, fourth] = sent
    expect(first).toBe('')
    expect(second).toMatch(/^[\w-]+$/)
    expect(third).toBe(second)
    expect(fourth).not.toBe(third)
  })

  it('subscribes to channels', async () => {
    const got: unknown[] = []
    const subscriber = client.subscribe<unknown>(['news', 'weather'])
    subscriber.on('message', ({ channel, message }) => got.push([channel, message]))
    await eventually(() => expect(gateway.stats().streams).toBe(2))
    const count = async (channel: string) => client.publish(channel, { said: 'hello, world', to: '🚃' })
    await eventually(async () => expect(await count('weather')).toBe(1))
    await eventually(() => expect(got).toContainEqual(['weather', { said: 'hello, world', to: '🚃' }]))
    await client.publish('news', 'text')
    await eventually(() => expect(got).toContainEqual(['news', 'text']))
    await subscriber.unsubscribe()
    await eventually(() => expect(gateway.stats().streams).toBe(0))
  })

  it('subscribes to patterns', async () => {
    const got: unknown[] = []
    const subscriber = client.psubscribe<unknown>('news:*')
    subscriber.on('pmessage', (message) => got.push(message))
    await eventually(async () => expect(await client.publish('news:berlin', { n: 1 })).toBe(1))
    await eventually(() =>
      expect(got).toEqual([{ pattern: 'news:*', channel: 'news:berlin', message: { n: 1 } }]),
    )
    await subscriber.unsubscribe()
    await eventually(() => expect(gateway.stats().streams).toBe(0))
  })

  it('is told that its token is wrong', async () => {
    const stranger = new Redis({ url: gateway.url, token: 'wrong', retry: false })
    await expect(stranger.get('key')).rejects.toThrow('Unauthorized')
  })
})
