import type { CommitRequest, Coordination } from '../../src/ports.ts'

type Lie = (honest: Coordination) => Partial<Coordination>

/** A coordination that is wrong about many keys at once, or about what is kept. Clients share what `make` has made. */
export interface LiarOfMany {
  readonly found: readonly string[]
  make(): Lie
}

/** The lie is about single commits; those of many are made of them, in one order, as one step or not. */
function committing(lie: (honest: Coordination, request: CommitRequest) => Promise<CommitRequest>): Lie {
  return (honest) => ({
    commit: async (request) => honest.commit(await lie(honest, request)),
    commitMany: async ({ commits, cursor }) => {
      const lies = await Promise.all(commits.map(async (commit) => lie(honest, commit)))
      return honest.commitMany({ commits: lies, cursor })
    },
  })
}

const isKept = ({ payload }: CommitRequest): boolean => payload === undefined

/** Leases of many are never refused. */
const givesAll: Lie = (honest) => ({
  readMany: async (request) => {
    const { entries, page } = await honest.readMany(request)
    const given = entries.map(({ leaseLeft, ...entry }) =>
      leaseLeft === undefined ? entry : { ...entry, lease: { grant: page.head } },
    )
    return { entries: given, page }
  },
})

/** Many are read as ever: nobody asks for leases. */
const leasesNothing: Lie = (honest) => ({
  readMany: ({ reads, cursor }) => honest.readMany({ reads, cursor }),
})

/** Fresh entries are leased as well, as if no version could be used. */
const leasesFresh: Lie = (honest) => ({
  readMany: async (request) => {
    const reply = await honest.readMany(request)
    if (!request.lease) return reply
    const reads = request.reads.map((read) => ({ ...read, unusable: '*' }))
    const { entries } = await honest.readMany({ ...request, reads })
    return { ...reply, entries: reply.entries.map((entry, at) => ({ ...entry, lease: entries[at]?.lease })) }
  },
})

/** What is said to be unusable is given out again. */
const usesUnusable: Lie = (honest) => ({
  readMany: (request) =>
    honest.readMany({ ...request, reads: request.reads.map(({ unusable: _unusable, ...read }) => read) }),
})

/** Commits are made one by one, and others come between. */
const commitsOneByOne: Lie = (honest) => ({
  commitMany: async ({ commits, cursor }) => {
    const outcomes = []
    for (const commit of commits) {
      const { page: _page, ...outcome } = await honest.commit(commit)
      outcomes.push(outcome)
    }
    return { commits: outcomes, ...(await honest.pull({ cursor })) }
  },
})

/** All are stored in one step, the last one first. */
const commitsBackwards: Lie = (honest) => ({
  commitMany: async ({ commits, cursor }) => {
    const reply = await honest.commitMany({ commits: commits.toReversed(), cursor })
    return { ...reply, commits: reply.commits.toReversed() }
  },
})

/** All are stored, or so it says. */
const saysAllStored: Lie = (honest) => ({
  commitMany: async (request) => {
    const reply = await honest.commitMany(request)
    return { ...reply, commits: reply.commits.map((outcome) => ({ ...outcome, stored: true })) }
  },
})

/** One that is refused takes the others with it. */
const storesAllOrNone: Lie = (honest) => ({
  commitMany: async ({ commits, cursor }) => {
    const reply = await honest.commitMany({ commits, cursor })
    if (reply.commits.every(({ stored }) => stored)) return reply
    const events = commits.map(({ key }) => ({ kind: 'key', name: key, soft: false }) as const)
    await honest.invalidate({ events })
    return { ...reply, commits: commits.map(() => ({ stored: false })) }
  },
})

/** Repeats of many are done again. */
function forgetsMany(): Lie {
  let count = 0
  return (honest) => ({
    commitMany: ({ commits, cursor }) =>
      honest.commitMany({ commits: commits.map((commit) => ({ ...commit, op: `op ${++count}` })), cursor }),
  })
}

/** Whatever version is there is kept. */
const keepsAny: Lie = committing(async (_, request) =>
  isKept(request) ? { ...request, keeps: '*' } : request,
)

/** What is kept is read and written again, as if it were new. */
const writesAgain: Lie = committing(async (honest, request) => {
  if (!isKept(request)) return request
  const { entry } = await honest.read({ key: request.key, tags: [], namespaces: request.namespaces })
  const meant = request.keeps === '*' || request.keeps === entry?.version
  return entry && meant ? { ...request, ...entry } : request
})

