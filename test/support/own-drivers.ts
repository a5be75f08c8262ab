import { BaseDriver } from '../../src/base-driver.ts'
import type { L2CacheDriver } from '../../src/types.ts'

/** A driver as its author wrote it for Bentocache: on the base class, with a connection it shares among namespaces. */
export class BasedDriver extends BaseDriver implements L2CacheDriver {
  readonly type = 'l2' as const
  declare config: { prefix?: string; texts: Map<string, string> }

  constructor(config: { prefix?: string; texts: Map<string, string> }) {
    super(config)
    this.config = config
  }
  namespace(name: string): BasedDriver {
    return new BasedDriver({ ...this.config, prefix: this.createNamespacePrefix(name) })
  }
  async get(key: string): Promise<string | undefined> {
    return this.config.texts.get(this.getItemKey(key))
  }
  async pull(key: string): Promise<string | undefined> {
    const text = await this.get(key)
    await this.delete(key)
    return text
  }
  async set(key: string, text: string): Promise<boolean> {
    this.config.texts.set(this.getItemKey(key), text)
    return true
  }
  async delete(key: string): Promise<boolean> {
    return this.config.texts.delete(this.getItemKey(key))
  }
  async deleteMany(keys: string[]): Promise<boolean> {
    for (const key of keys) await this.delete(key)
    return true
  }
  async clear(): Promise<void> {
    for (const key of this.config.texts.keys())
      if (key.startsWith(`${this.prefix}:`)) this.config.texts.delete(key)
  }
  async disconnect(): Promise<void> {}
}

/** The least that is a driver, as a class of its own: what is absent is `null` in the store it wraps. */
export class PlainDriver {
  readonly type = 'l2'
  readonly #prefix: string
  readonly #texts: Map<string, string | null>

  constructor(prefix: string, texts: Map<string, string | null>) {
    this.#prefix = prefix
    this.#texts = texts
  }
  namespace(name: string): PlainDriver {
    return new PlainDriver(`${this.#prefix}${name}:`, this.#texts)
  }
  get = async (key: string) => this.#texts.get(this.#prefix + key) ?? undefined
  pull = async (key: string) => {
    const text = await this.get(key)
    this.#texts.delete(this.#prefix + key)
    return text
  }
  set = async (key: string, text: string) => Boolean(this.#texts.set(this.#prefix + key, text))
  delete = async (key: string) => this.#texts.delete(this.#prefix + key)
  deleteMany = async (keys: string[]) =>
    keys.map((key) => this.#texts.delete(this.#prefix + key)).every(Boolean)
  clear = async () => {
    for (const key of this.#texts.keys()) if (key.startsWith(this.#prefix)) this.#texts.delete(key)
  }
  disconnect = async () => {}
}
