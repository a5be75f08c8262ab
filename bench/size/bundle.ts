import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Entry {
  readonly file: string
  /** Modules of the platform it may import. Portable code may import none. */
  readonly platform?: readonly string[]
  /** The most it may weigh, in gzip bytes. */
  readonly limit?: number
  /** What its users have anyway: it is weighed by what comes on top of that. */
  readonly beside?: string
}

const worker = 'bench/size/worker.ts'

/** What is weighed. A limit is a promise of DESIGN.md. */
export const entries = {
  core: { file: 'src/index.ts' },
  coreMemory: { file: worker, limit: 12_000 },
  coreMemoryDurableObject: { file: 'bench/size/worker-durable-object.ts', platform: ['cloudflare:workers'] },
  coreMemoryUpstash: { file: 'bench/size/worker-upstash.ts' },
  coreMemoryKvDurableObject: { file: 'bench/size/worker-cloudflare-kv.ts', platform: ['cloudflare:workers'] },
  atomics: { file: 'src/atomics.ts' },
  coordinator: { file: 'workers/coordinator.ts', platform: ['cloudflare:workers'] },
  coordinatorHttp: { file: 'workers/coordinator-http.ts' },
  fullMemory: { file: 'bench/size/worker-full.ts', platform: ['cloudflare:workers'] },
  entry: { file: 'src/extras/entry.ts', beside: worker },
  codecs: { file: 'src/codecs/index.ts', beside: worker },
  serializers: { file: 'src/serializers.ts', beside: worker },
  many: { file: 'src/extras/many.ts', beside: worker },
  'cache-status': { file: 'src/extras/cache-status.ts', beside: worker },
  wrap: { file: 'src/extras/wrap.ts', beside: worker },
  memo: { file: 'src/extras/memo.ts', beside: worker },
  explain: { file: 'src/extras/explain.ts', beside: worker },
  observe: { file: 'src/extras/observe.ts', beside: worker },
  hono: { file: 'adapters/hono/cloudflare.ts', platform: ['cloudflare:workers'], beside: worker },
  advisor: { file: 'src/extras/advisor.ts', beside: worker },
  cloudflare: { file: 'adapters/cloudflare.ts', platform: ['cloudflare:workers'] },
} as const satisfies Record<string, Entry>

export interface Bundle {
  readonly code: string
  /** Minified bytes of each source file in it. */
  readonly parts: Readonly<Record<string, number>>
  /** Why it is not what it claims to be: foreign code in it, or modules that only some platforms have. */
  readonly faults: readonly string[]
}

/** Bundles as a user's bundler would for a platform that has nothing but the APIs of the web. */
export async function bundle({ file, platform = [], beside }: Entry): Promise<Bundle> {
  const contents = `export { default } from './${beside}'; export * from './${file}'`
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    ...(beside === undefined ? { entryPoints: [file] } : { stdin: { contents, resolveDir: root } }),
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'silent',
    // Kept as imports, so that each one is named below instead of failing the build one at a time.
    external: ['node:*', 'cloudflare:*', ...builtinModules],
  })
  const outputs = Object.values(metafile.outputs)
  const imported = outputs.flatMap((output) => output.imports.map(({ path }) => path))
  const foreign = Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'))
  return {
    code: outputFiles.map(({ text }) => text).join('\n'),
    parts: Object.fromEntries(
      outputs.flatMap(({ inputs }) =>
        Object.entries(inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]),
      ),
    ),
    faults: [
      ...imported.filter((path) => !platform.includes(path)).map((path) => `imports ${path}`),
      ...foreign.map((path) => `contains ${path}`),
    ],
  }
}
