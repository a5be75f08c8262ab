/**
 * The stage: one workerd with three isolates of the demo Worker, a Durable Object, KV, a D1 database and a router;
 * beside it a Redis, where that is the L2.
 */
import { Miniflare, type WorkerOptions } from 'miniflare'
import type { GatewayStats } from '../../bin/gateway.ts'
import { hasCoordinator, type L2Name } from '../../workers/demo/l2.ts'
import type { LedgerStats } from '../../workers/ledger/stats.ts'
import { bundleWorker } from '../support/bundle-worker.ts'
import { startRedis } from './redis.ts'

const COMPATIBILITY_DATE = '2026-07-01'
const SECRET = 'local'
const NAMES = ['isolate-1', 'isolate-2', 'isolate-3'] as const

/** Sends each request on to the next isolate, or to the one that `x-ask` names. */
const ROUTER = `
  let turn = 0
  export default {
    fetch(request, isolates) {
      const names = Object.keys(isolates)
      const asked = request.headers.get('x-ask')
      const name = asked ?? names[turn++ % names.length]
      return name in isolates ? isolates[name].fetch(request) : new Response('no such isolate', { status: 404 })
    },
  }
`

export interface Ask {
  /** Name of the isolate to ask; without, the router takes the next one. */
  readonly isolate?: string | undefined
  readonly method?: 'GET' | 'POST' | undefined
  readonly body?: string | undefined
  /** Give up after so many milliseconds. */
  readonly patience?: number | undefined
}

export interface Fleet {
  readonly origin: URL
  readonly isolates: typeof NAMES
  readonly l2: L2Name
  /** One HTTP request through the router. */
  ask(path: string, options?: Ask): Promise<Response>
  /** As `ask`, as a POST unless said otherwise; gives the parsed body and throws if it is not a 200. */
  tell<Answer>(path: string, options?: Ask): Promise<Answer>
  /** Where `isolate` itself listens, without the router, and the headers a request needs there. */
  direct(isolate: string): Promise<{ readonly url: URL; readonly authorization: string }>
  /** What the Durable Object counted, where the stack has one. */
  coordinator(): Promise<LedgerStats> | undefined
  /** What the gateway of Redis counted, where the stack has one. */
  gateway(): GatewayStats | undefined
  close(): Promise<void>
}

/** Starts the stage. `port` 0 takes any free one. */
export async function startFleet(l2: L2Name, port: number): Promise<Fleet> {
  const [demo, coordinator] = await Promise.all([
    bundleWorker('workers/demo.ts'),
    bundleWorker('workers/coordinator.ts'),
  ])
  const redis = l2 === 'upstash' ? await startRedis() : undefined
  const variables = { L2: l2, DEMO_SECRET: SECRET, ...redis?.variables }
  const miniflare = new Miniflare({
    port,
    workers: [
      routerWorker(),
      coordinatorWorker(coordinator),
      ...NAMES.map((name) => isolateWorker(name, demo, variables)),
    ],
  })
  const close = async (): Promise<void> => {
    await miniflare.dispose()
    await redis?.close()
  }
  const origin = await miniflare.ready.catch(async (error: unknown) => {
    await close()
    throw error
  })
  const authorization = `Bearer ${SECRET}`

  const ask = (
    path: string,
    { isolate, method = 'GET', body, patience = 30_000 }: Ask = {},
  ): Promise<Response> =>
    fetch(new URL(path, origin), {
      method,
      body: body ?? null,
      headers: { authorization, ...(isolate && { 'x-ask': isolate }) },
      signal: AbortSignal.timeout(patience),
    })
  const tell = async <Answer>(path: string, options: Ask = {}): Promise<Answer> => {
    const response = await ask(path, { method: 'POST', ...options })
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`)
    return response.json() as Promise<Answer>
  }

  return {
    origin,
    isolates: NAMES,
    l2,
    ask,
    tell,
    async direct(isolate) {
      return { url: await miniflare.unsafeGetDirectURL(isolate), authorization }
    },
    coordinator: () => (hasCoordinator(l2) ? tell('/coordinator', { method: 'GET' }) : undefined),
    gateway: () => redis?.stats(),
    close,
  }
}

function routerWorker(): WorkerOptions {
  return {
    name: 'router',
    modules: true,
    script: ROUTER,
    compatibilityDate: COMPATIBILITY_DATE,
    serviceBindings: Object.fromEntries(NAMES.map((name) => [name, name])),
  }
}

function coordinatorWorker(script: string): WorkerOptions {
  return {
    name: 'coordinator',
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
  }
}

/** The same code under another name is another isolate, with globals and an L1 of its own. */
function isolateWorker(
  name: string,
  script: string,
  variables: Readonly<Record<string, string>>,
): WorkerOptions {
  return {
    name,
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    bindings: variables,
    durableObjects: { COORDINATOR: { className: 'Coordinator', scriptName: 'coordinator', useSQLite: true } },
    kvNamespaces: { CACHE_KV: 'cache' },
    d1Databases: { DB: 'cities' },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }
}
