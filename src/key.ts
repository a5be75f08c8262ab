import type { Limits } from './ports.ts'
import type { Operation } from './stack.ts'

/** Readable part of a hashed key, in characters. */
const READABLE = 64
/** What a version or a driver's prefix adds to a key, in bytes; ids of the runtime are no longer. */
const ADDED_BYTES = 64

/**
 * A key as the store takes it: itself, or for one too long its beginning and its SHA-256. The real key goes into the
 * payload and is compared on reading, so not even a collision serves another key's value.
 */
export function fitKey(key: string, maxBytes: number = Infinity): string | Promise<string> {
  // Half a surrogate pair has no UTF-8: two keys that differ only there would be one to the store.
  if (/\p{Surrogate}/u.test(key)) return hashed(key)
  // No character takes more than three bytes per UTF-16 unit.
  return key.length * 3 <= maxBytes || utf8Length(key) <= maxBytes ? key : hashed(key)
}

/** A key for a store that puts something beside it: a version to name a value by, or a prefix. */
export function storeKey(key: string, { maxKeyBytes = Infinity }: Limits = {}): string | Promise<string> {
  return fitKey(key, maxKeyBytes - ADDED_BYTES)
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

async function hashed(key: string): Promise<string> {
  // JSON escapes half surrogate pairs, so no two keys give the same bytes.
  const bytes = new TextEncoder().encode(JSON.stringify(key))
  // oxlint-disable-next-line no-restricted-globals -- the digest is a pure function, not a capability to inject
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${key.slice(0, READABLE).replace(/[\ud800-\udfff]/g, '_')}~${hex}`
}

/** A key's name in L2, hashed where it must be; in a cache of memory alone its full name. */
export function nameInL2({ stack, scope }: Operation, id: string): string | Promise<string> {
  const name = scope.l2Key(id)
  return stack.l2?.key(name) ?? name
}
