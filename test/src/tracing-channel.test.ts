import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel as nodeChannel } from 'node:diagnostics_channel'
import { describe, expect, test, vi } from 'vitest'
import { operations, runPlainly } from '../../src/operations.ts'
import { makeTracingChannel, type TracingChannel } from '../../src/tracing-channel.ts'
import { type CacheOperationMessage, tracingChannels } from '../../src/tracing-channels.ts'
import { failureOf } from '../support/pair.ts'
import { memoryStand, sharedStand } from '../support/stacks.ts'

const MOMENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
type Scene = { n: number; result?: unknown; error?: unknown }

/** All that both kinds of channel tell of `run`. */
async function toldBy(channel: TracingChannel<Scene>, run: (channel: TracingChannel<Scene>) => unknown) {
  const told: unknown[] = []
  const hear = (message: Scene, name: string): void => void told.push([name, { ...message }])
  const subscribers = Object.fromEntries(MOMENTS.map((moment) => [moment, hear]))
  channel.subscribe(subscribers)
  try {
    told.push(await run(channel))
  } catch (error) {
    told.push(['thrown', error])
  }
  channel.unsubscribe(subscribers)
  return told
}

const CALLS: Readonly<Record<string, (channel: TracingChannel<Scene>) => unknown>> = {
  'a call': (channel) => channel.traceSync((a: number, b: number) => a + b, { n: 1 }, undefined, 2, 3),
  'a call that throws': (channel) =>
    channel.traceSync(
      () => {
        throw new Error('no')
      },
      { n: 1 },
    ),
  'a promise': (channel) => channel.tracePromise(async (a: string) => `${a}!`, { n: 1 }, undefined, 'bento'),
  'a promise that fails': (channel) => channel.tracePromise(() => Promise.reject(new Error('no')), { n: 1 }),
  'what throws before there is a promise': (channel) =>
    channel.tracePromise(
      () => {
        throw new Error('no')
      },
      { n: 1 },
    ),
  'a method': (channel) =>
    channel.tracePromise(
      async function (this: { n: number }) {
        return this.n
      },
      { n: 1 },
      { n: 7 },
    ),
}

describe('a tracing channel', () => {
  test.each(Object.entries(CALLS))('tells of %s as Node does', async (_, run) => {
    const node = nodeChannel('ekiben.test') as unknown as TracingChannel<Scene>
    const own = makeTracingChannel<Scene>('ekiben.test', () => {})
    const told = await toldBy(own, run)
    expect(told.length).toBeGreaterThan(2)
    expect(told).toEqual(await toldBy(node, run))
  })

  test('runs what nobody hears of, and leaves its message alone', async () => {
    const channel = makeTracingChannel<Scene>('quiet', () => {})
    const message: Scene = { n: 1 }
    expect(channel.traceSync(() => 1, message)).toBe(1)
    expect(await channel.tracePromise(async () => 2, message)).toBe(2)
    expect([channel.hasSubscribers, message]).toEqual([false, { n: 1 }])
  })

  test('a subscriber that throws or rejects harms neither the call nor its neighbours', async () => {
    const channel = makeTracingChannel<Scene>('loud', () => {})
    const later = vi.fn()
    channel.start.subscribe(() => {
      throw new Error('no')
    })
    const rejecting: () => unknown = () => Promise.reject(new Error('no'))
    channel.start.subscribe(rejecting)
    channel.start.subscribe(later)
    expect(await channel.tracePromise(async () => 1, { n: 1 })).toBe(1)
    expect(later).toHaveBeenCalledTimes(1)
  })

  test('knows who listens, on which of its channels', () => {
    const watched = vi.fn()
    const channel = makeTracingChannel<Scene>('watched', watched)
    const hear = vi.fn()
    channel.subscribe({ asyncEnd: hear })
    expect([channel.hasSubscribers, channel.asyncEnd.hasSubscribers, channel.start.hasSubscribers]).toEqual([
      true,
      true,
      false,
    ])
    expect(channel.unsubscribe({ asyncEnd: hear, start: hear })).toBe(false)
    expect(channel.hasSubscribers).toBe(false)
    expect(channel.unsubscribe({ asyncEnd: hear })).toBe(false)
    expect(watched.mock.calls.flat()).toEqual([true, false])
    channel.start.subscribe(hear)
    channel.start.publish({ n: 1 })
    expect(hear).toHaveBeenCalledWith({ n: 1 }, 'tracing:watched:start')
    expect(channel.start.unsubscribe(hear)).toBe(true)
  })

  test('stores hold the message, or what is made of it, for as long as the call runs', async () => {
    const channel = makeTracingChannel<Scene>('stores', () => {})
    const [plain, made] = [new AsyncLocalStorage<Scene>(), new AsyncLocalStorage<number>()]
    channel.start.bindStore(plain)
    channel.start.bindStore(made, ({ n }) => n * 2)
    const held = await channel.tracePromise(
      async () => {
        await Promise.resolve()
        return [plain.getStore()?.n, made.getStore()]
      },
      { n: 21 },
    )
    expect([held, plain.getStore(), channel.hasSubscribers]).toEqual([[21, 42], undefined, true])
    expect([channel.start.unbindStore(plain), channel.start.unbindStore(plain)]).toEqual([true, false])
    expect(channel.start.unbindStore(made as never)).toBe(true)
    expect(channel.hasSubscribers).toBe(false)
  })
})

