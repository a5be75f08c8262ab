import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('..', import.meta.url))

export interface Source {
  /** From the root of the project. */
  readonly path: string
  readonly text: string
}

export function read(path: string): string {
  return readFileSync(root + path, 'utf8')
}

/** The TypeScript files below folders of the project; declarations of foreign modules are not code. */
export function sourcesIn(...folders: readonly string[]): Source[] {
  return globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )
    .filter((path) => !path.endsWith('.d.ts'))
    .toSorted()
    .map((path) => ({ path, text: read(path) }))
}

/** Modules that a file names in `import`, `export ... from` or `import()`, types included; examples in comments are not. */
export function importsOf(text: string): string[] {
  const code = text.replace(/^\s*(?:\/\*\*?|\*|\/\/).*$/gm, '')
  const clauses = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]/g
  return [clauses, bare, calls].flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]!))
}

/** Where an import leads: a path from the root of the project, or the name of a package unchanged. */
export function targetOf(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier
}

export interface Manifest {
  readonly name: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const manifest: Manifest = JSON.parse(read('package.json'))

/** The source of a file that package.json names. */
export function sourceOf(target: string): string {
  return target.replace('./dist/', '').replace(/\.js$/, '.ts')
}

/** Sources of every file that `exports` of package.json names, for any condition. */
export function publishedSources(): string[] {
  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : Object.values(target),
  )
  const scripts = targets.filter((target) => target.endsWith('.js'))
  return [...new Set(scripts.map(sourceOf))]
}

/** Adapters that are made of modules of Node, for runtimes that have them. */
const OF_PROCESSES = [
  'diagnostics-channel',
  'node',
  'deno',
  'bun',
  'full-process',
  'hono/node',
  'hono/deno',
  'hono/bun',
]

/** Those of them that isolates import: all but what is written for processes. */
export function edgeSources(): string[] {
  const ofProcesses = OF_PROCESSES.map((name) => `adapters/${name}.ts`)
  return publishedSources().filter((path) => !path.startsWith('bin/') && !ofProcesses.includes(path))
}
