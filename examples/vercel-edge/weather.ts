import { BentoCache, bentostore } from 'ekiben'
import { ageHeader, cacheStatus } from 'ekiben/cache-status'
import { memoryDriver } from 'ekiben/drivers/memory'
import { fromEnv, vercelKvDriver } from 'ekiben/drivers/vercel-kv'
import { getOrSetEntry } from 'ekiben/entry'

// Fresh for 5 s; then served for an hour more while it is refreshed behind the answer.
const store = bentostore({ ttl: '5s', grace: '1h' }).useL1Layer(memoryDriver({ maxItems: 1_000 }))
// Set by the integration of a Redis. Without it each instance has what it has asked for itself.
if (process.env['KV_REST_API_URL']) store.useL2Layer(vercelKvDriver(fromEnv()))
else console.log('KV_REST_API_URL is not set: what is cached stays in this instance')

export const bento = new BentoCache({ default: 'main', stores: { main: store } })

/** Slow, and in real life paid for. */
async function askForWeather(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 300))
  console.log(`asked for the weather in ${city}`)
  return { city, celsius: Math.round(Math.random() * 300) / 10, made: new Date().toISOString() }
}

/** Answers a request, on either runtime: `ekiben` finds the `waitUntil` of the request that runs. */
export async function answer(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
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
