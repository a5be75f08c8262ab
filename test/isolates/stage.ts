/** One workerd with three isolates of one Worker, and the Durable Object they share. */
import { connect } from 'node:net'
import { Miniflare } from 'miniflare'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'
import type { Act, Ask, State, StoreName } from './messages.ts'

const NAMES = ['one', 'two', 'three'] as const
const COMPATIBILITY_DATE = '2026-07-01'

/** Tells what the coordinator counted; nothing else passes through here. */
const COUNTS = `
  export default {
    async fetch(request, { COORDINATOR }) {
      const coordinator = COORDINATOR.get(COORDINATOR.idFromName('ekiben'))
      if (request.method === 'DELETE') await coordinator.resetStats()
      return Response.json(await coordinator.stats())
    },
  }
`

export interface Isolate {
  /** One getOrSet; gives the value, and throws for anything but a 200. */
  ask(ask: Ask): Promise<unknown>
  /** One other operation. */
  do(operation: Act['operation'], options?: unknown, store?: StoreName): Promise<unknown>
  open(gate: string): Promise<void>
  state(): Promise<State>
  /** A POST, and the status with the body as it came. */
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>
  /** A POST from a client that vanishes: a TCP reset is the only thing that cancels a request in workerd. */
  vanish(path: string, body: unknown): Promise<{ reset(): void }>
}

/** What the coordinator counted. */
export interface Counts {
  readonly calls: Readonly<Record<string, number>>
  readonly generations: number
  readonly fillsStored: number
  readonly commitsRefused: number
}

export interface Stage {
  readonly isolates: readonly [Isolate, Isolate, Isolate]
  counts(): Promise<Counts>
  /** Counts from 0 again. */
  recount(): Promise<void>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const [isolate, coordinator] = await Promise.all([
    bundleWorker('test/workerd/isolate.ts'),
    bundleWorker('workers/coordinator.ts'),
  ])
  const plain = { modules: true, compatibilityDate: COMPATIBILITY_DATE, compatibilityFlags: [] }
  const shared = { className: 'Coordinator', scriptName: 'coordinator', useSQLite: true }
  const sockets = [{ host: '127.0.0.1', port: 0 }]
  const miniflare = new Miniflare({
    workers: [
      { ...plain, name: 'counts', script: COUNTS, durableObjects: { COORDINATOR: shared } },
      {
        ...plain,
        name: 'coordinator',
        script: `${coordinator}\nexport default { fetch: () => new Response(null, { status: 404 }) }`,
        durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
      },
      // The same code under another name is another isolate, with globals and an L1 of its own.
      ...NAMES.map((name) => ({
        ...plain,
        name,
        script: isolate,
        bindings: { NAME: name },
        durableObjects: { COORDINATOR: shared },
        kvNamespaces: { KV: 'shared' },
        unsafeDirectSockets: sockets,
      })),
    ],
  })
  const counter = await miniflare.ready
  const urls = await Promise.all(NAMES.map((name) => miniflare.unsafeGetDirectURL(name)))
  const count = async (method: string): Promise<Counts> => {
    const response = await fetch(counter, { method })
    return (await response.json()) as Counts
  }
  return {
    isolates: urls.map(isolateAt) as unknown as Stage['isolates'],
    counts: () => count('GET'),
    recount: async () => void (await count('DELETE')),
    close: () => miniflare.dispose(),
  }
}

function isolateAt(url: URL): Isolate {
  const post: Isolate['post'] = async (path, body) => {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const valueOf = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await post(path, body)
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body['value']
  }
  return {
    post,
    ask: (ask) => valueOf('/ask', ask),
    do: (operation, options, store) => valueOf('/do', { operation, options, store }),
    open: async (gate) => void (await valueOf('/open', gate)),
    state: async () => (await (await fetch(new URL('/state', url))).json()) as State,
    vanish: (path, body) => vanish(url, path, JSON.stringify(body)),
  }
}

async function vanish(url: URL, path: string, body: string): Promise<{ reset(): void }> {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const head = [`POST ${path} HTTP/1.1`, `Host: ${url.host}`, `Content-Length: ${Buffer.byteLength(body)}`]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  return { reset: () => socket.resetAndDestroy() }
}

/** Asks again until `look` gives something; a test that waits in vain says for what. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | undefined>,
  limit = 10_000,
): Promise<T> {
  const end = Date.now() + limit
  for (;;) {
    const found = await look()
    if (found !== false && found !== undefined) return found
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A module of the project as one script for workerd. */
