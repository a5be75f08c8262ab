import type { Context } from 'hono'
import { cacheStatus, type CacheStatusOptions } from '../../src/extras/cache-status.ts'
import { cacheStatuses, type ObservedOperation, serverTiming } from '../../src/extras/observe.ts'
import { knownWithout } from '../../src/extras/info-of.ts'
import { invalid } from '../../src/options.ts'

/** Which headers tell what the cache did for a request. They reveal things, so none does unless it is asked for. */
export interface TellingOptions {
  /** `Cache-Status` (RFC 9211): how each key was answered; the keys themselves only with `key`. @default false */
  readonly cacheStatus?: boolean | Pick<CacheStatusOptions, 'name' | 'key'> | undefined
  /** `Server-Timing`: what each operation was, and how long it took. @default false */
  readonly serverTiming?: boolean | undefined
  /** Which requests are told. @default all */
  readonly when?: ((c: Context) => boolean | Promise<boolean>) | undefined
}

/** What is wrong is told when the middleware is made, not at the first request. @throws {@link InvalidOptionError} */
export function checkTelling({ cacheStatus: status, when }: TellingOptions): void {
  if (when !== undefined && typeof when !== 'function') invalid('when', when, 'a function of the context')
  if (typeof status === 'object') cacheStatus(knownWithout('key', 'miss'), status)
}

/** Tells in the headers of the response what the operations of its request were. What stands there stays. */
export function tell(c: Context, operations: readonly ObservedOperation[], options: TellingOptions): void {
  const { cacheStatus: status, serverTiming: timing } = options
  if (!c.finalized || isBare(c.res)) return
  const lines = {
    'Cache-Status': status && cacheStatuses(operations, status === true ? {} : status),
    'Server-Timing': timing && serverTiming(operations),
  }
  for (const [name, line] of Object.entries(lines)) if (line) append(c, name, line)
}

/** What has no headers to set: a connection that is a WebSocket by now, a failed fetch, and what has gone out already. */
function isBare({ status, bodyUsed }: Response): boolean {
  return status < 200 || bodyUsed
}

function append(c: Context, name: string, line: string): void {
  try {
    c.res.headers.append(name, line)
  } catch {
    // Headers of what was fetched, and of redirects, cannot be changed; those of a copy can. The body is not touched.
    const copy = new Response(c.res.body, c.res)
    copy.headers.append(name, line)
    // Hono would else merge the headers of both, and older releases by changing those of the first.
    c.res = undefined
    c.res = copy
  }
}
