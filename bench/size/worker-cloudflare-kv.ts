// Values in KV, and a Durable Object that decides which of them are valid, as a Worker uses them.
import { env } from 'cloudflare:workers'

import { BentoCache, bentostore } from '../../adapters/cloudflare.ts'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { durableObjectBusDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'

const bento = new BentoCache({
  default: 'main',
  stores: {
    main: bentostore({ ttl: '1m', grace: '1h' })
      .useL1Layer(memoryDriver())
      .useL2Layer(cloudflareKvDriver({ binding: () => env.KV }))
      .useBus(durableObjectBusDriver({ binding: () => env.COORDINATOR })),
  },
})
const menus = bento.namespace('menus')

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const factory = (): string => pathname
    const cache = pathname.startsWith('/menus/') ? menus : bento
    if (request.method === 'DELETE') return Response.json(await cache.deleteByTag({ tags: ['list'] }))
    const value = await cache.getOrSet({ key: pathname, factory, tags: ['list'] })
    return Response.json(value)
  },
}
