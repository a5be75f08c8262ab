import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Step } from '../../src/index.ts'
import { DEFAULTS, join as joinOptions } from '../../src/options.ts'
import { manifest, read, root, sourceOf } from '../sources.ts'
import { emitSteps } from '../../src/events.ts'
import type { Covered, Row } from './row.ts'

/** The source behind a path such as `ekiben/drivers/memory`; absent where package.json does not offer it. */
function moduleOf(place: string): string | undefined {
  const [path = ''] = place.split('#')
  const target = manifest.exports[path.replace('ekiben', '.')]
  return typeof target === 'object' ? sourceOf(target['default']!) : undefined
}

/** Whether something is there at run time. */
export async function isThere(place: string): Promise<boolean> {
  const [, names = ''] = place.split('#')
  const path = moduleOf(place)
  if (!path) return false
  let found: unknown = await import(root + path)
  const parts = names.split('.')
  for (const [at, part] of parts.entries()) {
    if (!isObject(found) || !(part in found)) return false
    // A getter of a prototype must not be asked without its object.
    if (at < parts.length - 1) found = (found as Record<string, unknown>)[part]
  }
  return true
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Whether the cache reads an option: a wrong value is refused under its name. */
export function isRead(option: string): boolean {
  try {
    joinOptions(DEFAULTS, { [option]: Symbol('wrong') })
    return false
  } catch (error) {
    return (error as { option?: string }).option === option
  }
}

/** All events that steps come out as. */
export function emitted(): ReadonlySet<string> {
  const names = new Set<string>()
  const emitter = new EventEmitter()
  const emit = emitSteps({
    on: () => emitter,
    once: () => emitter,
    off: () => emitter,
    emit: (name) => names.add(name),
  })
  const types = 'l1.hit l2.hit miss written deleted expired cleared published received unacknowledged oversized'
  for (const type of types.split(' ')) emit({ type, store: 'main' } as Step)
  return names
}

/** Whether a file holds a test of that title. */
export function covers([file, title]: Covered): boolean {
  if (!existsSync(root + file)) return false
  const escaped = title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?:\btest|\bit|\))\(\s*(['"\x60])${escaped}\1`).test(read(file))
}

/** What the compiler says of types, by place: those it does not know. */
export async function unknownTypes(places: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'ekiben-api-'))
  try {
    const lines = places.map((place, at) => `export type T${at} = ${typeAt(place)}`)
    await writeFile(join(folder, 'types.ts'), lines.join('\n'))
    const config = {
      extends: `${root}tsconfig.json`,
      compilerOptions: { rootDir: '/', noEmit: true, isolatedDeclarations: false },
      include: [join(folder, 'types.ts'), `${root}adapters/*.d.ts`],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const said = await compile(join(folder, 'tsconfig.json'))
    return new Map(
      [...said.matchAll(/types\.ts\((\d+),\d+\): error (.*)$/gm)].map(([, line, message = '']) => [
        places[Number(line) - 1] ?? '',
        message,
      ]),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A type as TypeScript names it, its member by index: `GetOptions<unknown>.grace`. */
function typeAt(place: string): string {
  const [, name = ''] = place.split('#')
  const [, type = '', member] = /^(\w+(?:<[^>]*>)?)(?:\.(.*))?$/.exec(name) ?? []
  const whole = `import('${root}${moduleOf(place)}').${type}`
  return member ? `${whole}['${member}']` : whole
}

export async function compile(project: string): Promise<string> {
  const tsc = `${root}node_modules/typescript/bin/tsc`
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', project], { cwd: root })
    return stdout
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    if (!stdout) throw error
    return stdout
  }
}

/** What our own default is, where the row is an option. */
export function defaultOf({ option }: Row): string | undefined {
  if (!option) return undefined
  const value = (DEFAULTS as unknown as Record<string, unknown>)[option]
  return value === undefined ? 'unset' : JSON.stringify(value === Infinity ? 'for ever' : value)
}

