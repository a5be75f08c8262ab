import { closeOnSignals } from 'ekiben/adapters/deno'
import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { makeApp } from './app.ts'

const { app, cache } = makeApp(Deno.env.get('UPSTASH_REDIS_REST_URL') ? upstashDriver(fromEnv()) : undefined)

const server = Deno.serve({ port: Number(Deno.env.get('PORT') ?? 3000) }, app.fetch)
closeOnSignals(cache, { first: () => server.shutdown() })
