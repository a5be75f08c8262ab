import type { CacheDriver, Coordination, ReadReply } from './ports.ts'
import { versionedValues } from './versioned-values.ts'

/**
 * The coordination a bus driver gives a store: to one with L1 alone its journal, to one whose L2 only keeps values all
 * of it. For authors of bus drivers.
 */
export function busCoordination(coordination: Coordination, values: CacheDriver | undefined): Coordination {
  return values ? versionedValues(values, coordination) : journalOnly(coordination)
}

/** Values stay in L1: a read brings the news and nothing else, and there is nothing to lease or to commit. */
function journalOnly(coordination: Coordination): Coordination {
  const nothing = (page: ReadReply['page']): ReadReply => ({
    stale: false,
    freshFor: null,
    staleFor: null,
    page,
  })
  return {
    read: async ({ cursor }) => nothing((await coordination.pull({ cursor })).page),
    readMany: async ({ reads, cursor }) => {
      const { page } = await coordination.pull({ cursor })
      return { entries: reads.map(() => nothing(page)), page }
    },
    take: async ({ key, cursor }) => {
      const { page } = await coordination.invalidate({
        events: [{ kind: 'key', name: key, soft: false }],
        cursor,
      })
      return nothing(page)
    },
    commit: async ({ cursor }) => ({ stored: false, ...(await coordination.pull({ cursor })) }),
    release: (request) => coordination.release(request),
    invalidate: (request) => coordination.invalidate(request),
    pull: (request) => coordination.pull(request),
  }
}
