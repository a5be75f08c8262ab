/**
 * The Worker of `test/isolates`: a cache at module scope, told over HTTP what to do. Its factories wait at gates that
 * another request opens, so a test decides when one ends.
 *
 *   POST /ask    one getOrSet; body: `Ask`
 *   POST /do     one other operation; body: `Act`
 *   POST /open   opens a gate
 *   POST /alone  waits at a gate without a cache
 *   GET  /state  what this isolate did so far
 */
import { env } from 'cloudflare:workers'
import { BentoCache, bentostore, type Cache } from '../../adapters/cloudflare.ts'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { durableObjectBusDriver, durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { Act, Ask, State } from '../isolates/messages.ts'

const driver = (): ReturnType<typeof durableObjectDriver> =>
  durableObjectDriver({ binding: () => env.COORDINATOR })

const kv: Record<string, number> = {}

/** The binding, and a count of the calls to it. */
function countedKv(): KVNamespace {
  return new Proxy(env.KV, {
    get: (target, name: keyof KVNamespace) => {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        kv[name] = (kv[name] ?? 0) + 1
        return method.apply(target, args)
      }
    },
  })
}

// All of this runs at module scope, where an isolate allows no timer, no I/O and nothing random.
const bento = new BentoCache({
  default: 'main',
  ttl: '1m',
  plugins: [{ register: (cache) => void cache.on('cache:miss', () => {}) }],
  logger: { debug: () => {}, error: () => {} },
  stores: {
    main: bentostore()
      .useL1Layer(memoryDriver({ maxSize: '1mb' }))
      .useL2Layer(driver()),
    // Asks for no news by itself, so that calls can be counted.
    patient: bentostore({ prefix: 'patient', pollInterval: '1h', maxStaleness: '2h', awaitWrites: true })
      .useL1Layer(memoryDriver())
      .useL2Layer(driver()),
    kv: bentostore({ prefix: 'kv', pollInterval: '1h', maxStaleness: '2h', awaitWrites: true })
      .useL1Layer(memoryDriver())
      .useL2Layer(cloudflareKvDriver({ binding: countedKv }))
      .useBus(durableObjectBusDriver({ binding: () => env.COORDINATOR })),
  },
})
const stores = { main: bento.use('main'), patient: bento.use('patient'), kv: bento.use('kv') }
const child = bento.namespace('module').namespace('scope')

const asked: Record<string, number> = {}
const runs: Record<string, number> = {}
const commits: Record<string, boolean[]> = {}
const gates = new Set<string>()
let rounds = 0

bento.onTrace((step) => {
  if (step.type === 'commit') (commits[step.key] ??= []).push(step.stored)
})

/** Plain data and timers of its own: a promise that another request settles would never be told of it. */
async function waitAt(gate: string, each = (): void => {}): Promise<void> {
  for (let round = 0; !gates.has(gate); round++) {
    if (round > 6000) throw new Error(`gate ${gate} was not opened`)
    each()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function ask({
  store = 'main',
  options,
  value,
  gate,
  late = [],
  never = false,
}: Ask): Promise<unknown> {
  const { key } = options
  asked[key] = (asked[key] ?? 0) + 1
  return stores[store].getOrSet({
    ...options,
    factory: async ({ setTags }) => {
      runs[key] = (runs[key] ?? 0) + 1
      if (never && runs[key] === 1) await new Promise<never>(() => {})
      if (gate !== undefined) await waitAt(gate)
      setTags(late)
      return value
    },
  })
}

function act({ store = 'main', operation, options }: Act): unknown {
  const cache: Cache = stores[store]
  const method = cache[operation] as (options: unknown) => unknown
  return method.call(cache, options)
}

function state(): State {
  const globals = ['process', 'Buffer', 'global'].filter((name) => name in globalThis)
  return { isolate: env.NAME, inflight: bento.inflight, asked, runs, commits, kv, rounds, globals }
}

async function route(request: Request): Promise<unknown> {
  const { pathname } = new URL(request.url)
  if (pathname === '/state') return state()
  const body: unknown = await request.json()
  switch (pathname) {
    case '/ask':
      return { value: await ask(body as Ask) }
    case '/do':
      return { value: await act(body as Act) }
    case '/open':
      return { value: gates.add(body as string).size }
    case '/alone':
      return { value: await waitAt(body as string, () => rounds++) }
    case '/module-scope':
      return { value: await child.getOrSet({ key: 'k', factory: () => 'made' }) }
    default:
      throw new Error(`no such route: ${pathname}`)
  }
}

const worker: ExportedHandler = {
  async fetch(request) {
    try {
      return Response.json(await route(request))
    } catch (error) {
      return Response.json(
        { code: (error as { code?: string }).code, message: String(error) },
        { status: 500 },
      )
    }
  },
}

export default worker
