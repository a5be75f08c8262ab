import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

/**
 * Reads a body. What is too large is not kept; Node reads the rest of it away, so that the client gets its answer.
 *
 * @throws {@link Refusal} with 413.
 */
export async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw tooLarge(maxBytes)
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let size = 0
    // Leaving a `for await` instead would destroy the connection, and with it the answer.
    request.on('data', (part: Buffer) => {
      size += part.length
      if (size <= maxBytes) parts.push(part)
      else reject(tooLarge(maxBytes))
    })
    request.on('end', () => resolve(Buffer.concat(parts)))
    request.on('error', reject)
  })
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `ERR max request size exceeded: ${maxBytes} bytes`)
}
