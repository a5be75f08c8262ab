import type { CacheDriver, Limits } from '../../src/ports.ts'
import type { OpenedStore } from '../conformance/index.ts'

/** As an edge store is: writes are seen late, lives are counted in seconds, and none is short. */
const LIMITS: Limits = { maxKeyBytes: 512, maxValueBytes: 200_000, minTtl: 60_000, staleness: 60_000 }

interface Write {
  readonly at: number
  readonly value: string | undefined
  readonly end: number
}

/** A store whose readers see nothing that was written less than a minute ago. Time is the caller's. */
export function slowStore(): OpenedStore {
  const clock = { now: 0 }
  const writes = new Map<string, Write[]>()
  return {
    connect: (prefix) => driverOf(writes, clock, prefix),
    pass: (ms) => {
      clock.now += ms
    },
  }
}

function driverOf(writes: Map<string, Write[]>, clock: { now: number }, path: string): CacheDriver {
  const inPath = (key: string): string => (path === '' ? key : `${path}:${key}`)
  const find = (key: string): string | undefined => {
    const seen = writes.get(inPath(key))?.findLast(({ at }) => at + LIMITS.staleness! <= clock.now)
    return seen && clock.now < seen.end ? seen.value : undefined
  }
  const write = (key: string, value?: string, end = Infinity): void => {
    writes.set(key, [...(writes.get(key) ?? []), { at: clock.now, value, end }])
  }
  const remove = (key: string): boolean => {
    const existed = find(key) !== undefined
    write(inPath(key))
    return existed
  }
  return {
    type: 'l2',
    limits: LIMITS,
    namespace: (name) => driverOf(writes, clock, inPath(name)),
    get: async (key) => find(key),
    getMany: async (keys) => keys.map(find),
    pull: async (key) => {
      const value = find(key)
      remove(key)
      return value
    },
    set: async (key, value, ttl) => {
      const seconds = ttl ? Math.ceil(Math.max(ttl, LIMITS.minTtl!) / 1000) : Infinity
      write(inPath(key), value, clock.now + seconds * 1000)
      return true
    },
    delete: async (key) => remove(key),
    deleteMany: async (keys) => {
      for (const key of keys) remove(key)
      return true
    },
    clear: async () => {
      for (const key of writes.keys()) if (key.startsWith(inPath(''))) write(key)
    },
    disconnect: async () => {},
  }
}
