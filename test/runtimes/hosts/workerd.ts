import { createRequire } from 'node:module'
import { Miniflare } from 'miniflare'
import type { Host } from '../host.ts'
import { driveRequests } from '../request-host.ts'

const LAST_WORDS = 4000

/** workerd as a bundler of Workers fills it, without `nodejs_compat`. */
export const host: Host = {
  name: 'workerd',
  adapter: 'cloudflare',
  run: async (start) => {
    const { code, resolved } = await start.project.bundle('runtimes/guests/workerd.ts', {
      conditions: ['workerd', 'worker', 'browser'],
    })
    let words = ''
    const miniflare = new Miniflare({
      modules: true,
      script: code,
      compatibilityDate: '2026-07-01',
      bindings: { SETUP: start.setup, RESOLVED: resolved },
      handleStructuredLogs: ({ message }) => void (words = (words + message).slice(-LAST_WORDS)),
    })
    try {
      const { origin } = await miniflare.ready
      const { trouble, ...heard } = await driveRequests(origin, start)
      const said = words === '' ? '' : `; it said last:\n${words.trimEnd()}`
      const { version } = createRequire(import.meta.url)('workerd/package.json') as { version: string }
      return { version, ...heard, trouble: trouble && trouble + said }
    } finally {
      await miniflare.dispose()
    }
  },
}
