import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { stream } from 'hono/streaming'
import { setMetric, timing as honoTiming } from 'hono/timing'
import { parseList } from 'structured-headers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { BentoCache as FullCache } from '../../adapters/full-process.ts'
import { bento as systemBento, type TellingOptions } from '../../adapters/hono.ts'
import { bento as bunBento } from '../../adapters/hono/bun.ts'
import { bento as denoBento } from '../../adapters/hono/deno.ts'
import { bento } from '../../adapters/hono/node.ts'
import { bento as vercelBento } from '../../adapters/hono/vercel.ts'
import { BentoCache, withRequest } from '../../adapters/node.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { bentostore, InvalidOptionError, type Runtime, UnknownStoreError } from '../../src/index.ts'
import { gate } from '../support/world.ts'

const main = (): ReturnType<typeof bentostore> =>
  bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver())

function open(runtime?: Runtime) {
  return new BentoCache({ default: 'main', stores: { main: main(), other: main() }, runtime })
}

/** What stands in for the execution context of a Worker. */
function context() {
  const handed: Promise<unknown>[] = []
  return {
    handed,
    waitUntil: (work: Promise<unknown>) => void handed.push(work),
    passThroughOnException: () => {},
    props: {},
  }
}

/** The headers that tell, without their numbers. */
function told({ headers }: Response): { readonly status?: string; readonly timing?: string } {
  const [status, timing] = ['Cache-Status', 'Server-Timing'].map((name) =>
    headers.get(name)?.replaceAll(/(ttl|dur)=-?[\d.]+/g, '$1=?'),
  )
  return { ...(status && { status }), ...(timing && { timing }) }
}

