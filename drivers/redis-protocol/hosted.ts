import type { AtomicDriver } from '../../src/atomic-calls.ts'
import { InvalidOptionError } from '../../src/errors.ts'
import type { CreateDriverResult, Limits, Subscriber } from '../../src/ports.ts'
import type { AtomicBusDriver } from '../../src/store.ts'
import { checkClient, sendThrough, subscribeThrough, type UpstashClient } from './client.ts'
import { redisBus, redisStore, type RedisStoreOptions } from './driver.ts'
import { type Evaluate, makeEvaluate } from './evaluate.ts'
import { listen, type Open } from './event-stream.ts'
import { type HttpOptions, httpRedis } from './http.ts'

interface Common extends RedisStoreOptions {
  /**
   * Whether scripts ask to lock their own keys and not the whole database, which only Upstash understands; what does
   * not is asked once. @default true for addresses of Upstash and for clients
   */
  readonly keyLocking?: boolean | undefined
  /**
   * Who answers reads that ask for no lease. A replica may be behind the primary, and what it does not know yet adds to
   * `maxStaleness`; the primary may be farther away. Without replicas both are the same. @default 'nearest'
   */
  readonly readFrom?: 'nearest' | 'primary' | undefined
}

/** Options of a hosted Redis: its address and token, or a client that has them. */
export type HostedOptions =
  | (Common & HttpOptions & { readonly client?: undefined })
  | (Common & { readonly client: UpstashClient; readonly url?: undefined; readonly token?: undefined })

/**
 * A request holds 10 MB, https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded, and JSON may double
 * a value; a key holds 32 kB.
 */
const LIMITS: Limits = { maxKeyBytes: 16_384, maxValueBytes: 4_500_000 }

/** An L2 over HTTP. */
export function hostedStore(options: HostedOptions): CreateDriverResult<AtomicDriver> {
  const { evaluate } = openHosted(options)
  return redisStore(options, LIMITS, () => ({ evaluate, disconnect }))
}

/** A bus over HTTP. */
export function hostedBus(options: HostedOptions): CreateDriverResult<AtomicBusDriver> {
  const { evaluate, client, open } = openHosted(options)
  const subscribe = client
    ? subscribeThrough(client)
    : open && ((channel: string) => (subscriber: Subscriber) => listen(open, channel, subscriber))
  return redisBus(options, () => ({ evaluate, subscribe, disconnect }))
}

/** There is no connection to close. */
async function disconnect(): Promise<void> {}

interface Hosted {
  readonly evaluate: Evaluate
  /** The client that sends, if one does. */
  readonly client?: UpstashClient
  /** Opens a request, if none does. */
  readonly open?: Open
}

/** Checks at once; nothing is sent before it is asked for. */
function openHosted(options: HostedOptions): Hosted {
  if (typeof options !== 'object' || (options as unknown) === null) {
    const received = options === null ? 'null' : typeof options
    throw new InvalidOptionError({ option: 'options', received, allowed: '{ url, token } or { client }' })
  }
  const replicas = checkReadFrom(options.readFrom) === 'nearest'
  if (options.client !== undefined) {
    const client = checkClient(options.client)
    const locking = options.keyLocking ?? true
    return { client, evaluate: makeEvaluate(sendThrough(client), { locking, replicas }) }
  }
  const { send, open } = httpRedis(options)
  const locking = options.keyLocking ?? new URL(options.url).hostname.endsWith('.upstash.io')
  return { open, evaluate: makeEvaluate(send, { locking, replicas }) }
}

function checkReadFrom(readFrom: unknown = 'nearest'): unknown {
  if (readFrom === 'nearest' || readFrom === 'primary') return readFrom
  throw new InvalidOptionError({
    option: 'readFrom',
    received: typeof readFrom,
    allowed: "'nearest' or 'primary'",
  })
}

/** Where variables are looked for when none are handed over. */
type Variables = Readonly<Record<string, unknown>>

/**
 * Address and token from variables: those handed over, as a Worker gets them, else those of the process.
 *
 * @throws {@link InvalidOptionError}
 */
export function readVariables(
  [urlName, tokenName]: readonly [string, string],
  given: object | undefined,
): { url: string; token: string } {
  const { process } = globalThis as { process?: { env?: Variables } }
  const variables = (given as Variables | undefined) ?? process?.env ?? {}
  const read = (name: string): string => {
    const text = variables[name]
    if (typeof text === 'string' && text !== '') return text
    const allowed = 'the address and the token of the database; on Workers hand over `env`'
    throw new InvalidOptionError({ option: `variable ${name}`, received: typeof text, allowed })
  }
  return { url: read(urlName), token: read(tokenName) }
}
