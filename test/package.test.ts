import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { packagesOf, publishedExamples } from './examples.ts'
import { manifest, read, root } from './sources.ts'

const run = promisify(execFile)

/** What a user's first file does; every type in it is inferred from the published declarations. */
const portable = `
  import { BentoCache, bentostore } from 'ekiben'
  import { memoryDriver } from 'ekiben/drivers/memory'
  import { durableObjectDriver } from 'ekiben/drivers/durable-object'

  const bento = new BentoCache({
    default: 'main',
    stores: { main: bentostore({ ttl: '1m' }).useL1Layer(memoryDriver()) },
  })
  const answer: number = await bento.getOrSet({ key: 'answer', factory: () => 42, tags: ['numbers'] })
  const later: number = await bento.namespace('n').getOrSet({ key: 'answer', factory: async () => answer })
  export { later, durableObjectDriver }
`
const portableModules = Object.keys(manifest.exports).filter((path) => !/package\.json|workers\//.test(path))

/** The environment of a process that is no child of this test runner. */
function withoutRunner(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...environment } = process.env
  return environment
}

/** Every setup a user may have; declarations of libraries are checked too, so nothing may lean on a missing one. */
const consumers = {
  'a browser-like runtime, bundled': { lib: ['ES2022', 'DOM'], module: 'preserve', types: [] },
  'a browser-like runtime, modules resolved as Node does': {
    lib: ['ES2022', 'DOM'],
    module: 'nodenext',
    types: [],
  },
  Node: { lib: ['ES2022'], module: 'nodenext', types: ['node'] },
  'a Worker': { lib: ['ES2022'], module: 'preserve', types: ['@cloudflare/workers-types'] },
}

