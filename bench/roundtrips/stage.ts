/** Two isolates of one Worker in workerd on one stack, and what the servers behind them counted. */
import { Miniflare, type WorkerOptions } from 'miniflare'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'
import type { Order } from './orders.ts'

const COMPATIBILITY_DATE = '2026-07-01'
const TOKEN = 'token-of-the-round-trips'

export const STACKS = ['upstash', 'vercel-kv', 'kv+do', 'do'] as const
export type StackName = (typeof STACKS)[number]

/** What servers received. A Durable Object and KV have no commands but the calls themselves. */
export interface Cost {
  readonly requests: number
  readonly commands: number
}

export interface Stage {
  readonly one: (order: Order) => Promise<unknown>
  readonly two: (order: Order) => Promise<unknown>
  /** What reached the servers since the last `recount`. */
  cost(): Promise<Cost>
  recount(): Promise<void>
  close(): Promise<void>
}

const COUNTS = `
  export default {
    async fetch(request, { COORDINATOR, COUNTER }) {
      const coordinator = COORDINATOR.get(COORDINATOR.idFromName('ekiben'))
      if (request.method === 'DELETE') await coordinator.resetStats()
      const { calls } = await coordinator.stats()
      const kv = await (await COUNTER.fetch('http://kv.test', { method: request.method })).json()
      return Response.json(Object.values(calls).reduce((sum, count) => sum + count, kv))
    },
  }
`

/** Opens a stack. `redisUrl` is where the hosted ones have their Redis. */
export async function openStage(stack: StackName, redisUrl: string): Promise<Stage> {
  const isHosted = stack === 'upstash' || stack === 'vercel-kv'
  const gateway = isHosted ? await startGateway({ token: TOKEN, redis: redisUrl, port: 0 }) : undefined
  const miniflare = new Miniflare({ workers: await workers(stack, gateway) })
  const counter = await miniflare.ready
  const [one, two] = await Promise.all(
    ['one', 'two'].map(async (name) => teller(await miniflare.unsafeGetDirectURL(name))),
  )
  const count = async (method: string): Promise<number> =>
    (await (await fetch(counter, { method })).json()) as number
  return {
    one: one as Stage['one'],
    two: two as Stage['two'],
    cost: async () => {
      if (gateway) return costOf(gateway)
      const requests = await count('GET')
      return { requests, commands: requests }
    },
    recount: async () => {
      gateway?.resetStats()
      if (!gateway) await count('DELETE')
    },
    close: async () => {
      await miniflare.dispose()
      await gateway?.close()
    },
  }
}

function costOf(gateway: Gateway): Cost {
  const { requests, commands } = gateway.stats()
  return { requests, commands }
}

function teller(url: URL): Stage['one'] {
  return async (order) => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(order) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${order.operation}: HTTP ${response.status} ${text.slice(0, 300)}`)
    return (JSON.parse(text) as { value?: unknown }).value
  }
}

async function workers(stack: StackName, gateway: Gateway | undefined): Promise<WorkerOptions[]> {
  const [isolate, coordinator, kv] = await Promise.all([
    bundleWorker('bench/roundtrips/workers/isolate.ts'),
    bundleWorker('workers/coordinator.ts'),
    bundleWorker('bench/roundtrips/workers/counting-kv.ts'),
  ])
  const plain = { modules: true, compatibilityDate: COMPATIBILITY_DATE } as const
  const shared = { className: 'Coordinator', scriptName: 'coordinator', useSQLite: true }
  return [
    {
      ...plain,
      name: 'counts',
      script: COUNTS,
      durableObjects: { COORDINATOR: shared },
      serviceBindings: { COUNTER: 'kv' },
    },
    {
      ...plain,
      name: 'coordinator',
      script: `${coordinator}\nexport default { fetch: () => new Response(null, { status: 404 }) }`,
      durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
    },
    { ...plain, name: 'kv', script: kv, kvNamespaces: { KV: 'values' } },
    // The same code under another name is another isolate, with globals and an L1 of its own.
    ...['one', 'two'].map((name) => ({
      ...plain,
      name,
      script: isolate,
      bindings: { STACK: stack, URL: gateway?.url ?? '', TOKEN },
      durableObjects: { COORDINATOR: shared },
      serviceBindings: { KV: { name: 'kv', entrypoint: 'CountingKv' } },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    })),
  ]
}
