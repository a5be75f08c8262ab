import { PUSH_PROTOCOL } from '../../drivers/coordinator-protocol/bearer-protocol.ts'
import type { Push } from '../../src/ports.ts'

/** How long a ticket may be spent, in milliseconds: it is needed for one hop inside Cloudflare. */
const TICKET_TTL = 10_000

/** Tickets waiting to be spent. A fleet that reconnects after a restart needs many at once. */
const MAX_TICKETS = 10_000

/** Longest message in UTF-16 units. Who is told of more drops L1 cheaper than it reads. */
const MAX_MESSAGE = 262_144

/** The header that carries a ticket from the Worker to the object. */
export const TICKET_HEADER = 'x-ekiben-ticket'

/** What subscribers need of the object's state. */
export type SocketState = Pick<
  DurableObjectState,
  'acceptWebSocket' | 'getWebSockets' | 'setWebSocketAutoResponse'
>

/**
 * Who is told of changes at once. The sockets belong to the runtime, which keeps them while the object sleeps; only
 * tickets are held here, and one that is lost with the object's memory costs its client another attempt.
 */
export class Subscribers {
  readonly #state: SocketState
  readonly #now: () => number
  /** When each ticket ends, oldest first. */
  readonly #tickets = new Map<string, number>()

  constructor(state: SocketState, now: () => number) {
    this.#state = state
    this.#now = now
    // The runtime answers heartbeats itself, so they neither wake the object nor cost a request. Said before the first
    // socket, or two that open at once keep the object awake: https://github.com/cloudflare/workerd/issues/6862.
    this.#state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
  }

  /** A proof, good once and soon, that whoever asks for a socket could also call the object. */
  ticket(): string {
    const ticket = crypto.randomUUID()
    this.#tickets.set(ticket, this.#now() + TICKET_TTL)
    const [oldest] = this.#tickets.keys()
    if (this.#tickets.size > MAX_TICKETS && oldest !== undefined) this.#tickets.delete(oldest)
    return ticket
  }

  /** Opens a socket for a request with a ticket; to any other nothing seems to be here. */
  open(request: Request): Response {
    if (!this.#spend(request.headers.get(TICKET_HEADER))) return new Response('Not found', { status: 404 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.#state.acceptWebSocket(server)
    const headers = { 'sec-websocket-protocol': PUSH_PROTOCOL }
    return new Response(null, { status: 101, webSocket: client, headers })
  }

  /** Whether anybody listens. */
  any(): boolean {
    return this.#state.getWebSockets().length > 0
  }

  /** Tells everybody. The runtime holds messages back until what they tell of is on disk. */
  tell(push: Push): void {
    const whole = JSON.stringify(push)
    const { after, page } = push
    const text =
      whole.length <= MAX_MESSAGE
        ? whole
        : JSON.stringify({ after, page: { head: page.head, events: 'gap' } } satisfies Push)
    for (const socket of this.#state.getWebSockets()) {
      try {
        socket.send(text)
      } catch {
        // Its client is gone; it reconnects, or it does not.
        hangUp(socket, 1011)
      }
    }
  }

  #spend(ticket: string | null): boolean {
    const end = ticket === null ? undefined : this.#tickets.get(ticket)
    if (ticket === null || end === undefined) return false
    this.#tickets.delete(ticket)
    return this.#now() < end
  }
}

/** Closes a socket that may be closed already. */
export function hangUp(socket: WebSocket, code: number): void {
  try {
    socket.close(code)
  } catch {
    // There is nothing left to close.
  }
}
