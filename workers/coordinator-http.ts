import type { CoordinatorNamespace } from '../drivers/durable-object.ts'
import { PUSH_PROTOCOL } from '../drivers/coordinator-protocol/bearer-protocol.ts'
import type { AtomicRequest } from '../src/atomic-calls.ts'
import { CacheError, InvalidOptionError, MissingBindingError } from '../src/errors.ts'
import type { CoordinationCalls, MaybePromise } from '../src/ports.ts'
import { holdsSecret, isUpgrade, offeredProtocols } from './coordinator/authorize.ts'
import { MAX_BODY, parseBody, readBody } from './coordinator/read-body.ts'
import { TICKET_HEADER } from './coordinator/subscribers.ts'
import { checkAtomic } from './ledger/atom-requests.ts'
import {
  checkCommit,
  checkCommits,
  checkEvents,
  checkNamed,
  checkObject,
  checkRead,
  checkReadMany,
  checkRelease,
} from './ledger/requests.ts'

/** Options of {@link coordinatorHandler}. */
export interface CoordinatorHandlerOptions {
  /** The binding of the `Coordinator` class, or a function that returns it, called for each request. */
  readonly binding: CoordinatorNamespace | (() => CoordinatorNamespace | undefined)
  /**
   * Gives the secret that callers must hold, called for each request. Several while one takes the place of another. Where
   * it gives none, or an empty one, everything is answered 404.
   */
  readonly secret: () => MaybePromise<string | readonly string[] | undefined>
  /** Names of the objects that may be reached. Default `['ekiben']`, the name drivers use. */
  readonly names?: readonly string[] | undefined
  /** Path the handler is mounted at, such as `'/cache'`. Default: the root of the Worker. */
  readonly path?: string | undefined
}

interface Calls extends CoordinationCalls {
  atomic(request: AtomicRequest): Promise<unknown>
}

type Operation = keyof Calls

interface CoordinatorStub extends Calls {
  ticket(): Promise<string>
  fetch(url: string, init: { headers: Record<string, string> }): Promise<Response>
}

/** What may be called, and what a request of it must look like. Refused here, it does not even wake the object. */
const OPERATIONS: {
  readonly [Name in Operation]: (request: Parameters<Calls[Name]>[0]) => void
} = {
  read: checkRead,
  readMany: checkReadMany,
  take: checkNamed,
  commit: checkCommit,
  commitMany: ({ commits }) => checkCommits(commits),
  release: checkRelease,
  invalidate: ({ events }) => checkEvents(events),
  pull: () => {},
  atomic: checkAtomic,
}

/**
 * The HTTP face of the `Coordinator`, for whoever cannot be bound to it: processes in Node, Deno and Bun, other clouds.
 * Give it the requests of a Worker, and their `durableObjectHttpDriver({ url, token })` the address of that Worker and the
 * secret.
 *
 * It answers `POST <path>/v1/<name>/<operation>` with JSON both ways, and `GET <path>/v1/<name>/subscribe` with a
 * WebSocket. All is refused that does not hold the secret: nothing is told to it but 401. No page of another origin may
 * read an answer, nothing is cached on the way, and no error tells what happened inside.
 *
 * @throws InvalidOptionError (`E_INVALID_OPTION`) at once for options of the wrong type.
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { coordinatorHandler } from 'ekiben/workers/coordinator-http'
 *
 * export { Coordinator } from 'ekiben/workers/coordinator'
 *
 * export default {
 *   fetch: coordinatorHandler({ binding: () => env.COORDINATOR, secret: () => env.EKIBEN_SECRET }),
 * }
 * ```
 */
export function coordinatorHandler(
  options: CoordinatorHandlerOptions,
): (request: Request) => Promise<Response> {
  checkOptions(options)
  const { names = ['ekiben'], path = '' } = options
  return async (request) => {
    const refused = await refusal(request, options)
    if (refused) return refused
    const target = findTarget(request, path)
    if (!target || !names.includes(target.name)) return problem(404, 'E_NOT_FOUND', 'Not found')
    try {
      const stub = (): CoordinatorStub => openStub(options, target.name)
      if (target.action === 'subscribe') return await subscribe(request, stub)
      return await call(request, target.action, stub)
    } catch (error) {
      return failure(error)
    }
  }
}

/** The answer to whoever may not come in: 404 where nobody may. What goes wrong on the way is told to nobody. */
async function refusal(
  request: Request,
  { secret }: CoordinatorHandlerOptions,
): Promise<Response | undefined> {
  try {
    const secrets = usable(await secret())
    if (secrets.length === 0) return problem(404, 'E_NOT_FOUND', 'Not found')
    return (await holdsSecret(request, secrets)) ? undefined : unauthorized()
  } catch {
    return problem(500, 'E_COORDINATOR', 'The coordinator failed')
  }
}

