import { malformed } from './refusal.ts'

/** What the first line of a request asks for. */
export interface Target {
  /** `/set/foo` gives `set` and `foo`, as sent: still percent-encoded. Empty for `/`. */
  readonly segments: readonly string[]
  /** `EX=100&NX` gives `EX`, `100` and `NX`, as sent. `_token` is not among them. */
  readonly parameters: readonly string[]
  /** `_token` of the query, decoded. */
  readonly token: string | undefined
}

/** Splits by hand: the URL parser would resolve `..` and so change keys. */
export function targetOf(url: string): Target {
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  if (!path.startsWith('/')) throw malformed('the URL is not a path')
  const pairs = end < 0 ? [] : url.slice(end + 1).split('&')
  let token: string | undefined
  const parameters: string[] = []
  for (const pair of pairs) {
    const [name = '', ...rest] = pair.split('=')
    const value = rest.join('=')
    if (name === '_token') token = textOf(value)
    else parameters.push(...[name, value].filter((part) => part !== ''))
  }
  const segments = path === '/' ? [] : path.slice(1).split('/')
  return { segments, parameters, token }
}

/** The bytes of a percent-encoded text, which need not be UTF-8. */
export function bytesOf(encoded: string): Buffer {
  const bytes = Buffer.from(encoded)
  const decoded = Buffer.alloc(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const isEscape = bytes[at] === 0x25
    decoded[length] = isEscape ? hexAt(bytes, at + 1) : bytes[at]!
    length += 1
    if (isEscape) at += 2
  }
  return decoded.subarray(0, length)
}

/** The same of a part of the query, where a plus is a space. */
export function parameterBytesOf(encoded: string): Buffer {
  return bytesOf(encoded.replaceAll('+', ' '))
}

function hexAt(bytes: Buffer, at: number): number {
  const digits = bytes.toString('latin1', at, at + 2)
  if (!/^[0-9a-f]{2}$/i.test(digits)) throw malformed('the URL is not well percent-encoded')
  return Number.parseInt(digits, 16)
}

/** Of a token, which is compared and never used: what cannot be decoded is no token. */
function textOf(encoded: string): string | undefined {
  try {
    return parameterBytesOf(encoded).toString()
  } catch {
    return undefined
  }
}