describe('the cache of a request', () => {
  const wired = Object.entries({
    system: systemBento,
    node: bento,
    deno: denoBento,
    bun: bunBento,
    vercel: vercelBento,
  })

  test.each(wired)('is made once of its options: %s', async (_, make) => {
    // Where no request says until when to wait, that is said.
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => void vi.restoreAllMocks())
    const app = new Hono()
      .use(make({ default: 'main', stores: { main: main() } }))
      .get('/:key', async (c) => c.text(await c.var.cache.getOrSet({ key: c.req.param('key'), factory })))
    const factory = vi.fn(() => 'made')
    for (const path of ['/k', '/k?again']) expect(await (await app.request(path)).text()).toBe('made')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('is one that stands, and keeps what it can', async () => {
    const cache = new FullCache({ default: 'main', stores: { main: main() } })
    const app = new Hono().get('/', bento({ cache, serverTiming: true }), async (c) =>
      c.json(await c.var.cache.namespace('n').getOrSetEntry({ key: 'k', factory: () => 'v' })),
    )
    await cache.namespace('n').set({ key: 'k', value: 'known' })
    expect(await (await app.request('/')).json()).toMatchObject({ value: 'known', tier: 'l1' })
  })

  test.each([{}, { cacheStatus: true }])('hands its work to the execution context: %j', async (telling) => {
    const cache = open()
    const app = new Hono()
      .use(bento({ cache, ...telling }))
      .get('/', async (c) => c.text(await c.var.cache.getOrSet({ key: 'k', factory: () => 'new' })))
    await cache.set({ key: 'k', value: 'old' })
    await cache.expire({ key: 'k' })
    const own = context()
    expect(await (await app.request('/', {}, {}, own)).text()).toBe('old')
    expect(own.handed).not.toHaveLength(0)
    await Promise.all(own.handed)
    expect(await cache.get({ key: 'k' })).toBe('new')
  })

  test.each([{}, { cacheStatus: true }])('does without one what the runtime does: %j', async (telling) => {
    const cache = open()
    const refreshed = gate<string>()
    const app = new Hono()
      .use(bento({ cache, ...telling }))
      .get('/', async (c) =>
        c.text(await c.var.cache.getOrSet({ key: 'k', factory: () => refreshed.promise })),
      )
    await cache.set({ key: 'k', value: 'old' })
    await cache.expire({ key: 'k' })
    expect(await (await app.request('/')).text()).toBe('old')
    const flushed = cache.flush()
    refreshed.open('new')
    await flushed
    expect(await cache.get({ key: 'k' })).toBe('new')

    // Contexts of another kind, as tests and some hosts pass them, are none.
    for (const other of [undefined, {} as ReturnType<typeof context>]) {
      await cache.expire({ key: 'k' })
      const scope = context()
      const response = await withRequest(scope, () => app.request('/', {}, {}, other))
      expect(await response.text()).toBe('new')
      expect(scope.handed).not.toHaveLength(0)
    }
  })

  test('is refused where it is none, when the middleware is made', () => {
    const stores = { main: main() }
    const cache = open()
    expect(() => bento({ default: 'third' as never, stores })).toThrow(UnknownStoreError)
    const wrong = [
      undefined,
      { cache: undefined },
      { cache: {} },
      { cache, when: true },
      { cache, cacheStatus: { name: 'ü' } },
    ]
    for (const options of wrong) expect(() => bento(options as never)).toThrow(InvalidOptionError)
  })
})

/** An app that asks for keys, one after the other. */
function keysApp(options: TellingOptions = { cacheStatus: { key: true }, serverTiming: true }) {
  const cache = open()
  const app = new Hono().use(bento({ cache, ...options })).get('/keys/:keys', async (c) => {
    for (const key of c.req.param('keys').split(',')) await c.var.cache.getOrSet({ key, factory: () => key })
    return c.text('done')
  })
  return { app, cache }
}

describe('headers', () => {
  test('tell what the cache did for the request, in order', async () => {
    const { app, cache } = keysApp()
    for (const key of ['b', 'c']) await cache.set({ key, value: key })
    await cache.expire({ key: 'c' })
    const response = await app.request('/keys/a,b,c')
    expect(told(response)).toEqual({
      status: [
        'ekiben; fwd=miss; stored; ttl=?; key="a"; detail=factory',
        'ekiben; hit; ttl=?; key="b"; detail=l1',
        'ekiben; hit; ttl=?; key="c"; detail=l1-refresh',
      ].join(', '),
      timing: [
        'cache;desc="getOrSet miss factory";dur=?',
        'cache;desc="getOrSet hit l1";dur=?',
        'cache;desc="getOrSet refresh l1";dur=?',
      ].join(', '),
    })
    expect(parseList(response.headers.get('Cache-Status') ?? '')).toHaveLength(3)
  })

  test('are absent unless they are asked for, and where there is nothing to tell', async () => {
    for (const options of [{}, { cacheStatus: false, serverTiming: false }])
      expect(told(await keysApp(options).app.request('/keys/a'))).toEqual({})
    const { app } = keysApp()
    expect(told(await app.request('/elsewhere'))).toEqual({})
    const named = keysApp({ cacheStatus: { name: 'my cache' } })
    expect(told(await named.app.request('/keys/a'))).toEqual({
      status: '"my cache"; fwd=miss; stored; ttl=?; detail=factory',
    })
  })

  test('are for the requests that are meant, be it decided later', async () => {
    for (const decide of [(meant: boolean) => meant, async (meant: boolean) => meant]) {
      const { app } = keysApp({
        cacheStatus: true,
        when: (c) => decide(c.req.header('x-debug') === 'yes'),
      })
      expect(told(await app.request('/keys/a'))).toEqual({})
      expect(told(await app.request('/keys/a', { headers: { 'x-debug': 'yes' } }))).toEqual({
        status: 'ekiben; hit; ttl=?; detail=l1',
      })
    }
  })

  test('of requests at the same time do not mix', async () => {
    const cache = open()
    const slow = gate<string>()
    const app = new Hono().use(bento({ cache, cacheStatus: { key: true } })).get('/:key', async (c) => {
      const key = c.req.param('key')
      await c.var.cache.getOrSet({ key: 'shared', factory: () => slow.promise })
      await c.var.cache.get({ key })
      return c.text(key)
    })
    const [a, b] = [app.request('/a'), app.request('/b')]
    const quick = await app.request('/quick-404/nothing')
    slow.open('v')
    expect(told(await a).status).toBe(
      'ekiben; fwd=miss; stored; ttl=?; key="shared"; detail=factory, ekiben; fwd=miss; key="a"; detail=none',
    )
    expect(told(await b).status).toBe(
      'ekiben; fwd=miss; stored; collapsed; ttl=?; key="shared"; detail=factory, ekiben; fwd=miss; key="b"; detail=none',
    )
    expect(told(quick)).toEqual({})
  })

  test('are bounded', async () => {
    const { app } = keysApp()
    const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`)
    const { headers } = await app.request(`/keys/${keys.join()}`)
    expect(parseList(headers.get('Cache-Status') ?? '')).toHaveLength(20)
    expect(headers.get('Server-Timing')?.split(', ')).toHaveLength(20)
  })

  test('stand behind what handlers, other middleware and origins have set', async () => {
    const app = new Hono()
      .use(honoTiming({ total: false }))
      .use(bento({ cache: open(), cacheStatus: true, serverTiming: true }))
      .get('/', async (c) => {
        setMetric(c, 'database', 12)
        c.header('Cache-Status', 'Origin; hit')
        c.header('Server-Timing', 'origin;dur=3')
        c.header('Set-Cookie', 'a=1', { append: true })
        c.header('Set-Cookie', 'b=2', { append: true })
        await c.var.cache.get({ key: 'k' })
        return c.text('done')
      })
    const response = await app.request('/')
    const { status, timing: timings } = told(response)
    expect(status).toBe('Origin; hit, ekiben; fwd=miss; detail=none')
    expect(timings).toContain('origin;dur=?, cache;desc="get miss";dur=?')
    expect(timings).toContain('database;dur=?')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })
})

describe('whatever the response is', () => {
  const app = new Hono()
    .use(bento({ cache: open(), cacheStatus: true, serverTiming: true }))
    .use(async (c, next) => {
      await c.var.cache.get({ key: 'k' })
      await next()
    })
    .get('/thrown', () => {
      throw new Error('down')
    })
    .get('/refused', () => {
      throw new HTTPException(418, { message: 'a teapot' })
    })
    .get('/no-error', () => {
      throw 'no error'
    })
    .get('/redirect', () => Response.redirect('http://cache.test/'))
    .get('/failed', () => Response.error())
    .get('/fetched', (c) => fetch(c.req.query('url') ?? ''))
    .get('/not-modified', (c) => c.body(null, 304))
    .get('/empty', (c) => c.body(null, 204))
    .get('/text', (c) => c.text('text', { headers: { 'x-own': 'kept' } }))
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text(`caught ${error.message}`, 500),
  )
  const status = 'ekiben; fwd=miss; detail=none'

  test.each([
    ['/thrown', 500, 'caught down'],
    ['/refused', 418, 'a teapot'],
    ['/redirect', 302, ''],
    ['/not-modified', 304, ''],
    ['/empty', 204, ''],
    ['/text', 200, 'text'],
    ['/nowhere', 404, '404 Not Found'],
  ])('it is told of, and stays what it was: %s', async (path, code, body) => {
    const response = await app.request(path)
    expect([response.status, await response.text()]).toEqual([code, body])
    expect(told(response)).toEqual({ status, timing: 'cache;desc="get miss";dur=?' })
    expect(response.headers.get('x-own')).toBe(path === '/text' ? 'kept' : null)
  })

  test('a request for the head alone has the same headers', async () => {
    const response = await app.request('/text', { method: 'HEAD' })
    expect([await response.text(), response.headers.get('x-own')]).toEqual(['', 'kept'])
    expect(told(response).status).toBe(status)
  })

  test('what has no headers to set is left alone', async () => {
    const response = await app.request('/failed')
    expect([response.type, response.status, told(response)]).toEqual(['error', 0, {}])
  })

  test('what is thrown and no error goes on to who called', async () => {
    await expect(app.request('/no-error')).rejects.toBe('no error')
    expect((await app.request('/text')).status).toBe(200)
  })

  test('what was fetched is handed on as it comes, with what its origin told', async () => {
    const rest = gate<string>()
    const url = await listening(
      createServer((_request, response) => {
        response.writeHead(203, { 'Cache-Status': 'Origin; hit', 'X-Origin': 'kept' })
        response.write('first ')
        rest.promise.then(
          (text) => response.end(text),
          () => response.destroy(),
        )
      }),
    )
    const response = await app.request(`/fetched?url=${encodeURIComponent(url)}`)
    const reader = response.body!.getReader()
    const decoder = new TextDecoder()
    expect(decoder.decode((await reader.read()).value)).toBe('first ')
    rest.open('last')
    expect(decoder.decode((await reader.read()).value)).toBe('last')
    expect([response.status, response.headers.get('x-origin')]).toEqual([203, 'kept'])
    expect(told(response).status).toBe(`Origin; hit, ${status}`)
  })

  test('a stream begins before its end is there', async () => {
    const rest = gate<string>()
    const streaming = new Hono().use(bento({ cache: open(), cacheStatus: true })).get('/', async (c) => {
      await c.var.cache.get({ key: 'k' })
      return stream(c, async (out) => {
        await out.write('first ')
        await out.write(await rest.promise)
        await c.var.cache.get({ key: 'too late to be told' })
      })
    })
    const response = await streaming.request('/')
    expect(told(response)).toEqual({ status })
    const reader = response.body!.getReader()
    const decoder = new TextDecoder()
    expect(decoder.decode((await reader.read()).value)).toBe('first ')
    rest.open('last')
    expect(decoder.decode((await reader.read()).value)).toBe('last')
  })
})

/** The address of a server on a free port, which is closed when the test is over. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
