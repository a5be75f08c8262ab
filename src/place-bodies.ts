import { inChunks } from './chunks.ts'
import type { CacheDriver, CommitManyRequest, Coordination } from './ports.ts'
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
 * header whose body is nowhere would only cost its readers a trip.
 */
export function placer(
  values: CacheDriver,
  coordination: Coordination,
): (commits: readonly Commit[]) => Promise<Placed[]> {
  const put = async ({ key, staleFor }: Commit, version: string, body: string): Promise<void> => {
    const life = staleFor === null ? LONGEST_LIFE : staleFor + MARGIN
    const written = await values.set(bodyName(key, version), body, life)
    if (!written) throw new Error('the store of values did not take the value')
  }
  const prolong = async (commit: Commit, version: string | undefined): Promise<Placed> => {
    const body = version === undefined ? undefined : await values.get(bodyName(commit.key, version))
    if (version === undefined || body === undefined || body === null) {
      // It is refused by the coordinator, who knows if it was done before, and whose lease ends with it.
      return { commit: { ...commit, keeps: systemRuntime.randomId() }, version: undefined }
    }
    await put(commit, version, body)
    return { commit, version }
  }
  return async (commits) => {
    const named = await namedNow(coordination, commits)
    return inChunks(commits, 1, async ([each]) => {
      const commit = each as Commit
      const { key, version, payload, keeps } = commit
      if (payload === undefined) return prolong(commit, keeps === '*' ? named.get(key) : keeps)
      await put(commit, version, payload)
      return { commit: { ...commit, payload: '' }, version }
    })
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
