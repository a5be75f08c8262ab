import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { read, root } from './sources.ts'
import { eventually } from './support/eventually.ts'
import { npm, pack } from './support/packed.ts'
import { programs, runProgram, type Said } from './support/programs.ts'
import { smallApp, smallAppAnswers, smallAppMain } from './support/small-app.ts'

const files = {
  'app.ts': smallApp,
  'main.ts': smallAppMain,
  'worker.ts': `
    import { serve, settle } from './app.ts'
    const routes: Record<string, () => Promise<object>> = { '/serve': serve, '/settle': settle }
    export default {
      fetch: async (request: Request) => Response.json(await routes[new URL(request.url).pathname]?.()),
    }
  `,
  'edge.ts': `export { serve, settle } from './app.ts'`,
  // Vercel's edge runtime as Vercel itself runs it for developers: in a realm of Node, a request beside it.
  'edge-runtime.mjs': `
    import { readFileSync } from 'node:fs'
    import { EdgeVM } from '@edge-runtime/vm'
    const edge = new EdgeVM({ initialCode: readFileSync('edge.js', 'utf8') })
    const behind = []
    const request = { waitUntil: (work) => void behind.push(work) }
    edge.context[Symbol.for('@vercel/request-context')] = { get: () => request }
    const served = await edge.evaluate('app.serve()')
    await Promise.all(behind)
    const settled = await edge.evaluate('app.settle()')
    console.log(JSON.stringify({ ...served, ...settled, behind: behind.length > 0, node: process.version }))
  `,
}

