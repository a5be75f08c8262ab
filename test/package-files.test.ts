import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importsOf, manifest, targetOf } from './sources.ts'
import { pack, type Packed } from './support/packed.ts'

/** What is not code: for people, and what npm itself reads. */
const OTHERS = /^(?:package\.json|README\.md|LICENSE|DESIGN\.md|CHANGELOG\.md|docs\/[\w-]+\.md)$/

describe('what npm publishes', () => {
  let folder: string
  let packed: Packed

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-packed-'))
    packed = await pack(folder)
  }, 120_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** A module is its code and its types: a file is needed if either leads to either. */
  function needed(): string[] {
    const roots = [...Object.values(manifest.exports), ...Object.values(manifest.bin ?? {})]
      .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
      .filter((target) => target.startsWith('./dist/'))
    const modules = new Set(roots.map((target) => moduleOf(target.slice(2))))
    for (const module of modules) {
      for (const file of [`${module}.js`, `${module}.d.ts`]) {
        const relative = importsOf(textOf(file)).filter((name) => name.startsWith('.'))
        for (const name of relative) modules.add(moduleOf(targetOf(file, name)))
      }
    }
    return [...modules].flatMap((module) => [`${module}.js`, `${module}.d.ts`])
  }

  function textOf(file: string): string {
    const path = join(folder, 'repository', file)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  it('is what its exports and commands need, and what people read', () => {
    const code = packed.files.filter((path) => !OTHERS.test(path))
    expect(code).toEqual(needed().toSorted())
  })

  it('has what each export names, a licence and all pages', () => {
    const expected = ['LICENSE', 'README.md', 'DESIGN.md', 'CHANGELOG.md', 'package.json', 'docs/redis.md']
    expect(packed.files).toEqual(expect.arrayContaining(expected))
  })

  it('has no test but the suite for authors of drivers, no source and no map', () => {
    const unwanted = /^dist\/test\/(?!conformance\/)|(?<!\.d)\.ts$|\.map$|\.test\.|tsconfig|^\./
    expect(packed.files.filter((path) => unwanted.test(path))).toEqual([])
    const mapped = packed.files.filter((path) => /^\/\/# sourceMappingURL/m.test(textOf(path)))
    expect(mapped).toEqual([])
  })
})

function moduleOf(path: string): string {
  return path.replace(/\.(?:d\.ts|js|ts)$/, '')
}