/** What is kept need not be there: it is remembered. */
function bringsBack(): Lie {
  const remembered = new Map<string, CommitRequest>()
  return committing(async (_, request) => {
    if (!isKept(request)) {
      remembered.set(request.key, request)
      return request
    }
    const last = remembered.get(request.key)
    const meant = request.keeps === '*' || request.keeps === last?.version
    return last && meant
      ? {
          ...last,
          op: request.op,
          mode: request.mode,
          freshFor: request.freshFor,
          staleFor: request.staleFor,
        }
      : request
  })
}

/** What is kept ends when it would have. */
const keepsNothing: Lie = (honest) => ({
  commit: async (request) => {
    if (!isKept(request)) return honest.commit(request)
    const { entry } = await honest.read({ key: request.key, tags: [], namespaces: request.namespaces })
    const { page } = await honest.pull({ cursor: request.cursor })
    const stored = entry !== undefined && (request.keeps === '*' || request.keeps === entry.version)
    return stored ? { stored, at: page.head.seq, page } : { stored, page }
  },
})

/** Tags are those of who keeps the entry, and not its own. */
const takesTags: Lie = committing(async (honest, request) => {
  if (!isKept(request)) return request
  const { entry } = await honest.read({ key: request.key, tags: [], namespaces: request.namespaces })
  const meant = request.keeps === '*' || request.keeps === entry?.version
  return entry && meant ? { ...request, version: entry.version, payload: entry.payload } : request
})

/** Added to the liars. */
export const LIARS_OF_MANY: Readonly<Record<string, LiarOfMany>> = {
  'leases of many are all given': {
    found: [
      'readMany: is refused leases that others hold',
      'readMany: of many at once exactly one gets each',
    ],
    make: () => givesAll,
  },
  'leases of many are forgotten': {
    found: ['readMany: leases what is missing or stale', 'readMany: its leases are as good as any'],
    make: () => leasesNothing,
  },
  'leases of many are given on what is fresh': {
    found: ['readMany: leases what is missing or stale, and nothing that is fresh'],
    make: () => leasesFresh,
  },
  'what is unusable is given out with many': {
    found: ['readMany: what is unusable to its read counts as missing there'],
    make: () => usesUnusable,
  },
  'many commits are many steps': {
    found: ['commitMany: is one step'],
    make: () => commitsOneByOne,
  },
  'many commits come in another order': {
    found: ['commitMany: each mode is judged by itself, in the order given', 'commitMany: stores hundreds'],
    make: () => commitsBackwards,
  },
  'many commits are all stored, or so it says': {
    found: ['commitMany: one that is refused leaves the others'],
    make: () => saysAllStored,
  },
  'many commits are stored together or not at all': {
    found: [
      'commitMany: one that is refused leaves the others',
      'keeps: many may be kept and stored in one step',
    ],
    make: () => storesAllOrNone,
  },
  'many commits are done again when repeated': {
    found: [
      'commitMany: repeated gets the first answers',
      'commitMany: sent many times at once is done once',
    ],
    make: forgetsMany,
  },
  'any version is kept': {
    found: [
      'keeps: another version is not kept under a lease',
      'keeps: another version is not kept free',
      'keeps: another version is not kept as a set',
    ],
    make: () => keepsAny,
  },
  'what is kept is written as new': {
    found: [
      'keeps: what its key made stale is as stale as before when it is kept as a set',
      'keeps: what its tag made stale is as stale as before when it is kept as a set',
    ],
    make: () => writesAgain,
  },
  'what is kept need not be there': {
    found: [
      'keeps: what was deleted is not kept as a set',
      'keeps: what has lost its tag is not kept free',
      'keeps: what has ended is not kept under a lease',
    ],
    make: bringsBack,
  },
  'what is kept gets no other life': {
    found: [
      'keeps: an entry kept under a lease',
      'keeps: an entry kept free',
      'keeps: an entry kept as a set',
    ],
    make: () => keepsNothing,
  },
  'what is kept gets the tags of who keeps it': {
    found: [
      'keeps: an entry kept free is what it was',
      'keeps: what its tag makes stale after that began is not kept',
    ],
    make: () => takesTags,
  },
}
