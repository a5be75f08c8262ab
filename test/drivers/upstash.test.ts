import { Redis as UpstashRedis } from '@upstash/redis'
import { describe, expect, test } from 'vitest'
import { fromEnv, upstashDriver, type UpstashOptions } from '../../drivers/upstash.ts'
import { fromEnv as fromVercelEnv, vercelKvDriver } from '../../drivers/vercel-kv.ts'
import type { CacheDriver } from '../../src/ports.ts'
import { hosted, WAYS } from '../support/hosted-redis.ts'
import { gatewayForEach, redisForFile } from '../support/redis-for-file.ts'

const file = redisForFile()
const front = gatewayForEach(file)

describe.each(Object.entries(WAYS))('%s', (name, makeDriver) => {
  const open = () => hosted(makeDriver(front.gateway))

  test('values of every kind come back from another isolate as they went', async () => {
    const values = [
      '123',
      '"quoted"',
      'null',
      'true',
      '',
      'OK',
      0,
      null,
      [1, '2'],
      { a: '\u{1f371}\n\0' },
      '!',
      'bGk=',
    ]
    for (const [key, value] of values.entries()) {
      expect(await open().bento.set({ key: `${key}`, value })).toBe(true)
      expect(await open().bento.get({ key: `${key}` })).toEqual(value)
    }
  })

  test('one isolate computes, the other reads, and invalidations pass', async () => {
    const [one, two] = [open(), open()]
    const ask = (who: typeof one, value: string) =>
      who.bento.getOrSet({ key: 'k', tags: ['t'], factory: () => value })
    expect([await ask(one, 'a'), await ask(two, 'b')]).toEqual(['a', 'a'])
    expect(await one.bento.deleteByTag({ tags: ['t'] })).toBe(true)
    expect(await hosted(makeDriver(front.gateway)).bento.get({ key: 'k' })).toBeUndefined()
    await one.bento.namespace('n').set({ key: 'k', value: 1 })
    await two.bento.namespace('n').clear()
    expect(await open().bento.get({ key: 'n:k' })).toBeUndefined()
    expect(await one.bento.delete({ key: 'nobody' })).toBe(true)
  })

  test('each operation is one request with one command', async () => {
    const { bento } = open()
    // The first page and the first script of each kind are sent whole; from then on only digests go.
    await bento.get({ key: 'k' })
    await bento.set({ key: 'k', value: 1, tags: ['a', 'b', 'c'] })
    for (const run of [
      () => bento.set({ key: 'k', value: 2, tags: ['a'] }),
      () => bento.delete({ key: 'k' }),
      () => bento.expire({ key: 'k' }),
      () => bento.deleteMany({ keys: Array.from({ length: 50 }, (_, at) => `${at}`) }),
      () => bento.deleteByTag({ tags: ['a', 'b', 'c'] }),
      () => bento.clear(),
      () => bento.get({ key: 'other' }),
      () => bento.pull('k'),
    ]) {
      front.gateway.resetRequests()
      await run()
      const { commands } = front.gateway.gateway.stats()
      const requests = Object.values(front.gateway.requests()).reduce((sum, count) => sum + count, 0)
      expect([run.toString(), requests, commands]).toEqual([run.toString(), 1, 1])
    }
  })

  test('requests of several callers at once are not put into one', async () => {
    const { bento } = open()
    await bento.get({ key: 'k' })
    front.gateway.resetRequests()
    await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
    expect(Object.values(front.gateway.requests())).toEqual([3])
  })

  test('neither key nor value nor token stands in an error', async () => {
    const { bento, steps } = hosted(makeDriver(front.gateway), { suppressL2Errors: false })
    const secrets = ['canary-key', 'canary-value', 'canary-tag', front.gateway.token]
    for (const kind of ['error', 'rate-limit', 'html', 'shape', 'truncate'] as const) {
      front.gateway.fault = { kind, status: 502, body: '{}', seconds: 1 }
      const options = { key: 'canary-key', value: 'canary-value', tags: ['canary-tag'] }
      const error: unknown = await bento.set(options).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'E_L2_CACHE_ERROR', cause: { code: 'E_STORE' } })
      const told = steps.splice(0).filter(({ type }) => type === 'l2.error')
      const texts = [error, ...told].map((thing) => textOf(thing)).join('\n')
      expect(secrets.filter((secret) => texts.includes(secret))).toEqual([])
    }
  })

  test('a wrong token is an error that says so in a word', async () => {
    const bad = hosted(makeDriver({ url: front.gateway.url, token: 'wrong' }), { suppressL2Errors: false })
    const error: unknown = await bad.bento.get({ key: 'k' }).catch((thrown: unknown) => thrown)
    expect(textOf(error)).toMatch(/HTTP 401|ERR|WRONGPASS|UpstashError/)
    expect(name).not.toBe('')
  })
})

