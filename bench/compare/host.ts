import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { Log, LogLevel, Miniflare } from 'miniflare'
import type { Contestant } from './contestants.ts'
import { type SceneName, sceneNames } from './scenes.ts'

const compatibilityDate = '2026-04-01'

export interface Host {
  /** Where the Worker of one library for one scene listens, without a proxy in between. */
  urlOf(contestant: Contestant, scene: SceneName): URL
  dispose(): Promise<void>
}

// Packages written for Node import built-ins without the scheme, which workerd wants, and require
// them, which a module cannot. Both are rewritten as the Workers toolchain does it.
const nodeBuiltins: Plugin = {
  name: 'node-builtins',
  setup(bundler) {
    const names = builtinModules.join('|').replaceAll('/', '\\/')
    bundler.onResolve({ filter: new RegExp(`^(?:node:)?(?:${names})$`) }, ({ path, kind }) => {
      const prefixed = path.startsWith('node:') ? path : `node:${path}`
      if (kind === 'require-call') return { path: prefixed, namespace: 'required-builtin' }
      return { path: prefixed, external: true }
    })
    bundler.onLoad({ filter: /.*/, namespace: 'required-builtin' }, ({ path }) => ({
      contents: `import builtin from '${path}'\nmodule.exports = builtin`,
    }))
  },
}

async function bundle(contestant: Contestant): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(`workers/${contestant.source}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // Neutral: an import of a Node built-in is a build error unless the library is granted them.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    external: ['cloudflare:workers'],
    plugins: contestant.nodeCompat ? [nodeBuiltins] : [],
    logLevel: 'error',
  })
  return result.outputFiles[0]?.text ?? ''
}

const nameOf = (contestant: Contestant, scene: SceneName) => `${contestant.id}.${scene}`

function workerOptions(contestant: Contestant, script: string, scene: SceneName) {
  return {
    name: nameOf(contestant, scene),
    modules: [{ type: 'ESModule' as const, path: `${contestant.id}.mjs`, contents: script }],
    compatibilityDate,
    compatibilityFlags: contestant.nodeCompat ? ['nodejs_compat'] : [],
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }
}

/**
 * Starts one workerd. Each library has one isolate per scene, so that scenes can run side by side
 * and a key poisoned in one cannot spoil another.
 */
export async function startHost(contestants: readonly Contestant[]): Promise<Host> {
  const bundled = await Promise.all(
    contestants.map(async (contestant) => ({ contestant, script: await bundle(contestant) })),
  )
  const miniflare = new Miniflare({
    workers: bundled.flatMap(({ contestant, script }) =>
      sceneNames.map((scene) => workerOptions(contestant, script, scene)),
    ),
    log: new Log(LogLevel.NONE),
    // Cancelled and hung requests are what is being counted; their stack traces are noise, and
    // some would reach stdout, which belongs to the report.
    handleStructuredLogs: () => {},
  })
  await miniflare.ready
  const urls = new Map<string, URL>()
  for (const contestant of contestants) {
    for (const scene of sceneNames) {
      const name = nameOf(contestant, scene)
      urls.set(name, await miniflare.unsafeGetDirectURL(name))
    }
  }
  return {
    urlOf: (contestant, scene) => urls.get(nameOf(contestant, scene)) as URL,
    dispose: () => miniflare.dispose(),
  }
}
