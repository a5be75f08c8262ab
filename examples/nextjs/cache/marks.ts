import { bento } from './stores.ts'

/** What came of the tags of an entry since it was begun. */
export type Verdict = 'valid' | 'stale' | 'expired'

/** Seconds until stale entries may no longer be served. Absent durations: at once. */
export type Durations = { readonly expire?: number } | undefined

/** No entry lives longer, so what is older than this need not be remembered. */
export const LONGEST_LIFE = 30 * 24 * 60 * 60

const marks = bento.use('marks')

/** When what is older has expired (`0`: never), or when it has become stale, and when that ends. */
type Mark = number | readonly [at: number, due: number | null]

/** Wall clock as Next reads it for the `timestamp` of entries: both are compared. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

/**
 * Remembers that tags were revalidated. Needed for soft tags, which entries do not bear: they name the path of whoever
 * reads. Two marks for each tag, as one that were read, changed and written could undo what another process writes.
 *
 * @throws Error if the shared tier did not take it: who revalidates must not believe that it was done.
 */
export async function markTags(tags: readonly string[], durations: Durations): Promise<void> {
  const at = now()
  const due = durations?.expire === undefined ? null : at + durations.expire * 1000
  const entries = tags.map((tag) =>
    durations ? { key: `stale:${tag}`, value: [at, due] } : { key: `expired:${tag}`, value: at },
  )
  const taken = await marks.setMany({ entries, ttl: (LONGEST_LIFE + 60) * 1000 })
  if (!taken) throw new Error(`the shared cache did not acknowledge that ${tags.join(', ')} changed`)
}

/** Where the shared tier does not answer, what it knows is not the same as nothing. */
const known = { suppressL2Errors: false } as const

/** Judges what was begun at `since` by tags that it bears itself. One call to the shared tier, or none. */
export function verdictOn(tags: readonly string[], since: number): Promise<Verdict> {
  return judge(marks.getMany<Mark>({ ...known, keys: keysOf(tags) }), since)
}

/**
 * Judges it by tags of whoever reads it, which is asked with each read: that a tag was never revalidated is worth
 * remembering too, since nearly all never are.
 */
export function softVerdictOn(tags: readonly string[], since: number): Promise<Verdict> {
  const factory = (missing: readonly string[]) => missing.map(() => 0 as const)
  return judge(marks.getOrSetMany<Mark>({ ...known, keys: keysOf(tags), ttl: '1d', factory }), since)
}

function keysOf(tags: readonly string[]): string[] {
  return [...new Set(tags)].flatMap((tag) => [`expired:${tag}`, `stale:${tag}`])
}

/** Nobody vouches for what cannot be judged, so it counts as expired. */
async function judge(asked: Promise<readonly (Mark | undefined)[]>, since: number): Promise<Verdict> {
  const found = await asked.catch(() => undefined)
  if (!found) return 'expired'
  let verdict: Verdict = 'valid'
  for (const mark of found) {
    if (typeof mark === 'number') {
      if (mark >= since) return 'expired'
    } else if (mark && mark[0] >= since) {
      if (mark[1] !== null && mark[1] <= now()) return 'expired'
      verdict = 'stale'
    }
  }
  return verdict
}
