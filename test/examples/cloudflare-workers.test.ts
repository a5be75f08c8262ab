import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { root } from '../sources.ts'
import { type AppOptions, appForTest } from '../support/app.ts'
import { readmeCommand, readWeather, showsTheWeather, weatherApps } from '../support/weather.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const run = promisify(execFile)

const temporary = mkdtempSync(join(tmpdir(), 'ekiben-wrangler-'))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

/** No network, and nothing of the user's. */
const environment = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_LOG_PATH: join(temporary, 'logs'),
  WRANGLER_REGISTRY_PATH: join(temporary, 'registry'),
  WRANGLER_SEND_METRICS: 'false',
}

const bindings = {
  'examples/cloudflare-worker': ['env.COORDINATOR (Coordinator)'],
  'examples/cloudflare-worker-kv-do': ['env.COORDINATOR (Coordinator)', 'env.CACHE_KV'],
}
const folders = Object.keys(bindings) as (keyof typeof bindings)[]

/** As the README starts it, but on free ports, and with what it stores in a folder of the tests. */
function dev(folder: string): AppOptions {
  const storage = join(temporary, folder.replace('/', '-'))
  return {
    command: [...readmeCommand(folder), '--port', '0', '--inspector-port', '0', '--persist-to', storage],
    env: environment,
    listens: /Ready on (http:\/\/localhost:\d+)/,
  }
}

const apps = folders.flatMap((folder) => weatherApps(folder, () => dev(folder)))

showsTheWeather(apps)

it.each(apps)('$name knows no other path', async ({ get }) => {
  expect((await fetch(`${get().url}/`)).status).toBe(404)
})

// Mostly waiting for wrangler; the last of each app.
describe.concurrent('when it is started anew,', () => {
  it.for(apps)('$name finds in L2 what an isolate before has left there', async ({ name, get }, test) => {
    const before = await readWeather(get(), 'Yamagata')
    // It is written behind its answer. Another one takes the same calls, and a factory more.
    await readWeather(get(), 'Sendai')
    await get().close()
    const next = await readWeather(await appForTest(dev(name), test), 'Yamagata')
    expect(next).toMatchObject({ made: before.made, status: expect.stringMatching(/hit; .*detail=l2/) })
  })

  it.for(folders)('%s is complete for a deployment', async (folder) => {
    const out = join(temporary, `${folder}-out`)
    const command = ['deploy', '--dry-run', '--config', `${folder}/wrangler.toml`, '--outdir', out]
    const { stdout } = await run(join(root, 'node_modules/.bin/wrangler'), command, {
      cwd: root,
      env: { ...process.env, ...environment, NO_COLOR: '1' },
    })
    for (const binding of bindings[folder]) expect(stdout).toContain(binding)
    expect(stdout).toContain('--dry-run: exiting now.')
    expect(readdirSync(out)).toContain('worker.js')
  })
})
