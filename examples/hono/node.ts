import { serve } from '@hono/node-server'
import { closeOnSignals } from 'ekiben/adapters/node'
import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { makeApp } from './app.ts'

const { PORT = '3000', UPSTASH_REDIS_REST_URL } = process.env
const { app, cache } = makeApp(UPSTASH_REDIS_REST_URL ? upstashDriver(fromEnv()) : undefined)

const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`listens on http://localhost:${port}`)
})
closeOnSignals(cache, { first: () => new Promise((resolve) => server.close(resolve)) })
