import { bearerProtocol } from '../../drivers/coordinator-protocol/bearer-protocol.ts'

/**
 * Whether a request carries one of the secrets: as a bearer token, or as a protocol where it asks for a WebSocket.
 * A token in the URL is none.
 */
export async function holdsSecret(request: Request, secrets: readonly string[]): Promise<boolean> {
  const upgrade = isUpgrade(request)
  const given = await digest((upgrade ? offeredToken(request) : request.headers.get('authorization')) ?? '')
  let holds = false
  // Digests have one length, and each is looked at whatever the others gave: nothing shows in the time it takes.
  for (const secret of secrets) {
    const expected = await digest(upgrade ? bearerProtocol(secret) : `Bearer ${secret}`)
    holds = crypto.subtle.timingSafeEqual(given, expected) || holds
  }
  return holds
}

/** Whether a WebSocket is asked for. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get('upgrade')?.toLowerCase() === 'websocket'
}

/** The protocols a WebSocket is offered with. */
export function offeredProtocols(request: Request): string[] {
  const offered = request.headers.get('sec-websocket-protocol') ?? ''
  return offered.split(',').map((protocol) => protocol.trim())
}

function offeredToken(request: Request): string | undefined {
  return offeredProtocols(request).find((protocol) => protocol.startsWith(bearerProtocol('')))
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
}
