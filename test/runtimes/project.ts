/** A project of a user's: the package as it is published, and what is bundled against it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type BuildOptions, type Plugin } from 'esbuild'
import { root } from '../sources.ts'
import { pack } from '../support/packed.ts'
import { runProgram } from '../support/programs.ts'

export interface Project {
  readonly folder: string
  /** Writes a module of the tests as one file. The package is left to the runtime to find. */
  writeModule(path: string): Promise<string>
  /** Makes a module of the tests one script, by these conditions. */
  bundle(path: string, options: Pick<BuildOptions, 'conditions' | 'format'>): Promise<Bundle>
  close(): void
}

export interface Bundle {
  readonly code: string
  /** The file that each import of the package led to. */
  readonly resolved: Readonly<Record<string, string>>
}

/** Packs the package as it is now, as `npm publish` would, and installs it in a folder of its own. */
export async function openProject(): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'ekiben-runtimes-'))
  const installed = join(folder, 'node_modules/ekiben')
  try {
    const { tarball } = await pack(folder)
    mkdirSync(installed, { recursive: true })
    await runProgram('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'], { cwd: folder })
    symlinkSync(join(root, 'node_modules/@edge-runtime'), join(folder, 'node_modules/@edge-runtime'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    folder,
    writeModule: async (path) => {
      const outfile = join(folder, `${basename(path, '.ts')}.mjs`)
      await build({
        ...common(path),
        outfile,
        external: ['ekiben', 'ekiben/*', 'node:*', '@edge-runtime/vm'],
      })
      return outfile
    },
    bundle: async (path, options) => {
      const resolved: Record<string, string> = {}
      const { outputFiles } = await build({
        ...common(path),
        ...options,
        write: false,
        external: ['cloudflare:*'],
        plugins: [installedPackage(folder, resolved)],
      })
      return { code: outputFiles[0]?.text ?? '', resolved }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function common(path: string): BuildOptions {
  return {
    entryPoints: [join(root, 'test', path)],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    logLevel: 'warning',
  }
}

/** Finds the package where the project has it, and not in the sources around the guest. */
function installedPackage(folder: string, resolved: Record<string, string>): Plugin {
  const inside = Symbol('inside')
  return {
    name: 'installed-package',
    setup: ({ onResolve, resolve }) => {
      onResolve({ filter: /^ekiben(?:\/|$)/ }, async ({ path, kind, pluginData }) => {
        if (pluginData === inside) return undefined
        const found = await resolve(path, { kind, resolveDir: folder, pluginData: inside })
        resolved[path] = pathToFileURL(found.path).href
        return found
      })
    },
  }
}
