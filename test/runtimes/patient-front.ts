import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

/** A server in front of another. */
export interface Front {
  readonly url: string
  close(): Promise<void>
}

/** Longer than any client keeps a connection. */
const KEPT = 600_000
/** Well below what workerd keeps one. */
const KEPT_BEHIND = 2000

/**
 * Stands before a workerd and keeps connections for as long as clients may. workerd closes one after five idle seconds, at
 * which clients close theirs as well: whoever sends at this very moment loses the request, in workerd as in Bun.
 */
export async function openFront(origin: URL): Promise<Front> {
  const { hostname: host, port } = origin
  const agent = new Agent({ keepAlive: true, timeout: KEPT_BEHIND })
  const sockets = new Set<Duplex>()

  function pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { url: path, method, headers } = incoming
    const behind = request({ host, port, path, method, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    })
    behind.on('error', () => response.destroy())
    response.on('close', () => behind.destroy())
    incoming.pipe(behind)
  }

  /** A WebSocket: what is sent, is sent on, both ways. */
  function join({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const behind = connect(Number(port), host, () => {
      const lines = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]))
      behind.write(`${[`${method} ${url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
      behind.write(head)
      socket.pipe(behind).pipe(socket)
    })
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  }

  const server = createServer({ keepAliveTimeout: KEPT }, pass).on('upgrade', join).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      agent.destroy()
    },
  }
}
