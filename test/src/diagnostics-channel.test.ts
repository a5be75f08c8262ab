import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, test } from 'vitest'
import { bridgeDiagnosticsChannel } from '../../adapters/diagnostics-channel.ts'
import { BentoCache } from '../../adapters/node.ts'
import { bentostore } from '../../src/index.ts'
import { operations, runPlainly } from '../../src/operations.ts'
import { tracingChannels } from '../../src/tracing-channels.ts'
import { failureOf } from '../support/pair.ts'
import { memoryStand } from '../support/stacks.ts'

const node = tracingChannel<string, { operation: string }>('bentocache.cache.operation')

/** What Node's channel tells. */
function hear() {
  const told: string[] = []
  const hearing = (moment: string) => (message: unknown) =>
    void told.push(`${moment} ${(message as { operation: string }).operation}`)
  const subscriber = {
    start: hearing('start'),
    end: hearing('end'),
    asyncStart: hearing('asyncStart'),
    asyncEnd: hearing('asyncEnd'),
    error: hearing('error'),
  }
  node.subscribe(subscriber)
  return { told, stop: () => void node.unsubscribe(subscriber) }
}

describe('the bridge to Node’s diagnostics channel', () => {
  test('tells what the cache’s own channel tells, in its order', async () => {
    const takeDown = bridgeDiagnosticsChannel()
    const { told, stop } = hear()
    const { bento } = memoryStand()
    await bento.get({ key: 'k' })
    await failureOf(bento.getOrSet({ key: 'k', factory: () => Promise.reject(new Error('no')) }))
    stop()
    takeDown()
    expect(told).toEqual([
      'start get',
      'end get',
      'asyncStart get',
      'asyncEnd get',
      'start getOrSet',
      'end getOrSet',
      'start factory',
      'end factory',
      'error factory',
      'asyncStart factory',
      'asyncEnd factory',
      'error getOrSet',
      'asyncStart getOrSet',
      'asyncEnd getOrSet',
    ])
  })

  test('has stores that are bound to Node’s channel hold the message in the factory', async () => {
    const takeDown = bridgeDiagnosticsChannel()
    const storage = new AsyncLocalStorage<{ operation: string }>()
    node.start.bindStore(storage as never)
    const { bento } = memoryStand()
    const held = await bento.getOrSet({ key: 'k', factory: () => storage.getStore()?.operation })
    node.start.unbindStore(storage as never)
    takeDown()
    expect(held).toBe('factory')
  })

  test('stands once, however often it is asked for, and is gone when taken down', async () => {
    const takeDown = bridgeDiagnosticsChannel()
    expect(bridgeDiagnosticsChannel()).toBe(takeDown)
    const { told, stop } = hear()
    const { bento } = memoryStand()
    await bento.get({ key: 'k' })
    expect(told).toHaveLength(4)
    takeDown()
    takeDown()
    await bento.get({ key: 'k' })
    stop()
    expect(told).toHaveLength(4)
    expect(tracingChannels.cacheOperation.hasSubscribers).toBe(false)
  })

  test('is built by itself for a cache in Node that is made while somebody listens', async () => {
    const { told, stop } = hear()
    const bento = new BentoCache({ default: 'main', stores: { main: bentostore() } })
    await bento.get({ key: 'k' })
    stop()
    bridgeDiagnosticsChannel()()
    expect(told).toEqual(['start get', 'end get', 'asyncStart get', 'asyncEnd get'])
  })

  test('is not built where nobody listens: operations run plainly', async () => {
    const bento = new BentoCache({ default: 'main', stores: { main: bentostore() } })
    expect(operations.run).toBe(runPlainly)
    const { told, stop } = hear()
    await bento.get({ key: 'k' })
    stop()
    expect(told).toEqual([])
  })
})
