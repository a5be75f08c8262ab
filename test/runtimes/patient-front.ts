import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A server in front of another. */
export interface Front {
  readonly url: string
  close(): Promise<void>
}

/** Well below what workerd keeps an idle connection, in milliseconds. */
const IDLE = 2000

/**
 * Stands before a workerd, and keeps connections for as long as clients like. workerd closes one after five idle seconds,
 * at which clients close theirs as well: whoever sends at this very moment loses the request, in workerd as in Bun.
 * Bytes are passed on as they are. The connection behind is let go between two requests, and made anew for the next.
 */
export async function openFront({ hostname, port }: URL): Promise<Front> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    // What follows an error is told as the end.
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }

  function pass(client: Socket): void {
    let behind: Socket | undefined
    let timer: NodeJS.Timeout | undefined
    let isOpenEnded = false
    const open = (): Socket => {
      const socket = keep(connect({ port: Number(port), host: hostname, noDelay: true }))
      socket.on('data', (data) => {
        client.write(data)
        // An answer has begun. Nobody knows when the other end of a WebSocket speaks again.
        clearTimeout(timer)
        if (!isOpenEnded) timer = setTimeout(letGo, IDLE)
      })
      socket.on('close', () => {
        if (behind === socket) client.destroy()
      })
      return socket
    }
    const letGo = (): void => {
      const idle = behind
      behind = undefined
      idle?.destroy()
    }
    client.on('data', (data) => {
      clearTimeout(timer)
      isOpenEnded ||= /^GET [^\r]*\/subscribe /.test(data.toString('latin1', 0, 300))
      behind ??= open()
      behind.write(data)
    })
    client.on('close', () => {
      clearTimeout(timer)
      letGo()
    })
  }

  const server = createServer({ noDelay: true }, (client) => pass(keep(client))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
