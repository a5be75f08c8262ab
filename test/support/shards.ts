import { shardOf } from '../../src/shard-of.ts'
import type { BentoCache, Cache } from '../../src/index.ts'
import type { Isolate, World } from './world.ts'

/** Names that lie in shard 0, 1, 2, ... of `count`, one each. */
export function namesByShard(count: number): string[] {
  const names: string[] = []
  for (let at = 0; Object.keys(names).length < count; at++) names[shardOf(`n${at}`, count)] ??= `n${at}`
  return names
}

/** Calls each coordinator has received since the last look. */
export function callsByShard({ ledgers }: World): () => number[] {
  let seen = ledgers.map(() => 0)
  return () => {
    const sums = ledgers.map(({ calls }) => Object.values(calls).reduce((sum, count) => sum + count, 0))
    const since = sums.map((sum, at) => sum - (seen[at] ?? 0))
    seen = sums
    return since
  }
}

/** One random step of a history, the same for every world: what it answers is compared. */
export type Act = (isolates: readonly Isolate[]) => Promise<unknown>

const SPACES = ['', 'a', 'b', 'b:x', 'c'] as const
const KEYS = ['k', 'l', 'a:k', 'b:x:k'] as const
const TAGS = ['t', 'u'] as const

/** A history of `steps` random acts of `isolates`. `int` draws below its argument. */
export function historyOf(steps: number, isolates: number, int: (below: number) => number): Act[] {
  let made = 0
  const pick = <T>(list: readonly T[]): T => list[int(list.length)] as T
  const act = (): Act => {
    const [by, kind, space, key, tag] = [int(isolates), int(14), pick(SPACES), pick(KEYS), pick(TAGS)]
    const [other, clears] = [pick(KEYS), int(3) === 0]
    const value = ++made
    const tags = [tag]
    return async (all) => {
      const cache = seenFrom((all[by] as Isolate).bento, space)
      if (kind === 0) return cache.set({ key, value, tags })
      if (kind === 1) return cache.delete({ key })
      if (kind === 2) return cache.deleteMany({ keys: [key, other] })
      if (kind === 3) return cache.expire({ key })
      if (kind === 4) return cache.deleteByTag({ tags })
      if (kind === 5) return clears ? cache.clear() : cache.has({ key })
      if (kind === 6) return cache.pull(key)
      if (kind === 7) return cache.get({ key, grace: '1h' })
      return cache.getOrSet({ key, tags, factory: () => value })
    }
  }
  return Array.from({ length: steps }, act)
}

function seenFrom(bento: BentoCache, space: string): Cache {
  const segments = space === '' ? [] : space.split(':')
  return segments.reduce<Cache>((cache, segment) => cache.namespace(segment), bento)
}
