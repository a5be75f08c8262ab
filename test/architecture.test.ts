import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { builtinModules } from 'node:module'

import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

import {
  importsOf,
  manifest,
  publishedSources,
  read,
  root,
  sourceOf,
  sourcesIn,
  targetOf,
  type Source,
} from './sources.ts'
import { programs } from './support/programs.ts'

const library = ['src', 'drivers', 'adapters', 'workers', 'test/conformance']
const layered = [...library, 'bin']
const everywhere = [...layered, 'test', 'bench', 'examples']

/** Who may import whom. A folder stands for what lies in it, anything else for a module of that name. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  src: ['src'],
  // What several drivers share is no driver of its own.
  drivers: ['src', 'drivers/coordinator-protocol', 'drivers/redis-protocol', 'ioredis'],
  // Node's channel is only there to be told what the cache's own tells: the bridge to it is for whoever has it.
  'adapters/diagnostics-channel.ts': ['src', 'node:diagnostics_channel'],
  // What processes have in common, whoever runs them: Deno and Bun have these modules of Node as well.
  'adapters/process': [
    'src',
    'adapters/process',
    'adapters/diagnostics-channel.ts',
    'node:async_hooks',
    'node:process',
  ],
  // The middleware, and for each runtime with its own cache. Of Hono they need the types.
  'adapters/hono': [
    'src',
    'adapters/hono',
    ...['bun', 'cloudflare', 'deno', 'node', 'vercel'].map((name) => `adapters/${name}.ts`),
    'hono',
  ],
  'adapters/hono.ts': ['src', 'adapters/hono', 'adapters/system.ts', 'hono'],
  // The full form of an adapter is wired as the small one is.
  adapters: [
    'src',
    'adapters/process',
    'adapters/cloudflare.ts',
    'adapters/cloudflare-scheduled.ts',
    'adapters/core.ts',
    'adapters/vercel.ts',
    'cloudflare:workers',
  ],
  workers: ['src', 'drivers', 'adapters', 'workers', 'cloudflare:workers'],
  bin: ['src', 'bin', 'ioredis', ...builtinModules.map((name) => `node:${name}`)],
  // Types of src alone, by the test below: the suite runs under any test runner and on any runtime.
  'test/conformance': ['src', 'test/conformance'],
}

function trespasses({ path, text }: Source): string[] {
  const folder = Object.keys(allowed).find((name) => path === name || path.startsWith(`${name}/`))
  const permitted = allowed[folder ?? ''] ?? []
  return importsOf(text)
    .map((specifier) => targetOf(path, specifier))
    .filter((target) => !permitted.some((name) => target === name || target.startsWith(`${name}/`)))
    .map((target) => `${path} imports ${target}`)
}

function linesOf({ text }: Source): number {
  return text.trimEnd().split('\n').length
}

/** Lines of the sources that match, as `path: line`. */
function linesMatching(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) =>
    text
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  )
}

/** What a module exports, and which files it needs at run time. */
async function bundled(path: string): Promise<{ exports: string[]; inputs: string[] }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    external: ['cloudflare:workers', 'node:*'],
    logLevel: 'silent',
  })
  return {
    exports: Object.values(metafile.outputs).flatMap((output) => output.exports),
    inputs: Object.keys(metafile.inputs),
  }
}

describe('imports', () => {
  it.each(layered)('of %s stay within its layer', (folder) => {
    expect(sourcesIn(folder).flatMap(trespasses)).toEqual([])
  })

  it('are seen in every form and not in comments', () => {
    const text = `
      import { a, type B } from './a.ts'
      import type {
        C,
      } from './c.ts'
      export * from './d.ts'
      import './e.ts'
      const f = import('./f.ts')
      /** import { g } from './g.ts' */
      // import { h } from './h.ts'
    `
    expect(importsOf(text).toSorted()).toEqual(['./a.ts', './c.ts', './d.ts', './e.ts', './f.ts'])
    expect(trespasses({ path: 'drivers/a.ts', text: `import { b } from './b.ts'` })).toEqual([
      'drivers/a.ts imports drivers/b.ts',
    ])
    expect(trespasses({ path: 'src/a.ts', text: `import fs from 'node:fs'` })).toEqual([
      'src/a.ts imports node:fs',
    ])
  })

  it('of the conformance suite bring nothing of the core, and no test runner, along', async () => {
    const { inputs } = await bundled('test/conformance/index.ts')
    expect(inputs.filter((path) => !path.startsWith('test/conformance/'))).toEqual([])
  })

  it('of what is shown and shipped never lead into the tests', () => {
    const shown = [...layered, 'examples'].filter((folder) => !folder.startsWith('test/'))
    const leads = sourcesIn(...shown).flatMap(({ path, text }) =>
      importsOf(text)
        .map((specifier) => targetOf(path, specifier))
        .filter((target) => target.startsWith('test/'))
        .map((target) => `${path} imports ${target}`),
    )
    expect(leads).toEqual([])
  })

  it('need no package at run time', () => {
    expect(manifest.dependencies).toBeUndefined()
  })
})

