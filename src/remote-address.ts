import { InvalidOptionError } from './errors.ts'

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** What an address is checked for. */
export interface AddressOptions {
  readonly url: string | URL
  /** Lets a token travel unencrypted to other machines. */
  readonly allowInsecure?: boolean | undefined
}

/**
 * The address of a service that is sent a token: absolute, without a slash at its end. It comes from configuration alone,
 * and the token in it from nowhere: parts that end up in logs are refused.
 *
 * @throws {@link InvalidOptionError} (`E_INVALID_OPTION`), which never holds the address.
 */
export function checkAddress({ url, allowInsecure }: AddressOptions): string {
  const address = parseUrl(url)
  if (!address) throw invalid(typeof url === 'string' ? 'a text that is no URL' : typeof url, 'a URL')
  const { protocol, hostname, username, password, search, hash } = address
  if (username !== '' || password !== '' || search !== '' || hash !== '')
    throw invalid(
      'a URL with a user, a query or a fragment',
      'a URL without them; the token has its own option',
    )
  const safe =
    protocol === 'https:' || (protocol === 'http:' && (allowInsecure || LOOPBACK.includes(hostname)))
  if (!safe)
    throw invalid('a URL that is not https', 'https, http on this machine, or allowInsecure: true with http')
  return address.href.replace(/\/$/, '')
}

/**
 * A token that is sent as a header: visible ASCII, since runtimes quote what no header may hold in their errors.
 *
 * @throws {@link InvalidOptionError} (`E_INVALID_OPTION`), which never holds the token.
 */
export function checkToken(token: unknown): string {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  const received = typeof token === 'string' ? 'another text' : typeof token
  throw new InvalidOptionError({ option: 'token', received, allowed: 'a non-empty text of visible ASCII' })
}

function parseUrl(url: unknown): URL | undefined {
  try {
    return typeof url === 'string' || url instanceof URL ? new URL(url) : undefined
  } catch {
    return undefined
  }
}

function invalid(received: string, allowed: string): InvalidOptionError {
  return new InvalidOptionError({ option: 'url', received, allowed })
}