/** All that an error says, with its causes. */
function textOf(thing: unknown): string {
  if (typeof thing !== 'object' || thing === null) return String(thing)
  const { message, cause, stack, ...rest } = thing as Error & { error?: unknown }
  return [
    message,
    stack,
    JSON.stringify(rest),
    cause && textOf(cause),
    rest.error && textOf(rest.error),
  ].join('\n')
}

describe('by address', () => {
  test('what was written is there when it is read: the newest sync token goes along', async () => {
    const told: (string | null)[] = []
    const given: (string | null)[] = []
    const driver = upstashDriver({
      url: front.gateway.url,
      token: front.gateway.token,
      fetch: async (input, init) => {
        given.push(new Headers(init?.headers).get('upstash-sync-token'))
        const response = await fetch(input, init)
        told.push(response.headers.get('upstash-sync-token'))
        return response
      },
    }).factory({})
    for (let time = 0; time < 3; time++) await driver.set('k', `${time}`)
    expect(told[0]).toEqual(expect.any(String))
    expect(given).toEqual([null, ...told.slice(0, -1)])
  })

  test('a read that was overtaken by a write does not take the token of the write back', async () => {
    const given: (string | null)[] = []
    const waiting: (() => void)[] = []
    const driver = upstashDriver({
      url: front.gateway.url,
      token: front.gateway.token,
      fetch: async (input, init) => {
        given.push(new Headers(init?.headers).get('upstash-sync-token'))
        const response = await fetch(input, init)
        const command = (JSON.parse(init?.body as string) as string[])[0] ?? ''
        if (command.endsWith('_RO') && given.length < 5)
          await new Promise<void>((resolve) => void waiting.push(resolve))
        const headers = { 'upstash-sync-token': `token ${given.length} of ${command}` }
        return new Response(await response.text(), { headers })
      },
    }).factory({})
    await driver.set('k', '1')
    const overtaken = driver.get('k')
    await driver.delete('k')
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
    for (const go of waiting) go()
    await overtaken
    await driver.set('k', '2')
    expect(given.at(-1)).toMatch(/of EVAL$/)
  })

  test('a request that is given up is told by name, and let go', async () => {
    front.gateway.fault = { kind: 'hang' }
    const driver = upstashDriver({ url: front.gateway.url, token: front.gateway.token, timeout: 50 }).factory(
      {},
    )
    await expect(driver.get('k')).rejects.toMatchObject({ code: 'E_L2_TIMEOUT' })
  })

  test('reads that ask for no lease may be answered by a replica, unless they must not', async () => {
    const commands = async (readFrom: UpstashOptions['readFrom']): Promise<unknown[]> => {
      const given: unknown[] = []
      const driver = upstashDriver({
        url: front.gateway.url,
        token: front.gateway.token,
        readFrom,
        fetch: async (input, init) => {
          given.push((JSON.parse(init?.body as string) as unknown[])[0])
          return fetch(input, init)
        },
      }).factory({})
      await driver.set('k', 'v')
      await driver.get('k')
      await driver.get('k')
      return given
    }
    expect(await commands('nearest')).toEqual(['EVAL', 'EVAL_RO', 'EVALSHA_RO'])
    expect(await commands('primary')).toEqual(['EVAL', 'EVAL', 'EVALSHA'])
    await expect(commands('anywhere' as never)).rejects.toMatchObject({ option: 'readFrom' })
  })

  test('a redirect is not followed: the token is for nobody else', async () => {
    let asked = 0
    const driver = upstashDriver({
      ...front.gateway,
      fetch: async (_input, init) => {
        asked++
        expect(init?.redirect).toBe('manual')
        return new Response(null, { status: 307, headers: { location: 'https://elsewhere.test' } })
      },
    }).factory({})
    await expect(driver.get('k')).rejects.toMatchObject({ reason: 'HTTP 307' })
    expect(asked).toBe(1)
  })

  test.each([
    [undefined],
    ['ftp://db.test'],
    ['http://db.test'],
    ['https://user:secret@db.test'],
    ['db.test'],
    [7],
  ])('%s is refused as an address', (url) => {
    expect(() => upstashDriver({ url, token: 'token' } as UpstashOptions)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'url' }),
    )
  })

  test.each([[undefined], [''], ['two words'], ['line\nbreak'], [7]])('%j is refused as a token', (token) => {
    const make = () => vercelKvDriver({ url: 'https://db.test', token } as UpstashOptions)
    expect(make).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'token' }))
    expect(make).not.toThrow(/two words/)
  })

  test.each([[undefined], [null], ['https://db.test']])('%j is refused as options', (options) => {
    expect(() => upstashDriver(options as unknown as UpstashOptions)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION' }),
    )
  })

  test('variables are read from what is handed over, and the one that is missing is named', () => {
    const env = { UPSTASH_REDIS_REST_URL: 'https://a.test', UPSTASH_REDIS_REST_TOKEN: 'b' }
    expect(fromEnv(env)).toEqual({ url: 'https://a.test', token: 'b' })
    expect(fromVercelEnv({ KV_REST_API_URL: 'https://a.test', KV_REST_API_TOKEN: 'b' })).toEqual(fromEnv(env))
    expect(() => fromEnv({ UPSTASH_REDIS_REST_URL: 'https://a.test' })).toThrow(/UPSTASH_REDIS_REST_TOKEN/)
    expect(() => fromVercelEnv({})).toThrow(/KV_REST_API_URL/)
  })

  test('variables are read from the process where nothing is handed over', () => {
    process.env['KV_REST_API_URL'] = 'https://a.test'
    process.env['KV_REST_API_TOKEN'] = 'b'
    try {
      expect(fromVercelEnv()).toEqual({ url: 'https://a.test', token: 'b' })
    } finally {
      delete process.env['KV_REST_API_URL']
      delete process.env['KV_REST_API_TOKEN']
    }
  })
})

