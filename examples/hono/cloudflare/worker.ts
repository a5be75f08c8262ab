import { env } from 'cloudflare:workers'
import { durableObjectDriver } from 'ekiben/drivers/durable-object'
import { makeApp } from '../app.ts'

export { Coordinator } from 'ekiben/workers/coordinator'

export default makeApp(durableObjectDriver({ binding: () => env.COORDINATOR })).app
