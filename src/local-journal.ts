import type { News } from './journal-only.ts'
import type { Cursor, Invalidation, JournalEvent, Page } from './ports.ts'

/** Events kept; a caller who is further behind gets a gap. Far more than one isolate can have under way. */
const KEPT = 1000

/** The order of changes inside one isolate, for stores nobody else coordinates: a journal in memory. */
export interface LocalJournal {
  head(): Cursor
  append(invalidations: readonly Invalidation[]): void
  /** Something may have happened that nobody can name: whoever has read up to here gets a gap. */
  lose(): void
  /** All events after `cursor`; a reader without one has missed nothing since the start. */
  page(cursor: Cursor | undefined): Page
}

export function makeLocalJournal(): LocalJournal {
  let kept: readonly JournalEvent[] = []
  let seq = 0
  const head = (): Cursor => ({ seq, id: '' })
  return {
    head,
    append: (invalidations) => {
      kept = [...kept, ...invalidations.map((event): JournalEvent => ({ ...event, seq: ++seq }))].slice(-KEPT)
    },
    lose: () => {
      kept = []
      seq++
    },
    page: (cursor) => {
      const seen = cursor?.seq ?? 0
      return {
        head: head(),
        events: seen < seq - kept.length ? 'gap' : kept.filter((event) => event.seq > seen),
      }
    },
  }
}

/** The news of an isolate nobody coordinates: what it did itself, and what a bus has put into its journal. */
export function localNews(journal: LocalJournal): News {
  return {
    invalidate: async ({ events, cursor }) => {
      journal.append(events)
      return { existed: 0, page: journal.page(cursor) }
    },
    release: async ({ cursor }) => ({ page: journal.page(cursor) }),
    pull: async ({ cursor }) => ({ page: journal.page(cursor) }),
  }
}
