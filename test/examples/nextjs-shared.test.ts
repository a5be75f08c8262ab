import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { redisForFile } from '../support/redis-for-file.ts'

/** What lies in the shared tier while one request to it fails. */
describe('the Next.js handlers, when the shared tier does not tell what was revalidated', () => {
  const file = redisForFile()
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await startGateway({ token: 'secret', redis: file.server.url, port: 0 })
  })
  afterAll(() => gateway.close())

  let fails = false
  beforeEach(() => {
    fails = false
    vi.stubEnv('KV_REST_API_URL', undefined)
    vi.stubEnv('UPSTASH_REDIS_REST_URL', gateway.url)
    vi.stubEnv('UPSTASH_REDIS_REST_TOKEN', 'secret')
    const request = globalThis.fetch
    vi.stubGlobal('fetch', async (...[url, init]: Parameters<typeof fetch>) => {
      const body = typeof init?.body === 'string' ? init.body : ''
      if (fails && body.includes('next-marks')) throw new TypeError('fetch failed')
      return request(url, init)
    })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
  })

  /** A server: nothing of another one's memory is in it. */
  async function server() {
    vi.resetModules()
    const { taggedEntries } = await import('../../examples/nextjs/cache/tagged-entries.ts')
    const { now } = await import('../../examples/nextjs/cache/marks.ts')
    const entries = taggedEntries<{ timestamp: number; tags: string[]; dish: string }>('dishes')
    const dish = async (key: string, softTags: string[]) => (await entries.get(key, softTags))?.entry.dish
    return { entries, dish, now }
  }

  it.each([undefined, { expire: 0 }])(
    'serves nothing it cannot judge, then or later: %j',
    async (durations) => {
      const key = `soft ${JSON.stringify(durations)}`
      const [path, other] = ['_N_T_/menu', '_N_T_/other']
      const here = await server()
      await here.entries.set(key, { timestamp: here.now(), tags: [], dish: 'rice' }, 3600)
      expect(await here.dish(key, [path])).toBe('rice')
      await here.entries.revalidate([path], durations)

      const there = await server()
      expect(await there.dish(key, [other])).toBe('rice')
      fails = true
      expect(await there.dish(key, [path])).toBeUndefined()
      fails = false
      expect(await there.dish(key, [path])).toBeUndefined()
      expect(await there.dish(key, [other])).toBe('rice')
    },
  )

  it('keeps nothing it cannot judge', async () => {
    const there = await server()
    const begun = there.now()
    const here = await server()
    await here.entries.revalidate(['a'], undefined)
    fails = true
    await there.entries.set('own', { timestamp: begun, tags: ['a'], dish: 'rice' }, 3600)
    fails = false
    expect(await there.dish('own', [])).toBeUndefined()
    expect(await (await server()).dish('own', [])).toBeUndefined()
  })
})
