import { BentoCache, bentostore } from 'ekiben/full'
import { memoryDriver } from 'ekiben/drivers/memory'
import { fromEnv as fromUpstash, upstashDriver } from 'ekiben/drivers/upstash'
import { fromEnv as fromVercel, vercelKvDriver } from 'ekiben/drivers/vercel-kv'
import { binary } from 'ekiben/serializers'

/** The shared tier, by what the environment names. Without one each process has a cache of its own. */
function sharedDriver() {
  if (process.env['KV_REST_API_URL']) return vercelKvDriver(fromVercel())
  if (process.env['UPSTASH_REDIS_REST_URL']) return upstashDriver(fromUpstash())
  return undefined
}

function store(prefix: string, memory: Parameters<typeof memoryDriver>[0]) {
  const made = bentostore({ prefix, serializer: binary() }).useL1Layer(memoryDriver(memory))
  const shared = sharedDriver()
  return shared ? made.useL2Layer(shared) : made
}

/**
 * One cache for both handlers of Next. Marks lie in a store of their own: large pages must not push out of memory
 * what says that they are no longer to be served.
 */
export const bento = new BentoCache({
  default: 'entries',
  stores: {
    entries: store('next-entries', { maxItems: 10_000, maxSize: '64mb' }),
    marks: store('next-marks', { maxItems: 100_000 }),
  },
})
