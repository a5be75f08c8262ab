/**
 * A client that vanishes. Only a TCP reset cancels a request in workerd: an aborted `fetch` or a closed
 * socket sends a FIN, which the server may take for a client that has no more to say.
 */
import { connect } from 'node:net'
import type { Fleet } from './isolates.ts'

export interface VanishingClient {
  /** Sends the RST. */
  reset(): void
}

/** Sends a POST straight to `isolate` and leaves the answer unread. */
export async function resetConnection(fleet: Fleet, isolate: string, path: string): Promise<VanishingClient> {
  const { url, authorization } = await fleet.direct(isolate)
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${url.host}`,
    `Authorization: ${authorization}`,
    'Content-Length: 0',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  return { reset: () => socket.resetAndDestroy() }
}
