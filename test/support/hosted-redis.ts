import { Redis as UpstashRedis } from '@upstash/redis'
import { createClient } from '@vercel/kv'
import { memoryDriver } from '../../drivers/memory.ts'
import { upstashBusDriver, upstashDriver } from '../../drivers/upstash.ts'
import { vercelKvDriver } from '../../drivers/vercel-kv.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CreateDriverResult,
  type Step,
  type StoreOptions,
} from '../../src/index.ts'

/** Where a gateway is. */
export interface Address {
  readonly url: string
  readonly token: string
}

/** The ways to a Redis over HTTP, each as a driver; the clients of others with their own defaults, however odd. */
export const WAYS: Readonly<Record<string, (address: Address) => CreateDriverResult>> = {
  'upstash by address': ({ url, token }) => upstashDriver({ url, token }),
  'upstash by client': ({ url, token }) =>
    upstashDriver({ client: new UpstashRedis({ url, token, enableTelemetry: false }) }),
  'vercel kv by address': ({ url, token }) => vercelKvDriver({ url, token }),
  'vercel kv by client': ({ url, token }) => vercelKvDriver({ client: createClient({ url, token }) }),
}

/** A cache over HTTP, and what it tells. */
export interface Hosted {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly steps: Step[]
}

/** Makes one. `push`: it also listens. */
export function hosted(
  driver: CreateDriverResult,
  options: StoreOptions = {},
  { push, memory = true }: { readonly push?: Address; readonly memory?: boolean } = {},
): Hosted {
  const store = bentostore(options).useL2Layer(driver)
  if (memory) store.useL1Layer(memoryDriver())
  if (push) store.useBus(upstashBusDriver({ url: push.url, token: push.token }))
  const bento = new BentoCache({ default: 'main', stores: { main: store } })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  return { bento, steps }
}
