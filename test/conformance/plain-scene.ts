import type { CacheDriver, Limits, MaybePromise } from '../../src/ports.ts'
import type { ConformanceCase, OpenedStore } from './conformance-case.ts'

/** What is known of a driver before it is opened: its methods, limits and coordination. Nothing of it is called. */
export type Offer = Pick<CacheDriver, 'getMany' | 'prune' | 'coordination' | 'atomics' | 'limits'>

/** One store and its drivers. */
export interface PlainScene {
  /** A driver below the prefix `'p'`. */
  readonly driver: CacheDriver
  connect(prefix: string): CacheDriver
  pass(ms: number): Promise<void>
}

export type StoreCase = ConformanceCase<OpenedStore>

/** Makes a case of what is tried on one store. */
export function plainCase(
  limits: Limits | undefined,
  name: string,
  run: (scene: PlainScene) => Promise<void>,
): StoreCase {
  return {
    name,
    run: async (open) => {
      const store = await open()
      const pass = async (ms: number): Promise<void> => store.pass(ms)
      const { staleness = 0 } = limits ?? {}
      const state = { unseen: false }
      const connect = (prefix: string): CacheDriver => {
        const driver = store.connect(prefix)
        return staleness > 0 ? patient(driver, { pass, staleness, state }) : driver
      }
      try {
        await run({ driver: connect('p'), connect, pass })
      } finally {
        await store.close?.()
      }
    },
  }
}

interface Patience {
  readonly pass: (ms: number) => Promise<void>
  readonly staleness: number
  /** Whether something was written that readers may not see yet. */
  readonly state: { unseen: boolean }
}

/** A driver that is asked only when the writes before have come to light. */
function patient(driver: CacheDriver, patience: Patience): CacheDriver {
  const { pass, staleness, state } = patience
  const read = async <T>(run: () => MaybePromise<T>): Promise<T> => {
    if (state.unseen) await pass(staleness)
    state.unseen = false
    return run()
  }
  const write = async <T>(run: () => MaybePromise<T>): Promise<T> => {
    const result = await run()
    state.unseen = true
    return result
  }
  const { getMany, prune } = driver
  return {
    ...(driver.limits && { limits: driver.limits }),
    ...(getMany && { getMany: (keys) => read(() => getMany.call(driver, keys)) }),
    ...(prune && { prune: () => prune.call(driver) }),
    ...(driver.atomics && { atomics: driver.atomics }),
    namespace: (name) => patient(driver.namespace(name), patience),
    get: (key) => read(() => driver.get(key)),
    pull: (key) => read(() => write(() => driver.pull(key))),
    set: (key, value, ttl) => write(() => driver.set(key, value, ttl)),
    delete: (key) => read(() => write(() => driver.delete(key))),
    deleteMany: (keys) => write(() => driver.deleteMany(keys)),
    clear: () => read(() => write(() => driver.clear())),
    disconnect: () => driver.disconnect(),
  }
}

/** A life that every store of these limits keeps to, short enough to be waited for, and what to wait for its end. */
export function shortLife({ minTtl = 0, staleness = 0 }: Limits = {}): {
  readonly ttl: number
  readonly end: number
} {
  const ttl = Math.max(minTtl, 300) + staleness
  // Stores with a shortest life count in seconds.
  return { ttl, end: ttl + (minTtl > 0 ? 1100 : 100) }
}
