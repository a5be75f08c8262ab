import { createHash, timingSafeEqual } from 'node:crypto'
import type { Target } from './target.ts'

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Whether a request brings the token: as its bearer, or as `_token` of its query where it has no such header. */
export type TokenCheck = (authorization: string | undefined, target: Target) => boolean

/** Compares digests, which are of one length, so that the time taken tells nothing of the token. */
export function tokenCheck(token: string): TokenCheck {
  const expected = digest(token)
  return (authorization, target) => {
    const bearer = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    const presented = authorization === undefined ? target.token : bearer
    return timingSafeEqual(digest(presented ?? ''), expected)
  }
}
