import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type HostedRedis, startRedis } from '../../examples/demo/redis.ts'
import { read } from '../sources.ts'
import { type App, type AppOptions, appForTests, startApp } from '../support/app.ts'
import { eventually } from '../support/eventually.ts'
import { TTL_MS } from '../support/weather.ts'

// All start at the same time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000, sequence: { hooks: 'parallel' } })

const temporary = mkdtempSync(join(tmpdir(), 'ekiben-hono-'))

/** Free ports, no network, and nothing of the user's. */
const environment = {
  PORT: '0',
  DENO_DIR: join(temporary, 'deno'),
  DENO_NO_UPDATE_CHECK: '1',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_LOG_PATH: join(temporary, 'logs'),
  WRANGLER_REGISTRY_PATH: join(temporary, 'registry'),
}

let redis: Promise<HostedRedis> | undefined
afterAll(async () => {
  await (await redis)?.close()
  rmSync(temporary, { recursive: true, force: true })
})

/** What tells the apps of the Redis they share. */
async function variables(): Promise<Readonly<Record<string, string>>> {
  return (await (redis ??= startRedis())).variables
}

const withoutRedis = { UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined }

/** The command that starts an entry, as the README has it. */
function readmeCommand(entry: string): AppOptions['command'] {
  const line = read('examples/hono/README.md')
    .split('\n')
    .find((text) => text.startsWith('npx ') && text.includes(entry))
  const [program, ...args] = line?.split(' ') ?? []
  if (!program) throw new Error(`the README does not say how to start ${entry}`)
  return [program, ...args]
}

function options(command: AppOptions['command'], env: AppOptions['env']): AppOptions {
  // Deno names two addresses, of which this is the one to call.
  const listens = /(http:\/\/(?:localhost|127\.0\.0\.1):\d+)/
  return { command, env: { ...environment, ...env }, listens }
}

/** As the README starts it. */
async function sharingRedis(entry: string): Promise<AppOptions> {
  return options(readmeCommand(entry), await variables())
}

/** The same, but on free ports, and with what it stores in a folder of the tests. */
function worker(): AppOptions {
  const [program, ...args] = readmeCommand('wrangler.toml')
  const free = ['--port', '0', '--inspector-port', '0', '--persist-to', join(temporary, 'worker')]
  return {
    command: [program, ...args.slice(0, args.indexOf('--port')), ...free],
    env: environment,
    listens: /Ready on (http:\/\/localhost:\d+)/,
  }
}

const sharing = {
  Node: appForTests(() => sharingRedis('/node.ts')),
  Bun: appForTests(() => sharingRedis('/bun.ts')),
  Deno: appForTests(() => sharingRedis('/deno.ts')),
  "Vercel's edge runtime": appForTests(() => sharingRedis('/vercel-local.ts')),
}
const apps = Object.entries({ ...sharing, 'Cloudflare Workers': appForTests(worker) })

interface Reading {
  readonly made: string
  readonly status: string
  readonly timing: string
}

async function readWeather({ url }: App, city: string): Promise<Reading> {
  const response = await fetch(`${url}/weather?city=${encodeURIComponent(city)}`)
  const { city: told, made } = (await response.json()) as { city: string; made: string }
  expect([response.status, told]).toEqual([200, city])
  return {
    made,
    status: response.headers.get('Cache-Status') ?? '',
    timing: response.headers.get('Server-Timing') ?? '',
  }
}

function runs(app: App, city: string): number {
  return app.output().split(`asked for the weather in ${city}\n`).length - 1
}

/** Reads once the value has expired, in L2 too, where its life began a little later. It is served while it is refreshed. */
async function readStale(app: App, city: string, first: Reading | undefined): Promise<Reading> {
  await sleep(Math.max(0, Date.parse(first?.made ?? '') + TTL_MS + 1_000 - Date.now()))
  const reading = await readWeather(app, city)
  expect(reading.status).toMatch(/detail=l[12]-refresh$/)
  // Nobody asks meanwhile: a refresh that is lost with its request never says so.
  await eventually(() => expect(runs(app, city)).toBe(2))
  return reading
}

