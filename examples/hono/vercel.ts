import { fromEnv, upstashDriver } from 'ekiben/drivers/upstash'
import { makeApp } from './app.ts'

const { app } = makeApp(process.env['UPSTASH_REDIS_REST_URL'] ? upstashDriver(fromEnv()) : undefined)

export const config = { runtime: 'edge' }

export default (request: Request): Response | Promise<Response> => app.fetch(request)