describe('the published package', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-'))
    const installed = join(folder, 'node_modules/ekiben')
    await mkdir(installed, { recursive: true })
    for (const scope of ['@types', '@cloudflare']) await mkdir(join(folder, 'node_modules', scope))
    for (const name of ['@types/node', '@cloudflare/workers-types']) {
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    }
    // Its types are part of those of the middleware, which nobody imports without it.
    await symlink(join(root, 'node_modules/hono'), join(folder, 'node_modules/hono'))
    await cp(join(root, 'package.json'), join(installed, 'package.json'))
    const complaints = await tsc(root, '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist'))
    if (complaints) throw new Error(complaints)
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    // What pages have their readers write first: examples that begin with the name of a file.
    for (const page of ['docs/conformance.md', 'docs/custom-drivers.md']) {
      for (const [, name = '', source = ''] of read(page).matchAll(/```ts\n\/\/ ([\w-]+\.ts)\n(.*?)```/gs)) {
        await writeFile(join(folder, name), source)
      }
    }
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Makes a package of the repository's own one of the user's, once. */
  async function link(name: string): Promise<void> {
    const target = join(root, 'node_modules', name)
    if (!existsSync(target) || existsSync(join(folder, 'node_modules', name))) return
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(target, join(folder, 'node_modules', name))
  }

  async function tsc(cwd: string, ...args: readonly string[]): Promise<string> {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    try {
      const { stdout } = await run(process.execPath, [compiler, ...args], { cwd })
      return stdout
    } catch (error) {
      // The compiler reports on stdout and through its exit code.
      return `${String(error)}\n${(error as { stdout?: string }).stdout ?? ''}`
    }
  }

  async function check(source: string, compilerOptions: object): Promise<string> {
    const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false }
    const config = {
      compilerOptions: { target: 'ES2022', ...strict, ...compilerOptions },
      files: ['main.ts'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(folder, 'main.ts'), source)
    return tsc(folder, '-p', '.')
  }

  it.each(Object.entries(consumers))('type-checks in %s', async (_name, options) => {
    const all = portableModules.map((path, index) => {
      return `export * as module${index} from '${path.replace('.', manifest.name)}'`
    })
    expect(await check([portable, ...all].join('\n'), options)).toBe('')
  })

  it('type-checks as the Durable Object of a Worker', async () => {
    const source = `
      import { Coordinator } from 'ekiben/workers/coordinator'
      export { Coordinator }
      export class Renamed extends Coordinator {}
    `
    expect(await check(source, consumers['a Worker'])).toBe('')
  })

  it.each(['.', './full', './core'])(
    'gives on each runtime what its types promise: %s',
    async (path) => {
      const { types: _types, ...conditions } = manifest.exports[path] as Record<string, string>
      const forms = Object.entries(manifest.exports)
        .filter(([name, target]) => {
          const { default: file = '' } = typeof target === 'string' ? {} : target
          return name.startsWith('./adapters/') && Object.values(conditions).includes(file)
        })
        .map(([name]) => name.replace('.', manifest.name))
      expect(forms).toHaveLength(new Set(Object.values(conditions)).size)
      const promised = `import * as promised from '${path.replace('.', manifest.name)}'`
      const lines = forms.map((form, index) => {
        return `import * as form${index} from '${form}'\nexport const as${index}: typeof promised = form${index}`
      })
      expect(await check([promised, ...lines].join('\n'), consumers['Node'])).toBe('')
    },
    30_000,
  )

  it('takes care of processes on the runtimes that have them', async () => {
    const lines = ['node', 'deno', 'bun', 'full-process'].map((name, index) => {
      const names = `closeOnSignals as close${index}, withRequest as with${index}`
      return `export { ${names} } from 'ekiben/adapters/${name}'`
    })
    expect(await check(lines.join('\n'), consumers['Node'])).toBe('')
    const others = ['cloudflare', 'vercel', 'system', 'core']
    const wrong = others.map((name, index) => {
      return `export { closeOnSignals as close${index} } from 'ekiben/adapters/${name}'`
    })
    const refused = await check(wrong.join('\n'), consumers['Node'])
    expect(refused.match(/no exported member 'closeOnSignals'/g)).toHaveLength(others.length)
  }, 30_000)

  it.each(publishedExamples())('type-checks as $title shows it', async ({ source }) => {
    for (const name of packagesOf(source)) await link(name)
    const onWorkers = source.includes("'cloudflare:workers'")
    const bindings =
      'KV: KVNamespace; CACHE: DurableObjectNamespace; COORDINATOR: DurableObjectNamespace; COORDINATOR_SERVICE: Fetcher'
    const env = `declare global { namespace Cloudflare { interface Env { ${bindings}; EKIBEN_SECRET: string; CACHE_KEY: string; OLD_KEY: string } } }`
    const options = consumers[onWorkers ? 'a Worker' : 'Node']
    // Libraries of others are theirs to check.
    expect(
      await check(`${source}\n${onWorkers ? env : ''}`, {
        ...options,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
      }),
    ).toBe('')
  })

  it('is refused where it is used wrongly', async () => {
    const source = `
      import { BentoCache, bentostore } from 'ekiben'
      new BentoCache({ default: 'other', stores: { main: bentostore({ ttl: '1m' }) } })
    `
    expect(await check(source, consumers['Node'])).toContain('error TS')
  })

  it('refuses locks where the store has no one order, and says so', async () => {
    await link('bentocache')
    const source = `
      import { redisDriver as bentocacheRedis } from 'bentocache/drivers/redis'
      import { atomics } from 'ekiben/atomics'
      import { cloudflareKvDriver } from 'ekiben/drivers/cloudflare-kv'
      import { durableObjectBusDriver, durableObjectDriver } from 'ekiben/drivers/durable-object'
      import { durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
      import { memoryDriver } from 'ekiben/drivers/memory'
      import { plainDriver } from 'ekiben/drivers/plain'
      import { redisDriver } from 'ekiben/drivers/redis'
      import { sharded } from 'ekiben/drivers/sharded'
      import { transportBusDriver } from 'ekiben/drivers/transport-bus'
      import { upstashBusDriver, upstashDriver } from 'ekiben/drivers/upstash'
      import { vercelKvDriver } from 'ekiben/drivers/vercel-kv'
      import type { BusTransport } from 'ekiben'
      declare const transport: BusTransport
      const [binding, hosted] = [() => undefined, { url: '', token: '' }]
      atomics(durableObjectDriver({ binding }))
      atomics(durableObjectBusDriver({ binding }))
      atomics(durableObjectHttpDriver(hosted))
      atomics(sharded({ shards: 2 }, (name) => durableObjectDriver({ binding, name })))
      atomics(upstashDriver(hosted))
      atomics(upstashBusDriver(hosted))
      atomics(vercelKvDriver(hosted))
      atomics(redisDriver({ connection: {} }))
      atomics(cloudflareKvDriver({ binding }))
      atomics(memoryDriver())
      atomics(plainDriver(memoryDriver()))
      atomics(plainDriver(upstashDriver(hosted)))
      atomics(bentocacheRedis({ connection: {} }))
      atomics(transportBusDriver(transport))
      atomics(sharded({ shards: 2 }, () => memoryDriver()))
    `
    const errors = (await check(source, { ...consumers['Node'], skipLibCheck: true }))
      .split(/^(?=main\.ts)/m)
      .filter((error) => error.startsWith('main.ts'))
    const lineOf = (error: string): string => {
      const [, line] = /^main\.ts\((\d+),/.exec(error) ?? []
      return source.split('\n')[Number(line) - 1]!.trim()
    }
    expect(errors.map(lineOf)).toEqual(
      source
        .split('\n')
        .map((line) => line.trim())
        .slice(-8, -1),
    )
    for (const error of errors)
      expect(error).toMatch(/'atomics' is (?:missing|optional) in type .* required in type 'Linearizable'/s)
  })

  it.each([
    ['its Worker form', ['workerd'], true],
    ['its portable form', [], false],
  ])('gives a bundler %s for the conditions %j', async (_form, conditions, wired) => {
    const { metafile } = await build({
      stdin: { contents: `export { BentoCache } from 'ekiben'`, resolveDir: folder },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      conditions,
      external: ['cloudflare:workers'],
      logLevel: 'silent',
    })
    const adapters = Object.keys(metafile.inputs).filter((path) =>
      path.endsWith('dist/adapters/cloudflare.js'),
    )
    expect(adapters).toHaveLength(wired ? 1 : 0)
  })

  it('says what the gateway needs where it is not installed', async () => {
    const command = join(folder, 'node_modules/ekiben', manifest.bin!['ekiben']!)
    const started = run(process.execPath, [command, 'gateway', '--token', 'secret'], { cwd: folder })
    await expect(started).rejects.toMatchObject({
      code: 1,
      stderr: 'ekiben: The package ioredis is not installed: run `npm install ioredis`\n',
    })
  })
  it('runs the conformance suite under another test runner', async () => {
    const source = `
      import { test } from 'node:test'
      import { driverCases } from 'ekiben/conformance'
      import { memoryDriver } from 'ekiben/drivers/memory'

      function open() {
        const root = memoryDriver({ maxItems: 10_000 }).factory({ prefix: '' })
        return {
          connect: (prefix) => (prefix === '' ? root : root.namespace(prefix)),
          pass: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
        }
      }
      for (const { name, run } of driverCases(open().connect(''))) test(name, () => run(open))
    `
    await writeFile(join(folder, 'memory.test.js'), source)
    const args = ['--test', '--test-reporter=tap', 'memory.test.js']
    const { stdout } = await run(process.execPath, args, { cwd: folder, env: withoutRunner() })
    const [, tests] = /^# tests (\d+)$/m.exec(stdout) ?? []
    expect(Number(tests)).toBeGreaterThan(100)
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(stdout).toMatch(/^# skipped 0$/m)
  }, 30_000)

  it('runs the driver suite under another test runner, as the page on drivers shows it', async () => {
    const [, source = ''] =
      /```ts\n(import [^`]*? from 'node:test'.*?)```/s.exec(read('docs/custom-drivers.md')) ?? []
    await writeFile(join(folder, 'map-driver.test.ts'), source)
    const args = ['--test', '--test-reporter=tap', 'map-driver.test.ts']
    const { stdout } = await run(process.execPath, args, { cwd: folder, env: withoutRunner() })
    expect(stdout).toMatch(/^# tests 106$/m)
    expect(stdout).toMatch(/^# pass 106$/m)
  }, 60_000)

  it('loads in plain Node', async () => {
    const source = `
      import { BentoCache, bentostore } from 'ekiben'
      import { memoryDriver } from 'ekiben/drivers/memory'
      const stores = { main: bentostore({ ttl: '1m' }).useL1Layer(memoryDriver()) }
      console.log(await new BentoCache({ default: 'main', stores }).getOrSet({ key: 'k', factory: () => 'v' }))
    `
    await writeFile(join(folder, 'main.js'), source)
    const { stdout } = await run(process.execPath, ['main.js'], { cwd: folder })
    expect(stdout.trim()).toBe('v')
  })
})