describe('files', () => {
  it('stay readable in one sitting', () => {
    const limit = ({ path }: Source): number =>
      path === 'src/get-or-set.ts' ? 150 : path.startsWith('test/') ? 500 : 400
    const tooLong = sourcesIn(...everywhere).filter((source) => linesOf(source) > limit(source))
    expect(tooLong.map((source) => `${source.path} has ${linesOf(source)} lines`)).toEqual([])
    expect(existsSync(`${root}src/get-or-set.ts`)).toBe(true)
  })

  it('of adapters are a page each', () => {
    const tooLong = sourcesIn('adapters').filter((source) => linesOf(source) > 80)
    expect(tooLong.map((source) => `${source.path} has ${linesOf(source)} lines`)).toEqual([])
  })

  it('are named in kebab-case', () => {
    const names = sourcesIn(...everywhere).map(({ path }) => path)
    expect(names.filter((name) => !/^[a-z0-9/]+(?:-[a-z0-9]+)*(?:[./][a-z0-9-]+)*\.ts$/.test(name))).toEqual(
      [],
    )
  })

  it('leave nothing to do', () => {
    expect(linesMatching(sourcesIn(...everywhere), /\bTO(?:DO)\b|\bFIX(?:ME)\b/)).toEqual([])
  })

  it('use nothing that an edge runtime lacks', () => {
    const missing = /\bPromise\.withResolvers\b|\bAbortSignal\.any\b|\bsetInterval\(/
    expect(linesMatching(sourcesIn(...library), missing)).toEqual([])
  })

  it('give a reason with every exception from a rule', () => {
    const exception = /(?:oxlint|eslint)-disable|@ts-(?:expect-error|ignore|nocheck)|oxfmt-ignore/
    const lines = linesMatching(sourcesIn(...layered, 'bench', 'examples'), exception)
    const reasoned = /(?:disable[\w-]* [\w/, -]+ -- |@ts-expect-error |oxfmt-ignore -- )\S+ \S+/
    expect(lines.filter((line) => !reasoned.test(line))).toEqual([])
  })
})

describe('exports', () => {
  it('name files that exist', () => {
    expect(publishedSources().filter((path) => !existsSync(root + path))).toEqual([])
  })

  it('name every driver and adapter under its own path', () => {
    const offered = sourcesIn('drivers', 'adapters')
      .filter(({ path }) => path.split('/').length === 2)
      .map(({ path }) => `./${path.replace(/\.ts$/, '')}`)
    expect(offered.filter((path) => !(path in manifest.exports))).toEqual([])
  })

  it('and commands name files that exist, and say what runs them', () => {
    const commands = Object.values(manifest.bin ?? {}).map(sourceOf)
    expect(commands).not.toEqual([])
    expect(commands.filter((path) => !read(path).startsWith('#!/usr/bin/env node\n'))).toEqual([])
  })

  it('carry types beside every module', () => {
    const modules = Object.values(manifest.exports).filter((target) => typeof target === 'object')
    expect(modules.filter(({ types }) => !types?.endsWith('.d.ts'))).toEqual([])
  })

  it.each([
    ['.', 'src/index.ts'],
    ['./full', 'src/extras/index.ts'],
    ['./core', 'src/index.ts'],
    ['./adapters/hono', 'adapters/hono.ts'],
  ])('offer the same names on every runtime: %s', async (path, source) => {
    const { types, ...conditions } = manifest.exports[path] as Record<string, string>
    const { exports: promised } = await bundled(source)
    expect(types).toBeDefined()
    for (const target of Object.values(conditions)) {
      const { exports: offered } = await bundled(sourceOf(target))
      expect([target, promised.filter((name) => !offered.includes(name))]).toEqual([target, []])
    }
  })
})

describe('tests', () => {
  it('all run, once', () => {
    const evasions =
      /\b(?:it|test|describe|suite)\.(?:\w+\.)*(?:skip|only|todo|fails|skipIf|runIf)\b|\bretry: *[1-9]/
    const tests = sourcesIn('test').filter(({ path }) => path.endsWith('.test.ts'))
    expect(linesMatching(tests, evasions)).toEqual([])
  })
})

describe('the tools', () => {
  it.each(['workerd', 'miniflare'])('share one %s, so that every test speaks of the same runtime', (name) => {
    const installed: { packages: Record<string, unknown> } = JSON.parse(
      read('node_modules/.package-lock.json'),
    )
    const copies = Object.keys(installed.packages).filter((path) => path.endsWith(`node_modules/${name}`))
    expect(copies).toEqual([`node_modules/${name}`])
  })

  // A script that starts the runtime would keep signals to itself, and leave what it started behind.
  it.each(Object.entries(programs))(
    'are runtimes themselves, no scripts that start them: %s',
    async (_name, path) => {
      const program = await open(path)
      const { buffer } = await program.read(Buffer.alloc(2), 0, 2)
      await program.close()
      expect(buffer.toString()).not.toBe('#!')
    },
  )
})
