import { typeOf } from '../durations.ts'
import { InvalidOptionError } from '../errors.ts'
import { checkKey, checkOptions, invalid } from '../options.ts'
import type { MaybePromise } from '../ports.ts'
import { fromBase64 } from './base64.ts'
import type { CodecStage } from './codec.ts'

/** A `CryptoKey`, by its shape: not every runtime's types have it. */
export interface WebCryptoKey {
  readonly algorithm: { readonly name: string }
}

/** 16 or 32 bytes: themselves, as base64, or a key of WebCrypto for AES-GCM. */
export type EncryptionSecret = string | Uint8Array | WebCryptoKey

/** One of the keys that values are encrypted with. */
export interface EncryptionKey {
  /** Stands beside what was encrypted with it: letters, digits, `_` and `-`. Not secret. */
  readonly id: string
  /** The secret, or a function that gives it when it is needed: on Workers it is known in requests only. */
  readonly secret: EncryptionSecret | (() => MaybePromise<EncryptionSecret>)
}

/** Options of {@link encryption}. */
export interface EncryptionOptions {
  /**
   * The first encrypts, all decrypt: put a new one in front, and take the old one away when all it wrote has expired. What is
   * kept by `touch` and `ctx.notModified()` is not written anew; without its key it counts as missing.
   */
  readonly keys: readonly EncryptionKey[]
  /** Whether what is not encrypted can still be read, while a store is taken over. @default false */
  readonly acceptPlain?: boolean | undefined
}

const NAME = 'aes-gcm'
/** NIST SP 800-38D: 96 bits, random for each write. */
const IV_BYTES = 12

/**
 * Encrypts payloads with AES-GCM by WebCrypto. What they are about is authenticated with them: a payload that was changed,
 * or moved to another key, namespace or prefix, counts as missing. So does one that was never encrypted.
 *
 * Names of keys and tags, and how long what lives, are not encrypted: they are what the store works with.
 *
 * @throws {@link InvalidOptionError} for keys that are none; for a secret of the wrong length when it is first needed.
 * @example
 * ```ts
 * import { env } from 'cloudflare:workers'
 * import { bentostore } from 'ekiben'
 * import { codecs, encryption } from 'ekiben/codecs'
 *
 * const store = bentostore({
 *   codec: codecs(encryption({ keys: [{ id: 'k2', secret: () => env.CACHE_KEY }, { id: 'k1', secret: () => env.OLD_KEY }] })),
 * })
 * ```
 */
export function encryption(options: EncryptionOptions): CodecStage {
  const { keys, acceptPlain = false } = checkOptions(options)
  if (!Array.isArray(keys) || keys.length === 0) invalid('keys', keys, 'a list of { id, secret }')
  const known = new Map<string, EncryptionKey>()
  for (const [at, key] of keys.entries()) {
    const id = checkKey((key as Partial<EncryptionKey> | undefined)?.id, `keys[${at}].id`)
    if (!/^[\w-]+$/.test(id) || known.has(id))
      invalid(`keys[${at}].id`, id, 'letters, digits, _ and -, and no other key’s')
    known.set(id, key)
  }
  const own = `${NAME}.${(keys[0] as EncryptionKey).id}`
  const keyOf = makeKeyring(known)
  return {
    id: own,
    required: !acceptPlain,
    knows: (id) => id.startsWith(`${NAME}.`),
    encode: async (bytes, about) => {
      const key = await keyOf(own)
      // oxlint-disable-next-line no-restricted-globals -- an IV must be random and is drawn at the write, never at module scope
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const algorithm = { name: 'AES-GCM', iv, additionalData: about }
      // oxlint-disable-next-line no-restricted-globals -- a pure function of its arguments
      const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, bytes))
      const all = new Uint8Array(IV_BYTES + sealed.length)
      all.set(iv)
      all.set(sealed, IV_BYTES)
      return all
    },
    decode: async (bytes, about, id) => {
      const key = await keyOf(id)
      const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, IV_BYTES), additionalData: about }
      // oxlint-disable-next-line no-restricted-globals -- a pure function of its arguments
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.subarray(IV_BYTES)))
    },
  }
}

/** Keys are imported once. Their promises are not kept: requests must not wait for each other's. */
function makeKeyring(known: ReadonlyMap<string, EncryptionKey>): (id: string) => Promise<CryptoKey> {
  const imported = new Map<string, CryptoKey>()
  return async (id) => {
    const present = imported.get(id)
    if (present) return present
    const key = known.get(id.slice(NAME.length + 1))
    if (!key) throw new TypeError('the payload was encrypted with a key that is not known')
    const secret = typeof key.secret === 'function' ? await key.secret() : key.secret
    const made = await importKey(secret, key.id)
    imported.set(id, made)
    return made
  }
}

async function importKey(secret: EncryptionSecret, id: string): Promise<CryptoKey> {
  if (isKey(secret)) return secret
  const bytes = bytesOf(secret)
  if (bytes?.length !== 16 && bytes?.length !== 32) {
    throw new InvalidOptionError({
      option: `secret of the key ${id}`,
      received: bytes ? `${bytes.length} bytes` : typeOf(secret),
      allowed: '16 or 32 bytes, as base64 or Uint8Array, or a CryptoKey',
    })
  }
  // oxlint-disable-next-line no-restricted-globals -- a pure function of its arguments
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function isKey(secret: unknown): secret is CryptoKey {
  const { algorithm } = (secret ?? {}) as Partial<WebCryptoKey>
  return algorithm?.name === 'AES-GCM'
}

function bytesOf(secret: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (secret instanceof Uint8Array) return new Uint8Array(secret)
  try {
    return typeof secret === 'string'
      ? fromBase64(secret.replaceAll('-', '+').replaceAll('_', '/'))
      : undefined
  } catch {
    return undefined
  }
}
