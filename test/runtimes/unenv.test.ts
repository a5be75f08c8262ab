import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { build, type Metafile, type Plugin } from 'esbuild'
import { defineEnv } from 'unenv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { root } from '../sources.ts'

const run = promisify(execFile)

/** All that a Worker may be made of: both caches, the drivers of the edge, the coordinator. */
const worker = `
  import { env } from 'cloudflare:workers'
  import { BentoCache, bentostore } from '${root}adapters/cloudflare.ts'
  import { BentoCache as FullBentoCache } from '${root}adapters/full-cloudflare.ts'
  import { cloudflareKvDriver } from '${root}drivers/cloudflare-kv.ts'
  import { durableObjectBusDriver, durableObjectDriver } from '${root}drivers/durable-object.ts'
  import { memoryDriver } from '${root}drivers/memory.ts'
  import { upstashDriver } from '${root}drivers/upstash.ts'
  export { Coordinator } from '${root}workers/coordinator.ts'

  const binding = () => env.COORDINATOR
  const hosted = { url: 'https://cache.test', token: 'token' }
  const bento = new BentoCache({
    default: 'main',
    stores: {
      main: bentostore().useL1Layer(memoryDriver()).useL2Layer(durableObjectDriver({ binding })),
      kv: bentostore().useL2Layer(cloudflareKvDriver({ binding: () => env.KV })).useBus(durableObjectBusDriver({ binding })),
    },
  })
  const full = new FullBentoCache({
    default: 'main',
    stores: { main: bentostore().useL1Layer(memoryDriver()).useL2Layer(upstashDriver(hosted)) },
  })
  export default {
    fetch: async () => Response.json([await bento.get({ key: 'a' }), await full.getMany({ keys: ['a'] })]),
  }
`

/** Leans on Node in each way there is: a module by either name, and globals. */
const leaning = `
  import { createHash } from 'node:crypto'
  import { inspect } from 'util'
  export default {
    fetch: () => new Response(inspect([createHash('md5'), process.version, Buffer.from('a'), setImmediate])),
  }
`

/** What of Node a bundle has come to hold: polyfills, and imports left to the platform. */
function nodeIn({ outputs }: Metafile): string[] {
  const found = Object.values(outputs).flatMap(({ inputs, imports }) => [
    ...Object.keys(inputs).filter((path) => /unenv/.test(path)),
    ...imports.map(({ path }) => path).filter((path) => !path.startsWith('cloudflare:')),
  ])
  return [...new Set(found)]
}

/** Every module of Node, by both its names, and its globals, given by unenv: as bundlers for the edge use it. */
function unenv(): Plugin {
  const { env } = defineEnv({ nodeCompat: true, resolve: true })
  const globals = Object.entries(env.inject).map(([name, target]) => {
    const [path, member = 'default'] = [target].flat()
    return `export { ${member} as ${name} } from ${JSON.stringify(path)}`
  })
  return {
    name: 'unenv',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^unenv-globals$/ }, ({ path }) => ({
        path,
        namespace: 'unenv',
        sideEffects: false,
      }))
      onLoad({ filter: /.*/, namespace: 'unenv' }, () => ({ contents: globals.join('\n'), resolveDir: root }))
      onResolve({ filter: /^[a-z]/ }, ({ path }) => (env.alias[path] ? { path: env.alias[path] } : undefined))
    },
  }
}

async function bundled(contents: string): Promise<Metafile> {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['cloudflare:*'],
    inject: ['unenv-globals'],
    plugins: [unenv()],
    logLevel: 'silent',
  })
  return metafile
}

describe('a bundle with unenv', () => {
  it('holds no polyfill because of the cache', async () => {
    expect(nodeIn(await bundled(worker))).toEqual([])
  })

  it('would show each way to lean on Node', async () => {
    const found = nodeIn(await bundled(leaning)).join('\n')
    for (const name of ['crypto', 'util', 'process', 'buffer', 'timers'])
      expect(found).toMatch(`/node/${name}.mjs`)
  })
})

describe('a bundle of wrangler with nodejs_compat', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-unenv-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function deployed(name: string, contents: string): Promise<Metafile> {
    const at = join(folder, name)
    await writeFile(`${at}.ts`, contents)
    await writeFile(
      `${at}.json`,
      JSON.stringify({
        name,
        main: `${name}.ts`,
        compatibility_date: '2026-07-01',
        compatibility_flags: ['nodejs_compat'],
      }),
    )
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
    const args = [
      'deploy',
      '--config',
      `${at}.json`,
      '--dry-run',
      '--outdir',
      at,
      '--metafile',
      `${at}.meta.json`,
    ]
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder }
    await run(process.execPath, [wrangler, ...args], { cwd: folder, env })
    return JSON.parse(await readFile(`${at}.meta.json`, 'utf8')) as Metafile
  }

  it('holds no polyfill because of the cache, and imports nothing of Node', async () => {
    const [cache, leans] = await Promise.all([deployed('cache', worker), deployed('leaning', leaning)])
    expect(nodeIn(cache)).toEqual([])
    // That the check would tell.
    expect(nodeIn(leans)).toContain('node:crypto')
  }, 60_000)
})
