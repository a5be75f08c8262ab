import { closeOnSignals } from 'ekiben/adapters/bun'
import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { makeApp } from './app.ts'

const { app, cache } = makeApp(process.env['UPSTASH_REDIS_REST_URL'] ? upstashDriver(fromEnv()) : undefined)

// On the port that PORT names, else on 3000.
const server = Bun.serve({ fetch: app.fetch })
console.log(`listens on ${server.url.origin}`)
closeOnSignals(cache, { first: () => server.stop() })
