/** Readable part of a hashed key, in characters. */
const READABLE = 64

/**
 * A key as the store takes it: itself, or for one too long its beginning and its SHA-256. The real key goes into the
 * payload and is compared on reading, so not even a collision serves another key's value.
 */
export function fitKey(key: string, maxBytes: number = Infinity): string | Promise<string> {
  // No character takes more than three bytes per UTF-16 unit.
  if (key.length * 3 <= maxBytes || utf8Length(key) <= maxBytes) return key
  return hashed(key)
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

async function hashed(key: string): Promise<string> {
  // oxlint-disable-next-line no-restricted-globals -- the digest is a pure function, not a capability to inject
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${key.slice(0, READABLE).replace(/[\ud800-\udfff]/g, '_')}~${hex}`
}
