import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { rawClient } from '../support/gateway-client.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'
import { root } from '../sources.ts'

// Processes are started and killed here; how long that takes is the machine's affair.
vi.setConfig({ testTimeout: 30_000 })

let redis: RedisServer
const started: ChildProcess[] = []

beforeAll(async () => {
  redis = await openRedis()
})

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

afterAll(() => redis.close())

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [`${root}bin/ekiben.ts`, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  return child
}

/** Runs it to its end. */
async function run(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const child = start(args, env)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { out, err, code: code as number }
}

/** Runs it until it says where it listens. */
async function serve(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const child = start(['gateway', '--port', '0', ...args], env)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, line: String(line), url: /http:\S+/.exec(String(line))![0] }
}

describe('ekiben gateway', () => {
  it('says where it listens, and serves Redis there to who has the token', async () => {
    const { line, url } = await serve(['--redis', redis.url, '--token', 'secret'])
    expect(line).toMatch(/^ekiben gateway listens on http:\/\/127\.0\.0\.1:\d+\n$/)
    expect((await rawClient(url, 'secret').run('PING')).json).toEqual({ result: 'PONG' })
    expect((await rawClient(url, 'other').run('PING')).status).toBe(401)
  })

  it('takes token and Redis from its environment', async () => {
    const { url } = await serve([], { EKIBEN_GATEWAY_TOKEN: 'secret', EKIBEN_GATEWAY_REDIS: redis.url })
    expect((await rawClient(url, 'secret').run('PING')).json).toEqual({ result: 'PONG' })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends its streams and itself at %s', async (signal) => {
    const { child, url } = await serve(['--redis', redis.url, '--token', 'secret', '--heartbeat', '60000'])
    const listener = await rawClient(url, 'secret').listen('/subscribe/channel')
    expect(await listener.next()).toBe(': heartbeat 60000')
    expect(await listener.next()).toBe('data: subscribe,channel,1')
    const ended = once(child, 'exit')
    child.kill(signal)
    expect(await listener.next()).toBeUndefined()
    expect(await ended).toEqual([0, null])
  })

  it('does not start without a token', async () => {
    const error = 'ekiben: a token is needed: set EKIBEN_GATEWAY_TOKEN, or pass --token\n'
    expect(await run(['gateway', '--port', '0'])).toEqual({ out: '', err: error, code: 1 })
    expect(await run(['gateway', '--token', ''], { EKIBEN_GATEWAY_TOKEN: '' })).toMatchObject({ err: error })
  })

  it.each([
    [['gateway', '--port', 'x'], 'Invalid port: received NaN, expected an integer from 0 to 65535'],
    [['gateway', '--port', ''], 'Invalid port: received NaN, expected an integer from 0 to 65535'],
    [
      ['gateway', '--redis', 'localhost'],
      'Invalid redis: received no URL, expected a URL with redis: or rediss:',
    ],
    [['gateway', '--command-timeout', '0'], 'Invalid commandTimeout: received 0, expected an integer from 1'],
    [['gateway', '--nonsense'], "Unknown option '--nonsense'"],
    [['gateway', 'again'], 'gateway takes options only, see --help'],
    [['serve'], 'unknown command serve: the only one is gateway, see --help'],
    [[], 'unknown command (none): the only one is gateway, see --help'],
  ])('refuses %j', async (args, message) => {
    const { out, err, code } = await run(args, { EKIBEN_GATEWAY_TOKEN: 'secret' })
    expect([out, code]).toEqual(['', 1])
    expect(err).toContain(`ekiben: ${message}`)
    expect(err).not.toMatch(/secret|\n\s+at /)
  })

  it('explains itself', async () => {
    const { out, code } = await run(['gateway', '--help'])
    expect(code).toBe(0)
    for (const option of ['--token', '--redis', '--port', '--host', '--heartbeat', '--command-timeout']) {
      expect(out).toContain(option)
    }
    expect((await run(['-h'])).out).toBe(out)
  })

  it('says that a port is taken', async () => {
    const { url } = await serve(['--redis', redis.url, '--token', 'secret'])
    const port = new URL(url).port
    const { err, code } = await run(['gateway', '--redis', redis.url, '--token', 'secret', '--port', port])
    expect([code, err]).toEqual([1, `ekiben: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`])
  })
})
