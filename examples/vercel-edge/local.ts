/**
 * Stands in for Vercel where there is no account: the middleware in Vercel's own edge runtime, the function in this
 * Node, each bundled with the conditions that Vercel resolves packages with, and in the request context it gives.
 *
 *   npm run with-redis -- node examples/vercel-edge/local.ts
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createHandler, EdgeRuntime } from 'edge-runtime'
import { build, type BuildOptions } from 'esbuild'

type Handler = (request: Request) => Response | Promise<Response>

interface Context {
  waitUntil(work: Promise<unknown>): void
}

const requests = new AsyncLocalStorage<Context>()
// What `@vercel/functions` reads too. Nobody but Vercel gives it.
const contextKey = Symbol.for('@vercel/request-context')
const contextReader = { get: () => requests.getStore() }

const middleware = await startMiddleware()
const methods = await loadFunction()

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const handle = { '/weather': middleware, '/api/weather': answerWithFunction }[pathname]
  if (!handle) {
    response.writeHead(404).end('Try /weather?city=Kanazawa or /api/weather?city=Kanazawa\n')
    return
  }
  handle(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.listen(Number(process.env['PORT'] ?? 3000), () => {
  const { port } = server.address() as AddressInfo
  console.log(`listens on http://localhost:${port} (Node ${process.versions.node})`)
})

/** Runs the handler of a request in a context of its own, and says what became of the work it handed over. */
async function inContext(who: string, { method, url }: Request, handle: () => Response | Promise<Response>) {
  const works: Promise<unknown>[] = []
  const response = await requests.run({ waitUntil: (work) => void works.push(work) }, handle)
  // Vercel keeps the instance awake for so long; here it is awake anyway.
  if (works.length > 0) finish(`${who}: ${method} ${new URL(url).search}`, works).catch(console.error)
  return response
}

async function finish(label: string, works: readonly Promise<unknown>[]): Promise<void> {
  // What is done may have handed over more.
  for (const work of works) await work
  console.log(`${label} is answered, and what it handed to waitUntil is done`)
}

async function startMiddleware() {
  const code = await bundle('middleware.ts', {
    conditions: ['edge-light', 'browser', 'module', 'import', 'require'],
    format: 'iife',
    globalName: 'app',
  })
  const listen = `addEventListener('fetch', (event) =>
    event.respondWith(inContext('middleware', event.request, () => app.default(event.request, event))))`
  const globals = { [contextKey]: contextReader, inContext, process: { env: process.env } }
  const runtime = new EdgeRuntime({
    initialCode: `${code}\n${listen}`,
    extend: (context) => Object.assign(context, globals),
  })
  return createHandler({ runtime }).handler
}

async function loadFunction(): Promise<Readonly<Record<string, Handler | undefined>>> {
  Reflect.set(globalThis, contextKey, contextReader)
  const code = await bundle('api/weather.ts', {
    conditions: ['node', 'import'],
    format: 'esm',
    platform: 'node',
  })
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
}

async function answerWithFunction(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request
  const handle = methods[method] ?? (() => new Response(null, { status: 405 }))
  const sent = new Request(new URL(url, 'http://localhost'), { method })
  const answer = await inContext('function', sent, () => handle(sent))
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  response.end(Buffer.from(await answer.arrayBuffer()))
}

async function bundle(entry: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    target: 'es2022',
    ...options,
  })
  return outputFiles?.[0]?.text ?? ''
}