describe('by client', () => {
  test.each([[null], [{}], [{ pipeline: 1 }], ['client']])('%j is refused', (client) => {
    expect(() => upstashDriver({ client } as unknown as UpstashOptions)).toThrow(
      expect.objectContaining({ option: 'client' }),
    )
  })

  test('an abort of the client is an error and not an absent value', async () => {
    const { url, token } = front.gateway
    const client = new UpstashRedis({ url, token, signal: AbortSignal.timeout(50), enableTelemetry: false })
    front.gateway.fault = { kind: 'hang' }
    const driver: CacheDriver = upstashDriver({ client }).factory({})
    await expect(driver.get('k')).rejects.toMatchObject({ code: 'E_STORE' })
    await expect(driver.set('k', 'v')).rejects.toMatchObject({ code: 'E_STORE' })
    await expect(driver.delete('k')).rejects.toMatchObject({ code: 'E_STORE' })
  })

  test('a request that the client repeats has its effect once', async () => {
    const { url, token } = front.gateway
    const retry = { retries: 2, backoff: () => 1 }
    const client = new UpstashRedis({ url, token, retry, enableTelemetry: false })
    const { bento } = hosted(upstashDriver({ client }))
    await bento.get({ key: 'k' })
    const commits: string[] = []
    front.gateway.fault = ({ body }) => {
      if (!body.includes('version')) return undefined
      return commits.push(body) === 1 ? { kind: 'drop-after' } : undefined
    }
    expect(await bento.set({ key: 'k', value: 1 })).toBe(true)
    expect(commits).toEqual([commits[0], commits[0]])
    const journal = await file.redis.xrange('___ekiben:bentocache:journal', '-', '+')
    expect(journal.filter(([, fields]) => fields.includes('k:bentocache:k'))).toHaveLength(1)
  })
})
