import { bearerProtocol, PUSH_PROTOCOL } from './bearer-protocol.ts'
import { InvalidOptionError, StoreError } from '../../src/errors.ts'
import { parsePush } from './parse-push.ts'
import type { Subscriber, Subscription } from '../../src/ports.ts'
import { systemRuntime } from '../../src/runtime.ts'

/** The part of a WebSocket that is used. */
export interface WebSocketLike {
  readonly protocol: string
  readonly readyState: number
  send(text: string): void
  close(code?: number): void
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listen: (event: object) => void): void
}

/** Makes WebSockets: the global class, or one of the same interface. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike

/** Where to subscribe. */
export interface PushAddress {
  /** The checked HTTP address of the subscription. */
  readonly address: string
  readonly token: () => string
  /** Absent: the runtime's. */
  readonly webSocket: WebSocketClass | undefined
}

const OPEN = 1

/** Opens one WebSocket, and tells of it until it ends. It may end before it opens, but never before this returns. */
export function openSubscription(to: PushAddress, subscriber: Subscriber): Subscription {
  let over = false
  const end = (error: unknown): void => {
    if (over) return
    over = true
    subscriber.onEnd(error)
  }
  try {
    const socket = connect(to)
    listen(socket, subscriber, { end, isOver: () => over })
    return {
      ping: () => {
        if (!over && socket.readyState === OPEN) socket.send('ping')
      },
      close: () => {
        over = true
        socket.close(1000)
      },
    }
  } catch (error) {
    systemRuntime.setTimer(() => end(error), 0)
    return { close: () => void (over = true) }
  }
}

function connect({ address, token, webSocket }: PushAddress): WebSocketLike {
  const Socket = webSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket
  if (!Socket)
    throw new InvalidOptionError({
      option: 'webSocket',
      received: 'undefined where the runtime has no WebSocket',
      allowed: "a class of WebSocket's interface, such as that of the package ws",
    })
  return new Socket(address.replace(/^http/, 'ws'), [PUSH_PROTOCOL, bearerProtocol(token())])
}

function listen(
  socket: WebSocketLike,
  subscriber: Subscriber,
  state: { readonly end: (error: unknown) => void; readonly isOver: () => boolean },
): void {
  const fail = (reason: string): void => {
    state.end(new StoreError('The coordinator', reason))
    socket.close(1000)
  }
  socket.addEventListener('open', () => {
    if (state.isOver()) return
    if (socket.protocol === PUSH_PROTOCOL) subscriber.onOpen()
    else fail('what answered is no coordinator')
  })
  socket.addEventListener('message', (event) => {
    if (state.isOver()) return
    subscriber.onAlive()
    const { data } = event as { readonly data?: unknown }
    if (data !== 'pong') subscriber.onPush(typeof data === 'string' ? parsePush(data) : undefined)
  })
  // What a runtime says of a failed connection differs from one to the next, and a refusal is not told at all.
  socket.addEventListener('error', () => fail('the connection failed; check url, name and token'))
  socket.addEventListener('close', (event) => {
    const { code } = event as { readonly code?: unknown }
    state.end(new StoreError('The coordinator', `the connection was closed with code ${String(code)}`))
  })
}
