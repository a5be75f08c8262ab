import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CacheHandler } from 'next/dist/server/lib/incremental-cache/index.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import PageCacheHandler from '../../examples/nextjs/cache/page-cache-handler.ts'

type Get = Parameters<CacheHandler['get']>
type Set = Parameters<CacheHandler['set']>

/** As Next calls it; its kinds are a constant enum, which only its own build knows. */
describe('the handler for pages, routes and fetch', () => {
  let folder: string
  let name = 0
  const key = (): string => `/route-cache/APP_PAGE/hash/$/${(name += 1)}`

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-next-'))
    await writeFile(join(folder, 'BUILD_ID'), 'build-1')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Next makes one for each request. */
  const handler = (build = folder): PageCacheHandler =>
    new PageCacheHandler({ serverDistDir: join(build, 'server'), revalidatedTags: [], _requestHeaders: {} })

  const page = (tags: string): object => ({
    kind: 'APP_PAGE',
    html: '<p>rice</p>',
    rscData: Buffer.from([0, 255, 1]),
    postponed: undefined,
    status: 200,
    headers: { 'x-next-cache-tags': tags },
    segmentData: new Map([['/_tree', Buffer.from([2, 254])]]),
  })
  const cacheControl = { revalidate: 600, expire: 3600 }
  const forPage = { kind: 'APP_PAGE', isFallback: false }
  const put = (
    at: string,
    value: object | null,
    ctx: object = { cacheControl },
    build?: string,
  ): Promise<void> => handler(build).set(...([at, value, ctx] as unknown as Set))
  const take = (at: string, ctx: object = forPage, build?: string): ReturnType<CacheHandler['get']> =>
    handler(build).get(...([at, ctx] as unknown as Get))

  it('gives a page back as it was, bytes as Buffers and the map as a map', async () => {
    const at = key()
    expect(await take(at)).toBeNull()
    await put(at, page('_N_T_/a,menus'))
    const found = await take(at)
    expect(found?.cacheControl).toEqual(cacheControl)
    expect(found?.value).toEqual(page('_N_T_/a,menus'))
    const value = found?.value as unknown as { rscData: unknown; segmentData: Map<string, unknown> }
    expect(Buffer.isBuffer(value.rscData)).toBe(true)
    expect(Buffer.isBuffer(value.segmentData.get('/_tree'))).toBe(true)
  })

  it('remembers that there is no page', async () => {
    const at = key()
    await put(at, null)
    expect(await take(at)).toMatchObject({ value: null, cacheControl })
  })

  it('lets go of a page with a tag of it, among which is its path', async () => {
    const [at, other] = [key(), key()]
    await put(at, page('_N_T_/a,menus'))
    await put(other, page('_N_T_/b,menus'))
    await handler().revalidateTag('_N_T_/a')
    expect(await take(at)).toBeNull()
    expect(await take(other)).not.toBeNull()
    await handler().revalidateTag(['menus', 'others'])
    expect(await take(other)).toBeNull()
  })

  it.each([
    ['updated', undefined],
    ['revalidated by a profile', { expire: 100 }],
  ])('does not keep a page that was begun before its tag was %s', async (_how, durations) => {
    const at = key()
    const request = handler()
    expect(await request.get(...([at, forPage] as unknown as Get))).toBeNull()
    vi.advanceTimersByTime(1_000)
    await handler().revalidateTag('stews', durations)
    vi.advanceTimersByTime(1_000)
    await request.set(...([at, page('stews'), { cacheControl }] as unknown as Set))
    expect(await take(at)).toBeNull()
    // What is begun now is kept.
    await request.get(...([at, forPage] as unknown as Get))
    await request.set(...([at, page('stews'), { cacheControl }] as unknown as Set))
    expect(await take(at)).not.toBeNull()
  })

  it.each([600, false as const])(
    'shows a stale page as older than its revalidation of %s s',
    async (revalidate) => {
      const at = key()
      await put(at, page('soups'), { cacheControl: { revalidate, expire: 3600 } })
      await handler().revalidateTag('soups', { expire: 100 })
      const found = await take(at)
      const { lastModified = 0, cacheControl: given } = found ?? {}
      // What Next computes: stale, and not expired.
      expect(given?.revalidate).toBeTypeOf('number')
      expect(lastModified + Number(given?.revalidate) * 1000).toBeLessThan(Date.now())
      expect(lastModified + 3_600_000).toBeGreaterThan(Date.now())
      vi.advanceTimersByTime(100_000)
      expect(await take(at)).toBeNull()
    },
  )

  it('judges what fetch gave by the tags of whoever reads it', async () => {
    const at = key()
    const data = { headers: {}, body: 'cmljZQ==', url: 'https://menus.test', status: 200 }
    const value = { kind: 'FETCH', data, revalidate: 600, tags: ['menus-fetch'] }
    await put(at, value, { fetchCache: true, tags: ['menus-fetch'] })
    const reader = { kind: 'FETCH', tags: ['menus-fetch'], softTags: ['_N_T_/fetching'] }
    expect(await take(at, reader)).toMatchObject({ value })
    await handler().revalidateTag('_N_T_/fetching', { expire: 100 })
    const stale = await take(at, reader)
    expect(Number(stale?.lastModified) + 600_000).toBeLessThan(Date.now())
    await handler().revalidateTag('menus-fetch')
    expect(await take(at, reader)).toBeNull()
  })

  it('keeps the pages of each build apart, and none of a build that has no name yet', async () => {
    const at = key()
    const build = join(folder, 'next-build')
    await mkdir(build)
    await put(at, page(''))
    await put(at, page(''), { cacheControl }, build)
    expect(await take(at, forPage, build)).toBeNull()
    await writeFile(join(build, 'BUILD_ID'), 'build-2')
    expect(await take(at, forPage, build)).toBeNull()
    await put(at, page(''), { cacheControl }, build)
    expect(await take(at, forPage, build)).not.toBeNull()
    expect(await take(at)).not.toBeNull()
  })
})
