import { L2CacheError, StoreError } from '../errors.ts'
import type { AskOptions, Guard, Reply } from '../guard.ts'
import type { L2, Told } from '../l2.ts'
import { NO_VERSION } from '../no-version.ts'
import type { CommitManyReply, CommitRequest, Invalidation, ReadRequest, Runtime } from '../ports.ts'
import { firstOwn } from '../retry.ts'
import { inBackground } from '../runtime.ts'
import { type Gather, makeGather } from './gather.ts'

/** A guard whose calls for single keys go out together. */
export interface BatchGuard {
  readonly guard: Guard
  readonly reads: Gather<Reading, Answer<'read'>>
  readonly commits: Gather<Committing, Answer<'commit'>>
  /** Gives the leases of keys back, in one call. */
  readonly releases: Gather<string, undefined>
  /** Told of each key whose commit has been asked for, or which is to be invalidated as it has none. */
  readonly onAsked: (listener: (key: string) => void) => void
}

type Events = readonly Invalidation[]
type Answer<Name extends 'read' | 'commit' | 'invalidate'> = Told & { readonly reply: Reply<Name> }

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
  const invalidations = makeGather<Events, Answer<'invalidate'>>(runtime, async (lists) => {
    const events = lists.flat()
    const options = { onReply: (reply: Reply<'invalidate'>) => firstOwn(reply, events) }
    const told = await l2.ask(runtime, 'invalidate', { events }, options)
    return lists.map(() => told)
  })
  // What is tried again is as much as the batch holds: it goes out together, and counts as one.
  const retries = makeGather<Events, undefined>(runtime, async (lists) => {
    l2.retry(runtime, lists.flat())
    return lists.map(() => undefined)
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
    if (operation === 'invalidate') {
      const { events } = request as { events: Events }
      const told = invalidations.add(events)
      for (const { name } of events) heard(name)
      return told
    }
    const reading = { request, options } as Reading
    const { lease } = reading.request
    const together = operation === 'read' && (!lease || lease.token === token)
    return together ? reads.add(reading) : l2.ask(by, operation as 'read', reading.request, reading.options)
  }
  return {
    guard: {
      ask: ask as Guard['ask'],
      retry: (by, events) => inBackground(by, retries.add(events)),
    },
    reads,
    commits,
    releases,
    onAsked: (listener) => void (heard = listener),
  }
}

async function readTogether(
  l2: L2,
  runtime: Runtime,
  items: readonly Reading[],
): Promise<readonly Answer<'read'>[]> {
  // All that ask for one do so under the token of the batch, and by the options of one call.
  const lease = items.find(({ request }) => request.lease)?.request.lease
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
      onReply: ({ entries, page }, sent) => {
        checkCount(entries, items)
        items.forEach(({ options }, at) => {
          const entry = entries[at]
          if (entry) options.onReply?.({ ...entry, page }, sent)
        })
      },
    },
  )
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
        checkCount(commits, items)
        const last = lastOf(items, commits)
        const own = items.map(({ options }, at) => {
          const single = { stored: false, ...placed(items[at], commits[at], last), page }
          return options.onReply?.(single, sent) === undefined ? Infinity : (commits[at]?.at ?? Infinity)
        })
        const first = Math.min(...own)
        return first === Infinity ? undefined : first
      },
    },
  )
  const last = lastOf(items, reply.commits)
  return reply.commits.map((commit, at) => ({
    ...told,
    reply: { stored: commit.stored, ...placed(items[at], commit, last), page: reply.page },
  }))
}

type Placed = CommitManyReply['commits'][number]

/**
 * Place of the last event of the batch, if nothing of others lies between its events. A leased fill may append none and
 * only tell where the journal ended, which may be what another isolate did: its place says nothing.
 */
function lastOf(items: readonly Committing[], commits: readonly Placed[]): number | undefined {
  const places = new Set(commits.flatMap((commit, at) => (appended(items[at], commit) ? [commit.at] : [])))
  const [first, last] = [Math.min(...places), Math.max(...places)]
  return last - first + 1 === places.size ? last : undefined
}

/** What the batch wrote after an entry is about other keys: the entry is as new as the last of it. */
function placed(
  item: Committing | undefined,
  commit: Placed | undefined,
  last: number | undefined,
): Placed | undefined {
  return last !== undefined && commit && appended(item, commit) ? { ...commit, at: last } : commit
}

function appended(item: Committing | undefined, commit: Placed): commit is Placed & { readonly at: number } {
  return commit.stored && commit.at !== undefined && item?.request.mode.kind !== 'lease'
}

/** A store may answer anything, and answers are told apart by their place alone. */
function checkCount(replies: unknown, items: readonly unknown[]): void {
  if (!Array.isArray(replies) || replies.length !== items.length)
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
