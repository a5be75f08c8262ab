/**
 * The wire form of a value in L2: `<codec id>;<header json>\n<body>`.
 *
 * The header holds what a coordinator does not keep itself, so that no script ever needs to parse the body. What
 * cannot be read, or is of an unknown codec or version, counts as a miss: two releases share a store while one is
 * rolled out.
 */

import type { Notes } from './entry.ts'

const CODEC = 't'
const VERSION = 1

export interface PayloadHeader {
  /** Wall clock at the write, milliseconds since the Unix epoch; for people, never for decisions. */
  readonly created: number
  /** The real key, where the store's name of it is a hash. */
  readonly key?: string | undefined
  readonly notes?: Notes | undefined
  /** How the value is built, where the store says so. */
  readonly schema?: string | number | undefined
}

export interface Payload extends PayloadHeader {
  readonly text: string
}

export function seal({ created, key, notes, schema, text }: Payload): string {
  return `${CODEC};${JSON.stringify({ v: VERSION, created, key, schema, notes })}\n${text}`
}

/** Gives `undefined` for what this version cannot read. */
export function unseal(payload: string): Payload | undefined {
  const end = payload.indexOf('\n')
  if (end < 0 || !payload.startsWith(`${CODEC};`)) return undefined
  try {
    const header = JSON.parse(payload.slice(CODEC.length + 1, end)) as Record<string, unknown> | null
    if (header?.['v'] !== VERSION || typeof header['created'] !== 'number') return undefined
    const key = typeof header['key'] === 'string' ? header['key'] : undefined
    return {
      created: header['created'],
      key,
      schema: schemaOf(header['schema']),
      notes: readNotes(header['notes']),
      text: payload.slice(end + 1),
    }
  } catch {
    return undefined
  }
}

/** Notes of a store that may hold anything: what is not as expected is left out. */
function readNotes(value: unknown): Notes | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { nothing, cost, ttl, etag, lastModified } = value as Record<keyof Notes, unknown>
  return {
    nothing: nothing === true || undefined,
    cost: typeof cost === 'number' && cost >= 0 ? cost : undefined,
    ttl: typeof ttl === 'number' && ttl >= 0 ? ttl : undefined,
    etag: typeof etag === 'string' ? etag : undefined,
    lastModified: typeof lastModified === 'string' ? lastModified : undefined,
  }
}

function schemaOf(value: unknown): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
