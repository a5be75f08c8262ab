import { type Bytes, toBytes } from '../bytes.ts'
import { InvalidOptionError } from '../errors.ts'
import { invalid } from '../options.ts'
import type { CodecStage } from './codec.ts'

/** Options of {@link compression}. */
export interface CompressionOptions {
  /** How it is compressed. What was compressed in another way can still be read. @default 'gzip' */
  readonly format?: 'gzip' | 'deflate' | 'deflate-raw' | undefined
  /** Smaller payloads are left as they are. Bytes, or a text such as `'2kb'`. @default '1kb' */
  readonly threshold?: Bytes | undefined
  /** What decompresses to more counts as unreadable: a small payload may hold an endless one. @default '32mb' */
  readonly maxBytes?: Bytes | undefined
}

const FORMATS = ['gzip', 'deflate', 'deflate-raw'] as const

/**
 * Compresses payloads, where that gains: base64 costs a third, so what does not shrink below three quarters stays as it is.
 * Uses the platform's `CompressionStream`. Where there is none, as in the edge runtime of Vercel, it is refused at once: nothing
 * could be kept, and nothing read of what others compress.
 *
 * @throws {@link InvalidOptionError}
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { codecs, compression } from 'ekiben/codecs'
 *
 * const store = bentostore({ codec: codecs(compression({ threshold: '4kb' })) })
 * ```
 */
export function compression(options: CompressionOptions = {}): CodecStage {
  const { format = 'gzip', threshold = '1kb', maxBytes = '32mb' } = options
  if (!FORMATS.includes(format)) invalid('format', format, FORMATS.map((name) => `'${name}'`).join(' or '))
  const least = toBytes(threshold, 'threshold')
  const most = toBytes(maxBytes, 'maxBytes')
  if (typeof CompressionStream !== 'function' || typeof DecompressionStream !== 'function')
    throw new InvalidOptionError({
      option: 'codec',
      received: 'compression() on a runtime without CompressionStream',
      allowed: 'no compression, in all that share the store',
    })
  return {
    id: format,
    required: false,
    knows: (id) => FORMATS.some((name) => name === id),
    encode: async (bytes) => {
      if (bytes.length < least) return undefined
      const packed = await pass(bytes, new CompressionStream(format), Infinity)
      return packed.length * 4 < bytes.length * 3 ? packed : undefined
    },
    decode: (bytes, _about, id) => pass(bytes, new DecompressionStream(id as typeof format), most),
  }
}

/** What a stream makes of bytes; throws when that is more than `most`. */
async function pass(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > most) {
      await reader.cancel()
      throw new RangeError('the payload decompresses to more than maxBytes')
    }
    chunks.push(value)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
