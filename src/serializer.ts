/** Turns values into text and back. Both directions are synchronous; what they throw counts as a bad value. */
export interface Serializer {
  serialize(value: unknown): string
  deserialize(text: string): unknown
}

/** JSON: what Bentocache writes, and the default. */
export const json: Serializer = {
  serialize: (value) => JSON.stringify(value),
  deserialize: (text) => JSON.parse(text) as unknown,
}

/** Whether a value is the same after a round trip through any sensible serializer, so it need not make one. */
export function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    default:
      return value === null
  }
}
