import { StoreError } from '../../src/errors.ts'
import { isReply } from './is-reply.ts'
import { parseJson } from './parse-push.ts'
import type { CoordinationCalls } from '../../src/ports.ts'
import { systemRuntime } from '../../src/runtime.ts'

type Operation = keyof CoordinationCalls

/** The part of `fetch` that is used. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: 'POST'
    readonly headers: Record<string, string>
    readonly body: string
    readonly redirect: 'manual'
    readonly signal: AbortSignal
  },
) => Promise<Response>

/** A coordinator that answers HTTP. */
export interface RemoteCoordinator {
  /** Its checked address, up to and without the operation. */
  readonly address: string
  /** Called for each request; gives a checked one. */
  readonly token: () => string
  /** Absent: the runtime's, as it is at the call. */
  readonly fetch: FetchLike | undefined
}

/** When a call is given up, in milliseconds. Callers have their own, shorter deadline; this frees the connection. */
const CALL_LIMIT = 10_000

/** Most bytes of a reply: as much as a call inside Cloudflare carries. */
const MAX_REPLY = 33_554_432

/** Calls over HTTP: one POST each, no retry, and nothing of what went wrong but a status. */
export function remoteCoordination(remote: RemoteCoordinator): CoordinationCalls {
  return {
    read: (request) => post(remote, 'read', request),
    readMany: async (request) => {
      const reply = await post(remote, 'readMany', request)
      if (reply.entries.length === request.reads.length) return reply
      throw noCoordinator()
    },
    take: (request) => post(remote, 'take', request),
    commit: (request) => post(remote, 'commit', request),
    commitMany: async (request) => {
      const reply = await post(remote, 'commitMany', request)
      if (reply.commits.length === request.commits.length) return reply
      throw noCoordinator()
    },
    release: (request) => post(remote, 'release', request),
    invalidate: (request) => post(remote, 'invalidate', request),
    pull: (request) => post(remote, 'pull', request),
  }
}

async function post<Name extends Operation>(
  remote: RemoteCoordinator,
  operation: Name,
  request: object,
): Promise<Awaited<ReturnType<CoordinationCalls[Name]>>> {
  const reply = await ask(remote, operation, request)
  if (isReply(operation, reply)) return reply
  throw noCoordinator()
}

/** Sends one request and gives what was answered, which may be anything. */
export async function ask(remote: RemoteCoordinator, operation: string, request: object): Promise<unknown> {
  // Called without an owner: a runtime's own `fetch` refuses any other than the global object.
  const send = remote.fetch ?? fetch
  const controller = new AbortController()
  const stop = systemRuntime.setTimer(() => controller.abort(), CALL_LIMIT)
  try {
    const response = await send(`${remote.address}/${operation}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${remote.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      // Not followed, so the token goes nowhere else. Workers do not have 'error'; like this it is one for all.
      redirect: 'manual',
      signal: controller.signal,
    })
    if (response.status !== 200) {
      await discard(response)
      throw new StoreError('The coordinator', reasonOf(response.status))
    }
    const text = await readText(response)
    return text === undefined ? undefined : parseJson(text)
  } finally {
    stop()
  }
}

function noCoordinator(): StoreError {
  return new StoreError('The coordinator', 'what answered is no coordinator')
}

function reasonOf(status: number): string {
  // Browsers and Deno tell of a redirect that they do not follow as 0.
  if (status === 0 || (status >= 300 && status < 400)) return 'it redirects; give the url it leads to'
  if (status === 401) return 'it answered 401; check the token'
  if (status === 404) return 'it answered 404; check url and name, and that its Worker has a secret'
  return `it answered ${status}`
}

/** An unread body would keep its connection. */
async function discard({ body }: Response): Promise<void> {
  try {
    await body?.cancel()
  } catch {
    // The connection is gone already.
  }
}

/** The text of a body, or `undefined` if it is larger than a reply may be. */
async function readText(response: Response): Promise<string | undefined> {
  if (Number(response.headers.get('content-length') ?? 0) > MAX_REPLY) {
    await discard(response)
    return undefined
  }
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength
    if (size > MAX_REPLY) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text + decoder.decode()
}
