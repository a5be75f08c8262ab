import { describe, expect, test, vi } from 'vitest'
import {
  durableObjectHttpBusDriver,
  durableObjectHttpDriver,
  type DurableObjectHttpOptions,
} from '../../drivers/durable-object-http.ts'
import type { Coordination } from '../../src/ports.ts'

// Faults that no real coordinator can be made to show. All else is tested against one in `test/remote`.

const TOKEN = 'canary-token'
const url = 'https://cache.example.com/mounted/'
const page = { head: { seq: 1, id: 'one' }, events: [] }
const verdict = { stale: false, freshFor: null, staleFor: 5 }
const entry = { payload: 'x', version: 'v', tags: [], namespaces: [''] }

type Fetch = NonNullable<DurableObjectHttpOptions['fetch']>

function connect(options: Partial<DurableObjectHttpOptions> = {}): Coordination {
  return durableObjectHttpDriver({ url, token: TOKEN, ...options }).factory({}).coordination!
}

function answering(body: unknown, init?: ResponseInit): Coordination {
  return connect({ fetch: async () => new Response(JSON.stringify(body), init) })
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  if (outcome instanceof Error) return outcome
  throw new Error('did not fail')
}

/** Everything an error says, its causes included. */
function saidBy(error: Error): string {
  return [error.message, error.stack, JSON.stringify(error), String(error.cause)].join(' ')
}

