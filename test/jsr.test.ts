import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examplesForDeno, type Example } from './examples.ts'
import { importsOf, manifest, read, root, sourceOf, targetOf } from './sources.ts'
import { type JsrRegistry, openJsrRegistry } from './support/jsr-registry.ts'
import { programs, runProgram, type Said } from './support/programs.ts'
import { smallApp, smallAppAnswers, smallAppMain } from './support/small-app.ts'

interface JsrManifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string>>
}
const onJsr: JsrManifest = JSON.parse(read('jsr.json'))

/** The file that a path of the package is in Deno, where JSR wants sources. */
function sourceInDeno(path: string): string {
  const conditions = manifest.exports[path] as Record<string, string>
  return `./${sourceOf(conditions['deno'] ?? conditions['default']!)}`
}

describe('the package on JSR', () => {
  let folder: string
  let registry: JsrRegistry
  let publishing: Said

  const deno = (...args: readonly string[]): Promise<Said> =>
    runProgram(programs.deno, args, {
      cwd: folder,
      env: { DENO_DIR: join(folder, '.deno'), JSR_URL: registry.url },
    })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-jsr-'))
    registry = await openJsrRegistry()
    // Types of the whole are checked by `npm run jsr`.
    const args = ['publish', '--allow-dirty', '--no-check', '--token', 'any']
    publishing = await runProgram(programs.deno, args, {
      cwd: root,
      env: { DENO_DIR: join(folder, '.deno'), JSR_URL: registry.url },
    })
    // What `deno add ekiben@jsr:@ekiben/ekiben` writes; what pages take from npm is the same.
    const imports: Record<string, string> = { ekiben: `jsr:${onJsr.name}@^${onJsr.version}` }
    for (const path of Object.keys(onJsr.exports))
      imports[path.replace('.', 'npm:ekiben')] = path.replace('.', imports['ekiben']!)
    // Other packages come from this repository, so no network is needed.
    await write('deno.json', JSON.stringify({ imports, nodeModulesDir: 'manual' }))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  }, 120_000)

  afterAll(async () => {
    await registry?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }

  it('is the version that npm has', () => {
    const { version } = manifest as unknown as { version: string }
    expect(onJsr.version).toBe(version)
  })

  it('has the exports that npm has on Deno, but what only Workers run', () => {
    const paths = Object.keys(manifest.exports).filter(
      (path) => !/^\.\/(?:workers\/|package\.json$)/.test(path),
    )
    expect(onJsr.exports).toEqual(Object.fromEntries(paths.map((path) => [path, sourceInDeno(path)])))
  })

  it('is taken without a warning: types are fast, imports are known, nothing is left out', () => {
    expect(publishing.stderr).toContain(`Successfully published ${onJsr.name}@${onJsr.version}`)
    expect(publishing.stderr).not.toMatch(/warning|error\[/i)
  })

  it('is what its exports need, and what people read', () => {
    const uploaded = [...registry.files.keys()].map((path) => path.slice(1))
    const needed = new Set(Object.values(onJsr.exports).map((path) => path.slice(2)))
    for (const path of needed) {
      const targets = importsOf(registry.files.get(`/${path}`) ?? '').map((name) => targetOf(path, name))
      for (const target of targets.filter((name) => name.endsWith('.ts'))) needed.add(target)
    }
    const forPeople = /^(?:docs\/[\w-]+\.md|README\.md|DESIGN\.md|CHANGELOG\.md|LICENSE|jsr\.json)$/
    expect(uploaded.filter((path) => !forPeople.test(path)).toSorted()).toEqual([...needed].toSorted())
    expect(uploaded).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'docs/redis.md']))
  })

  it('imports no package but peers, and those from npm', () => {
    const imports = [...registry.files]
      .filter(([path]) => path.endsWith('.ts'))
      .flatMap(([, text]) => importsOf(text))
      .filter((name) => !/^(?:\.|node:|cloudflare:workers$)/.test(name))
    expect([...new Set(imports)].toSorted()).toEqual(['npm:hono@4', 'npm:ioredis@5'])
  })

  it('says in each module what it is for, and what each name is that it gives', async () => {
    const { stdout } = await runProgram(
      programs.deno,
      ['doc', '--quiet', '--json', ...Object.values(onJsr.exports)],
      { cwd: root, env: { DENO_DIR: join(folder, '.deno') } },
    )
    expect(undocumented(JSON.parse(stdout))).toEqual([])
  })

  it('runs in Deno, from the registry', async () => {
    await write('app/app.ts', smallApp)
    await write('app/main.ts', smallAppMain)
    await deno('check', 'app/main.ts')
    const { stdout } = await deno('run', '--no-prompt', 'app/main.ts')
    const found = `${registry.url}${onJsr.name}/${onJsr.version}/adapters/deno.ts`
    expect(JSON.parse(stdout)).toEqual({ ...smallAppAnswers, found })
  }, 120_000)

  it('type-checks as its documents and comments show', async () => {
    const examples = examplesForDeno()
    const pages = new Set(examples.map(({ path }) => path))
    for (const page of pages) {
      const its = examples.filter(({ path }) => path === page)
      await write(page.replace(/\.ts$/, '.ts.md'), pageOf(its))
      for (const [file, source] of named(its)) await write(join(dirname(page), file), source)
    }
    const names = [...pages].map((path) => path.replace(/\.ts$/, '.ts.md'))
    const { stderr } = await deno('check', '--doc-only', ...names)
    expect(stderr.match(/^Check /gm)).toHaveLength(examples.length)
  }, 120_000)
})

/** A page that holds examples alone, each in the lines where it really stands. */
function pageOf(examples: readonly Example[]): string {
  const lines: string[] = []
  for (const { line, source } of examples) {
    while (lines.length < line - 2) lines.push('')
    // Deno moves exports in front of all the rest, hence of what they are made of.
    const own = source.replace(/^export default (?!async |function |class )/m, 'const exported = ')
    lines.push('```ts', ...own.trimEnd().split('\n'), '```')
  }
  return lines.join('\n')
}

/** Examples that begin with the name of a file, which others import. */
function named(examples: readonly Example[]): [string, string][] {
  return examples.flatMap(({ source }) => {
    const [, name] = /^\/\/ ([\w-]+\.ts)\n/.exec(source) ?? []
    return name === undefined ? [] : [[name, source] satisfies [string, string]]
  })
}

interface Documentation {
  readonly nodes: Readonly<
    Record<string, { readonly module_doc?: object; readonly symbols: readonly Named[] }>
  >
}

interface Named {
  readonly name: string
  readonly declarations: readonly { kind: string; declarationKind: string; jsDoc?: object }[]
}

/** Modules and names without a comment. What is only handed on has its comment where it comes from. */
function undocumented({ nodes }: Documentation): string[] {
  return Object.entries(nodes).flatMap(([url, { module_doc: page, symbols }]) => {
    const path = url.replace(`file://${root}`, '')
    const silent = symbols.filter(({ declarations }) =>
      declarations.some(
        ({ kind, declarationKind, jsDoc }) => declarationKind === 'export' && kind !== 'reference' && !jsDoc,
      ),
    )
    return [...(page ? [] : [path]), ...silent.map(({ name }) => `${path} ${name}`)]
  })
}
