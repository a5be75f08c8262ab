import type { BusTransport, TransportMessage } from '../../src/index.ts'

/** A transport in the hands of a test. */
export interface FakeTransport extends BusTransport {
  readonly id: () => string | undefined
  /** What was asked of it, in order, such as `subscribe` or `publish delete k`. */
  readonly asked: string[]
  readonly published: TransportMessage[]
  /** What becomes of the next calls; nothing by default. */
  fate: (call: string) => Promise<void> | void
  /** Another process speaks. */
  say(message: unknown): void
  reconnect(): void
  /** Handlers that would be called. */
  readonly handlers: () => number
}

export function fakeTransport(): FakeTransport {
  let id: string | undefined
  let handlers: ((message: never) => void)[] = []
  const callbacks: (() => void)[] = []
  const ask = async (call: string): Promise<void> => {
    transport.asked.push(call)
    await transport.fate(call.split(' ')[0] as string)
  }
  const transport: FakeTransport = {
    asked: [],
    published: [],
    fate: () => {},
    id: () => id,
    handlers: () => handlers.length,
    setId: (given) => {
      id = given
      return transport
    },
    onReconnect: (callback) => void callbacks.push(callback),
    publish: async (_, message) => {
      const { type, keys } = message as TransportMessage
      await ask(['publish', type, ...keys].join(' '))
      transport.published.push(message as TransportMessage)
    },
    subscribe: async (_, handler) => {
      await ask('subscribe')
      handlers.push(handler)
    },
    unsubscribe: async () => {
      await ask('unsubscribe')
      handlers = []
    },
    disconnect: () => ask('disconnect'),
    say: (message) => handlers.forEach((handler) => handler(message as never)),
    reconnect: () => callbacks.forEach((callback) => callback()),
  }
  return transport
}
