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

/** How scripts are sent. */
export interface EvaluateOptions {
  /** Ask Upstash to lock the keys of a script and not the whole database. Redis refuses that, and is not asked again. */
  readonly locking: boolean
  /** Say of scripts that change nothing that they do not, so that a replica may answer. */
  readonly replicas: boolean
}

/**
 * Makes what runs scripts: whole at first, then by digest. Where the digest is not known any longer the script goes
 * whole once more, and stays so.
 */
export function makeEvaluate(send: Send, { locking, replicas }: EvaluateOptions): Evaluate {
  /** By name of the script; empty where it goes whole for good. */
  const digests = new Map<string, string>()
  let flagged = locking

  const asReader = ({ readOnly }: Script): boolean => readOnly && replicas
  const textOf = (script: Script): string =>
    flagged
      ? `#!lua flags=${asReader(script) ? 'no-writes,' : ''}allow-key-locking\n${script.text}`
      : script.text

  const attempt = async (script: Script, operands: readonly string[], digest = ''): Promise<unknown> => {
    const suffix = asReader(script) ? '_RO' : ''
    return digest === ''
      ? send([`EVAL${suffix}`, textOf(script), ...operands])
      : send([`EVALSHA${suffix}`, digest, ...operands])
  }

  return async (script, keys, args) => {
    const operands = [String(keys.length), ...keys, ...args]
    const digest = digests.get(script.name)
    const [text, wasFlagged] = [textOf(script), flagged]
    try {
      const texts = textsOf(await attempt(script, operands, digest))
      if (digest === undefined) digests.set(script.name, await sha1(text))
      return texts
    } catch (error) {
      const { reason = '' } = error instanceof StoreError ? error : {}
      // A replica may lack what the primary has: a look-up in vain costs a round trip.
      if (digest && reason === 'NOSCRIPT') digests.set(script.name, '')
      // Calls that were under way with the flags go again as well, whoever was refused first.
      else if (wasFlagged && reason === 'SHEBANG') flagged = false
      else throw error
      return textsOf(await attempt(script, operands))
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
