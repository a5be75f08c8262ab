import { StoreError } from '../../src/errors.ts'
import type { Script } from './scripts.ts'

/** Sends one command to Redis in one round trip. Rejects with what Redis or the way to it says. */
export type Send = (command: readonly string[]) => Promise<unknown>

/** Runs a script and gives its texts. */
export type Evaluate = (
  script: Script,
  keys: readonly string[],
  args: readonly string[],
) => Promise<readonly string[]>

/** What is known of a script at the other side. A replica may lack what the primary has: then it is sent whole. */
type Cached = 'unknown' | 'loaded' | 'forgotten'

/**
 * Makes what runs scripts: whole at first, then by digest. Where the digest is not known any longer the script goes
 * whole once more, and stays so: a look-up in vain costs a round trip.
 *
 * `locking`: ask Upstash to lock the keys of a script and not the whole database. Redis refuses that, and is not asked again.
 */
export function makeEvaluate(send: Send, locking: boolean): Evaluate {
  const cached = new Map<string, Cached>()
  const digests = new Map<string, string>()
  let flagged = locking

  const textOf = ({ text, readOnly }: Script): string =>
    flagged ? `#!lua flags=${readOnly ? 'no-writes,' : ''}allow-key-locking\n${text}` : text

  const attempt = async (
    script: Script,
    operands: readonly string[],
    state: Cached | undefined,
  ): Promise<unknown> => {
    const suffix = script.readOnly ? '_RO' : ''
    const digest = state === 'loaded' ? digests.get(script.name) : undefined
    if (digest !== undefined) return send([`EVALSHA${suffix}`, digest, ...operands])
    return send([`EVAL${suffix}`, textOf(script), ...operands])
  }

  const settle = async (script: Script): Promise<void> => {
    if (cached.get(script.name) !== undefined) return
    cached.set(script.name, 'unknown')
    digests.set(script.name, await sha1(textOf(script)))
    cached.set(script.name, 'loaded')
  }

  return async (script, keys, args) => {
    const operands = [String(keys.length), ...keys, ...args]
    const state = cached.get(script.name)
    try {
      const texts = textsOf(await attempt(script, operands, state))
      if (state === undefined) await settle(script)
      return texts
    } catch (error) {
      const { reason = '' } = error instanceof StoreError ? error : {}
      if (state === 'loaded' && reason.startsWith('NOSCRIPT')) cached.set(script.name, 'forgotten')
      else if (flagged && reason === 'SHEBANG') flagged = false
      else throw error
      return textsOf(await attempt(script, operands, 'forgotten'))
    }
  }
}

/** The texts of a reply; whatever else came is none of a script's. */
function textsOf(reply: unknown): readonly string[] {
  const sound =
    Array.isArray(reply) && reply.every((text) => typeof text === 'string' && text.startsWith('!'))
  if (!sound) throw new StoreError('Redis', 'the reply is none of the script')
  return reply.map((text: string) => text.slice(1))
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
