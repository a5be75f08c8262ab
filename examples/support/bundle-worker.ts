import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A module of this repository with all it imports as one script for workerd. `entry` counts from the root. */
export async function bundleWorker(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['cloudflare:*'],
    logLevel: 'warning',
  })
  const text = outputFiles[0]?.text
  if (text === undefined) throw new Error(`${entry}: the bundler wrote nothing`)
  return text
}
