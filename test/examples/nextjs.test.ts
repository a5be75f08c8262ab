import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { type App, startApp } from '../support/app.ts'
import { root } from '../sources.ts'
import { eventually } from '../support/eventually.ts'
import { endWithThisProcess } from '../support/process-group.ts'
import { redisForFile } from '../support/redis-for-file.ts'

/** Runs `next build`; what it says is shown if it fails. It may take its time: it is the compiler's, and nobody waits on it. */
async function build(env: NodeJS.ProcessEnv): Promise<void> {
  const next = join(root, 'node_modules/next/dist/bin/next')
  const child = spawn(process.execPath, [next, 'build'], {
    cwd: join(root, 'examples/nextjs'),
    // Of the test runner's own: Next would build something else.
    env: { ...env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithThisProcess(child)
  const said = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`next build ended with ${code}:\n${(await Promise.all(said)).join('\n')}`)
}

/** Next itself: one build, and servers that share a Redis over HTTP, or nothing. */
describe('the Next.js example', () => {
  const file = redisForFile()
  let gateway: Gateway
  let apps: App[] = []
  /** Two servers with a shared tier. */
  let here: App
  let there: App
  /** One by itself. */
  let alone: App

  const cwd = 'examples/nextjs'
  const env = { NEXT_TELEMETRY_DISABLED: '1', KV_REST_API_URL: undefined, UPSTASH_REDIS_REST_URL: undefined }

  beforeAll(async () => {
    gateway = await startGateway({ token: 'secret', redis: file.server.url, port: 0 })
    const shared = { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: 'secret' }
    await build({ ...process.env, ...env })
    const start = async (more: object): Promise<App> => {
      const app = await startApp({
        command: ['next', 'start', '--port', '0', '--hostname', '127.0.0.1'],
        cwd,
        env: { ...env, ...more },
      })
      apps.push(app)
      return app
    }
    ;[here, there, alone] = await Promise.all([start(shared), start(shared), start({})])
  }, 180_000)

  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()))
    apps = []
    await gateway.close()
  })

  /** What tells one run of the cached function from the next. */
  async function dish({ url }: App, shop: string): Promise<string> {
    const response = await fetch(`${url}/menu?shop=${shop}`)
    expect(response.status).toBe(200)
    return ((await response.json()) as { dish: string }).dish
  }

  async function page({ url }: App): Promise<{ dish: string; cache: string | null; html: string }> {
    const response = await fetch(url)
    expect(response.status).toBe(200)
    const html = await response.text()
    const [, found = ''] = /id="dish">([^<]+)</.exec(html) ?? []
    expect(found).toMatch(/^[\da-f-]{36}$/)
    return { dish: found, cache: response.headers.get('x-nextjs-cache'), html }
  }

  async function revalidate({ url }: App, query: string): Promise<void> {
    const response = await fetch(`${url}/revalidate?${query}`, { method: 'POST' })
    expect(response.status).toBe(200)
  }

  /** The page as it is served again and again. */
  function kept(app: App): ReturnType<typeof page> {
    return eventually(async () => {
      const now = await page(app)
      expect(now.cache).toBe('HIT')
      return now
    })
  }

  /**
   * What comes after `before`. Next answers before it has revalidated, and before it has stored what it made, which
   * all who ask meanwhile share.
   */
  function next(ask: () => Promise<string>, before: string): Promise<string> {
    return eventually(async () => {
      const now = await ask()
      expect(now).not.toBe(before)
      return now
    })
  }

  describe.each([
    ['in memory alone', () => alone],
    ['with a shared tier', () => here],
  ])('%s', (_how, app) => {
    it('runs a cached function on a miss and not on a hit', async () => {
      const shop = randomUUID()
      const first = await dish(app(), shop)
      expect(await dish(app(), shop)).toBe(first)
      expect(await dish(app(), randomUUID())).not.toBe(first)
    })

    it('serves nothing older once its tag was revalidated', async () => {
      const [shop, other] = [randomUUID(), randomUUID()]
      const [first, untouched] = [await dish(app(), shop), await dish(app(), other)]
      await revalidate(app(), `tag=menu:${shop}`)
      const second = await next(() => dish(app(), shop), first)
      expect(await dish(app(), shop)).toBe(second)
      expect(await dish(app(), other)).toBe(untouched)
    })

    it('serves what is stale once more while it is made anew', async () => {
      const shop = randomUUID()
      const first = await dish(app(), shop)
      await revalidate(app(), `tag=menu:${shop}&profile=max`)
      expect(await dish(app(), shop)).toBe(first)
      const second = await next(() => dish(app(), shop), first)
      expect(await dish(app(), shop)).toBe(second)
    })

    it('makes anew what a revalidated path reads, though it bears no tag of that path', async () => {
      const shop = randomUUID()
      const first = await dish(app(), shop)
      await revalidate(app(), 'path=/elsewhere')
      expect(await dish(app(), shop)).toBe(first)
      await revalidate(app(), 'path=/menu')
      const second = await next(() => dish(app(), shop), first)
      expect(await dish(app(), shop)).toBe(second)
    })

    it('keeps whole pages, serves them while stale, and lets go of them with their tags', async () => {
      const first = await kept(app())
      await revalidate(app(), 'tag=menus&profile=max')
      const stale = await eventually(async () => {
        const now = await page(app())
        expect(now.cache).toBe('STALE')
        return now
      })
      expect(stale.dish).toBe(first.dish)
      await next(async () => (await page(app())).dish, first.dish)
      const second = await kept(app())
      await revalidate(app(), 'tag=menus')
      const third = await eventually(async () => {
        const now = await page(app())
        expect(now.cache).toBe('MISS')
        return now
      })
      expect(third.dish).not.toBe(second.dish)
    })

    it('shows whoever pressed the button what they have changed', async () => {
      const { dish: first, html } = await kept(app())
      const [, action = ''] = /name="(\$ACTION_ID_[^"]+)"/.exec(html) ?? []
      const form = new FormData()
      form.set(action, '')
      const answer = await fetch(app().url, { method: 'POST', body: form })
      expect(answer.status).toBe(200)
      const [, second = ''] = /id="dish">([^<]+)</.exec(await answer.text()) ?? []
      expect(second).toMatch(/^[\da-f-]{36}$/)
      expect(second).not.toBe(first)
      expect((await page(app())).dish).not.toBe(first)
    })
  })

  it('gives one server what another has made', async () => {
    const shop = randomUUID()
    const made = await dish(here, shop)
    await stored(shop)
    expect(await dish(there, shop)).toBe(made)
    expect((await kept(there)).dish).toBe((await kept(here)).dish)
  })

  it('tells all servers of a revalidation, of functions and of pages', async () => {
    const shop = randomUUID()
    const [first, before] = [await dish(here, shop), await kept(here)]
    await stored(shop)
    expect(await dish(there, shop)).toBe(first)
    expect((await kept(there)).dish).toBe(before.dish)
    await revalidate(there, 'tag=menus')
    await next(() => dish(here, shop), first)
    await next(async () => (await page(here)).dish, before.dish)
  })

  it('tells all servers of a revalidated path', async () => {
    const shop = randomUUID()
    const first = await dish(here, shop)
    await stored(shop)
    expect(await dish(there, shop)).toBe(first)
    await revalidate(there, 'path=/menu')
    await next(() => dish(here, shop), first)
  })

  /** Waits until the shared tier has what the function gave. */
  function stored(shop: string): Promise<void> {
    return eventually(async () => {
      expect(await file.redis.keys(`next-entries*${shop}*`)).not.toEqual([])
    })
  }
})
