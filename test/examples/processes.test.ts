import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type HostedRedis, startRedis } from '../../examples/demo/redis.ts'
import { type AppOptions, appForTest } from '../support/app.ts'
import { eventually } from '../support/eventually.ts'
import {
  factoryRuns,
  readmeCommand,
  readStale,
  readWeather,
  showsTheWeather,
  weatherApps,
} from '../support/weather.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const LISTENS = { listens: /(http:\/\/localhost:\d+)/ }

/** Deno keeps what it has compiled in a folder of the user's, unless told otherwise. */
const denoFolder = mkdtempSync(join(tmpdir(), 'ekiben-deno-'))
const environment = { PORT: '0', DENO_DIR: denoFolder, DENO_NO_UPDATE_CHECK: '1' }
const withoutRedis = { UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined }

let redis: HostedRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(async () => {
  await redis.close()
  rmSync(denoFolder, { recursive: true, force: true })
})

const folders = ['examples/node', 'examples/bun', 'examples/deno']

/** What `with-redis` runs, without it. */
function alone(folder: string, env: AppOptions['env']): AppOptions {
  const [, , , , program = '', ...args] = readmeCommand(folder)
  return { command: [program, ...args], env: { ...environment, ...env }, ...LISTENS }
}

describe('as its README starts it,', () => {
  const apps = folders.flatMap((folder) =>
    weatherApps(folder, () => ({ command: readmeCommand(folder), env: environment, ...LISTENS })),
  )

  showsTheWeather(apps)

  it.each(apps)('$name has Redis behind it, and knows no other path', async ({ get }) => {
    expect(get().output()).not.toContain('is not set')
    expect((await fetch(`${get().url}/`)).status).toBe(404)
  })
})

describe.concurrent('told to end,', () => {
  it.for(folders)(
    '%s finishes what goes on behind answers, and the next process has it',
    async (folder, test) => {
      const first = await appForTest(alone(folder, redis.variables), test)
      const stale = await readStale(first, await readWeather(first, folder.replace('/', '-')))
      first.signal('SIGTERM')
      expect(await first.ended).toEqual({ code: null, signal: 'SIGTERM' })
      expect(factoryRuns(first, stale.city)).toBe(2)

      const second = await appForTest(alone(folder, redis.variables), test)
      const next = await readWeather(second, stale.city)
      expect(next.status).toMatch(/hit; .*detail=l2/)
      expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(stale.made))
    },
  )
})

describe('without Redis,', () => {
  it.each(folders)('%s says that memory is all it has, and works', async (folder) => {
    const app = await appForTest(alone(folder, withoutRedis))
    expect(app.output()).toContain('UPSTASH_REDIS_REST_URL is not set: what is cached stays in this process')
    const first = await readWeather(app, 'Niigata')
    expect(await readWeather(app, 'Niigata')).toMatchObject({ made: first.made })
  })
})

it('with-redis ends with what it runs, and tells its code', async () => {
  const source = 'console.log(process.env.KV_REST_API_URL); process.exitCode = 7'
  const app = await appForTest({
    command: ['npm', 'run', '-s', 'with-redis', '--', 'node', '--eval', source],
  })
  expect(await app.ended).toEqual({ code: 7, signal: null })
  await eventually(() => expect(fetch(app.url)).rejects.toThrow('fetch failed'))
})
