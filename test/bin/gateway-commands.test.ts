import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { type RawClient, rawClient } from '../support/gateway-client.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

const token = 'token-for-commands'
const base64 = { 'upstash-encoding': 'base64' }

let redis: RedisServer
let gateway: Gateway
let client: RawClient

beforeAll(async () => {
  redis = await openRedis()
  gateway = await startGateway({ token, redis: redis.url, port: 0 })
  client = rawClient(gateway.url, token)
})

beforeEach(() => client.run('FLUSHALL'))

afterAll(async () => {
  await gateway.close()
  await redis.close()
})

/** Status and JSON, which is what most tests look at. */
async function told(answer: ReturnType<RawClient['send']>): Promise<readonly [number, unknown]> {
  const { status, json } = await answer
  return [status, json]
}

describe('a command in the body', () => {
  it('is answered with its result', async () => {
    expect(await told(client.run('SET', 'key', 'value'))).toEqual([200, { result: 'OK' }])
    expect(await told(client.run('GET', 'key'))).toEqual([200, { result: 'value' }])
    expect(await told(client.run('GET', 'other'))).toEqual([200, { result: null }])
    expect(await told(client.run('STRLEN', 'key'))).toEqual([200, { result: 5 }])
  })

  it('may be written in any case, and hold numbers and booleans', async () => {
    await client.send('/', { body: ['sEt', 'key', 1.5, 'Px', 100_000] })
    await client.send('/', { body: ['SET', 'flag', true] })
    expect(await told(client.run('mget', 'key', 'flag'))).toEqual([200, { result: ['1.5', 'true'] }])
  })

  it('answers with lists in lists, and null in them', async () => {
    const script = "return {1, 'two', {3, false, {}}, redis.status_reply('FINE')}"
    expect(await told(client.run('EVAL', script, 0))).toEqual([
      200,
      { result: [1, 'two', [3, null, []], 'FINE'] },
    ])
  })

  it('keeps hashes lists of fields and values, whatever the fields are called', async () => {
    await client.run('HSET', 'hash', '__proto__', '1', 'length', '2')
    expect(await told(client.run('HGETALL', 'hash'))).toEqual([
      200,
      { result: ['__proto__', '1', 'length', '2'] },
    ])
  })

  it('gives integers with all their digits', async () => {
    const { text } = await client.run('INCRBY', 'counter', '9223372036854775807')
    expect(text).toBe('{"result":9223372036854775807}')
  })

  it('may have more arguments than a function can take', async () => {
    const items = Array.from({ length: 200_000 }, (_, index) => String(index))
    const body = ['RPUSH', 'list', ...items]
    expect(await told(client.send('/', { body }))).toEqual([200, { result: 200_000 }])
  })

  it('is sent with PUT as well', async () => {
    expect(await told(client.send('/', { method: 'PUT', body: ['PING'] }))).toEqual([200, { result: 'PONG' }])
  })

  it('fails with 400 and in the words of Redis', async () => {
    await client.run('SET', 'key', 'value')
    expect(await told(client.run('INCR', 'key'))).toEqual([
      400,
      { error: 'ERR value is not an integer or out of range' },
    ])
    expect(await told(client.run('GET'))).toEqual([
      400,
      { error: "ERR wrong number of arguments for 'get' command" },
    ])
    expect(await told(client.run('EVALSHA', 'f'.repeat(40), 0))).toEqual([
      400,
      { error: 'NOSCRIPT No matching script. Please use EVAL.' },
    ])
  })

  it.each([
    ['no JSON', '["GET"', 'ERR the body is not JSON in UTF-8'],
    ['no UTF-8', new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d]), 'ERR the body is not JSON in UTF-8'],
    ['nothing', '', 'ERR the body is not JSON in UTF-8'],
    ['no list', { GET: 'key' }, 'ERR a command is a JSON array: its name and its arguments'],
    ['an empty list', [], 'ERR empty command'],
    ['an empty name', [''], 'ERR empty command'],
    ['a list in it', ['GET', ['key']], 'ERR the parts of a command are strings, numbers or booleans'],
    ['an object in it', ['GET', {}], 'ERR the parts of a command are strings, numbers or booleans'],
    ['null in it', ['GET', null], 'ERR the parts of a command are strings, numbers or booleans'],
  ])('is refused with %s', async (_name, body, error) => {
    expect(await told(client.send('/', { method: 'POST', body }))).toEqual([400, { error }])
  })
})

