import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BentoCache, bentostore } from 'ekiben'
import { closeOnSignals } from 'ekiben/adapters/node'
import { ageHeader, cacheStatus } from 'ekiben/cache-status'
import { memoryDriver } from 'ekiben/drivers/memory'
import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { getOrSetEntry } from 'ekiben/entry'

const { PORT = '3000', UPSTASH_REDIS_REST_URL } = process.env

// Fresh for 5 s; then served for an hour more while it is refreshed behind the answer.
const store = bentostore({ ttl: '5s', grace: '1h' }).useL1Layer(memoryDriver({ maxItems: 1_000 }))
if (UPSTASH_REDIS_REST_URL) store.useL2Layer(upstashDriver(fromEnv()))
else console.log('UPSTASH_REDIS_REST_URL is not set: what is cached stays in this process')

const bento = new BentoCache({ default: 'main', stores: { main: store } })

/** Slow, and in real life paid for. */
async function askForWeather(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 300))
  console.log(`asked for the weather in ${city}`)
  return { city, celsius: Math.round(Math.random() * 300) / 10, made: new Date().toISOString() }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname !== '/weather') {
    response.writeHead(404).end('Try /weather?city=Kanazawa\n')
  } else if (request.method === 'DELETE') {
    // `false` where Redis could not be told, so that nobody takes it for done.
    const done = await bento.deleteByTag({ tags: ['weather'] })
    response.writeHead(done ? 204 : 503).end()
  } else {
    const city = searchParams.get('city') ?? 'Kanazawa'
    const weather = await getOrSetEntry(bento, {
      key: `weather:${city}`,
      tags: ['weather'],
      factory: () => askForWeather(city),
    })
    const headers = { 'Cache-Status': cacheStatus(weather), Age: ageHeader(weather) }
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers })
    response.end(JSON.stringify(weather.value))
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    response.writeHead(500).end()
  })
})
server.listen(Number(PORT), () => {
  console.log(`listens on http://localhost:${(server.address() as AddressInfo).port}`)
})

// No new requests; then what goes on behind answers is waited for (`bento.flush()`), and the process ends.
closeOnSignals(bento, { first: () => new Promise((resolve) => server.close(resolve)) })
