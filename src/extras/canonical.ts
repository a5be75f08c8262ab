import { invalid } from '../options.ts'

/** Deeper structures are no arguments to build a key of. */
const DEEPEST = 20

/**
 * A text of arguments: the same for the same data, whatever the order of properties, and never the same for others.
 *
 * @throws {@link InvalidOptionError} naming the argument that is no data: functions, symbols, instances of classes,
 * cycles.
 */
export function canonical(value: unknown, path: string, above: readonly unknown[] = []): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : ofObject(value, path, above)
    default:
      return refuse(path, value, 'data')
  }
}

function ofObject(value: object, path: string, above: readonly unknown[]): string {
  if (above.includes(value)) return refuse(path, value, 'data without cycles')
  if (above.length === DEEPEST) return refuse(path, value, `at most ${DEEPEST} levels`)
  const inside = [...above, value]
  const of = (item: unknown, at: string | number): string => canonical(item, `${path}[${at}]`, inside)
  if (Array.isArray(value)) return `[${Array.from(value, of).join()}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof URL) return `URL(${JSON.stringify(value.href)})`
  if (value instanceof RegExp) return `RegExp(${JSON.stringify(String(value))})`
  if (value instanceof Set)
    return `Set{${[...value]
      .map((item, at) => of(item, at))
      .toSorted()
      .join()}}`
  if (value instanceof Map) {
    const entries = [...value].map(([key, item], at) => `${of(key, at)}=>${of(item, at)}`)
    return `Map{${entries.toSorted().join()}}`
  }
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${hex(bytesOf(value))})`
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${hex(new Uint8Array(value))})`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    return refuse(path, value, 'data, no instance of a class')
  const properties = Object.keys(value)
    .toSorted()
    .map(
      (name) => `${JSON.stringify(name)}:${canonical(Reflect.get(value, name), `${path}.${name}`, inside)}`,
    )
  return `{${properties.join()}}`
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function refuse(path: string, value: unknown, allowed: string): never {
  return invalid(path, value, `${allowed}; or make the key yourself: wrap(cache, fn, { name, key })`)
}
