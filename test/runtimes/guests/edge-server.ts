/**
 * The platform around the edge runtime of Vercel: a server that gives each request to the function. Scenes run in a
 * request as Vercel has it, with a `waitUntil`; cases outside of one, as what runs before the first request does.
 * It runs in the oldest Node: newer ones leak globals into the runtime that Vercel's does not have.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { EdgeVM } from '@edge-runtime/vm'
import { LINES } from '../lines.ts'

interface VercelRequest {
  waitUntil(work: Promise<unknown>): void
}

const requests = new AsyncLocalStorage<VercelRequest>()
const [setup, resolved, bundle] = ['EKIBEN_SETUP', 'EKIBEN_RESOLVED', 'EKIBEN_BUNDLE'].map(
  (name) => process.env[name] ?? '',
) as [string, string, string]
const vm = new EdgeVM({
  extend: (context) =>
    Object.assign(context, { [Symbol.for('@vercel/request-context')]: { get: () => requests.getStore() } }),
  initialCode: `const EKIBEN_SETUP = ${setup}, EKIBEN_RESOLVED = ${resolved}\n${readFileSync(bundle, 'utf8')}`,
})

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}${incoming.url}`
  const body = await text(incoming)
  const works: Promise<unknown>[] = []
  const request: VercelRequest = { waitUntil: (work) => void works.push(work) }
  const send = (): ReturnType<typeof vm.dispatchFetch> =>
    vm.dispatchFetch(url, incoming.method === 'POST' ? { method: 'POST', body } : {})
  const answered = await (incoming.url?.startsWith('/scene/') ? requests.run(request, send) : send())
  response.writeHead(answered.status, { 'x-given': String(works.length) }).end(await answered.text())
}

const server = createServer((incoming, response) => {
  answer(incoming, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
}).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`${LINES.url}http://127.0.0.1:${port}`)
})
// Whoever started it is gone.
process.stdin.on('end', () => process.exit(0)).resume()
