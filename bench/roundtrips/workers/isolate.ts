/**
 * One isolate on one of the stacks: does over HTTP what it is told. `patient` asks for no news by itself, so that what
 * is counted is what the operation costs; `eager` is due for news at once.
 */
import { BentoCache, bentostore, type BentoStore, type Cache } from '../../../adapters/cloudflare.ts'
import { BentoCache as FullBentoCache } from '../../../adapters/full-cloudflare.ts'
import { cloudflareKvDriver, type KVNamespaceLike } from '../../../drivers/cloudflare-kv.ts'
import {
  type CoordinatorNamespace,
  durableObjectBusDriver,
  durableObjectDriver,
} from '../../../drivers/durable-object.ts'
import { memoryDriver } from '../../../drivers/memory.ts'
import { upstashDriver } from '../../../drivers/upstash.ts'
import { vercelKvDriver } from '../../../drivers/vercel-kv.ts'
import type { Order } from '../orders.ts'

interface Bindings {
  readonly STACK: 'upstash' | 'vercel-kv' | 'kv+do' | 'do'
  readonly URL?: string
  readonly TOKEN?: string
  readonly KV?: KVNamespaceLike
  readonly COORDINATOR?: CoordinatorNamespace
}

/** Has room for what operations on many keys leave. */
let full: FullBentoCache<{ main: BentoStore }> | undefined
let cache: BentoCache<{ patient: BentoStore; eager: BentoStore }> | undefined

/** Puts a store's L2 behind it. */
const behind: Readonly<Record<Bindings['STACK'], (store: BentoStore, bindings: Bindings) => BentoStore>> = {
  upstash: (store, { URL = '', TOKEN = '' }) => store.useL2Layer(upstashDriver({ url: URL, token: TOKEN })),
  'vercel-kv': (store, { URL = '', TOKEN = '' }) =>
    store.useL2Layer(vercelKvDriver({ url: URL, token: TOKEN })),
  'kv+do': (store, { KV, COORDINATOR }) =>
    store
      .useL2Layer(cloudflareKvDriver({ binding: () => KV }))
      .useBus(durableObjectBusDriver({ binding: () => COORDINATOR })),
  do: (store, { COORDINATOR }) => store.useL2Layer(durableObjectDriver({ binding: () => COORDINATOR })),
}

function open(bindings: Bindings): BentoCache<{ patient: BentoStore; eager: BentoStore }> {
  const patient = { pollInterval: '1h', maxStaleness: '2h', awaitWrites: true }
  // One item of memory, so that a look at another key makes room: what is read next comes from L2.
  const store = (options: object): BentoStore =>
    behind[bindings.STACK](bentostore(options).useL1Layer(memoryDriver({ maxItems: 1 })), bindings)
  return (cache ??= new BentoCache({
    default: 'patient',
    stores: { patient: store(patient), eager: store({ ...patient, prefix: 'eager', pollInterval: 1 }) },
  }))
}

const EXTRAS: readonly string[] = ['getMany', 'setMany', 'getOrSetMany', 'expireByTag', 'touch', 'revalidate']

async function obeyExtra(bindings: Bindings, { operation, options }: Order): Promise<unknown> {
  const patient = { pollInterval: '1h', maxStaleness: '2h', awaitWrites: true }
  const main = behind[bindings.STACK](bentostore(patient).useL1Layer(memoryDriver()), bindings)
  full ??= new FullBentoCache({ default: 'main', stores: { main } })
  if (operation === 'getOrSetMany')
    return full.getOrSetMany({ ...(options as { keys: string[] }), factory: (keys) => keys })
  if (operation === 'revalidate')
    return full.getOrSet({
      ...(options as { key: string }),
      factory: (ctx) => (ctx.etag ? ctx.notModified() : ctx.modified('v', { etag: '"1"' })),
    })
  return (full[operation as 'touch'] as (options: unknown) => unknown).call(full, options)
}

async function obey(bindings: Bindings, order: Order): Promise<unknown> {
  if (EXTRAS.includes(order.operation)) return obeyExtra(bindings, order)
  const { operation, options, value, eager } = order
  const store: Cache = open(bindings).use(eager ? 'eager' : 'patient')
  if (operation === 'getOrSet')
    return store.getOrSet({ ...(options as { key: string }), factory: () => value })
  return (store[operation as 'set'] as (options: unknown) => unknown).call(store, options)
}

export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    return Response.json({ value: await obey(bindings, await request.json()) })
  },
}
