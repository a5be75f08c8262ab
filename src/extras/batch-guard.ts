import { L2CacheError, StoreError } from '../errors.ts'
import type { AskOptions, Guard, Reply } from '../guard.ts'
import type { L2, Told } from '../l2.ts'
import { NO_VERSION } from '../no-version.ts'
import type { CommitManyReply, CommitRequest, Invalidation, ReadRequest, Runtime } from '../ports.ts'
import { type Gather, makeGather } from './gather.ts'

/** A guard whose calls for single keys go out together. */
export interface BatchGuard {
  readonly guard: Guard
  readonly reads: Gather<Reading, Answer<'read'>>
  readonly commits: Gather<Committing, Answer<'commit'>>
  /** Gives the leases of keys back, in one call. */
  readonly releases: Gather<string, undefined>
  /** Told of each commit that has been asked for. */
  readonly onCommit: (listener: (key: string) => void) => void
}

type Answer<Name extends 'read' | 'commit'> = Told & { readonly reply: Reply<Name> }

interface Reading {
  readonly request: Omit<ReadRequest, 'cursor'>
  readonly options: AskOptions<'read'>
}

interface Committing {
  readonly request: Omit<CommitRequest, 'cursor'>
  readonly options: AskOptions<'commit'>
}

/**
 * Makes a guard over an L2 that collects what the flow of a single key asks, and asks it at once. Leases are asked for
 * under `token`; a flight that goes on under the token of a predecessor asks by itself.
 */
export function makeBatchGuard(l2: L2, runtime: Runtime, token: string): BatchGuard {
  const reads = makeGather<Reading, Answer<'read'>>(runtime, (items) => readTogether(l2, runtime, items))
  const commits = makeGather<Committing, Answer<'commit'>>(runtime, (items) =>
    commitTogether(l2, runtime, items),
  )
  const releases = makeGather<string, undefined>(runtime, (keys) =>
    releaseTogether(l2, { runtime, token, keys }),
  )
  const invalidations = makeGather<readonly Invalidation[], unknown>(runtime, async (lists) => {
    // Retries: they get through even while the breaker is open.
    const told = await l2.ask(runtime, 'invalidate', { events: lists.flat() }, { insist: true })
    return lists.map(() => told)
  })
  let heard: (key: string) => void = () => {}

  const ask = async (
    by: Runtime,
    operation: string,
    request: object,
    options: object = {},
  ): Promise<unknown> => {
    if (operation === 'commit') {
      const item = { request, options } as Committing
      const told = commits.add(item)
      heard(item.request.key)
      return told
    }
    if (operation === 'invalidate')
      return invalidations.add((request as { events: readonly Invalidation[] }).events)
    const reading = { request, options } as Reading
    const { lease } = reading.request
    const together = operation === 'read' && (!lease || lease.token === token)
    return together ? reads.add(reading) : l2.ask(by, operation as 'read', reading.request, reading.options)
  }
  return {
    // What is tried again is as much as the batch holds, and goes out together.
    guard: {
      get retries() {
        return 0
      },
      set retries(_count) {},
      ask: ask as Guard['ask'],
    },
    reads,
    commits,
    releases,
    onCommit: (listener) => void (heard = listener),
  }
}

async function readTogether(
  l2: L2,
  runtime: Runtime,
  items: readonly Reading[],
): Promise<readonly Answer<'read'>[]> {
  const leases = items.map(({ request }) => request.lease).filter((lease) => lease !== undefined)
  const ttl = Math.max(...leases.map((lease) => lease.ttl))
  const lease = leases[0] && { token: leases[0].token, ttl }
  const list = items.map(({ request: { key, tags, namespaces, unusable } }) => ({
    key,
    tags,
    namespaces,
    unusable,
  }))
  const { reply, ...told } = await l2.ask(
    runtime,
    'readMany',
    { reads: list, lease },
    {
      onReply: ({ entries, page }, sent) =>
        items.forEach(({ options }, at) => {
          const entry = entries[at]
          if (entry) options.onReply?.({ ...entry, page }, sent)
        }),
    },
  )
  checkCount(reply.entries, items)
  return reply.entries.map((entry) => ({ ...told, reply: { ...entry, page: reply.page } }))
}

async function commitTogether(
  l2: L2,
  runtime: Runtime,
  items: readonly Committing[],
): Promise<readonly Answer<'commit'>[]> {
  const { reply, ...told } = await l2.ask(
    runtime,
    'commitMany',
    { commits: items.map(({ request }) => request) },
    {
      onReply: ({ commits, page }, sent) => {
        const last = lastOf(commits)
        const own = items.map(({ options }, at) => {
          const single = { stored: false, ...placed(commits[at], last), page }
          return options.onReply?.(single, sent) === undefined ? Infinity : (commits[at]?.at ?? Infinity)
        })
        const first = Math.min(...own)
        return first === Infinity ? undefined : first
      },
    },
  )
  checkCount(reply.commits, items)
  const last = lastOf(reply.commits)
  return reply.commits.map((commit) => ({
    ...told,
    reply: { stored: commit.stored, ...placed(commit, last), page: reply.page },
  }))
}

type Placed = CommitManyReply['commits'][number]

/** Place of the last of the writes, if nothing of others lies between them. */
function lastOf(commits: readonly Placed[]): number | undefined {
  const places = new Set(commits.map(({ at }) => at).filter((at) => at !== undefined))
  const [first, last] = [Math.min(...places), Math.max(...places)]
  return last - first + 1 === places.size ? last : undefined
}

/** What the batch wrote after an entry is about other keys: the entry is as new as the last of it. */
function placed(commit: Placed | undefined, last: number | undefined): Placed | undefined {
  return commit?.at === undefined || last === undefined ? commit : { ...commit, at: last }
}

/** A store may answer anything, and answers are told apart by their place alone. */
function checkCount(replies: readonly unknown[], items: readonly unknown[]): void {
  if (replies.length !== items.length)
    throw new L2CacheError(
      new StoreError('The coordinator', 'it answered for more or fewer keys than it was asked'),
    )
}

interface Releasing {
  readonly runtime: Runtime
  readonly token: string
  readonly keys: readonly string[]
}

/** There is no call that gives many leases back. A commit that is refused gives back its own, so it asks for what cannot be. */
async function releaseTogether(l2: L2, { runtime, token, keys }: Releasing): Promise<readonly undefined[]> {
  const commits = keys.map((key) => ({
    op: runtime.randomId(),
    key,
    version: NO_VERSION,
    keeps: NO_VERSION,
    freshFor: 0,
    staleFor: 0,
    tags: [],
    namespaces: [],
    mode: { kind: 'lease', token, grant: { seq: 0, id: '' } } as const,
  }))
  await l2.ask(runtime, 'commitMany', { commits })
  return keys.map(() => undefined)
}
