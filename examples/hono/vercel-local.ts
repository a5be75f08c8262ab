/**
 * Stands in for Vercel where there is no account: vercel.ts in Vercel's own edge runtime, bundled with the conditions that
 * Vercel resolves packages with, each request in the request context that Vercel gives.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createHandler, EdgeRuntime } from 'edge-runtime'
import { build } from 'esbuild'

const requests = new AsyncLocalStorage<{ waitUntil(work: Promise<unknown>): void }>()

/** Runs a request in a context of its own, and says when the work that it handed over is done. */
async function inContext(handle: () => Promise<Response>): Promise<Response> {
  const works: Promise<unknown>[] = []
  const response = await requests.run({ waitUntil: (work) => void works.push(work) }, handle)
  if (works.length > 0)
    Promise.all(works).then(() => console.log('waited until work was done'), console.error)
  return response
}

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('vercel.ts', import.meta.url))],
  conditions: ['edge-light', 'browser', 'module', 'import'],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'entry',
  target: 'es2022',
})
const listen = `addEventListener('fetch', (event) => event.respondWith(inContext(() => entry.default(event.request))))`
const runtime = new EdgeRuntime({
  initialCode: `${outputFiles[0]?.text}\n${listen}`,
  extend: (context) =>
    Object.assign(context, {
      inContext,
      process: { env: process.env },
      [Symbol.for('@vercel/request-context')]: { get: () => requests.getStore() },
    }),
})
const { handler } = createHandler({ runtime })
const server = createServer((request, response) => {
  handler(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.listen(Number(process.env['PORT'] ?? 3000), () => {
  console.log(`listens on http://localhost:${(server.address() as AddressInfo).port}`)
})
