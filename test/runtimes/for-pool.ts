/** Servers of the matrix for the tests in the pool of workerd, and where the package leads there. */
import type { TestProject } from 'vitest/node'
import { manifest, root, sourceOf } from '../sources.ts'
import { programs } from '../support/programs.ts'
import { startChild } from './child.ts'
import { LINES } from './lines.ts'
import type { Servers, Setup } from './world.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly runtimes: { readonly setup: Setup; readonly resolved: Readonly<Record<string, string>> }
  }
}

/** Files of the package by their specifiers, by the condition of workerd. */
const resolved = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([path, target]) => {
    const file = typeof target === 'object' ? (target['workerd'] ?? target['default']) : undefined
    return file ? [[path.replace('.', manifest.name), file]] : []
  }),
)

/** Has imports of the package lead to the sources, by the same condition. */
export const aliases = Object.entries(resolved).map(([specifier, file]) => ({
  find: new RegExp(`^${specifier}$`),
  replacement: root + sourceOf(file),
}))

/** Long past the end of all tests. */
const DEADLINE = 3_600_000

/** Starts the servers before the tests, and ends them after. In a process of their own, as here Vite resolves imports. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  let serve = (_servers: Servers): void => {}
  const served = new Promise<Servers>((resolve) => void (serve = resolve))
  const args = [`${root}test/runtimes/serve-stage.ts`, String(project.config.maxConcurrency)]
  const command = { file: programs.node24, args, cwd: root, env: {} }
  const child = startChild(command, DEADLINE, (line) => {
    if (line.startsWith(LINES.servers)) serve(JSON.parse(line.slice(LINES.servers.length)) as Servers)
  })
  const servers = await Promise.race([served, child.ended.then(String)])
  if (typeof servers === 'string') throw new Error(`the servers of the matrix did not start: ${servers}`)
  project.provide('runtimes', {
    setup: { servers, adapter: 'cloudflare', name: 'pool', deadline: 30_000 },
    resolved: Object.fromEntries(
      Object.entries(resolved).map(([specifier, file]) => [specifier, file.replace('.', '/ekiben')]),
    ),
  })
  return async () => {
    child.release()
    await child.ended
  }
}
