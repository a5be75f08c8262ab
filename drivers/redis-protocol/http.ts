import { L2TimeoutError, StoreError } from '../../src/errors.ts'
import { checkAddress, checkToken } from '../../src/remote-address.ts'
import type { Send } from './evaluate.ts'
import { reasonOf } from './reason.ts'
import type { Open } from './event-stream.ts'

/** How a Redis that speaks Upstash's HTTP protocol is reached: https://upstash.com/docs/redis/features/restapi. */
export interface HttpOptions {
  /** Address of the database. `https`, unless it is this machine. */
  readonly url: string
  /** Its REST token. */
  readonly token: string
  /** When a request is given up, whoever waits for it. Milliseconds. @default 10 s */
  readonly timeout?: number | undefined
  /** Sends the requests. @default the global one */
  readonly fetch?: typeof fetch | undefined
  /** Lets `url` be http to another machine. The token and all values can then be read on the way. @default false */
  readonly allowInsecure?: boolean | undefined
}

/** Larger replies are not read: no page and no entry is. In characters. */
const LARGEST_REPLY = 64_000_000
/** How long a request may take that nobody waits for any longer. */
const GIVEN_UP_AFTER = 10_000

/** A way to a Redis over HTTP. */
export interface HttpRedis {
  readonly send: Send
  /** Opens any other request, for what listens. */
  readonly open: Open
}

/**
 * Speaks Upstash's protocol with nothing but `fetch`: one request a command, none repeated, text as it is. What was
 * written is there when it is read: the token that says so goes along from request to request.
 *
 * @throws {@link InvalidOptionError}
 */
export function httpRedis({
  url,
  token,
  timeout = GIVEN_UP_AFTER,
  fetch: given,
  allowInsecure,
}: HttpOptions): HttpRedis {
  const base = checkAddress({ url, allowInsecure })
  checkToken(token)
  let syncToken: string | undefined

  const open: Open = async (path, { body, headers, signal }) => {
    // Looked up at each call: a global that is replaced later, in a test or by a tracer, is used too.
    const response = await (given ?? fetch)(`${base}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: body ?? null,
      // The token must not follow to wherever an answer points.
      redirect: 'manual',
      signal,
    })
    if (response.ok) return response
    throw new StoreError('Redis', await refusal(response))
  }

  const send: Send = async (command) => {
    const { signal, done } = deadline(timeout)
    const headers = syncToken === undefined ? {} : { 'upstash-sync-token': syncToken }
    try {
      const sent = syncToken
      const response = await open('', { body: JSON.stringify(command), headers, signal })
      // A read that was overtaken knows less than what overtook it.
      if (sent === syncToken || !command[0]?.endsWith('_RO'))
        syncToken = response.headers.get('upstash-sync-token') ?? syncToken
      if (Number(response.headers.get('content-length')) > LARGEST_REPLY)
        throw new StoreError('Redis', 'a reply too large')
      return resultOf(await response.text())
    } catch (error) {
      throw signal.aborted ? new L2TimeoutError(timeout) : unreachable(error)
    } finally {
      done()
    }
  }

  return { send, open }
}

/** A timer of the request's own: nobody else ends it. */
function deadline(ms: number): { readonly signal: AbortSignal; readonly done: () => void } {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), ms)
  return { signal: abort.signal, done: () => clearTimeout(timer) }
}

/** Why a request was refused. The body is read or let go, since it holds one of a Worker's few connections. */
async function refusal(response: Response): Promise<string> {
  const text = response.status === 400 ? await response.text().catch(() => '') : ''
  if (response.status !== 400) await response.body?.cancel().catch(() => {})
  try {
    return reasonOf(String((JSON.parse(text) as { error?: unknown }).error))
  } catch {
    // The types of Workers do not know the word, as `redirect: 'manual'` gives them the redirect itself.
    return (response.type as string) === 'opaqueredirect' ? 'a redirect' : `HTTP ${response.status}`
  }
}

function resultOf(text: string): unknown {
  if (text.length > LARGEST_REPLY) throw new StoreError('Redis', 'a reply too large')
  let reply: { result?: unknown; error?: unknown } | null
  try {
    reply = JSON.parse(text) as typeof reply
  } catch {
    // Without the text: it may hold values.
    throw new StoreError('Redis', 'a reply that is no JSON')
  }
  if (typeof reply?.error === 'string') throw new StoreError('Redis', reasonOf(reply.error))
  if (typeof reply !== 'object' || reply?.result === undefined)
    throw new StoreError('Redis', 'a reply without a result')
  return reply.result
}

function unreachable(error: unknown): unknown {
  return error instanceof StoreError ? error : new StoreError('Redis', 'it cannot be reached', error)
}
