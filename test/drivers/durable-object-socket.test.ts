import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { durableObjectHttpDriver, type DurableObjectHttpOptions } from '../../drivers/durable-object-http.ts'
import { bearerProtocol } from '../../drivers/coordinator-protocol/bearer-protocol.ts'
import type { Subscription } from '../../src/ports.ts'

// Faults of a connection that no real one can be made to show. All else is tested against one in `test/remote`.

const TOKEN = 'canary-token'

/** A WebSocket whose other end is the test. */
class FakeSocket {
  static last: FakeSocket | undefined
  readonly url: string
  readonly protocols: string[]
  readonly sent: string[] = []
  readonly listeners: { type: string; listen: (event: object) => void }[] = []
  readyState = 0
  protocol = ''
  closed = 0

  constructor(url: string, protocols: string[]) {
    this.url = url
    this.protocols = protocols
    FakeSocket.last = this
  }

  addEventListener(type: string, listen: (event: object) => void): void {
    this.listeners.push({ type, listen })
  }

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.closed++
    this.readyState = 3
  }

  fire(type: string, event: object = {}): void {
    for (const each of this.listeners) if (each.type === type) each.listen(event)
  }

  open(protocol = 'ekiben.v1'): void {
    this.protocol = protocol
    this.readyState = 1
    this.fire('open')
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function subscribe(options: Partial<DurableObjectHttpOptions> = {}): {
  subscription: Subscription
  told: unknown[][]
} {
  const { coordination } = durableObjectHttpDriver({
    url: 'https://cache.example.com/mounted',
    token: TOKEN,
    webSocket: FakeSocket,
    ...options,
  }).factory({})
  const told: unknown[][] = []
  const subscription = coordination!.subscribe!({
    onOpen: () => void told.push(['open']),
    onAlive: (...args) => void told.push(['alive', ...args]),
    onPush: (push) => void told.push(['push', push]),
    onEnd: (error) => void told.push(['end', (error as { code?: string }).code]),
  })
  return { subscription, told }
}

test('one WebSocket is opened, with the token among its protocols and not in its URL', () => {
  subscribe({ name: 'a/b' })
  expect(FakeSocket.last).toMatchObject({
    url: 'wss://cache.example.com/mounted/v1/a%2Fb/subscribe',
    protocols: ['ekiben.v1', bearerProtocol(TOKEN)],
  })
  expect(bearerProtocol('~~?>ä')).toMatch(/^ekiben\.bearer\.[\w-]+$/)
})

test('whatever is said is a sign of life, and what cannot be read must be asked for', () => {
  const { told, subscription } = subscribe()
  const socket = FakeSocket.last!
  socket.open()
  subscription.ping!()
  const push = { after: { seq: 1, id: 'a' }, page: { head: { seq: 2, id: 'b' }, events: 'gap' } }
  for (const data of ['pong', JSON.stringify(push), '{', new ArrayBuffer(3), '{"after":{}}'])
    socket.fire('message', { data })
  expect(socket.sent).toEqual(['ping'])
  expect(told).toEqual([
    ['open'],
    ['alive'],
    ['alive'],
    ['push', push],
    ...[1, 2, 3].flatMap(() => [['alive'], ['push', undefined]]),
  ])
})

test('the end is told once, whatever follows', () => {
  const { told, subscription } = subscribe()
  const socket = FakeSocket.last!
  socket.open()
  socket.fire('error', { message: TOKEN })
  socket.fire('close', { code: 1006 })
  socket.fire('message', { data: 'pong' })
  socket.open()
  subscription.ping!()
  subscription.close()
  expect(told).toEqual([['open'], ['end', 'E_STORE']])
  expect(socket.sent).toEqual([])
})

test('a server that selects another protocol is none of ours', () => {
  const { told } = subscribe()
  FakeSocket.last!.open('')
  expect(told).toEqual([['end', 'E_STORE']])
  expect(FakeSocket.last!.closed).toBe(1)
})

test('a subscription that is closed before it opens stays silent', () => {
  const { told, subscription } = subscribe()
  subscription.close()
  FakeSocket.last!.open()
  for (const type of ['error', 'close', 'message']) FakeSocket.last!.fire(type)
  subscription.ping!()
  expect([told, FakeSocket.last!.sent]).toEqual([[], []])
})

test('a ping before the connection stands is left out', () => {
  const { subscription } = subscribe()
  subscription.ping!()
  expect(FakeSocket.last!.sent).toEqual([])
})

test('without a WebSocket the end says which option to give, after the call', async () => {
  vi.stubGlobal('WebSocket', undefined)
  const { told } = subscribe({ webSocket: undefined })
  expect(told).toEqual([])
  await vi.runAllTimersAsync()
  expect(told).toEqual([['end', 'E_INVALID_OPTION']])
})

test('without a token, or with a class that throws, the end is told after the call, unless it was closed', async () => {
  class Broken extends FakeSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols)
      throw new SyntaxError('no such protocol')
    }
  }
  const first = subscribe({ token: () => undefined })
  const second = subscribe({ webSocket: Broken })
  const third = subscribe({ webSocket: Broken })
  third.subscription.close()
  await vi.runAllTimersAsync()
  expect(first.told).toEqual([['end', 'E_MISSING_BINDING']])
  expect(second.told).toEqual([['end', undefined]])
  expect(third.told).toEqual([])
})
