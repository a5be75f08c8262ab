import { InvalidOptionError } from '../../src/errors.ts'

/** What {@link startGateway} takes. An explicit `undefined` counts as not given. */
export interface GatewayOptions {
  /** What every request has to bring. At least one printable ASCII character, no spaces. No default. */
  readonly token: string
  /** The Redis in front of which the gateway stands: `redis://` or `rediss://`. @default 'redis://127.0.0.1:6379' */
  readonly redis?: string | undefined
  /** Where to listen. `0` is any free port. @default 8079 */
  readonly port?: number | undefined
  /** The address to listen on. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** Milliseconds between two signs of life in an event stream. 1 to 2^31 - 1. @default 10000 */
  readonly heartbeat?: number | undefined
  /** Milliseconds until a command that Redis does not answer fails with 503. 1 to 2^31 - 1. @default 5000 */
  readonly commandTimeout?: number | undefined
  /** The largest request body in bytes. At least 1. @default 10485760 */
  readonly maxBodyBytes?: number | undefined
  /** Bytes that may wait for the reader of an event stream before it is disconnected. At least 1. @default 1048576 */
  readonly maxBufferedBytes?: number | undefined
  /** Event streams that may be open at a time. At least 1. @default 1000 */
  readonly maxStreams?: number | undefined
  /** Told in a line when Redis comes and goes, and of faults of the gateway itself. Must not throw. @default nobody */
  readonly log?: ((line: string) => void) | undefined
}

/** The options with their defaults. */
export type Settings = { readonly [Name in keyof GatewayOptions]-?: NonNullable<GatewayOptions[Name]> }

const MAX_TIMER = 2 ** 31 - 1

/** @throws {@link InvalidOptionError} naming the option. */
export function settingsOf(options: GatewayOptions): Settings {
  const { heartbeat, commandTimeout, maxBodyBytes, maxBufferedBytes, maxStreams } = options
  return {
    token: tokenOf(options.token),
    redis: redisOf(options.redis ?? 'redis://127.0.0.1:6379'),
    port: integer('port', options.port ?? 8079, { least: 0, most: 65_535 }),
    host: hostOf(options.host ?? '127.0.0.1'),
    heartbeat: integer('heartbeat', heartbeat ?? 10_000, { least: 1, most: MAX_TIMER }),
    commandTimeout: integer('commandTimeout', commandTimeout ?? 5000, { least: 1, most: MAX_TIMER }),
    maxBodyBytes: integer('maxBodyBytes', maxBodyBytes ?? 10_485_760, { least: 1 }),
    maxBufferedBytes: integer('maxBufferedBytes', maxBufferedBytes ?? 1_048_576, { least: 1 }),
    maxStreams: integer('maxStreams', maxStreams ?? 1000, { least: 1 }),
    log: options.log ?? (() => {}),
  }
}

/** Never says what was received: it is a secret, or part of one. */
function tokenOf(token: unknown): string {
  if (typeof token === 'string' && /^[!-~]+$/.test(token)) return token
  const received = typeof token === 'string' ? (token === '' ? 'an empty one' : 'another text') : typeof token
  throw new InvalidOptionError({ option: 'token', received, allowed: 'printable ASCII without spaces' })
}

/** Neither does this: the URL may hold a password. */
function redisOf(url: unknown): string {
  const scheme = typeof url === 'string' && URL.canParse(url) ? new URL(url).protocol : undefined
  if (typeof url === 'string' && (scheme === 'redis:' || scheme === 'rediss:')) return url
  const received = scheme === undefined ? 'no URL' : `the scheme ${scheme}`
  throw new InvalidOptionError({ option: 'redis', received, allowed: 'a URL with redis: or rediss:' })
}

function hostOf(host: unknown): string {
  if (typeof host === 'string' && host !== '') return host
  throw new InvalidOptionError({ option: 'host', received: typeof host, allowed: 'an address or a name' })
}

interface Bounds {
  readonly least: number
  readonly most?: number
}

function integer(option: string, value: unknown, { least, most }: Bounds): number {
  const isInteger = typeof value === 'number' && Number.isSafeInteger(value)
  if (isInteger && value >= least && value <= (most ?? value)) return value
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`
  const received = typeof value === 'number' ? String(value) : typeof value
  throw new InvalidOptionError({ option, received, allowed: `an integer ${range}` })
}
