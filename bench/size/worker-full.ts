// As worker.ts, with the cache that has everything as methods.
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache, bentostore } from '../../adapters/full-cloudflare.ts'

// At module scope, where workerd refuses timers, randomness and I/O.
const bento = new BentoCache({
  default: 'main',
  stores: { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) },
})
const menus = bento.namespace('menus')
let runs = 0

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const factory = (): { path: string; run: number } => ({ path: pathname, run: ++runs })
    const cache = pathname.startsWith('/menus/') ? menus : bento
    if (request.method === 'DELETE') return Response.json(await cache.deleteByTag({ tags: ['list'] }))
    const value = await cache.getOrSet({ key: pathname, factory, tags: ['list'] })
    return Response.json({ value, runs })
  },
}
