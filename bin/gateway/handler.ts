import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { bodyOf } from './body.ts'
import { commandOf, commandsOf, jsonOf, pathCommandOf, type Command } from './command.ts'
import { EventStream, eventOf, heartbeatOf } from './event-stream.ts'
import { KeyLocking } from './key-locking.ts'
import type { Settings } from './options.ts'
import type { RedisLink } from './redis-link.ts'
import { malformed, Refusal } from './refusal.ts'
import { refusalOf } from './refused-commands.ts'
import { answerOf, errorAnswer, type Encoding, type Reply } from './reply.ts'
import type { Counters } from './stats.ts'
import type { Streams } from './streams.ts'
import type { Topics } from './subscriber.ts'
import type { SyncToken } from './sync-token.ts'
import { bytesOf, targetOf, type Target } from './target.ts'
import { type TokenCheck, tokenCheck } from './token-check.ts'

/** What answers requests. */
export interface Parts {
  readonly settings: Settings
  readonly redis: RedisLink
  readonly streams: Streams
  readonly counters: Counters
  readonly syncToken: SyncToken
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: Target
}

/** The protocol, route by route. */
class Handler {
  readonly #parts: Parts
  readonly #isAllowed: TokenCheck
  readonly #keyLocking = new KeyLocking()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#isAllowed = tokenCheck(parts.settings.token)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const target = targetOf(request.url ?? '')
      const route = routeOf(target)
      this.#parts.counters.request(route)
      if (!this.#isAllowed(request.headers.authorization, target)) throw unauthorized()
      const exchange = { request, response, target }
      if (route === '/subscribe' || route === '/psubscribe') await this.#stream(exchange)
      else await this.#command(exchange, route)
    } catch (error) {
      this.#fail(response, error)
    }
  }

  async #command({ request, response, target }: Exchange, route: string): Promise<void> {
    const inPath = route === '/command'
    allow(request, inPath ? ['GET', 'HEAD', 'POST', 'PUT'] : ['POST', 'PUT'])
    const encoding = encodingOf(request)
    const body = await bodyOf(request, this.#parts.settings.maxBodyBytes)
    if (route === '/pipeline') return this.#pipeline(response, commandsOf(jsonOf(body)), encoding)
    if (route === '/multi-exec') return this.#transaction(response, commandsOf(jsonOf(body)), encoding)
    const command = inPath
      ? pathCommandOf(target, bodyless(request) ? Buffer.alloc(0) : body)
      : commandOf(jsonOf(body))
    const [reply = null] = await this.#run([command])
    return this.#send(response, statusOf(reply), answerOf(reply, encoding))
  }

  async #pipeline(response: ServerResponse, commands: readonly Command[], encoding: Encoding): Promise<void> {
    this.#sendList(response, await this.#run(commands), encoding)
  }

  async #transaction(
    response: ServerResponse,
    commands: readonly Command[],
    encoding: Encoding,
  ): Promise<void> {
    const refusal = commands.map(refusalOf).find((reason) => reason !== undefined)
    if (refusal !== undefined) throw new Refusal(400, refusal)
    const replies = await this.#parts.redis.transaction(this.#translated(commands))
    if (replies instanceof Error) throw new Refusal(400, replies.message)
    this.#sendList(response, replies, encoding)
  }

  /** Runs what may run, in order; the rest is an error in its place. */
  async #run(commands: readonly Command[]): Promise<Reply[]> {
    const refusals = commands.map(refusalOf)
    const passed = commands.filter((_, index) => refusals[index] === undefined)
    const replies = passed.length === 0 ? [] : await this.#parts.redis.run(this.#translated(passed))
    return refusals.map((refusal) => (refusal === undefined ? replies.shift()! : new Error(refusal)))
  }

  #translated(commands: readonly Command[]): Command[] {
    return commands.map((command) => this.#keyLocking.translate(command))
  }

  async #stream({ request, response, target }: Exchange): Promise<void> {
    allow(request, ['GET', 'POST', 'PUT'])
    // Clients send a body without a meaning.
    request.resume()
    const { settings, streams } = this.#parts
    const topics = topicsOf(target)
    const stream = new EventStream(response, settings.maxBufferedBytes)
    response.on('close', () => streams.leave(stream))
    await streams.join(stream, topics)
    const opened = topics.names.map((name, index) => eventOf(topics.kind, name, String(index + 1)))
    stream.open(this.#headers(), heartbeatOf(settings.heartbeat) + opened.join(''))
  }

  #sendList(response: ServerResponse, replies: readonly Reply[], encoding: Encoding): void {
    this.#send(response, 200, `[${replies.map((reply) => answerOf(reply, encoding)).join(',')}]`)
  }

  #send(
    response: ServerResponse,
    status: number,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const bytes = Buffer.from(body)
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': bytes.length,
      'cache-control': 'no-store',
      ...this.#headers(),
      ...headers,
    })
    response.end(bytes)
  }

  #headers(): Record<string, string> {
    return { 'upstash-sync-token': this.#parts.syncToken.current }
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.destroyed) return
    if (error instanceof Refusal) {
      this.#send(response, error.status, errorAnswer(error.message), error.headers)
    } else if (error instanceof Error && error.name === 'ReplyError') {
      this.#send(response, 400, errorAnswer(error.message))
    } else {
      this.#parts.settings.log(
        `a request failed in the gateway: ${error instanceof Error ? error.name : typeof error}`,
      )
      this.#send(response, 500, errorAnswer('ERR the gateway failed'))
    }
  }
}

/** Answers requests for {@link startGateway}. */
export function requestListener(parts: Parts): RequestListener {
  const handler = new Handler(parts)
  return (request, response) => {
    // It fails only where not even the failure could be told.
    handler.handle(request, response).catch(() => response.destroy())
  }
}

const routes = new Set(['pipeline', 'multi-exec', 'subscribe', 'psubscribe'])

function routeOf({ segments: [first] }: Target): string {
  if (first === undefined) return '/'
  const name = first.toLowerCase()
  return routes.has(name) ? `/${name}` : '/command'
}

function topicsOf({ segments: [kind = '', ...encoded] }: Target): Topics {
  const names = encoded.map((segment) => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(segment))
    } catch {
      throw malformed('channels and patterns are percent-encoded UTF-8')
    }
  })
  if (names.length === 0 || names.includes('')) throw malformed('name a channel or pattern in the path')
  return { kind: kind.toLowerCase() === 'subscribe' ? 'subscribe' : 'psubscribe', names: [...new Set(names)] }
}

function allow(request: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return
  throw new Refusal(405, `ERR method not allowed: use ${methods.join(', ')}`, { allow: methods.join(', ') })
}

function unauthorized(): Refusal {
  return new Refusal(401, 'Unauthorized', { 'www-authenticate': 'Bearer' })
}

function encodingOf({ headers }: IncomingMessage): Encoding {
  const format = headers['upstash-response-format'] ?? 'json'
  if (format !== 'json') throw malformed('the only Upstash-Response-Format here is json')
  return headers['upstash-encoding'] === 'base64' ? 'base64' : 'plain'
}

function bodyless({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function statusOf(reply: Reply): number {
  return reply instanceof Error ? 400 : 200
}