describe('a command in the path', () => {
  it('has its arguments between slashes, percent-encoded', async () => {
    expect(await told(client.send('/set/a%2Fb/x%20y+z'))).toEqual([200, { result: 'OK' }])
    expect(await told(client.run('GET', 'a/b'))).toEqual([200, { result: 'x y+z' }])
    expect(await told(client.send('/mget/a%2Fb/none'))).toEqual([200, { result: ['x y+z', null] }])
  })

  it('takes the body as its last argument, byte by byte, and what the query holds behind it', async () => {
    const bytes = new Uint8Array([0, 255, 13, 10, 128])
    expect(await told(client.send('/set/key?EX=100&NX', { body: bytes }))).toEqual([200, { result: 'OK' }])
    expect(await told(client.send('/get/key', { headers: base64 }))).toEqual([200, { result: 'AP8NCoA=' }])
    expect(await told(client.send('/ttl/key'))).toEqual([200, { result: 100 }])
    expect(await told(client.send('/set/key?NX', { body: 'other' }))).toEqual([200, { result: null }])
  })

  it('may have empty arguments', async () => {
    await client.send('/set/key/')
    expect(await told(client.run('GET', 'key'))).toEqual([200, { result: '' }])
  })

  it('runs without an answer when it is asked for with HEAD', async () => {
    const answer = await client.send('/set/key/value', { method: 'HEAD' })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(await told(client.run('GET', 'key'))).toEqual([200, { result: 'value' }])
  })

  it('is refused where it is not well encoded', async () => {
    const expected = [400, { error: 'ERR the URL is not well percent-encoded' }]
    expect(await told(client.send('/get/%zz'))).toEqual(expected)
    expect(await told(client.send('/get/%2'))).toEqual(expected)
  })
})

describe('base64', () => {
  it('encodes every string but the status OK', async () => {
    expect(await told(client.send('/', { body: ['SET', 'key', 'grüße'], headers: base64 }))).toEqual([
      200,
      { result: 'OK' },
    ])
    const script = "return {1, 'OK', {false, 'two'}}"
    expect(
      await told(
        client.send('/pipeline', {
          body: [['GET', 'key'], ['PING'], ['EVAL', script, 0], ['STRLEN', 'key'], ['NOPE']],
          headers: base64,
        }),
      ),
    ).toEqual([
      200,
      [
        { result: 'Z3LDvMOfZQ==' },
        { result: 'UE9ORw==' },
        { result: [1, 'T0s=', [null, 'dHdv']] },
        { result: 7 },
        { error: "ERR unknown command 'NOPE', with args beginning with: " },
      ],
    ])
  })

  it('keeps bytes that are no UTF-8, which plain JSON cannot', async () => {
    await client.run('SETBIT', 'key', 0, 1)
    expect(await told(client.send('/get/key', { headers: base64 }))).toEqual([200, { result: 'gA==' }])
    expect(await told(client.send('/get/key'))).toEqual([200, { result: '\uFFFD' }])
  })

  it('is the only other form of an answer', async () => {
    const headers = { 'upstash-response-format': 'resp2' }
    expect(await told(client.send('/get/key', { headers }))).toEqual([
      400,
      { error: 'ERR the only Upstash-Response-Format here is json' },
    ])
  })
})

