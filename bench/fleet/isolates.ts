import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Log, LogLevel, Miniflare } from 'miniflare'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'
import type { StoreOptions } from '../../src/options.ts'
import type { FaultyGateway } from '../../test/support/faulty-gateway.ts'
import type { Acknowledgement, Answer, Ask, Bindings, Invalidation, Steps } from './messages.ts'
import type { Origin } from './origin.ts'

const COMPATIBILITY_DATE = '2026-07-01'
/** A request that says nothing for so many milliseconds has failed. */
const PATIENCE = 20_000

/** One isolate in workerd, with globals and an L1 of its own. */
export interface Isolate {
  ask(ask: Ask): Promise<Answer>
  invalidate(invalidation: Invalidation): Promise<Acknowledgement>
  steps(): Promise<Steps>
  /** An `ask` whose client vanishes: a TCP reset is the only thing that cancels a request in workerd. */
  vanish(ask: Ask): Promise<{ reset(): void }>
}

/** One process of workerd. */
export interface Process {
  readonly isolates: readonly Isolate[]
  /** Kills the process, with SIGKILL. Calling it again does no harm. */
  close(): Promise<void>
}

export interface ProcessConfig {
  readonly script: string
  readonly gateway: FaultyGateway
  readonly origin: Origin
  /** Options of the store of each isolate. */
  readonly stores: readonly StoreOptions[]
}

/** Starts one workerd with an isolate for each store, and waits until each has answered. */
export async function openProcess({ script, gateway, origin, stores }: ProcessConfig): Promise<Process> {
  const bindings = { REDIS_URL: gateway.url, REDIS_TOKEN: gateway.token, ORIGIN: origin.url }
  const nameOf = (at: number): string => `isolate-${at + 1}`
  const miniflare = new Miniflare({
    log: new Log(LogLevel.NONE),
    // What workerd says of requests that are cut off on purpose.
    handleStructuredLogs: () => {},
    // The same code under another name is another isolate.
    workers: stores.map((options, at) => ({
      name: nameOf(at),
      modules: true,
      script,
      compatibilityDate: COMPATIBILITY_DATE,
      bindings: { ...bindings, OPTIONS: options } satisfies Bindings as never,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    })),
  })
  await miniflare.ready
  const urls = await Promise.all(stores.map((_, at) => miniflare.unsafeGetDirectURL(nameOf(at))))
  const isolates = urls.map(isolateAt)
  await Promise.all(isolates.map((isolate) => isolate.steps()))
  let closing: Promise<void> | undefined
  return { isolates, close: () => (closing ??= miniflare.dispose()) }
}

function isolateAt(url: URL): Isolate {
  const call = (path: string, body?: object): Promise<unknown> => send(new URL(path, url), body)
  return {
    ask: async (ask) => (await call('/ask', ask)) as Answer,
    invalidate: async (invalidation) => (await call('/invalidate', invalidation)) as Acknowledgement,
    steps: async () => (await call('/steps')) as Steps,
    vanish: (ask) => vanish(url, JSON.stringify(ask)),
  }
}

/** One request on a connection of its own: a thousand at once must neither queue nor meet one that is just being closed. */
function send(url: URL, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: body ? 'POST' : 'GET', agent: false }, (response) => {
      text(response).then((said) => {
        if (response.statusCode === 200) resolve(JSON.parse(said))
        else reject(new Error(`${url.pathname}: HTTP ${response.statusCode} ${said}`))
      }, reject)
    })
    outgoing.on('error', reject)
    outgoing.setTimeout(PATIENCE, () =>
      outgoing.destroy(new Error(`${url.pathname}: silent for ${PATIENCE} ms`)),
    )
    outgoing.end(body && JSON.stringify(body))
  })
}

async function vanish(url: URL, body: string): Promise<{ reset(): void }> {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const head = ['POST /ask HTTP/1.1', `Host: ${url.host}`, `Content-Length: ${Buffer.byteLength(body)}`]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  return { reset: () => socket.resetAndDestroy() }
}

/** The Worker, with nothing of Node in it. */
export function bundleIsolate(): Promise<string> {
  return bundleWorker('bench/fleet/workers/isolate.ts')
}
