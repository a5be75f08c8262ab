import { env } from 'cloudflare:workers'
import { BentoCache, bentostore } from 'ekiben'
import { ageHeader, cacheStatus } from 'ekiben/cache-status'
import { durableObjectDriver } from 'ekiben/drivers/durable-object'
import { memoryDriver } from 'ekiben/drivers/memory'
import { getOrSetEntry } from 'ekiben/entry'

export { Coordinator } from 'ekiben/workers/coordinator'

const bento = new BentoCache({
  default: 'main',
  stores: {
    // Fresh for 5 s; then served for an hour more while it is refreshed behind the answer.
    main: bentostore({ ttl: '5s', grace: '1h' })
      .useL1Layer(memoryDriver({ maxItems: 1_000 }))
      .useL2Layer(durableObjectDriver({ binding: () => env.COORDINATOR })),
  },
})

/** Slow, and in real life paid for. */
async function askForWeather(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 300))
  console.log(`asked for the weather in ${city}`)
  return { city, celsius: Math.round(Math.random() * 300) / 10, made: new Date().toISOString() }
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== '/weather') return new Response('Try /weather?city=Kanazawa\n', { status: 404 })
    if (request.method === 'DELETE') {
      // `false` where the Durable Object could not be told, so that nobody takes it for done.
      const done = await bento.deleteByTag({ tags: ['weather'] })
      return new Response(null, { status: done ? 204 : 503 })
    }
    const city = searchParams.get('city') ?? 'Kanazawa'
    const weather = await getOrSetEntry(bento, {
      key: `weather:${city}`,
      tags: ['weather'],
      factory: () => askForWeather(city),
    })
    const headers = { 'Cache-Status': cacheStatus(weather), Age: ageHeader(weather) }
    return Response.json(weather.value, { headers })
  },
}
