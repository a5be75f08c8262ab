import { nothing } from './local-coordination.ts'
import type { CacheDriver, Coordination } from './ports.ts'
import { versionedValues } from './versioned-values.ts'

/** The coordination a bus gives: to a store with L1 alone its journal, to an L2 that only keeps values all of it. */
export function busCoordination(bus: CacheDriver | undefined, values: CacheDriver | undefined): Coordination | undefined {
  if (!bus?.coordination) return undefined
  return values ? versionedValues(values, bus.coordination) : journalOnly(bus.coordination)
}

/** Values stay in L1: a read brings the news and nothing else, and there is nothing to lease or to commit. */
function journalOnly(coordination: Coordination): Coordination {
  return {
    read: async ({ cursor }) => nothing((await coordination.pull({ cursor })).page),
    readMany: async ({ reads, cursor }) => {
      const { page } = await coordination.pull({ cursor })
      return { entries: reads.map(() => nothing(page)), page }
    },
    take: async ({ key, cursor }) => {
      const { page } = await coordination.invalidate({ events: [{ kind: 'key', name: key, soft: false }], cursor })
      return nothing(page)
    },
    commit: async ({ cursor }) => ({ stored: false, ...(await coordination.pull({ cursor })) }),
    release: (request) => coordination.release(request),
    invalidate: (request) => coordination.invalidate(request),
    pull: (request) => coordination.pull(request),
  }
}
