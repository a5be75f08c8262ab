/**
 * L1: the memory of one isolate or process. By itself also a store of values, as any driver of Bentocache is.
 *
 * @module
 */
import { type Bytes, toBytes } from '../src/bytes.ts'
import type { Entry } from '../src/entry.ts'
import type { CreateDriverResult, L1CacheDriver, MemoryTier } from '../src/ports.ts'
import { invalid } from '../src/options.ts'
import { makeSieve, type Sieve, type SieveNode } from '../src/sieve.ts'

export type { Bytes }

/** Options of {@link memoryDriver}. */
export interface MemoryOptions {
  /** Most entries kept. @default 1000 */
  readonly maxItems?: number | undefined
  /** Most bytes kept, counted by the text of the values plus a share for each entry. Needs `serialize`. @default unbounded */
  readonly maxSize?: Bytes | undefined
  /** Largest entry kept; a larger one lives in L2 only. Needs `serialize`. @default `maxSize` */
  readonly maxEntrySize?: Bytes | undefined
  /**
   * Whether each caller gets a copy of its own. Without, all callers of the isolate share one object, which none may
   * change: faster, and yours to keep safe. @default true
   */
  readonly serialize?: boolean | undefined
  /** First segment of every key, where the driver is used as L2. @default the store's */
  readonly prefix?: string | undefined
}

/**
 * Memory of the isolate: the L1 of every store. Bounded in items and bytes, evicting by SIEVE in O(1); expired
 * entries are not served, and go when room is needed. It has no timers, so it may be built at module scope.
 *
 * @throws {@link InvalidOptionError} for sizes that are none, or given without `serialize`.
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * const store = bentostore().useL1Layer(memoryDriver({ maxItems: 5_000, maxSize: '20mb' }))
 * ```
 */
export function memoryDriver(options: MemoryOptions = {}): CreateDriverResult<MemoryDriver> {
  readLimits(options)
  return { options: { ...options }, factory: (config) => new MemoryDriver(config) }
}

interface Limits {
  readonly items: number
  readonly bytes: number
  readonly entryBytes: number
  readonly copies: boolean
}

interface TextNode extends SieveNode {
  readonly text: string
  /** Wall clock; `Infinity` is for ever. */
  readonly expiresAt: number
}

/** A string store over the same memory, by Bentocache's driver contract. Everything is synchronous. */
export class MemoryDriver implements L1CacheDriver {
  readonly type = 'l1'
  readonly #limits: Limits
  readonly #options: MemoryOptions
  readonly #prefix: string
  readonly #texts: Sieve<TextNode>
  #tier: MemoryTier | undefined

  constructor(options: MemoryOptions = {}, shared?: Sieve<TextNode>) {
    const { items, bytes, entryBytes } = (this.#limits = readLimits(options))
    this.#options = options
    this.#prefix = options.prefix ?? ''
    this.#texts = shared ?? makeSieve(items, bytes, entryBytes)
  }

  /** The place for the entries of a store's L1. */
  get tier(): MemoryTier {
    const { items, bytes, entryBytes, copies } = this.#limits
    return (this.#tier ??= {
      entries: makeSieve<Entry>(items, bytes, entryBytes),
      maxItems: items,
      copies,
      weigh: (key, text) => this.#weigh(key, text),
    })
  }

  namespace(name: string): MemoryDriver {
    return new MemoryDriver({ ...this.#options, prefix: this.#key(name) }, this.#texts)
  }

  get(key: string): string | undefined {
    return this.#find(key)?.text
  }

  pull(key: string): string | undefined {
    const text = this.get(key)
    this.delete(key)
    return text
  }

  /** `false`: too large to be kept. A `ttl` of 0 is for ever, as in Bentocache. */
  set(key: string, text: string, ttl?: number): boolean {
    const expiresAt = ttl ? Date.now() + ttl : Infinity
    const own = this.#key(key)
    const bytes = this.#weigh(own, text)
    return this.#texts.set({
      key: own,
      text,
      expiresAt,
      bytes,
      visited: false,
      newer: undefined,
      older: undefined,
    })
  }

  /** Milliseconds left; `undefined` for a missing entry or one that is kept for ever. */
  getRemainingTtl(key: string): number | undefined {
    const node = this.#find(key)
    return node && node.expiresAt !== Infinity ? node.expiresAt - Date.now() : undefined
  }

  delete(key: string): boolean {
    return this.#texts.delete(this.#key(key))
  }

  deleteMany(keys: readonly string[]): boolean {
    for (const key of keys) this.delete(key)
    return true
  }

  clear(): void {
    const inside = this.#key('')
    for (const { key } of this.#texts.values()) if (key.startsWith(inside)) this.#texts.delete(key)
  }

  disconnect(): void {}

  #key(key: string): string {
    return this.#prefix ? `${this.#prefix}:${key}` : key
  }

  #find(key: string): TextNode | undefined {
    const node = this.#texts.get(this.#key(key))
    if (!node || Date.now() < node.expiresAt) return node
    this.#texts.delete(node.key)
    return undefined
  }

  #weigh(key: string, text = ''): number {
    if (this.#limits.bytes === Infinity && this.#limits.entryBytes === Infinity) return 0
    return heapBytes(key) + heapBytes(text) + ENTRY_BYTES
  }
}

/** What an entry takes beside its key and text: the object, its links, its slot in the map. Rounded up. */
const ENTRY_BYTES = 300

/** Engines keep a text of Latin-1 characters in one byte each, any other in two. */
function heapBytes(text: string): number {
  return /^[\0-\xff]*$/.test(text) ? text.length : text.length * 2
}

function readLimits(options: MemoryOptions): Limits {
  const { maxItems = 1000, maxSize, maxEntrySize, serialize = true } = options
  if (!Number.isInteger(maxItems) || maxItems < 1) invalid('maxItems', maxItems, 'a whole number >= 1')
  if (typeof serialize !== 'boolean') invalid('serialize', serialize, 'a boolean')
  const bytes = maxSize === undefined ? Infinity : toBytes(maxSize, 'maxSize')
  const entryBytes = maxEntrySize === undefined ? bytes : toBytes(maxEntrySize, 'maxEntrySize')
  if (!serialize && entryBytes !== Infinity) {
    invalid('serialize', serialize, 'true, where maxSize or maxEntrySize is given: only text can be measured')
  }
  return { items: maxItems, bytes, entryBytes, copies: serialize }
}