describe('the package, installed', { timeout: 60_000 }, () => {
  let folder: string
  /** A project of a user, which has nothing but the package. */
  let project: string

  const run = (program: string, ...args: readonly string[]): Promise<Said> =>
    runProgram(program, args, { cwd: project, env: { DENO_DIR: join(folder, '.deno') } })

  const tsc = (...args: readonly string[]): Promise<Said> =>
    run(programs.node24, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'app.json', ...args)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-installed-'))
    project = join(folder, 'project')
    await mkdir(project)
    const { tarball } = await pack(folder)
    await copyFile(tarball, join(project, 'ekiben.tgz'))
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await npm(['install', './ekiben.tgz'], project)
    for (const [name, text] of Object.entries(files)) await writeFile(join(project, name), text)
    const compilerOptions = {
      lib: ['ES2022', 'DOM'],
      target: 'ES2022',
      types: [],
      strict: true,
      skipLibCheck: false,
      rewriteRelativeImportExtensions: true,
    }
    const config = { compilerOptions, files: Object.keys(files).filter((name) => name.endsWith('.ts')) }
    // Not by the name that Deno reads: it knows its own types.
    await writeFile(join(project, 'app.json'), JSON.stringify(config))
  }, 120_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('needs no registry, and brings nothing along', async () => {
    const installed = await readdir(join(project, 'node_modules'))
    expect(installed.toSorted()).toEqual(['.bin', '.package-lock.json', 'ekiben'])
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ])('type-checks with module %s, resolved as %s', async (module, moduleResolution) => {
    const { stdout } = await tsc('--noEmit', '--module', module, '--moduleResolution', moduleResolution)
    expect(stdout).toBe('')
  })

  it.each(['node20', 'node24'] as const)('runs in %s', async (program) => {
    await tsc('--module', 'nodenext', '--outDir', `out-${program}`)
    const { stdout } = await run(programs[program], `out-${program}/main.js`)
    expect(JSON.parse(stdout)).toEqual({ ...smallAppAnswers, found: foundIn('node') })
    const version = await run(programs[program], '--version')
    expect(version.stdout).toMatch(program === 'node20' ? /^v20\./ : /^v24\./)
  })

  it('type-checks and runs in Deno, without any permission', async () => {
    await run(programs.deno, 'check', 'main.ts')
    const { stdout } = await run(programs.deno, 'run', '--no-prompt', '--cached-only', 'main.ts')
    expect(JSON.parse(stdout)).toEqual({ ...smallAppAnswers, found: foundIn('deno') })
  })

  it('runs in Bun', async () => {
    const { stdout } = await run(programs.bun, '--no-install', 'main.ts')
    expect(JSON.parse(stdout)).toEqual({ ...smallAppAnswers, found: foundIn('bun') })
  })

  it.each(['node24', 'bun'] as const)('runs in %s in the form that all get from JSR', async (program) => {
    await mkdir(join(project, program))
    const app = smallApp.replace("'ekiben'", "'ekiben/adapters/deno'")
    await writeFile(join(project, program, 'app.ts'), app)
    await writeFile(join(project, program, 'main.ts'), smallAppMain)
    const { stdout } = await run(programs[program], `${program}/main.ts`)
    expect(JSON.parse(stdout)).toMatchObject(smallAppAnswers)
  })

  /** Where the package lies for whoever imports it by its name. */
  function foundIn(adapter: string): string {
    return `file://${project}/node_modules/ekiben/dist/adapters/${adapter}.js`
  }

  it('runs in workerd without Node, bundled by wrangler', async () => {
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
    const options = [
      '--name=app',
      '--compatibility-date=2026-07-01',
      '--dry-run',
      '--outdir=worker',
      '--metafile',
    ]
    await runProgram(programs.node24, [wrangler, 'deploy', 'worker.ts', ...options], {
      cwd: project,
      env: { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    })
    const adapters = adaptersIn(await readFile(join(project, 'worker/bundle-meta.json'), 'utf8'))
    expect(adapters).toContain('cloudflare')
    expect(adapters.filter((name) => !name.startsWith('cloudflare'))).toEqual([])
    const bundle = await readFile(join(project, 'worker/worker.js'), 'utf8')
    const miniflare = new Miniflare({
      compatibilityDate: '2026-07-01',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle }],
    })
    const ask = async (path: string): Promise<unknown> =>
      (await miniflare.dispatchFetch(`http://app.test${path}`)).json()
    try {
      const { fresh, ...served } = smallAppAnswers
      expect(await ask('/serve')).toEqual(served)
      // There it is the request that waits for the refresh, not who flushes.
      await eventually(async () => expect(await ask('/settle')).toEqual({ fresh }))
    } finally {
      await miniflare.dispose()
    }
  })

  it('runs in the edge runtime of Vercel on Node 20, bundled', async () => {
    const { metafile } = await build({
      absWorkingDir: project,
      entryPoints: ['edge.ts'],
      outfile: 'edge.js',
      bundle: true,
      metafile: true,
      format: 'iife',
      globalName: 'app',
      platform: 'browser',
      // As Vercel's own builders have it.
      conditions: ['edge-light', 'browser', 'module', 'import', 'require'],
      logLevel: 'silent',
    })
    expect(adaptersIn(JSON.stringify(metafile))).toEqual(['vercel'])
    const scope = join(folder, 'node_modules/@edge-runtime')
    await mkdir(dirname(scope))
    await symlink(join(root, 'node_modules/@edge-runtime'), scope)
    const { stdout, stderr } = await run(programs.node20, 'edge-runtime.mjs')
    expect(JSON.parse(stdout)).toEqual({
      ...smallAppAnswers,
      behind: true,
      node: expect.stringMatching(/^v20\./),
    })
    expect(stderr).toBe('')
  })

  it.each([
    ['deno test', ['deno', 'test', '--no-prompt'], /^ok \| (\d+) passed \| 0 failed/m],
    ['bun test', ['bun', '--no-install', 'test'], /^ *(\d+) pass\n *0 fail$/m],
  ] as const)(
    'runs its conformance suite under `%s`, as the page shows',
    async (runner, [name, ...args], passed) => {
      const page = read('docs/conformance.md')
      const [, open = ''] = /```ts\n(\/\/ open\.ts\n.*?)```/s.exec(page) ?? []
      const [, source = ''] = new RegExp(`\`${runner}\`:\\n\\n\`\`\`ts\\n(.*?)\`\`\``, 's').exec(page) ?? []
      const test = `${name}.test.ts`
      await writeFile(join(project, 'open.ts'), open)
      await writeFile(join(project, test), source)
      const { stdout, stderr } = await run(programs[name], ...args, `./${test}`)
      const [, tests] = passed.exec(`${stdout}\n${stderr}`) ?? []
      expect(Number(tests)).toBeGreaterThan(100)
    },
    60_000,
  )
})

/** Adapters that a bundle of esbuild's holds, by the report on it. */
function adaptersIn(report: string): string[] {
  const { inputs } = JSON.parse(report) as { inputs: Record<string, object> }
  return Object.keys(inputs).flatMap((path) => /ekiben\/dist\/adapters\/([\w-]+)\.js$/.exec(path)?.[1] ?? [])
}
