import type { JournalEvent, Names } from './ports.ts'

/** What an entry shows the journal. */
export interface Judged extends Names {
  readonly l2Key: string
  /** Place up to which it has been checked. */
  readonly cursor: number
}

export type Verdict = 'untouched' | 'soft' | 'hard'

/** The last events of each name, in bounded memory. */
export interface EventLog {
  add(event: JournalEvent): void
  /** Forgets everything; entries checked at `floor` or later are judged by what comes from now on. */
  restart(floor: number): void
  /** What has happened to an entry since it was checked. */
  judge(entry: Judged): Verdict
}

/**
 * Makes a log of the last events of `remembered` distinct names. Older ones raise the floor: what was not checked since
 * counts as touched.
 */
export function makeEventLog(remembered: number): EventLog {
  const lastOf = new Map<string, { readonly hard: number; readonly soft: number }>()
  /** Events up to here may be forgotten. */
  let floor = -1
  return {
    add: ({ kind, name, seq, soft }) => {
      const id = kind + name
      const last = lastOf.get(id) ?? { hard: -1, soft: -1 }
      // Re-inserted, so that the map runs from the longest untouched name to the newest.
      lastOf.delete(id)
      lastOf.set(id, soft ? { ...last, soft: seq } : { ...last, hard: seq })
      if (lastOf.size <= remembered) return
      const [oldest] = lastOf
      if (!oldest) return
      lastOf.delete(oldest[0])
      floor = Math.max(floor, oldest[1].hard, oldest[1].soft)
    },
    restart: (from) => {
      lastOf.clear()
      floor = from
    },
    judge: ({ l2Key, tags, namespaces, cursor }) => {
      if (cursor < floor) return 'hard'
      const ids = [
        `key${l2Key}`,
        ...tags.map((tag) => `tag${tag}`),
        ...namespaces.map((path) => `namespace${path}`),
      ]
      const last = ids.map((id) => lastOf.get(id)).filter((events) => events !== undefined)
      if (last.some(({ hard }) => hard > cursor)) return 'hard'
      return last.some(({ soft }) => soft > cursor) ? 'soft' : 'untouched'
    },
  }
}
