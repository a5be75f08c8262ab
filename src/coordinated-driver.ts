import type { AtomicCalls, AtomicDriver } from './atomic-calls.ts'
import type { Coordination, Limits } from './ports.ts'
import { systemRuntime } from './runtime.ts'

/** What a driver is made of whose store coordinates. */
export interface CoordinatedStore {
  readonly coordination: Coordination
  readonly atomics: AtomicCalls
  readonly limits: Limits
  /** Removes what is expired, where the store does not do so by itself. */
  readonly prune?: () => Promise<void>
  readonly disconnect: () => Promise<void>
}

/**
 * Bentocache's driver contract over a store that coordinates. `path` is the prefix and the namespaces so far, joined by
 * colons. For authors of drivers.
 */
export function coordinatedDriver(store: CoordinatedStore, path: string): AtomicDriver {
  const { coordination, atomics, limits, prune, disconnect } = store
  const inPath = (name: string): string => (path === '' ? name : `${path}:${name}`)
  // Written into all namespaces above; read by naming the own one, as whatever is stored is stored with it.
  const reader = { tags: [], namespaces: [path] }
  const deleteMany = async (keys: readonly string[]): Promise<number> => {
    const events = keys.map((key) => ({ kind: 'key', name: inPath(key), soft: false }) as const)
    const { existed } = await coordination.invalidate({ events })
    return existed
  }
  return {
    type: 'l2',
    coordination,
    atomics,
    limits,
    namespace: (name) => coordinatedDriver(store, inPath(name)),
    get: async (key) => (await coordination.read({ key: inPath(key), ...reader })).entry?.payload,
    pull: async (key) => (await coordination.take({ key: inPath(key), ...reader })).entry?.payload,
    set: async (key, payload, ttl) => {
      const life = ttl === undefined || ttl === 0 ? null : ttl
      const { stored } = await coordination.commit({
        op: systemRuntime.randomId(),
        key: inPath(key),
        version: systemRuntime.randomId(),
        payload,
        freshFor: life,
        staleFor: life,
        mode: { kind: 'set' },
        tags: [],
        namespaces: lineage(path),
      })
      return stored
    },
    delete: async (key) => (await deleteMany([key])) > 0,
    deleteMany: async (keys) => {
      if (keys.length > 0) await deleteMany(keys)
      return true
    },
    clear: async () => {
      await coordination.invalidate({ events: [{ kind: 'namespace', name: path, soft: false }] })
    },
    ...(prune ? { prune } : {}),
    disconnect,
  }
}

/** A path and its ancestors, outermost first: `a:b` lies in ``, `a` and `a:b`, and not in `ab`. */
function lineage(path: string): string[] {
  if (path === '') return ['']
  const segments = path.split(':')
  return ['', ...segments.map((_, index) => segments.slice(0, index + 1).join(':'))]
}
