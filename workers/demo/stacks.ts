/**
 * The three stacks of the demo, side by side. Nothing else in the Worker depends on which one it is: the variable `L2`
 * chooses it, and the Durable Object alone is the default.
 */
import { env } from 'cloudflare:workers'
import { bentostore } from '../../adapters/cloudflare.ts'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { durableObjectBusDriver, durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { fromEnv, upstashDriver } from '../../drivers/upstash.ts'
import type { BentoStore } from '../../src/store.ts'
import { countedKv } from './counted-kv.ts'
import type { L2Name } from './l2.ts'

const options = { ttl: '2s', grace: '1h' } as const
const l1 = { maxItems: 5_000 }
const coordinator = { binding: () => env.COORDINATOR }

/** Only the one that is chosen is built, so the others need no bindings. */
export const stacks: Readonly<Record<L2Name, () => BentoStore>> = {
  /** Everything in one Durable Object: values, and which of them are valid. */
  do: () =>
    bentostore(options) //
      .useL1Layer(memoryDriver(l1))
      .useL2Layer(durableObjectDriver(coordinator)),

  /** Values in KV, close to their readers; which of them are valid in the Durable Object. */
  kv: () =>
    bentostore(options)
      .useL1Layer(memoryDriver(l1))
      .useL2Layer(cloudflareKvDriver({ binding: () => countedKv(env.CACHE_KV), cacheTtl: '1h' }))
      .useBus(durableObjectBusDriver(coordinator)),

  /** Everything in Redis over HTTP, and no Durable Object. */
  upstash: () =>
    bentostore(options) //
      .useL1Layer(memoryDriver(l1))
      .useL2Layer(upstashDriver(fromEnv(env))),
}