/** The messages of the cache's own channel: as they begin, and the objects themselves. */
function listen() {
  const begun: CacheOperationMessage[] = []
  const ended: CacheOperationMessage[] = []
  const subscriber = {
    start: (message: CacheOperationMessage) => void begun.push(message),
    asyncEnd: (message: CacheOperationMessage) => void ended.push(message),
  }
  tracingChannels.cacheOperation.subscribe(subscriber)
  return { begun, ended, stop: () => tracingChannels.cacheOperation.unsubscribe(subscriber) }
}

describe('the channel of cache operations', () => {
  test('costs nothing while nobody listens, and again when nobody listens any more', () => {
    expect(operations.run).toBe(runPlainly)
    const { stop } = listen()
    expect(operations.run).not.toBe(runPlainly)
    stop()
    expect(operations.run).toBe(runPlainly)
  })

  test('tells the end with the very object it told the start with, completed', async () => {
    const { bento } = memoryStand()
    const { begun, ended, stop } = listen()
    await bento.get({ key: 'k' })
    await bento.getOrSet({ key: 'k', factory: () => ({ secret: 'hunter2' }) })
    stop()
    expect(begun.map(({ operation }) => operation)).toEqual(['get', 'getOrSet', 'factory', 'set'])
    expect(new Set(ended)).toEqual(new Set(begun))
    for (const message of ended) expect(begun.some((other) => other === message)).toBe(true)
    expect(ended[0]).toEqual({ operation: 'get', key: 'bentocache:k', store: 'main', hit: false })
  })

  test('never holds a value', async () => {
    const { bento } = memoryStand()
    const { ended, stop } = listen()
    const value = { secret: 'hunter2' }
    await bento.set({ key: 'k', value })
    await bento.get({ key: 'k' })
    await bento.getOrSet({ key: 'l', factory: () => value })
    await bento.pull('k')
    stop()
    expect(ended).toHaveLength(7)
    expect(JSON.stringify(ended)).not.toContain('hunter2')
  })

  test('tells of a failed operation by its error, and of its end', async () => {
    const { bento } = memoryStand()
    const errors: unknown[] = []
    const error = (message: { operation: string; error?: unknown; hit?: boolean }): void =>
      void errors.push([message.operation, message.error, message.hit])
    const { ended, stop } = listen()
    tracingChannels.cacheOperation.error.subscribe(error)
    const cause = new Error('origin down')
    const failure = await failureOf(bento.getOrSet({ key: 'k', factory: () => Promise.reject(cause) }))
    tracingChannels.cacheOperation.error.unsubscribe(error)
    stop()
    expect(errors).toEqual([
      ['factory', cause, undefined],
      ['getOrSet', failure, undefined],
    ])
    expect(ended.map(({ operation }) => operation)).toEqual(['factory', 'getOrSet'])
  })

  test('a write behind the answer begins inside its getOrSet and ends when it is acknowledged', async () => {
    const { bento, clock } = sharedStand()
    const { begun, ended, stop } = listen()
    await bento.getOrSet({ key: 'k', factory: () => 1 })
    await clock.settle()
    stop()
    expect(begun.map(({ operation }) => operation)).toEqual(['getOrSet', 'factory', 'set'])
    expect(ended.map(({ operation }) => operation).toSorted()).toEqual(['factory', 'getOrSet', 'set'])
    expect(begun[2]).toEqual({ operation: 'set', key: 'bentocache:k', store: 'main' })
  })

  test('calls at the same time do not get in each other’s messages', async () => {
    const { bento, clock } = sharedStand({ grace: '1h' })
    await bento.set({ key: 'old', value: 1 })
    await bento.expire({ key: 'old' })
    await bento.set({ key: 'here', value: 1 })
    const { ended, stop } = listen()
    await Promise.all([
      bento.get({ key: 'old' }),
      bento.get({ key: 'here' }),
      bento.get({ key: 'nobody' }),
      bento.getOrSet({ key: 'made', factory: () => 1 }),
    ])
    await clock.settle()
    stop()
    const found = ended
      .filter(({ operation }) => operation.startsWith('get'))
      .map(({ key, hit, tier, graced }) => [key, hit && [tier, graced]] as const)
    expect(Object.fromEntries(found)).toEqual({
      'bentocache:here': ['l1', false],
      'bentocache:made': false,
      'bentocache:nobody': false,
      'bentocache:old': [expect.stringMatching(/l[12]/) as string, true],
    })
  })

  test('what is refused for its options is no operation', async () => {
    const { bento } = memoryStand()
    const { begun, stop } = listen()
    await failureOf(bento.get({ key: '' }))
    await failureOf(bento.set({ key: 'k', value: 1, ttl: 'soon' }))
    await failureOf(bento.set({ key: 'k', value: undefined }))
    stop()
    expect(begun).toEqual([])
  })
})
