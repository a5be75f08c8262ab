import { type CacheEvents, childLogger, tracingChannels } from 'ekiben'
import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, onEach, pause } from './kit.ts'

const EVENTS = ['cache:hit', 'cache:miss', 'cache:written', 'cache:deleted', 'cache:cleared'] as const

/** Events, logs, steps, and the tracing channel. */
export function tellingCases(): RuntimeCase[] {
  return [
    ...onEach('events tell what happened, in order', async ({ cache }) => {
      const { bento } = cache({ awaitWrites: true })
      const told: string[] = []
      for (const event of EVENTS) bento.on(event, () => void told.push(event))
      await bento.getOrSet({ key: 'k', factory: () => 1 })
      await bento.getOrSet({ key: 'k', factory: () => 2 })
      await bento.delete({ key: 'k' })
      await bento.clear()
      const first = told.filter((event) => event === 'cache:miss' || event === 'cache:written').toSorted()
      equal(first, ['cache:miss', 'cache:written'], 'events of the miss')
      equal(told.slice(-3), ['cache:hit', 'cache:deleted', 'cache:cleared'], 'events after it')
    }),
    ...onEach('an event names store, key, layer and value', async ({ cache }) => {
      const { bento } = cache()
      const told: CacheEvents['cache:hit'][] = []
      bento.on('cache:hit', (event) => void told.push(event))
      await bento.set({ key: 'k', value: 7 })
      await bento.get({ key: 'k' })
      equal(told, [{ store: 'main', key: 'k', layer: 'l1', graced: false, value: 7 }], 'events')
    }),
    ...onEach('once is once, off is off, and a listener that throws harms nobody', async ({ cache }) => {
      const { bento } = cache()
      const told: string[] = []
      const off = (): void => void told.push('off')
      bento.on('cache:miss', () => {
        throw new Error('mine')
      })
      bento.once('cache:miss', () => void told.push('once'))
      bento.on('cache:miss', off)
      await bento.get({ key: 'k' })
      bento.off('cache:miss', off)
      await bento.get({ key: 'k' })
      equal(told, ['once', 'off'], 'what was told')
    }),
    ...onEach('a logger is told of steps, and never of values', async ({ cache }) => {
      const lines: string[] = []
      const log = (fields: object, message: string): void =>
        void lines.push(JSON.stringify({ ...fields, message }))
      const { bento } = cache({ awaitWrites: true }, { logger: { debug: log, warn: log, error: log } })
      await bento.getOrSet({ key: 'k', factory: () => 'a-secret-value' })
      holds(
        lines.some((line) => line.includes('ekiben: miss')),
        'a line must tell of the miss',
      )
      equal(
        lines.filter((line) => line.includes('a-secret-value')),
        [],
        'lines with the value',
      )
    }),
    ...onEach('a failing factory is an error in the log', async ({ cache }) => {
      const errors: string[] = []
      const logger = { debug: () => {}, error: (_: object, message: string) => void errors.push(message) }
      const { bento } = cache({}, { logger })
      await failureOf(bento.getOrSet({ key: 'k', factory: () => Promise.reject(new Error('down')) }))
      equal(errors, ['ekiben: factory.error'], 'errors')
    }),
    ...onEach('a trace can be left again', async ({ cache }) => {
      const { bento } = cache()
      const types: string[] = []
      const leave = bento.onTrace(({ type }) => void types.push(type))
      await bento.set({ key: 'k', value: 1 })
      const heard = types.length
      leave()
      await bento.get({ key: 'k' })
      holds(heard > 0 && types.length === heard, `it heard ${heard}, then ${types.length} steps`)
    }),
    ...onEach('the tracing channel tells of operations, with the key’s full name', async ({ cache, id }) => {
      const { bento } = cache()
      const told: string[] = []
      const { cacheOperation } = tracingChannels
      const listeners = {
        // Other cases run beside this one.
        asyncEnd: ({ operation, key, hit }: { operation: string; key?: string; hit?: boolean }) => {
          if (key?.startsWith(`${id}:`)) told.push(`${operation} ${key.slice(id.length)} ${hit}`)
        },
      }
      cacheOperation.subscribe(listeners)
      try {
        await bento.namespace('n').get({ key: 'k' })
        await bento.set({ key: 'k', value: 1 })
        await bento.get({ key: 'k' })
      } finally {
        cacheOperation.unsubscribe(listeners)
      }
      equal(told, ['get :n:k false', 'set :k undefined', 'get :k true'], 'operations')
    }),
    ...onEach('a logger with children is given one for the cache', async ({ cache }) => {
      const made: object[] = []
      const plain = { debug: () => {}, error: () => {} }
      const logger = { ...plain, child: (fields: object) => (made.push(fields), plain) }
      const { bento } = cache({}, { logger: childLogger(logger) })
      await bento.set({ key: 'k', value: 1 })
      await pause(0)
      equal(made.length, 1, 'children')
    }),
  ]
}
