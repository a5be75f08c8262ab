/**
 * A Redis of your own over HTTP, as Upstash offers it: what the command `ekiben gateway` starts.
 *
 * @module
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadClient } from './gateway/client.ts'
import { requestListener } from './gateway/handler.ts'
import { type GatewayOptions, settingsOf } from './gateway/options.ts'
import { RedisLink } from './gateway/redis-link.ts'
import { Counters, type GatewayStats } from './gateway/stats.ts'
import { Streams } from './gateway/streams.ts'
import { SyncToken } from './gateway/sync-token.ts'

export { MissingPeerError } from '../src/errors.ts'
export type { GatewayOptions } from './gateway/options.ts'
export type { GatewayStats } from './gateway/stats.ts'

/** A running gateway. */
export interface Gateway {
  /** Where it listens, such as `http://127.0.0.1:8079`. */
  readonly url: string
  /** What it has done since the start or the last `resetStats`. */
  stats(): GatewayStats
  /** Begins to count anew. */
  resetStats(): void
  /** Ends event streams, answers what is under way, and leaves Redis. Calling it again does no harm. */
  close(): Promise<void>
}

/**
 * Serves the HTTP protocol of Upstash in front of a Redis of your own. Needs the package `ioredis`.
 * It starts whether Redis is there or not, and answers 503 while it is not.
 *
 * @throws {@link InvalidOptionError} naming the option; {@link MissingPeerError} without `ioredis`; what Node says
 *   if it cannot listen on the port.
 * @example
 * ```ts
 * import { startGateway } from 'ekiben/gateway'
 *
 * const gateway = await startGateway({ token: 'a long random text', redis: 'redis://127.0.0.1:6379', port: 0 })
 * const answer = await fetch(gateway.url, {
 *   method: 'POST',
 *   headers: { authorization: 'Bearer a long random text' },
 *   body: JSON.stringify(['PING']),
 * })
 * await gateway.close()
 * ```
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = settingsOf(options)
  const open = await loadClient()
  const counters = new Counters()
  const syncToken = new SyncToken()
  const redis = new RedisLink(open, settings, (command) => {
    counters.command()
    syncToken.note(command)
  })
  const streams = new Streams(open, settings)
  const server = createServer(requestListener({ settings, redis, streams, counters, syncToken }))
  await listen(server, settings)
  await redis.open()
  return {
    url: urlOf(server),
    stats: () => ({ ...counters.read(), streams: streams.size }),
    resetStats: () => counters.reset(),
    async close() {
      streams.close()
      await closed(server, 2 * settings.commandTimeout)
      redis.close()
    },
  }
}

function listen(
  server: Server,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Commands have a deadline; whoever still sends or reads past it is cut off. */
function closed(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patience)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
    // Those that are answered from now on are not kept for another request.
    server.keepAliveTimeout = 1
  })
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
