import { createHook } from 'node:async_hooks'
import { createContext, Script } from 'node:vm'

import { build } from 'esbuild'

import { root } from './sources.ts'

/** What runtimes forbid or tests hate while a module is being evaluated. Anything not named here or below is missing. */
const forbidden =
  'setTimeout setInterval setImmediate queueMicrotask requestIdleCallback scheduler ' +
  'fetch caches WebSocket EventSource BroadcastChannel Worker indexedDB ' +
  'Request Response Headers ReadableStream AbortController AbortSignal ' +
  'crypto performance navigator console process Deno Bun EdgeRuntime'
const harmless = { TextEncoder, TextDecoder, URL, URLSearchParams, structuredClone }

/** Run inside the realm, because a realm has a `Date` and a `Math` of its own. */
const trapLanguage = `
  Math.random = () => { touch('Math.random'); return 0.5 }
  Date = new Proxy(Date, {
    apply: () => { touch('Date()'); return '' },
    construct: (target, args) => { if (args.length === 0) touch('new Date()'); return new target(...args) },
    get: (target, name) => { if (name === 'now') touch('Date.now'); return Reflect.get(target, name) },
  })
`

/** Evaluates a script in a realm where every clock, timer, source of randomness and I/O is trapped; returns what it touched. */
export function touchedBy(code: string): string[] {
  const touched = new Set<string>()
  const realm = createContext({ ...harmless, touch: (name: string) => touched.add(name) })
  for (const name of forbidden.split(' ')) {
    Object.defineProperty(realm, name, { get: () => touched.add(name) && undefined, configurable: true })
  }
  new Script(trapLanguage).runInContext(realm)
  // Promises of async functions cannot be trapped by name, so Node is asked for every asynchronous resource.
  const hook = createHook({ init: (_id, type) => void touched.add(type) }).enable()
  try {
    new Script(code).runInContext(realm)
  } catch (error) {
    touched.add(String(error))
  } finally {
    hook.disable()
  }
  return [...touched]
}

/** One script with all that a module imports; the platform's own module is an empty stand-in. */
export async function scriptOf(path: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [
      {
        name: 'platform-stand-in',
        setup(plugin) {
          plugin.onResolve({ filter: /^cloudflare:workers$/ }, () => ({
            path: 'workers',
            namespace: 'stand-in',
          }))
          plugin.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({
            contents: `export class DurableObject {}; export const env = {}; export function waitUntil() {}`,
          }))
        },
      },
    ],
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
