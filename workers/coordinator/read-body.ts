import { InvalidOptionError } from '../../src/errors.ts'

/**
 * Most bytes of a request: six of JSON for each byte of the largest value, which is what a control character takes, and
 * the names beside it.
 */
export const MAX_BODY = 12_000_000

/** The bytes of a body, or `undefined` if there are more than {@link MAX_BODY}: what is too much is not received. */
export async function readBody(request: Request): Promise<readonly Uint8Array[] | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BODY) return undefined
    chunks.push(chunk)
  }
  return chunks
}

/**
 * The value in a body. Malformed text is refused, not mended: two keys must not become one.
 *
 * @throws {@link InvalidOptionError} for what is no JSON.
 */
export function parseBody(chunks: readonly Uint8Array[]): unknown {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    const texts = chunks.map((chunk) => decoder.decode(chunk, { stream: true }))
    return JSON.parse(texts.join('') + decoder.decode())
  } catch {
    throw new InvalidOptionError({ option: 'body', received: 'something else', allowed: 'JSON in UTF-8' })
  }
}
