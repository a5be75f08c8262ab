import { invalid } from '../options.ts'

/** Deeper structures are no arguments to build a key of. */
const DEEPEST = 20
/** Nor are larger ones. What is shared inside a structure is written each time. */
const MOST_PARTS = 10_000

/** How far one text has come. */
export interface Progress {
  readonly above: readonly unknown[]
  readonly parts: { count: number }
}

/**
 * A text of arguments: the same for the same data, whatever the order of properties, and never the same for others.
 *
 * @throws {@link InvalidOptionError} naming the argument that is no data: functions, symbols, instances of classes,
 * cycles.
 */
export function canonical(
  value: unknown,
  path: string,
  progress: Progress = { above: [], parts: { count: 0 } },
): string {
  if (++progress.parts.count > MOST_PARTS) return refuse(path, value, `at most ${MOST_PARTS} parts`)
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : ofObject(value, path, progress)
    default:
      return refuse(path, value, 'data')
  }
}

function ofObject(value: object, path: string, { above, parts }: Progress): string {
  if (above.includes(value)) return refuse(path, value, 'data without cycles')
  if (above.length === DEEPEST) return refuse(path, value, `at most ${DEEPEST} levels`)
  const inside = { above: [...above, value], parts }
  const of = (item: unknown, at: string | number): string => canonical(item, `${path}[${at}]`, inside)
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse(path, value, 'data without symbols')
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value) && prototype === Array.prototype) {
    const own = Object.keys(value)
    if (own.some((name) => !/^\d+$/.test(name))) return refuse(path, value, 'a list without properties')
    // A hole is not undefined, and a list of one hole is not empty.
    return `[${Array.from(value, (item, at) => (Object.hasOwn(value, at) ? of(item, at) : 'hole')).join()}]`
  }
  const special =
    Object.keys(value).length === 0 || ArrayBuffer.isView(value) ? ofKind(value, prototype, of) : undefined
  if (special !== undefined) return special
  if (prototype !== Object.prototype && prototype !== null)
    return refuse(path, value, 'data, no instance of a class')
  const properties = Object.keys(value)
    .toSorted()
    .map(
      (name) => `${JSON.stringify(name)}:${canonical(Reflect.get(value, name), `${path}.${name}`, inside)}`,
    )
  return `{${properties.join()}}`
}

/** What the platform has beside plain objects. An heir of it may be anything. */
function ofKind(
  value: object,
  prototype: unknown,
  of: (item: unknown, at: number) => string,
): string | undefined {
  const is = (kind: { readonly prototype: object }): boolean => prototype === kind.prototype
  if (is(Date)) return `Date(${(value as Date).getTime()})`
  if (is(URL)) return `URL(${JSON.stringify((value as URL).href)})`
  if (is(RegExp)) return `RegExp(${JSON.stringify(String(value))})`
  if (is(Set)) return `Set{${[...(value as Set<unknown>)].map(of).toSorted().join()}}`
  if (is(Map)) {
    const entries = [...(value as Map<unknown, unknown>)].map(
      ([key, item], at) => `${of(key, at)}=>${of(item, at)}`,
    )
    return `Map{${entries.toSorted().join()}}`
  }
  if (is(ArrayBuffer)) return `ArrayBuffer(${hex(new Uint8Array(value as ArrayBuffer))})`
  return ArrayBuffer.isView(value) && /^(?:\w+Array|DataView)$/.test(value.constructor.name)
    ? `${value.constructor.name}(${hex(bytesOf(value))})`
    : undefined
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
