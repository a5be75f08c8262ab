import { BentoCache, bentostore } from 'ekiben'
import { closeOnSignals } from 'ekiben/adapters/bun'
import { ageHeader, cacheStatus } from 'ekiben/cache-status'
import { memoryDriver } from 'ekiben/drivers/memory'
import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { getOrSetEntry } from 'ekiben/entry'

// Fresh for 5 s; then served for an hour more while it is refreshed behind the answer.
const store = bentostore({ ttl: '5s', grace: '1h' }).useL1Layer(memoryDriver({ maxItems: 1_000 }))
if (process.env['UPSTASH_REDIS_REST_URL']) store.useL2Layer(upstashDriver(fromEnv()))
else console.log('UPSTASH_REDIS_REST_URL is not set: what is cached stays in this process')

const bento = new BentoCache({ default: 'main', stores: { main: store } })

/** Slow, and in real life paid for. */
async function askForWeather(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 300))
  console.log(`asked for the weather in ${city}`)
  return { city, celsius: Math.round(Math.random() * 300) / 10, made: new Date().toISOString() }
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname !== '/weather') return new Response('Try /weather?city=Kanazawa\n', { status: 404 })
  if (request.method === 'DELETE') {
    // `false` where Redis could not be told, so that nobody takes it for done.
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
}

// On the port that PORT names, else on 3000.
const server = Bun.serve({ fetch: answer })
console.log(`listens on ${server.url.origin}`)

// No new requests; then what goes on behind answers is waited for (`bento.flush()`), and the process ends.
closeOnSignals(bento, { first: () => server.stop() })
