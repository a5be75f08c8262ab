// The Upstash stack as a Worker uses it: memory in front, Redis over HTTP behind, both really called.
import { memoryDriver } from '../../drivers/memory.ts'
import { upstashDriver } from '../../drivers/upstash.ts'
import { BentoCache, bentostore } from '../../src/index.ts'

const bento = new BentoCache({
  default: 'main',
  stores: {
    main: bentostore({ ttl: '1m', grace: '1h' })
      .useL1Layer(memoryDriver())
      .useL2Layer(upstashDriver({ url: 'https://cache.test', token: 'token' })),
  },
})

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const factory = (): string => pathname
    if (request.method === 'DELETE') return Response.json(await bento.deleteByTag({ tags: ['list'] }))
    return Response.json(await bento.getOrSet({ key: pathname, factory, tags: ['list'] }))
  },
}
