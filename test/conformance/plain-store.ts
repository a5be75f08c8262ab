import type { CacheDriver } from '../../src/ports.ts'

/** A store that keeps texts and nothing else, as many as there are, for ever. */
export interface PlainStore {
  readonly texts: Map<string, string>
  readonly driver: CacheDriver
}

/** Makes one. */
export function plainStore(): PlainStore {
  const texts = new Map<string, string>()
  return { texts, driver: driverOf(texts, '') }
}

function driverOf(texts: Map<string, string>, prefix: string): CacheDriver {
  const remove = (key: string): boolean => texts.delete(prefix + key)
  return {
    type: 'l2',
    namespace: (name) => driverOf(texts, `${prefix}${name}:`),
    get: async (key) => texts.get(prefix + key),
    pull: async (key) => {
      const text = texts.get(prefix + key)
      remove(key)
      return text
    },
    set: async (key, text) => {
      texts.set(prefix + key, text)
      return true
    },
    delete: async (key) => remove(key),
    deleteMany: async (keys) => {
      for (const key of keys) remove(key)
      return true
    },
    clear: async () => {
      for (const key of texts.keys()) if (key.startsWith(prefix)) texts.delete(key)
    },
    disconnect: async () => {},
  }
}