describe('a pipeline', () => {
  it('runs in order and answers each command in its place', async () => {
    const body = [
      ['SET', 'key', 1],
      ['INCR', 'key'],
      ['LPUSH', 'key', 'x'],
      ['SUBSCRIBE', 'channel'],
      ['INCR', 'key'],
    ]
    expect(await told(client.send('/pipeline', { body }))).toEqual([
      200,
      [
        { result: 'OK' },
        { result: 2 },
        { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
        {
          error: 'ERR SUBSCRIBE is not supported here: use GET /subscribe/<channel> or /psubscribe/<pattern>',
        },
        { result: 3 },
      ],
    ])
  })

  it.each([
    ['no list', {}, 'ERR a pipeline is a JSON array of commands'],
    ['no command in it', [], 'ERR empty pipeline'],
    ['something else in it', [['PING'], 'PING'], 'ERR a command is a JSON array: its name and its arguments'],
    ['an empty command in it', [['PING'], []], 'ERR empty command'],
  ])('is refused as a whole with %s', async (_name, body, error) => {
    expect(await told(client.send('/pipeline', { body }))).toEqual([400, { error }])
    expect(await told(client.send('/multi-exec', { body }))).toEqual([400, { error }])
  })
})

describe('a transaction', () => {
  it('answers each command in its place', async () => {
    const body = [
      ['SET', 'key', 'value'],
      ['INCR', 'key'],
      ['GET', 'key'],
    ]
    expect(await told(client.send('/multi-exec', { body, headers: base64 }))).toEqual([
      200,
      [{ result: 'OK' }, { error: 'ERR value is not an integer or out of range' }, { result: 'dmFsdWU=' }],
    ])
  })

  it('runs as a whole or not at all', async () => {
    const body = [
      ['SET', 'key', 'value'],
      ['NOPE', 'x'],
    ]
    const [status, json] = await told(client.send('/multi-exec', { body }))
    expect([status, json]).toEqual([
      400,
      { error: expect.stringMatching(/^EXECABORT .*ERR unknown command 'NOPE'/) },
    ])
    const refused = [['SET', 'key', 'value'], ['EXEC'], ['SET', 'key', 'other']]
    expect(await told(client.send('/multi-exec', { body: refused }))).toEqual([
      400,
      { error: 'ERR EXEC is not supported here: send the commands to POST /multi-exec' },
    ])
    expect(await told(client.run('EXISTS', 'key'))).toEqual([200, { result: 0 }])
  })

  it('lets no other request in between', async () => {
    const step = Array.from({ length: 20 }, () => ['INCR', 'key'])
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { json } = await client.send(index % 2 ? '/pipeline' : '/multi-exec', { body: step })
        return (json as { result: number }[]).map(({ result }) => result)
      }),
    )
    const transactions = answers.filter((_, index) => index % 2 === 0)
    for (const results of transactions) {
      expect(results).toEqual(results.map((_, index) => results[0]! + index))
    }
    expect(await told(client.run('GET', 'key'))).toEqual([200, { result: '400' }])
  })
})