/** Which object, and what of it. Names are compared as they were given, so no path leads anywhere else. */
function findTarget(
  request: Request,
  path: string,
): { name: string; action: Operation | 'subscribe' } | undefined {
  const { pathname } = new URL(request.url)
  const start = `${path}/v1/`
  const [name, action, ...more] = pathname.startsWith(start) ? pathname.slice(start.length).split('/') : []
  if (name === undefined || action === undefined || more.length > 0) return undefined
  if (action !== 'subscribe' && !isOperation(action)) return undefined
  try {
    return { name: decodeURIComponent(name), action }
  } catch {
    return undefined
  }
}

function isOperation(action: string): action is Operation {
  return Object.hasOwn(OPERATIONS, action)
}

async function call(request: Request, operation: Operation, stub: () => CoordinatorStub): Promise<Response> {
  if (request.method !== 'POST') return problem(405, 'E_METHOD', 'Use POST', { allow: 'POST' })
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') return problem(415, 'E_CONTENT_TYPE', 'Send application/json')
  const bytes = await readBody(request)
  if (!bytes) return problem(413, 'E_TOO_LARGE', `Send no more than ${MAX_BODY} bytes`)
  const body = parseBody(bytes)
  checkObject(body, 'body')
  OPERATIONS[operation](body as never)
  return json(200, await stub()[operation](body as never))
}

/** Nothing of the client's request is handed on: the object sees a request of the Worker's own. */
async function subscribe(request: Request, stub: () => CoordinatorStub): Promise<Response> {
  if (request.method !== 'GET') return problem(405, 'E_METHOD', 'Use GET', { allow: 'GET' })
  if (!isUpgrade(request) || !offeredProtocols(request).includes(PUSH_PROTOCOL))
    return problem(426, 'E_UPGRADE', `Ask for a WebSocket of the protocol ${PUSH_PROTOCOL}`, {
      upgrade: 'websocket',
    })
  const object = stub()
  const headers = { upgrade: 'websocket', [TICKET_HEADER]: await object.ticket() }
  const response = await object.fetch('https://coordinator/subscribe', { headers })
  // The object was restarted between the two calls, and its tickets with it.
  if (response.status !== 101) return problem(503, 'E_UNAVAILABLE', 'Try again')
  return response
}

function failure(error: unknown): Response {
  if (error instanceof InvalidOptionError) return problem(400, error.code, error.message)
  // What was never configured is told to those who hold the secret; anything else could tell what is stored.
  if (error instanceof CacheError) return problem(500, error.code, error.message)
  return problem(500, 'E_COORDINATOR', 'The coordinator failed')
}

function unauthorized(): Response {
  return problem(401, 'E_UNAUTHORIZED', 'Unauthorized', { 'www-authenticate': 'Bearer' })
}

function problem(status: number, code: string, message: string, headers?: Record<string, string>): Response {
  return json(status, { code, message }, headers)
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(value, {
    status,
    headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  })
}

function openStub({ binding }: CoordinatorHandlerOptions, name: string): CoordinatorStub {
  const namespace = typeof binding === 'function' ? binding() : binding
  if (typeof namespace?.idFromName !== 'function')
    throw new MissingBindingError({ option: 'binding', driver: 'coordinatorHandler' })
  // The namespace is typed by shape alone, to work with bindings of every version of Cloudflare's types.
  return namespace.get(namespace.idFromName(name)) as CoordinatorStub
}

function usable(secrets: string | readonly string[] | undefined): string[] {
  return [secrets ?? []].flat().filter((secret) => typeof secret === 'string' && secret !== '')
}

function checkOptions(options: CoordinatorHandlerOptions): void {
  checkObject(options, 'options')
  const { secret, names, path } = options
  if (typeof secret !== 'function') refuse('secret', typeof secret, 'a function that returns the secret')
  const texts = Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')
  if (names !== undefined && !texts) refuse('names', typeof names, 'a list of non-empty texts')
  if (path !== undefined && !isPath(path))
    refuse(
      'path',
      typeof path,
      'a path as it stands in a URL, with a slash at its beginning and none at its end',
    )
}

/** Whether requests can ever have this path: the parser of URLs writes many others anew. */
function isPath(path: unknown): boolean {
  if (typeof path !== 'string' || !/^(?:\/[^/?#]+)*$/.test(path)) return false
  return path === '' || new URL(path, 'https://worker').pathname === path
}

function refuse(option: string, received: string, allowed: string): never {
  throw new InvalidOptionError({ option, received, allowed })
}