describe('one app', () => {
  /** All values expire at the same time, while the first tests run. */
  const firsts = new Map<string, Reading>()
  beforeAll(async () => {
    for (const [name, get] of apps) firsts.set(name, await readWeather(get(), `Toyama on ${name}`))
  })

  describe.each(apps)('on %s', (name, get) => {
    it('asks once for all who come at the same time, then answers from memory, and tells each', async () => {
      const app = get()
      const city = `Kanazawa on ${name}`
      const key = `key="weather:${city}"`
      const crowd = await Promise.all(Array.from({ length: 8 }, () => readWeather(app, city)))
      expect(new Set(crowd.map(({ made }) => made)).size).toBe(1)
      const alone = crowd.filter(({ status }) => !status.includes('collapsed') && status.includes('fwd=miss'))
      expect(alone).toHaveLength(1)
      expect(alone[0]?.status).toMatch(/^ekiben; fwd=miss; stored; ttl=[45]; key="[^"]+"; detail=factory$/)
      expect(alone[0]?.timing).toMatch(/^cache;desc="getOrSet miss factory";dur=[\d.]+$/)
      for (const { status } of crowd) expect(status.split('ekiben; ')).toHaveLength(2)
      const hit = await readWeather(app, city)
      expect(hit.made).toBe(crowd[0]?.made)
      expect(hit.status).toMatch(/^ekiben; hit; ttl=-?\d+; key="[^"]+"; detail=l[12](-refresh)?$/)
      expect(hit.status).toContain(key)
      expect(hit.timing).toMatch(/^cache;desc="getOrSet (hit|refresh) l[12]";dur=[\d.]+$/)
    })
  })

  describe.each(apps)('on %s, later', (name, get) => {
    it('serves what has expired, and has refreshed it behind the answer when somebody comes again', async () => {
      const app = get()
      const city = `Toyama on ${name}`
      const stale = await readStale(app, city, firsts.get(name))
      expect(stale).toMatchObject({
        made: firsts.get(name)?.made,
        status: expect.stringMatching(/^ekiben; hit; ttl=-\d+; /),
        timing: expect.stringMatching(/^cache;desc="getOrSet refresh l[12]";dur=[\d.]+$/),
      })
      await eventually(async () => {
        const next = await readWeather(app, city)
        expect(next.status).toContain('ekiben; hit; ')
        expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(stale.made))
      })
      if (name === "Vercel's edge runtime") await app.says(/waited until work was done/)
    })
  })

  describe.each(apps)('on %s, at last', (name, get) => {
    it('asks again for what was invalidated by its tag', async () => {
      const app = get()
      const city = `Fukui on ${name}`
      const before = await readWeather(app, city)
      const answer = await fetch(`${app.url}/weather`, { method: 'DELETE' })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('Server-Timing')).toMatch(/^cache;desc="deleteByTag";dur=[\d.]+$/)
      expect(answer.headers.get('Cache-Status')).toBeNull()
      const next = await readWeather(app, city)
      expect(next.status).toMatch(/^ekiben; fwd=miss; stored; /)
      expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(before.made))
    })
  })

  it('what one runtime has asked for the others find, until one of them invalidates it', async () => {
    const [first, ...others] = Object.values(sharing).map((get) => get())
    const city = 'Takaoka'
    const { made } = await readWeather(first!, city)
    for (const app of others) expect(await readWeather(app, city)).toMatchObject({ made })
    await fetch(`${others[0]!.url}/weather`, { method: 'DELETE' })
    for (const app of [first!, ...others]) {
      await eventually(async () => {
        const reading = await readWeather(app, city)
        expect(Date.parse(reading.made)).toBeGreaterThan(Date.parse(made))
      })
    }
  })
})

describe.concurrent('told to end', () => {
  it.each(['node', 'bun', 'deno'])('%s finishes what a request has left behind its answer', async (name) => {
    const [, program = '', ...args] = readmeCommand(`/${name}.ts`)
    const command = [program, ...args] as const
    const app = await startApp(options(command, withoutRedis))
    try {
      expect(app.output()).toContain('there is no L2: what is cached stays here')
      const city = `Niigata on ${name}`
      await readWeather(app, city)
      await eventually(async () => expect((await readWeather(app, city)).status).toMatch(/l[12]-refresh/))
      app.signal('SIGTERM')
      expect(await app.ended).toEqual({ code: null, signal: 'SIGTERM' })
      expect(runs(app, city)).toBe(2)
    } finally {
      await app.close()
    }
  })
})
