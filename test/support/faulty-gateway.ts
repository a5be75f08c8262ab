import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Gateway, startGateway } from '../../bin/gateway.ts'

/** What may go wrong between a driver and its Redis over HTTP. */
export type Fault =
  /** It takes `ms` longer; the request is passed on afterwards. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The request is taken and never passed on nor answered. */
  | { readonly kind: 'hang' }
  /** Status and headers of the real answer arrive, its body never does. A stream opens and stays mute. */
  | { readonly kind: 'stall' }
  /** The connection is reset; nothing is passed on. */
  | { readonly kind: 'refuse' }
  /** 429 with `Retry-After`; nothing is passed on. */
  | { readonly kind: 'rate-limit'; readonly seconds: number }
  /** 500 with `{"error"}`; nothing is passed on. */
  | { readonly kind: 'error' }
  /** A page of HTML instead of JSON, as a proxy on the way gives it; nothing is passed on. */
  | { readonly kind: 'html'; readonly status: 200 | 502 }
  /** The request is run, and its answer ends in the middle, properly framed. */
  | { readonly kind: 'truncate' }
  /** 200 with JSON that is no answer; nothing is passed on. */
  | { readonly kind: 'shape'; readonly body: '{}' | '{"result":{}}' }
  /** The request is run, and the connection is reset instead of an answer. */
  | { readonly kind: 'drop-after' }

/** A request as a fault may choose it. */
export interface FaultyRequest {
  /** With the query. */
  readonly path: string
  readonly body: string
}

/** A gateway with a proxy in front that does what it is told. */
export interface FaultyGateway {
  /** Of the proxy. */
  readonly url: string
  readonly token: string
  /** What happens to requests from now on: one fault for all, one for each, or none. */
  fault: Fault | ((request: FaultyRequest) => Fault | undefined) | undefined
  /** The gateway behind it, where nothing goes wrong. */
  readonly gateway: Gateway
  /** Requests that arrived at the proxy, by path without the query. */
  requests(): Readonly<Record<string, number>>
  /** Begins to count anew, here and in the gateway. */
  resetRequests(): void
  /** Resets the connections of all open streams. Gives their number. */
  cutStreams(): number
  /** Leaves all open streams open, but nothing passes any more, no heartbeat either. Gives their number. */
  silenceStreams(): number
  close(): Promise<void>
}

/** Where the real gateway is, and how to get there. */
interface Upstream {
  readonly url: string
  readonly agent: Agent
}

/** Takes the place of `startGateway` in tests of what goes wrong. */
export async function openFaultyGateway(options: {
  readonly redisUrl: string
  readonly token?: string
  /** Milliseconds between two heartbeats of a stream. */
  readonly heartbeat?: number
  /** Milliseconds until the gateway gives up on Redis. */
  readonly commandTimeout?: number
}): Promise<FaultyGateway> {
  const { redisUrl, token = 'token-of-the-faulty-gateway', heartbeat, commandTimeout } = options
  const gateway = await startGateway({ token, redis: redisUrl, port: 0, heartbeat, commandTimeout })
  const upstream = { url: gateway.url, agent: new Agent({ keepAlive: true }) }
  const streams = new Map<ServerResponse, IncomingMessage>()
  const counts = new Map<string, number>()

  const server = createServer((incoming, response) => {
    const path = incoming.url ?? '/'
    const counted = path.split('?')[0]!
    counts.set(counted, (counts.get(counted) ?? 0) + 1)
    serve(incoming, response, path).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function serve(incoming: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const body = await buffer(incoming)
    const chosen =
      typeof faulty.fault === 'function' ? faulty.fault({ path, body: String(body) }) : faulty.fault
    if (chosen !== undefined && (await isAnswered(response, chosen))) return
    const answer = await pass(upstream, incoming, body)
    const isStream = answer.headers['content-type'] === 'text/event-stream'
    if (chosen?.kind === 'drop-after' || chosen?.kind === 'truncate') {
      if (isStream) answer.destroy()
      await spoil(response, chosen.kind, answer)
      return
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    if (isStream) keep(response, answer)
    if (chosen?.kind === 'stall') {
      response.flushHeaders()
      answer.resume()
    } else {
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    }
  }

  function keep(response: ServerResponse, answer: IncomingMessage): void {
    streams.set(response, answer)
    response.on('close', () => {
      streams.delete(response)
      answer.destroy()
    })
  }

  const faulty: FaultyGateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    fault: undefined,
    gateway,
    requests: () => Object.fromEntries(counts),
    resetRequests() {
      counts.clear()
      gateway.resetStats()
    },
    cutStreams() {
      const open = [...streams.keys()]
      for (const response of open) response.socket?.resetAndDestroy()
      return open.length
    },
    silenceStreams() {
      for (const [response, answer] of streams) {
        answer.unpipe(response)
        answer.resume()
        // The end of the stream would be a sign of life as well.
        answer.removeAllListeners('error').on('error', () => {})
      }
      return streams.size
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      upstream.agent.destroy()
      await gateway.close()
    },
  }
  return faulty
}

/** Does what needs no real answer; `false` is to go on. */
async function isAnswered(response: ServerResponse, fault: Fault): Promise<boolean> {
  switch (fault.kind) {
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      return false
    case 'hang':
      return true
    case 'refuse':
      response.socket?.resetAndDestroy()
      return true
    case 'rate-limit':
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': String(fault.seconds) })
      response.end('{"error":"ERR max requests limit exceeded"}')
      return true
    case 'error':
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"ERR internal error"}')
      return true
    case 'html':
      response.writeHead(fault.status, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>Not what you asked for</title>')
      return true
    case 'shape':
      response.writeHead(200, { 'content-type': 'application/json' }).end(fault.body)
      return true
    default:
      return false
  }
}

/** Does what comes instead of a real answer, once there is one. */
async function spoil(
  response: ServerResponse,
  kind: 'drop-after' | 'truncate',
  answer: IncomingMessage,
): Promise<void> {
  if (kind === 'drop-after') {
    answer.resume()
    response.socket?.resetAndDestroy()
    return
  }
  const body = await buffer(answer)
  const half = body.subarray(0, Math.floor(body.length / 2))
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': half.length }).end(half)
}

function pass({ url, agent }: Upstream, incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { ...incoming.headers, 'content-length': String(body.length) }
    delete headers['transfer-encoding']
    request(url + incoming.url, { method: incoming.method, headers, agent }, resolve)
      .on('error', reject)
      .end(body)
  })
}
