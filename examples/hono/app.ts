import { BentoCache, bentostore } from 'ekiben'
import { bento } from 'ekiben/adapters/hono'
import { memoryDriver } from 'ekiben/drivers/memory'
import type { CreateDriverResult } from 'ekiben/types'
import { Hono } from 'hono'

/** Slow, and in real life paid for. */
async function askForWeather(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 300))
  console.log(`asked for the weather in ${city}`)
  return { city, celsius: Math.round(Math.random() * 300) / 10, made: new Date().toISOString() }
}

/** The app, on any runtime. `l2` is what its processes or isolates share; without it each has its own memory alone. */
export function makeApp(l2?: CreateDriverResult) {
  // Fresh for 5 s; then served for an hour more while it is refreshed behind the answer.
  const store = bentostore({ ttl: '5s', grace: '1h' }).useL1Layer(memoryDriver({ maxItems: 1_000 }))
  if (l2) store.useL2Layer(l2)
  else console.log('there is no L2: what is cached stays here')
  const cache = new BentoCache({ default: 'main', stores: { main: store } })

  const app = new Hono()
    // Tells everybody everything. In an app of your own let `when` decide who is told.
    .use(bento({ cache, cacheStatus: { key: true }, serverTiming: true }))
    .get('/weather', async (c) => {
      const city = c.req.query('city') ?? 'Kanazawa'
      const weather = await c.var.cache.getOrSet({
        key: `weather:${city}`,
        tags: ['weather'],
        factory: () => askForWeather(city),
      })
      return c.json(weather)
    })
    .delete('/weather', async (c) => {
      // `false` where L2 could not be told, so that nobody takes it for done.
      const done = await c.var.cache.deleteByTag({ tags: ['weather'] })
      return c.body(null, done ? 204 : 503)
    })
  return { app, cache }
}
