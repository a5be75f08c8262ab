import type { Coordination, Cursor, Invalidation, JournalEvent, Page, ReadReply } from './ports.ts'

/** Events kept; a caller who is further behind gets a gap. Far more than one isolate can have under way. */
const KEPT = 1000

/** The order of changes inside one isolate, for stores nobody else coordinates: a journal in memory. */
export class LocalJournal {
  #events: readonly JournalEvent[] = []
  #head: Cursor = { seq: 0, id: '' }

  get head(): Cursor {
    return this.#head
  }

  append(invalidations: readonly Invalidation[]): void {
    let { seq } = this.#head
    const events = invalidations.map((event): JournalEvent => ({ ...event, seq: ++seq }))
    this.#events = [...this.#events, ...events].slice(-KEPT)
    this.#head = { seq, id: '' }
  }

  /** All events after `cursor`; a reader without one has missed nothing since the start. */
  page(cursor: Cursor | undefined): Page {
    const seen = cursor?.seq ?? 0
    const oldest = this.#head.seq - this.#events.length
    return { head: this.#head, events: seen < oldest ? 'gap' : this.#events.filter(({ seq }) => seq > seen) }
  }
}

/** What a coordinator says that keeps no entries. */
export function nothing(page: Page): ReadReply {
  return { stale: false, freshFor: null, staleFor: null, page }
}

/**
 * Coordination of a store that has no L2. With it the flow has one path: such a store reads nothing, writes nothing,
 * and learns of its own invalidations the way it would learn of anybody's.
 */
export function localCoordination(): Coordination {
  const journal = new LocalJournal()
  const invalidate: Coordination['invalidate'] = async ({ events, cursor }) => {
    journal.append(events)
    return { existed: 0, page: journal.page(cursor) }
  }
  return {
    read: async ({ cursor }) => nothing(journal.page(cursor)),
    readMany: async ({ reads, cursor }) => {
      const page = journal.page(cursor)
      return { entries: reads.map(() => nothing(page)), page }
    },
    take: async ({ key, cursor }) => {
      const { page } = await invalidate({ events: [{ kind: 'key', name: key, soft: false }], cursor })
      return nothing(page)
    },
    commit: async ({ cursor }) => ({ stored: false, page: journal.page(cursor) }),
    release: async ({ cursor }) => ({ page: journal.page(cursor) }),
    invalidate,
    pull: async ({ cursor }) => ({ page: journal.page(cursor) }),
  }
}
