// A Worker without a Durable Object of its own, which reaches that of another Worker through a service binding.
import { env } from 'cloudflare:workers'
import { BentoCache, bentostore } from '../../adapters/cloudflare.ts'
import { durableObjectHttpDriver } from '../../drivers/durable-object-http.ts'

const bento = new BentoCache({
  default: 'main',
  stores: {
    main: bentostore({ ttl: '1m', grace: '1h' }).useL2Layer(
      durableObjectHttpDriver({
        url: 'https://coordinator/cache',
        token: () => env.EKIBEN_SECRET ?? '',
        fetch: (url, init) => env.COORDINATOR_SERVICE.fetch(url, init),
      }),
    ),
  },
})
let runs = 0

const worker: ExportedHandler = {
  async fetch(request) {
    if (request.method === 'DELETE') return Response.json(await bento.deleteByTag({ tags: ['list'] }))
    const value = await bento.getOrSet({ key: 'k', tags: ['list'], factory: () => `${env.NAME} ${++runs}` })
    return Response.json(value)
  },
}

export default worker
