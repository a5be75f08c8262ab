import type { Coordination, ReadReply } from './ports.ts'

/** What it takes to tell of changes, and nothing else. */
export type News = Pick<Coordination, 'invalidate' | 'release' | 'pull'>

/**
 * The coordination of a store whose values stay in L1: a read brings the news and nothing else, and there is nothing to
 * lease or to commit.
 */
export function journalOnly(news: News): Coordination {
  const nothing = (page: ReadReply['page']): ReadReply => ({
    stale: false,
    freshFor: null,
    staleFor: null,
    page,
  })
  return {
    read: async ({ cursor }) => nothing((await news.pull({ cursor })).page),
    readMany: async ({ reads, cursor }) => {
      const { page } = await news.pull({ cursor })
      return { entries: reads.map(() => nothing(page)), page }
    },
    take: async ({ key, cursor }) => {
      const { page } = await news.invalidate({ events: [{ kind: 'key', name: key, soft: false }], cursor })
      return nothing(page)
    },
    commit: async ({ cursor }) => ({ stored: false, ...(await news.pull({ cursor })) }),
    commitMany: async ({ commits, cursor }) => ({
      commits: commits.map(() => ({ stored: false })),
      ...(await news.pull({ cursor })),
    }),
    release: (request) => news.release(request),
    invalidate: (request) => news.invalidate(request),
    pull: (request) => news.pull(request),
  }
}
