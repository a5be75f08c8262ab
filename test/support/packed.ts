import { cp } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { root } from '../sources.ts'
import { programs, runProgram } from './programs.ts'

/** What `npm publish` would send. */
export interface Packed {
  readonly tarball: string
  /** From the root of the package. */
  readonly files: readonly string[]
}

/** Folders that are not of the repository, or are made anew, and all that npm has installed. */
const LEFT_OUT = ['.git', '.wrangler', 'coverage', 'dist']

function isOfRepository(path: string): boolean {
  return basename(path) !== 'node_modules' && !LEFT_OUT.includes(relative(root, path))
}

/** Packs the sources as they are now, in a folder of its own: what was built before is not looked at. */
export async function pack(folder: string): Promise<Packed> {
  const copy = join(folder, 'repository')
  await cp(root, copy, { recursive: true, filter: isOfRepository })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', join(copy, 'dist')]
  await runProgram(programs.node24, args, { cwd: root })
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], copy)
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, PackReport>)
  return { tarball: join(folder, packed!.filename), files: packed!.files.map(({ path }) => path).toSorted() }
}

interface PackReport {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** Runs npm without a registry, and with nothing that it has kept from one. */
export function npm(args: readonly string[], cwd: string): ReturnType<typeof runProgram> {
  const env = { npm_config_cache: join(cwd, '.npm'), npm_config_offline: 'true', npm_config_audit: 'false' }
  return runProgram('npm', args, { cwd, env })
}
