/**
 * Serializers beside JSON.
 *
 * @module
 */
import { fromBase64, toBase64 } from './codecs/base64.ts'
import { invalid } from './options.ts'
import { json, type Serializer } from './serializer.ts'

/** What libraries such as devalue and superjson offer. */
export interface Stringifier {
  stringify(value: unknown): string
  parse(text: string): unknown
}

/**
 * Makes a serializer of a library with `stringify` and `parse`, such as devalue or superjson: dates, maps, sets, big integers
 * and what else it knows come back as what they were, from L1 and from L2.
 *
 * @throws {@link InvalidOptionError} unless it has both, as functions.
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { serializer } from 'ekiben/serializers'
 *
 * // import * as devalue from 'devalue'
 * const devalue = { stringify: (value: unknown) => JSON.stringify(value), parse: (text: string): unknown => JSON.parse(text) }
 * const store = bentostore({ serializer: serializer(devalue) })
 * ```
 */
export function serializer(library: Stringifier): Serializer {
  const { stringify, parse } = (library ?? {}) as Partial<Stringifier>
  if (typeof stringify !== 'function' || typeof parse !== 'function')
    invalid('serializer', library, 'an object with stringify and parse')
  // They are methods of the library, and may need it.
  return { serialize: (value) => library.stringify(value), deserialize: (text) => library.parse(text) }
}

/** What stands for bytes in the text: `<mark><kind>:<base64>`. Texts that begin alike bear one character more. */
const BYTES = '\u0001bytes:'
const ESCAPE = '\u0001'

const KINDS: ReadonlyMap<string, (buffer: ArrayBuffer) => unknown> = new Map<
  string,
  (buffer: ArrayBuffer) => unknown
>([
  ['ArrayBuffer', (buffer) => buffer],
  ['Uint8Array', (buffer) => new Uint8Array(buffer)],
  ['Uint8ClampedArray', (buffer) => new Uint8ClampedArray(buffer)],
  ['Int8Array', (buffer) => new Int8Array(buffer)],
  ['Uint16Array', (buffer) => new Uint16Array(buffer)],
  ['Int16Array', (buffer) => new Int16Array(buffer)],
  ['Uint32Array', (buffer) => new Uint32Array(buffer)],
  ['Int32Array', (buffer) => new Int32Array(buffer)],
  ['Float32Array', (buffer) => new Float32Array(buffer)],
  ['Float64Array', (buffer) => new Float64Array(buffer)],
  ['BigInt64Array', (buffer) => new BigInt64Array(buffer)],
  ['BigUint64Array', (buffer) => new BigUint64Array(buffer)],
])

/**
 * JSON, or another serializer, that keeps bytes: `ArrayBuffer` and typed arrays such as `Uint8Array`, wherever in lists and
 * plain objects they stand, come back as what they were. They are base64 in the text, a third longer than they are.
 *
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { binary } from 'ekiben/serializers'
 *
 * const store = bentostore({ serializer: binary() })
 * ```
 */
export function binary(inner: Serializer = json): Serializer {
  // JSON looks into instances of classes too, so what it makes of them is looked at here first.
  const flat = inner === json ? flatten : (value: unknown): unknown => value
  return {
    serialize: (value) => inner.serialize(mapped(value, (item) => pack(flat(item)))),
    deserialize: (text) => mapped(inner.deserialize(text), unpack),
  }
}

/** What JSON would make of an object that is no plain one. */
function flatten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return (toJSON as () => unknown).call(value)
  if (Array.isArray(value) || isPlainObject(value)) return value
  return BOXES.has(kindOf(value)) ? value.valueOf() : { ...value }
}

/** JSON takes what they hold, and `{ ...Object(5) }` holds nothing. */
const BOXES: ReadonlySet<string> = new Set(['Number', 'String', 'Boolean', 'BigInt'])

function isBytes(value: object): value is ArrayBuffer | ArrayBufferView<ArrayBuffer> {
  return (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) && KINDS.has(kindOf(value))
}

/** What it is made of, whatever its class is called: heirs of `Uint8Array` are bytes as well. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

function pack(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(ESCAPE) ? ESCAPE + value : value
  if (typeof value !== 'object' || value === null || !isBytes(value)) return value
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
  return `${BYTES}${kindOf(value)}:${toBase64(bytes)}`
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(ESCAPE)) return value
  if (!value.startsWith(BYTES)) return value.slice(ESCAPE.length)
  const [kind = '', text = ''] = value.slice(BYTES.length).split(':')
  const make = KINDS.get(kind)
  if (!make) throw new TypeError('the text holds bytes of an unknown kind')
  return make(fromBase64(text).buffer)
}

/**
 * A value with all that stands in lists and plain objects changed. Nothing of the value itself is. What stands in it twice,
 * or in itself, does so in the copy: whether that can be written is for the inner serializer to say.
 */
function mapped(
  value: unknown,
  change: (value: unknown) => unknown,
  copies = new Map<unknown, unknown>(),
): unknown {
  const known = typeof value === 'object' && copies.get(value)
  if (known) return known
  const changed = change(value)
  if (typeof changed !== 'object' || changed === null) return changed
  if (Array.isArray(changed)) {
    const list: unknown[] = []
    copies.set(value, list)
    list.length = changed.length
    // Holes stay holes.
    changed.forEach((item, at) => void (list[at] = mapped(item, change, copies)))
    return list
  }
  if (!isPlainObject(changed)) return changed
  const copy: Record<string, unknown> = {}
  copies.set(value, copy)
  for (const [name, item] of Object.entries(changed)) {
    // A property of that name stays one, and makes no prototype.
    if (name === '__proto__')
      Object.defineProperty(copy, name, { writable: true, enumerable: true, configurable: true })
    copy[name] = mapped(item, change, copies)
  }
  return copy
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