describe('a command that would harm others', () => {
  it.each([
    'AUTH a',
    'BLPOP x 0',
    'BRPOPLPUSH a b 0',
    'BZPOPMIN z 0',
    'CLIENT REPLY OFF',
    'CONFIG SET dir /',
    'DEBUG SLEEP 1',
    'DISCARD',
    'EXEC',
    'HELLO 3',
    'MONITOR',
    'MULTI',
    'PSUBSCRIBE x',
    'QUIT',
    'REPLICAOF NO ONE',
    'RESET',
    'SCRIPT DEBUG YES',
    'SELECT 1',
    'SHUTDOWN',
    'SUBSCRIBE x',
    'UNSUBSCRIBE',
    'WAIT 1 0',
    'WATCH key',
    'XREAD BLOCK 0 STREAMS x $',
    'XREADGROUP GROUP g c block 0 STREAMS x >',
  ])('is refused: %s', async (line) => {
    const [name, ...args] = line.split(' ')
    const error = expect.stringMatching(new RegExp(`^ERR ${name} is not supported here: `))
    expect(await told(client.run(name!.toLowerCase(), ...args))).toEqual([400, { error }])
    expect(await told(client.send('/pipeline', { body: [[name, ...args]] }))).toEqual([200, [{ error }]])
  })

  // Redis looks names up without what follows a NUL, so these could be commands that are refused.
  it.each([
    ['SELECT\0a', '1'],
    ['SCRIPT', 'DEBUG\0'],
    ['GET\n', 'k'],
    [' GET', 'k'],
    ['g\u0131t', 'k'],
  ])('is refused with a name that is none: %j', async (...command) => {
    const error = expect.stringMatching(/name of a command|not supported here/)
    expect(await told(client.run(...command))).toEqual([400, { error }])
    const path = command.map((part) => encodeURIComponent(part)).join('/')
    expect(await told(client.send(`/${path}`))).toEqual([400, { error }])
  })

  it('is known by its options, not by the names of keys', async () => {
    expect(await told(client.run('XREAD', 'STREAMS', 'BLOCK', '0'))).toEqual([200, { result: null }])
    expect(await told(client.run('SCRIPT', 'EXISTS', 'debug'))).toEqual([200, { result: [0] }])
  })

  it('is not mistaken for a property of objects', async () => {
    const [status, json] = await told(client.run('constructor'))
    expect([status, json]).toEqual([400, { error: expect.stringContaining('ERR unknown command') }])
  })
})

describe('the sync token', () => {
  const tokenOf = async (answer: ReturnType<RawClient['send']>) =>
    (await answer).headers.get('upstash-sync-token')

  it('comes with every answer and changes with writes', async () => {
    const first = await tokenOf(client.run('GET', 'key'))
    expect(first).toMatch(/^[\w-]+$/)
    expect(await tokenOf(client.send('/get/key'))).toBe(first)
    const second = await tokenOf(client.run('SET', 'key', 'value'))
    expect(second).not.toBe(first)
    expect(await tokenOf(client.send('/multi-exec', { body: [['GET', 'key']] }))).toBe(second)
    expect(
      await tokenOf(
        client.send('/pipeline', {
          body: [
            ['GET', 'key'],
            ['DEL', 'key'],
          ],
        }),
      ),
    ).not.toBe(second)
  })

  it('may come back, whatever it is', async () => {
    for (const value of ['', 'no token of ours', (await tokenOf(client.run('PING')))!]) {
      const answer = client.send('/get/key', { headers: { 'upstash-sync-token': value } })
      expect(await told(answer)).toEqual([200, { result: null }])
    }
  })
})

describe('the counts', () => {
  it('are of requests, by what they ask for, and of commands that Redis got', async () => {
    gateway.resetStats()
    await client.run('PING')
    await client.run('EVAL', "redis.call('SET', 'a', 1) return redis.call('GET', 'a')", 0)
    await client.run('BLPOP', 'x', 0)
    await client.send('/get/a')
    await client.send('/get/a', { headers: { authorization: 'Bearer wrong' } })
    await client.send('/pipeline', {
      body: [
        ['GET', 'a'],
        ['GET', 'b'],
        ['SUBSCRIBE', 'x'],
      ],
    })
    await client.send('/multi-exec', {
      body: [
        ['GET', 'a'],
        ['GET', 'b'],
        ['GET', 'c'],
      ],
    })
    expect(gateway.stats()).toEqual({
      requests: 7,
      paths: { '/': 3, '/command': 2, '/pipeline': 1, '/multi-exec': 1 },
      commands: 8,
      streams: 0,
    })
    gateway.resetStats()
    expect(gateway.stats()).toEqual({ requests: 0, paths: {}, commands: 0, streams: 0 })
  })
})
