import { inChunks } from './chunks.ts'
import { checkWanted } from './deadline.ts'
import { NO_VERSION } from './no-version.ts'
import type { CacheDriver, CommitManyRequest, Coordination, IsOver } from './ports.ts'
import { systemRuntime } from './runtime.ts'

/** Life of what has no end, in milliseconds: nobody could find a superseded body to delete it. */
const LONGEST_LIFE = 30 * 24 * 60 * 60 * 1000
/** How much longer than its header a body lives: it is written before, and may end by another clock. */
const MARGIN = 60_000

type Commit = CommitManyRequest['commits'][number]

/** A commit as the coordinator is to see it, and the version it names if it is accepted. */
export interface Placed {
  readonly commit: Commit
  readonly version: string | undefined
}

/**
 * Brings the bodies of commits to their places before their versions are named, six at a time. When one fails all do: a
 * header whose body is nowhere would only cost its readers a trip. What is kept gets its new life under the name it has,
 * and is refused where that cannot be.
 */
export function placer(
  values: CacheDriver,
  coordination: Coordination,
): (commits: readonly Commit[], isOver: IsOver | undefined) => Promise<Placed[]> {
  const put = async ({ key, staleFor }: Commit, version: string, body: string): Promise<boolean> =>
    values.set(bodyName(key, version), body, staleFor === null ? LONGEST_LIFE : staleFor + MARGIN)
  const prolong = async (commit: Commit, version: string | undefined): Promise<Placed> => {
    const body = version === undefined ? undefined : await values.get(bodyName(commit.key, version))
    const found = version !== undefined && body !== undefined && body !== null
    // A store may refuse to write a name again so soon, as KV does within a second. The value can still be sent anew.
    if (found && (await put(commit, version, body).catch(() => false)))
      // Only this version: the body of one that takes its place meanwhile has its own, shorter life.
      return { commit: { ...commit, keeps: version }, version }
    // The coordinator refuses it: it knows if the same was done before, and a lease ends with it.
    return { commit: { ...commit, keeps: systemRuntime.randomId() }, version: undefined }
  }
  return async (commits, isOver) => {
    const named = await namedNow(coordination, commits)
    const placed = await inChunks(commits, 1, async ([each]) => {
      checkWanted(isOver)
      const commit = each as Commit
      const { key, version, payload, keeps } = commit
      if (keeps === NO_VERSION) return { commit, version: undefined }
      if (payload === undefined) return prolong(commit, keeps === '*' ? named.get(key) : keeps)
      const written = await put(commit, version, payload)
      if (!written) throw new Error('the store of values did not take the value')
      return { commit: { ...commit, payload: '' }, version }
    })
    // No version may be named late, either.
    checkWanted(isOver)
    return placed
  }
}

/** The versions that are there of what is kept whatever its version. */
async function namedNow(
  coordination: Coordination,
  commits: readonly Commit[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = commits.filter(({ payload, keeps }) => payload === undefined && keeps === '*')
  if (wanted.length === 0) return new Map()
  const reads = wanted.map(({ key, namespaces }) => ({ key, tags: [], namespaces }))
  const { entries } = await coordination.readMany({ reads })
  return new Map(
    entries.flatMap(({ entry }, at) => (entry ? [[(wanted[at] as Commit).key, entry.version] as const] : [])),
  )
}

/** Where the body of a version lies. */
export function bodyName(key: string, version: string): string {
  return `${key}@${version}`
}
