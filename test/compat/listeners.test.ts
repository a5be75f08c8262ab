import { once } from 'node:events'
import { Writable } from 'node:stream'
import Emittery from 'emittery'
import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { BentoCache, bentostore, childLogger } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import { BentoCache as CoreBentoCache, type BentoCachePlugin, type Logger } from '../../src/index.ts'
import { settle } from './pair.ts'

function made(options: object) {
  const main = bentostore().useL1Layer(memoryDriver()).useL2Layer(plainDriver(memoryDriver()))
  return new BentoCache({ ...options, default: 'main', stores: { main } })
}

describe('an emitter', () => {
  test('may be Node’s', async () => {
    const emitter = new EventEmitter()
    const bento = made({ emitter })
    const written = once(emitter, 'cache:written')
    await bento.set({ key: 'k', value: 1 })
    expect(await written).toEqual([{ key: 'k', value: 1, store: 'main' }])
  })

  test('may be an Emittery', async () => {
    const emitter = new Emittery<Record<string, unknown>>()
    const bento = made({ emitter })
    const [direct, through] = [vi.fn(), vi.fn()]
    emitter.on('cache:written', direct)
    bento.on('cache:written', through)
    const missed = emitter.once('cache:miss')
    await bento.set({ key: 'k', value: 1 })
    await bento.get({ key: 'nobody' })
    await settle()
    const payload = { key: 'k', value: 1, store: 'main' }
    expect([direct.mock.calls[0], through.mock.calls[0]]).toEqual([[payload], [payload]])
    expect(await missed).toEqual({ key: 'nobody', store: 'main' })
    bento.off('cache:written', through)
    await bento.set({ key: 'k', value: 2 })
    await settle()
    expect([direct.mock.calls.length, through.mock.calls.length]).toEqual([2, 1])
  })
})

/** Lines of a pino logger, as objects. */
function pinoLines(level = 'debug') {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  return { lines, logger: pino({ level, base: null }, stream) }
}

describe('a logger', () => {
  test('may be pino: each line is of its cache, its layer, or the bus', async () => {
    const { lines, logger } = pinoLines()
    const bento = made({ logger })
    await bento.set({ key: 'k', value: 'hunter2' })
    await bento.get({ key: 'k' })
    await bento.get({ key: 'nobody' })
    const of = (msg: string): object | undefined => lines.find((line) => line['msg'] === msg)
    expect(of('ekiben: written')).toMatchObject({ level: 20, cache: 'main', key: 'k' })
    expect(of('ekiben: l1.hit')).toMatchObject({ level: 20, cache: 'main', layer: 'l1', key: 'k' })
    expect(of('ekiben: l2.read')).toMatchObject({ level: 20, cache: 'main', layer: 'l2', found: 'nothing' })
    expect(of('ekiben: written')).not.toHaveProperty('layer')
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  test('of pino is told of failures as errors, with the error', async () => {
    const { lines, logger } = pinoLines('error')
    const bento = made({ logger })
    await bento
      .getOrSet({ key: 'k', factory: () => Promise.reject(new Error('origin down')) })
      .catch(() => {})
    expect(lines).toEqual([
      expect.objectContaining({ level: 50, cache: 'main', key: 'k', msg: 'ekiben: factory.error' }),
    ])
  })

  test('has a child made once for each store and part', async () => {
    const children: object[] = []
    const make = (bound: object): Logger & { child(fields: object): Logger } => ({
      debug: vi.fn(),
      error: vi.fn(),
      child: (fields) => {
        children.push({ ...bound, ...fields })
        return make({ ...bound, ...fields })
      },
    })
    const bento = made({ logger: make({}) })
    for (let time = 0; time < 3; time++) {
      await bento.set({ key: 'k', value: 1 })
      await bento.get({ key: 'k' })
      await bento.get({ key: 'nobody' })
    }
    expect(children).toEqual([
      { cache: 'main' },
      { cache: 'main', layer: 'l1' },
      { cache: 'main', layer: 'l2' },
    ])
  })

  test('says by its child what is of the bus', () => {
    const told: unknown[] = []
    const make = (bound: object): Logger & { child(fields: object): Logger } => ({
      debug: (_, message) => void told.push([bound, message]),
      warn: (_, message) => void told.push([bound, 'warn', message]),
      error: () => {},
      child: (fields) => make({ ...bound, ...fields }),
    })
    const logger = childLogger(make({}))
    logger.debug({ store: 'main' }, 'ekiben: published')
    logger.debug({ store: 'main' }, 'ekiben: received')
    logger.warn?.({ store: 'main' }, 'ekiben: advice')
    const bus = { cache: 'main', context: 'bentocache.bus' }
    expect(told).toEqual([
      [bus, 'ekiben: published'],
      [bus, 'ekiben: received'],
      [{ cache: 'main' }, 'warn', 'ekiben: advice'],
    ])
  })

  test('says of no store what concerns none', () => {
    const child = vi.fn()
    const warn = vi.fn()
    const logger = childLogger({ debug: () => {}, error: () => {}, warn, child })
    logger.warn?.({}, 'ekiben: no request of Vercel to keep alive')
    expect(warn).toHaveBeenCalledOnce()
    expect(child).not.toHaveBeenCalled()
  })

  test('needs no more than debug and error', async () => {
    const logger = { debug: vi.fn(), error: vi.fn() }
    expect(childLogger(logger)).toBe(logger)
    for (const Made of [BentoCache, CoreBentoCache]) {
      logger.debug.mockClear()
      const main = bentostore().useL1Layer(memoryDriver())
      const bento = new Made({ default: 'main', stores: { main }, logger })
      await bento.set({ key: 'k', value: 1 })
      expect(logger.debug).toHaveBeenCalledWith({ store: 'main', key: 'k' }, 'ekiben: written')
    }
  })

  test('of pino is told what a store cannot promise as a warning', async () => {
    const { lines, logger } = pinoLines()
    const main = bentostore().useL2Layer(plainDriver(memoryDriver()))
    const bento = new BentoCache({ default: 'main', stores: { main }, logger })
    expect(bento.defaultStoreName).toBe('main')
    expect(lines[0]).toMatchObject({ level: 40, cache: 'main', msg: 'ekiben: advice' })
  })
})

describe('plugins', () => {
  test('hear events from the first on, and may use the cache at once', async () => {
    const heard: unknown[] = []
    const plugin: BentoCachePlugin = {
      register: (bento) => {
        bento.on('cache:written', ({ key }) => heard.push(key))
        heard.push(bento.use().name)
      },
    }
    await made({ plugins: [plugin] }).set({ key: 'k', value: 1 })
    expect(heard).toEqual(['main', 'k'])
  })
})
