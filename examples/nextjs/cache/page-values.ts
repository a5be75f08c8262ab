import type { CacheHandlerValue } from 'next/dist/server/lib/incremental-cache/index.js'

type Value = CacheHandlerValue['value']

/** A value of Next as the store keeps it: a list of pairs for the one map in it, and bytes that are no Buffers. */
export type Stored = Readonly<Record<string, unknown>> | null

export function toStored(value: Value): Stored {
  if (value === null) return null
  const segments = 'segmentData' in value ? value.segmentData : undefined
  return { ...value, ...(segments && { segmentData: [...segments] }) }
}

export function fromStored(stored: Stored): Value {
  if (stored === null) return null
  const { segmentData: segments, ...fields } = stored
  const value = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, asBuffer(field)]))
  if (Array.isArray(segments)) {
    const pairs = segments as readonly (readonly [string, unknown])[]
    value['segmentData'] = new Map(pairs.map(([path, bytes]) => [path, asBuffer(bytes)]))
  }
  return value as unknown as Value
}

/** Next asks of bytes what only a Buffer has. */
function asBuffer(field: unknown): unknown {
  return field instanceof Uint8Array ? Buffer.from(field.buffer, field.byteOffset, field.byteLength) : field
}
