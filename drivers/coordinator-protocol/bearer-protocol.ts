/** The one protocol that subscriptions speak. The server selects it, never the one that carries the token. */
export const PUSH_PROTOCOL = 'ekiben.v1'

/**
 * A token in the form of a WebSocket protocol: `WebSocket` of browsers, Deno and Node sets no headers, and in a URL a
 * token would end up in logs.
 */
export function bearerProtocol(token: string): string {
  const bytes = new TextEncoder().encode(token)
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return `ekiben.bearer.${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`
}
