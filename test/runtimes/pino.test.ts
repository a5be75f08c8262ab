import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { EdgeVM } from '@edge-runtime/vm'
import { build, type BuildOptions } from 'esbuild'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { root } from '../sources.ts'
import { SECRETS } from './pino/scene.ts'

const run = promisify(execFile)

/** A line as pino makes it, its build for browsers too. */
interface Line {
  readonly level: number
  readonly msg: string
  readonly cache?: string
  readonly layer?: string
  readonly operation?: string
  /** The build for browsers names it `msg`. */
  readonly error?: { readonly message?: string; readonly msg?: string }
}

/** Runtimes of processes: they find the packages themselves. */
const processes = {
  'Node 20': ['node_modules/node20/node_modules/node/bin/node'],
  'Node 24': ['node_modules/node/bin/node'],
  Deno: ['node_modules/@deno/*/deno', 'run', '--node-modules-dir=manual', '--allow-all'],
  Bun: ['node_modules/.bin/bun', 'run'],
} as const

describe('pino', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-pino-'))
    await mkdir(join(folder, 'node_modules'))
    await symlink(root, join(folder, 'node_modules/ekiben'))
    await symlink(join(root, 'node_modules/pino'), join(folder, 'node_modules/pino'))
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ type: 'module', dependencies: { ekiben: '*', pino: '*' } }),
    )
    await bundle('process', { packages: 'external', outfile: join(folder, 'process.mjs') })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function bundle(entry: string, options: BuildOptions): Promise<string> {
    const { outputFiles } = await build({
      entryPoints: [join(root, `test/runtimes/pino/${entry}.ts`)],
      bundle: true,
      write: options.outfile !== undefined,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      logLevel: 'warning',
      ...options,
    })
    return outputFiles?.[0]?.text ?? ''
  }

  async function linesOfProcess([pattern, ...args]: readonly [string, ...string[]]): Promise<Line[]> {
    const [binary] = globSync(pattern, { cwd: root })
    if (binary === undefined) throw new Error(`${pattern} is missing: npm install`)
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      DENO_DIR: join(folder, 'deno'),
      DENO_NO_UPDATE_CHECK: '1',
    }
    const module = join(folder, 'process.mjs')
    const { stdout } = await run(join(root, binary), [...args, module], { cwd: folder, env, timeout: 20_000 })
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
  }

  /** Bundled by wrangler, run by workerd. */
  async function linesOfWorkerd(name: string, flags: string[]): Promise<Line[]> {
    const out = join(folder, name)
    const main = join(root, 'test/runtimes/pino/worker.ts')
    const config = { name, main, compatibility_date: '2026-07-01', compatibility_flags: flags }
    await writeFile(`${out}.json`, JSON.stringify(config))
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder }
    const args = ['deploy', '--config', `${out}.json`, '--dry-run', '--outdir', out]
    await run(process.execPath, [wrangler, ...args], { cwd: folder, env })
    const miniflare = new Miniflare({
      modules: [
        { type: 'ESModule', path: 'worker.js', contents: await readFile(join(out, 'worker.js'), 'utf8') },
      ],
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: flags,
    })
    try {
      const response = await miniflare.dispatchFetch('http://cache.test/')
      expect(response.status).toBe(200)
      return (await response.json()) as Line[]
    } finally {
      await miniflare.dispose()
    }
  }

  async function linesOfEdgeVm(): Promise<Line[]> {
    const conditions = ['edge-light', 'worker', 'browser']
    const code = await bundle('edge', {
      format: 'iife',
      conditions,
      mainFields: ['browser', 'module', 'main'],
    })
    const vm = new EdgeVM()
    // A request, as Vercel names the one that runs.
    const request = { waitUntil: (work: Promise<unknown>) => void work.catch(() => {}) }
    Object.assign(vm.context, { [Symbol.for('@vercel/request-context')]: { get: () => request } })
    vm.evaluate(code)
    return vm.evaluate<Promise<Line[]>>('play()')
  }

  /** What stands in the lines. */
  function summaryOf(lines: readonly Line[]): object {
    const find = (name: string): Line | undefined => lines.find(({ msg }) => msg === `ekiben: ${name}`)
    const { error, level, layer, operation } = find('l2.error') ?? {}
    const text = JSON.stringify(lines)
    return {
      levels: [...new Set(lines.map((line) => line.level))].toSorted((a, b) => a - b),
      caches: [...new Set(lines.map((line) => line.cache))],
      failure: { level, layer, operation, text: error?.message ?? error?.msg },
      hit: [find('l1.hit')?.level, find('l1.hit')?.layer],
      done: [find('factory.done')?.level, find('factory.done')?.layer],
      leaks: SECRETS.filter((secret) => text.includes(secret)),
    }
  }

  /** Each line is of a store, those of a tier say which; none holds a value or a token. */
  const expected = {
    levels: [20, 50],
    caches: ['main'],
    failure: { level: 50, layer: 'l2', operation: 'read', text: expect.stringMatching(/^Redis did not do/) },
    hit: [20, 'l1'],
    done: [20, undefined],
    leaks: [],
  }

  it.each(Object.entries(processes))(
    'logs on %s',
    async (_name, command) => {
      expect(summaryOf(await linesOfProcess(command))).toEqual(expected)
    },
    30_000,
  )

  it('logs in the edge runtime of Vercel', async () => {
    expect(summaryOf(await linesOfEdgeVm())).toEqual(expected)
  }, 30_000)

  it.each([
    ['without', 'bare', []],
    ['with', 'node', ['nodejs_compat']],
  ])(
    'logs in workerd %s nodejs_compat',
    async (_with, name, flags) => {
      expect(summaryOf(await linesOfWorkerd(name, flags))).toEqual(expected)
    },
    60_000,
  )
})