describe('a call', () => {
  test('is one POST to the name, with the token in a header and nowhere else', async () => {
    const sent: Parameters<Fetch>[] = []
    const coordination = connect({
      name: 'a/../b',
      fetch: async (...args) => {
        sent.push(args)
        return Response.json({ page })
      },
    })
    await coordination.pull({ cursor: page.head })
    const [[target, init] = []] = sent
    expect(sent).toHaveLength(1)
    expect(target).toBe('https://cache.example.com/mounted/v1/a%2F..%2Fb/pull')
    expect(init).toMatchObject({
      method: 'POST',
      redirect: 'manual',
      body: '{"cursor":{"seq":1,"id":"one"}}',
    })
    expect(init?.headers).toEqual({ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' })
  })

  test('asks for the token each time, and says when there is none', async () => {
    const tokens: (string | undefined)[] = ['first', 'second', undefined, 'not\nvisible']
    const sent: (string | undefined)[] = []
    const coordination = connect({
      token: () => tokens.shift(),
      fetch: async (_url, { headers }) => {
        sent.push(headers['authorization'])
        return Response.json({ page })
      },
    })
    await coordination.pull({})
    await coordination.pull({})
    expect(sent).toEqual(['Bearer first', 'Bearer second'])
    expect(await failureOf(coordination.pull({}))).toMatchObject({
      code: 'E_MISSING_BINDING',
      option: 'token',
    })
    const error = await failureOf(coordination.pull({}))
    expect(error).toMatchObject({ code: 'E_INVALID_OPTION', option: 'token' })
    expect(saidBy(error)).not.toContain('visible\n')
  })

  test.each([201, 204, 301, 307, 400, 401, 404, 413, 429, 500, 503])(
    'that is answered %i is not acknowledged, and its body is given back unread',
    async (status) => {
      const cancelled: unknown[] = []
      const body = new ReadableStream({
        pull: (stream) => stream.enqueue(new TextEncoder().encode('canary-body')),
        cancel: () => void cancelled.push(status),
      })
      const fetch = vi.fn<Fetch>(async () => new Response(status === 204 ? null : body, { status }))
      const error = await failureOf(connect({ fetch }).pull({}))
      expect(error).toMatchObject({ code: 'E_STORE' })
      expect(saidBy(error)).not.toContain('canary')
      expect(cancelled).toEqual(status === 204 ? [] : [status])
      expect(fetch).toHaveBeenCalledTimes(1)
    },
  )

  test('passes on what its fetch throws', async () => {
    const broken = new TypeError('fetch failed')
    expect(await failureOf(connect({ fetch: async () => Promise.reject(broken) }).pull({}))).toBe(broken)
  })

  test('is given up after ten seconds, and leaves no timer when it is answered', async () => {
    vi.useFakeTimers()
    try {
      const fetch: Fetch = async (_url, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      const failure = failureOf(connect({ fetch }).pull({}))
      await vi.advanceTimersByTimeAsync(9_999)
      expect(vi.getTimerCount()).toBe(1)
      await vi.advanceTimersByTimeAsync(1)
      expect((await failure).name).toBe('AbortError')
      await answering({ page }).pull({})
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a reply', () => {
  const read = (coordination: Coordination) => coordination.read({ key: 'k', tags: [], namespaces: [] })
  const commit = (coordination: Coordination) => coordination.commit({} as never)

  test('is taken when it is one', async () => {
    const whole = { ...verdict, entry, lease: { grant: page.head }, leaseLeft: 3, page }
    expect(await read(answering(whole))).toEqual(whole)
    expect(await commit(answering({ stored: true, at: 4, page }))).toMatchObject({ at: 4 })
    const many = answering({ entries: [verdict, { ...verdict, entry }], page })
    const reads = [1, 2].map(() => ({ key: 'k', tags: [], namespaces: [] }))
    expect((await many.readMany({ reads })).entries).toHaveLength(2)
    expect((await failureOf(many.readMany({ reads: [] }))).code).toBe('E_STORE')
    const stored = { commits: [{ stored: true, at: 4 }, { stored: false }], page }
    const commits = [{}, {}] as never
    expect(await answering(stored).commitMany({ commits })).toEqual(stored)
    for (const others of [[], [{}], [{}, {}, {}]])
      expect((await failureOf(answering(stored).commitMany({ commits: others as never }))).code).toBe(
        'E_STORE',
      )
  })

  test.each([
    ['read', null],
    ['read', [page]],
    ['read', verdict],
    ['read', { page }],
    ['read', { ...verdict, page: { head: page.head, events: {} } }],
    ['read', { ...verdict, stale: 'no', page }],
    ['read', { ...verdict, freshFor: undefined, page }],
    ['read', { ...verdict, staleFor: '5', page }],
    ['read', { ...verdict, entry: null, page }],
    ['read', { ...verdict, entry: { ...entry, payload: 5 }, page }],
    ['read', { ...verdict, entry: { ...entry, version: null }, page }],
    ['read', { ...verdict, entry: { ...entry, tags: [5] }, page }],
    ['read', { ...verdict, entry: { ...entry, namespaces: '' }, page }],
    ['read', { ...verdict, lease: {}, page }],
    ['read', { ...verdict, leaseLeft: 'long', page }],
    ['take', { page }],
    ['readMany', { entries: [null], page }],
    ['readMany', { entries: {}, page }],
    ['readMany', { entries: [{ ...verdict, lease: { grant: 'now' } }], page }],
    ['readMany', { entries: [{ ...verdict, leaseLeft: 'long' }], page }],
    ['commitMany', { stored: true, page }],
    ['commitMany', { commits: {}, page }],
    ['commitMany', { commits: [null], page }],
    ['commitMany', { commits: [{}], page }],
    ['commitMany', { commits: [{ stored: 'yes' }], page }],
    ['commitMany', { commits: [{ stored: true, at: 0.5 }], page }],
    ['commitMany', { commits: [{ stored: true }] }],
    ['commit', { stored: 1, page }],
    ['commit', { stored: true, at: 'end', page }],
    ['commit', { stored: true }],
    ['release', {}],
    ['invalidate', { page }],
    ['pull', { page: null }],
  ] as const)('that is none is refused: %s %j', async (operation, reply) => {
    const error = await failureOf(
      answering(reply)[operation]({ reads: [1], events: [1], commits: [1] } as never),
    )
    expect(error).toMatchObject({ code: 'E_STORE' })
  })

  test.each(['leaseLeft', 'freshFor', 'staleFor'])(
    'with a number past all bounds as %s is none',
    async (field) => {
      const text = JSON.stringify({ ...verdict, page, [field]: 0 }).replace(
        `"${field}":0`,
        `"${field}":1e999`,
      )
      const coordination = connect({ fetch: async () => new Response(text) })
      expect(await failureOf(coordination.read({} as never))).toMatchObject({ code: 'E_STORE' })
    },
  )

  test('that is no JSON is refused without a word of it', async () => {
    const coordination = connect({ fetch: async () => new Response('canary-body') })
    const error = await failureOf(coordination.pull({}))
    expect(error).toMatchObject({ code: 'E_STORE' })
    expect(saidBy(error)).not.toContain('canary')
    expect(await failureOf(connect({ fetch: async () => new Response(null) }).pull({}))).toMatchObject({
      code: 'E_STORE',
    })
  })

  test('without end is not received', async () => {
    let chunks = 0
    const chunk = new Uint8Array(1_048_576).fill(32)
    const endless = () => new ReadableStream({ pull: (stream) => (chunks++, stream.enqueue(chunk)) })
    const coordination = connect({ fetch: async () => new Response(endless()) })
    expect(await failureOf(coordination.pull({}))).toMatchObject({ code: 'E_STORE' })
    expect(chunks).toBeLessThanOrEqual(35)
    chunks = 0
    const told = { headers: { 'content-length': '33554433' } }
    const honest = connect({ fetch: async () => new Response(endless(), told) })
    expect(await failureOf(honest.pull({}))).toMatchObject({ code: 'E_STORE' })
    expect(chunks).toBeLessThanOrEqual(1)
  })
})

describe('the options', () => {
  test.each([
    'http://cache.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'ftp://localhost',
    'wss://cache.example.com',
    'https://user@cache.example.com',
    'https://:canary@cache.example.com',
    'https://cache.example.com?token=canary',
    'https://cache.example.com#canary',
    'cache.example.com',
    '',
    5,
  ])('refuse the url %j and do not repeat it', (given) => {
    const make = () => durableObjectHttpDriver({ url: given as string, token: TOKEN })
    expect(make).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'url' }))
    expect(make).toThrow(expect.not.objectContaining({ message: expect.stringMatching(/canary|example/) }))
  })

  test.each(['http://localhost:8787', 'http://127.0.0.1', 'http://[::1]:1', 'https://cache.example.com'])(
    'take the url %s',
    (given) => {
      expect(() => connect({ url: given })).not.toThrow()
      expect(() => connect({ url: new URL(given) })).not.toThrow()
    },
  )

  test('let a token travel unencrypted only where that is said', () => {
    expect(() => connect({ url: 'http://cache.internal', allowInsecure: true })).not.toThrow()
    expect(() => connect({ url: 'http://cache.internal', allowInsecure: false })).toThrow('https')
    expect(() => connect({ url: 'ftp://cache.internal', allowInsecure: true })).toThrow('https')
  })

  test.each([
    [{ token: undefined }, 'E_MISSING_BINDING'],
    [{ token: '' }, 'E_INVALID_OPTION'],
    [{ token: 'canary token' }, 'E_INVALID_OPTION'],
    [{ token: 5 }, 'E_INVALID_OPTION'],
    [{ fetch: {} }, 'E_INVALID_OPTION'],
    [{ webSocket: 'ws' }, 'E_INVALID_OPTION'],
    [{ allowInsecure: 'yes' }, 'E_INVALID_OPTION'],
    [{ name: '' }, 'E_INVALID_OPTION'],
    [{ name: '.' }, 'E_INVALID_OPTION'],
    [{ name: '..' }, 'E_INVALID_OPTION'],
    [{ name: 'half \ud83c' }, 'E_INVALID_OPTION'],
    [{ url: undefined }, 'E_MISSING_BINDING'],
  ])('are refused when the driver is built: %j', (options, code) => {
    const make = () => connect(options as Partial<DurableObjectHttpOptions>)
    expect(make).toThrow(expect.objectContaining({ code }))
    expect(make).toThrow(expect.not.objectContaining({ message: expect.stringContaining('canary') }))
  })

  test('that are explicitly undefined are as good as none', async () => {
    const none = { fetch: undefined, webSocket: undefined, name: undefined, prefix: undefined }
    expect(connect({ ...none, allowInsecure: undefined }).kind).toBe('durable-object')
  })

  test('are told without the token', () => {
    for (const make of [durableObjectHttpDriver, durableObjectHttpBusDriver]) {
      const made = make({ url, token: TOKEN, prefix: 'p' })
      expect(made.options).toEqual({ prefix: 'p' })
      expect(JSON.stringify(made)).not.toContain(TOKEN)
    }
  })

  test('make a driver that prunes where it is bound only', () => {
    expect(durableObjectHttpDriver({ url, token: TOKEN }).factory({}).prune).toBeUndefined()
  })

  test('make a bus that coordinates and pushes', async () => {
    const fetch: Fetch = async () => Response.json({ page })
    const bus = durableObjectHttpBusDriver({ url, token: TOKEN, fetch }).factory({})
    const coordination = bus.coordinate(undefined)
    expect(coordination).toMatchObject({ kind: 'durable-object', subscribe: expect.any(Function) })
    expect(await coordination.pull({})).toEqual({ page })
    await bus.disconnect()
  })
})
