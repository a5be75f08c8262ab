import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { type RawClient, rawClient } from '../support/gateway-client.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'token-for-scripts'
const shaOf = (script: string) => createHash('sha1').update(script).digest('hex')

let redis: RedisServer
let gateway: Gateway
let client: RawClient

beforeAll(async () => {
  redis = await openRedis()
})

beforeEach(async () => {
  gateway = await startGateway({ token, redis: redis.url, port: 0 })
  client = rawClient(gateway.url, token)
  await client.run('SCRIPT', 'FLUSH')
  return () => gateway.close()
})

afterAll(() => redis.close())

const json = async (answer: ReturnType<RawClient['run']>) => (await answer).json

describe('a script that allows key locking', () => {
  it.each([
    ['alone', '#!lua flags=allow-key-locking\nreturn ARGV[1]'],
    ['among others', '#!lua flags=no-writes,allow-key-locking,allow-stale\nreturn ARGV[1]'],
  ])('runs as if it did not: %s', async (_name, script) => {
    expect(await json(client.run('EVAL', script, 0, 'first'))).toEqual({ result: 'first' })
    expect(await json(client.run('EVALSHA', shaOf(script), 0, 'second'))).toEqual({ result: 'second' })
    expect(await json(client.run('evalsha', shaOf(script).toUpperCase(), 0, 'third'))).toEqual({
      result: 'third',
    })
    const body = [
      ['EVALSHA', shaOf(script), 0, 'fourth'],
      ['SCRIPT', 'EXISTS', shaOf(script), shaOf('none')],
    ]
    for (const path of ['/pipeline', '/multi-exec']) {
      expect((await client.send(path, { body })).json).toEqual([{ result: 'fourth' }, { result: [1, 0] }])
    }
  })

  it('keeps its other flags', async () => {
    const script = "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('SET', 'a', 1)"
    expect(await json(client.run('EVAL', script, 0))).toEqual({
      error: expect.stringContaining('Write commands are not allowed from read-only scripts'),
    })
  })

  it('may be loaded, and called by the hash that came back or by its own', async () => {
    const script = '#!lua flags=allow-key-locking\nreturn 1'
    const loaded = (await json(client.run('SCRIPT', 'LOAD', script))) as { result: string }
    expect(await json(client.run('EVALSHA', loaded.result, 0))).toEqual({ result: 1 })
    expect(await json(client.run('EVALSHA', shaOf(script), 0))).toEqual({ result: 1 })
  })

  it('is unknown until it was seen, as any script', async () => {
    const script = '#!lua flags=allow-key-locking\nreturn 1'
    expect(await json(client.run('EVALSHA', shaOf(script), 0))).toEqual({
      error: 'NOSCRIPT No matching script. Please use EVAL.',
    })
  })

  it('is known by its first line only', async () => {
    const script = "return '#!lua flags=allow-key-locking'"
    expect(await json(client.run('EVAL', script, 0))).toEqual({ result: '#!lua flags=allow-key-locking' })
    expect(await json(client.run('EVALSHA', shaOf(script), 0))).toEqual({
      result: '#!lua flags=allow-key-locking',
    })
  })
})

describe('a script with a flag nobody knows', () => {
  it('is refused by Redis', async () => {
    expect(await json(client.run('EVAL', '#!lua flags=nonsense\nreturn 1', 0))).toEqual({
      error: expect.stringContaining('Unexpected flag in script shebang: nonsense'),
    })
  })
})
