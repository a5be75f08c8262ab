/**
 * Bentocache's base for drivers: what stands before a key.
 *
 * @module
 */
import { trimColons } from './trim-colons.ts'

/**
 * A driver's prefix. For drivers written for Bentocache; new ones may as well be plain objects.
 *
 * @example
 * ```ts
 * import { BaseDriver } from 'ekiben/drivers/base_driver'
 * import type { L2CacheDriver } from 'ekiben/types'
 *
 * class MapDriver extends BaseDriver implements L2CacheDriver {
 *   type = 'l2' as const
 *   readonly #texts: Map<string, string>
 *
 *   constructor(config: { prefix?: string }, texts = new Map<string, string>()) {
 *     super(config)
 *     this.#texts = texts
 *   }
 *   namespace(name: string) {
 *     return new MapDriver({ prefix: this.createNamespacePrefix(name) }, this.#texts)
 *   }
 *   async get(key: string) {
 *     return this.#texts.get(this.getItemKey(key))
 *   }
 *   async pull(key: string) {
 *     const text = await this.get(key)
 *     await this.delete(key)
 *     return text
 *   }
 *   async set(key: string, text: string) {
 *     this.#texts.set(this.getItemKey(key), text)
 *     return true
 *   }
 *   async delete(key: string) {
 *     return this.#texts.delete(this.getItemKey(key))
 *   }
 *   async deleteMany(keys: string[]) {
 *     for (const key of keys) await this.delete(key)
 *     return true
 *   }
 *   async clear() {
 *     for (const key of this.#texts.keys()) if (key.startsWith(this.getItemKey(''))) this.#texts.delete(key)
 *   }
 *   async disconnect() {}
 * }
 * ```
 */
export abstract class BaseDriver {
  protected readonly config: { readonly prefix?: string | undefined }
  /** What stands before each key, without the colon; empty for none. */
  protected prefix: string

  constructor(config: { readonly prefix?: string | undefined }) {
    this.config = config
    this.prefix = trimColons(config.prefix ?? '')
  }

  /** The prefix of a namespace below. */
  protected createNamespacePrefix(namespace: string): string {
    // A driver may have set a prefix of its own.
    const prefix = trimColons(this.prefix)
    return prefix === '' ? namespace : `${prefix}:${namespace}`
  }

  /** A key as the store has it. */
  protected getItemKey(key: string): string {
    return this.prefix === '' ? key : `${this.prefix}:${key}`
  }
}
