import { BentoCacheInstrumentation } from '@bentocache/otel'
import { prometheusPlugin } from '@bentocache/plugin-prometheus'
import { memoryDriver as bentocacheMemory } from 'bentocache/drivers/memory'
import { redisBusDriver } from 'bentocache/drivers/redis'
import type { L2CacheDriver } from 'bentocache/types'
import Emittery from 'emittery'
import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import {
  BentoCache,
  type BentoCachePlugin,
  bentostore,
  type CacheDriver,
  type CreateDriverResult,
  tracingChannels,
} from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'

// What was made for Bentocache is taken as it is.
const stores = {
  main: bentostore()
    .useL1Layer(memoryDriver())
    .useBus(redisBusDriver({ connection: {} })),
}
void new BentoCache({ default: 'main', stores, logger: pino(), plugins: [prometheusPlugin()] })
void new BentoCache({ default: 'main', stores, emitter: new EventEmitter() })
void new BentoCache({ default: 'main', stores, emitter: new Emittery<Record<string, unknown>>() })
const l2: CreateDriverResult = bentocacheMemory({})
bentostore().useL2Layer(bentocacheMemory({}))
declare const driver: L2CacheDriver
const ours: CacheDriver = driver
new BentoCacheInstrumentation().manuallyRegister({ BentoCache, tracingChannels })

// A minimal logger will do, a wrapper may be generic, and a plugin of one's own knows the cache.
const logger = { debug: (_fields: object, _message: string) => {}, error: () => {} }
const plugin: BentoCachePlugin = { register: (bento) => void bento.on('cache:hit', () => {}) }
void new BentoCache({
  default: 'main',
  stores,
  logger,
  plugins: [plugin],
  internalOperationWrapper: (run) => run(),
})

// THROWS Property 'error' is missing
void new BentoCache({ default: 'main', stores, logger: { debug: () => {} } })
// THROWS Type '{}' is missing the following properties from type 'Emitter': on, once, off, emit
void new BentoCache({ default: 'main', stores, emitter: {} })
// THROWS Property 'register' is missing
void new BentoCache({ default: 'main', stores, plugins: [{}] })
// THROWS is not assignable to type 'InternalOperationWrapper'
void new BentoCache({ default: 'main', stores, internalOperationWrapper: () => 42 })
