import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { programs } from '../../support/programs.ts'
import { startChild, versionOf } from '../child.ts'
import type { Host } from '../host.ts'
import { LINES } from '../lines.ts'
import { driveRequests } from '../request-host.ts'

/** The edge runtime of Vercel, in a Node that has not more globals than it. */
export const host: Host = {
  name: 'edgevm',
  adapter: 'vercel',
  run: async (start) => {
    const { project, setup, deadline } = start
    const file = programs.node20
    await versionOf(file)
    const { code, resolved } = await project.bundle('runtimes/guests/edge.ts', {
      conditions: ['edge-light'],
      format: 'iife',
    })
    const bundle = join(project.folder, 'edge.js')
    writeFileSync(bundle, code)
    const env = {
      EKIBEN_SETUP: JSON.stringify(setup),
      EKIBEN_RESOLVED: JSON.stringify(resolved),
      EKIBEN_BUNDLE: bundle,
    }
    const args = [await project.writeModule('runtimes/guests/edge-server.ts')]
    let open: (url: string) => void
    const opened = new Promise<string>((resolve) => void (open = resolve))
    const child = startChild({ file, args, cwd: project.folder, env }, deadline, (line) => {
      if (line.startsWith(LINES.url)) open(line.slice(LINES.url.length))
    })
    const { version } = createRequire(import.meta.url)('@edge-runtime/vm/package.json') as { version: string }
    try {
      const url = await Promise.race([opened, child.ended.then(() => undefined)])
      if (url === undefined) return { version, plan: [], told: [], trouble: await child.ended }
      const { trouble, ...heard } = await driveRequests(url, start)
      if (trouble === undefined) return { version, ...heard }
      child.kill()
      return { version, ...heard, trouble: `${trouble}; ${await child.ended}` }
    } finally {
      child.kill()
      await child.ended
    }
  },
}
