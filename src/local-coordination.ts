import type { Coordination, Cursor, Invalidation, JournalEvent, Page } from './ports.ts'

/** Events kept; a caller who is further behind gets a gap. Far more than one isolate can have under way. */
const KEPT = 1000

/** The order of changes inside one isolate, for stores nobody else coordinates: a journal in memory. */
export class LocalJournal {
  #events: readonly JournalEvent[] = []
  #seq = 0

  get head(): Cursor {
    return { seq: this.#seq, id: '' }
  }

  append(invalidations: readonly Invalidation[]): void {
    const events = invalidations.map((event): JournalEvent => ({ ...event, seq: ++this.#seq }))
    this.#events = [...this.#events, ...events].slice(-KEPT)
  }

  /** All events after `cursor`; a reader without one has missed nothing since the start. */
  page(cursor: Cursor | undefined): Page {
    const seen = cursor?.seq ?? 0
    const missed = this.#seq - this.#events.length
    return { head: this.head, events: seen < missed ? 'gap' : this.#events.filter(({ seq }) => seq > seen) }
  }
}

/**
 * Coordination of a store that has no L2. With it the flow has one path: such a store reads nothing, writes nothing,
 * and learns of its own invalidations the way it would learn of anybody's.
 */
export function localCoordination(): Coordination {
  const journal = new LocalJournal()
  const answer = async ({ events = [], cursor }: LocalRequest): Promise<never> => {
    journal.append(events)
    return {
      page: journal.page(cursor),
      stale: false,
      stored: false,
      existed: 0,
      entries: [],
    } as unknown as never
  }
  return {
    read: answer,
    readMany: answer,
    take: ({ key, cursor }) => answer({ events: [{ kind: 'key', name: key, soft: false }], cursor }),
    commit: answer,
    release: answer,
    invalidate: answer,
    pull: answer,
  }
}

interface LocalRequest {
  readonly events?: readonly Invalidation[]
  readonly cursor?: Cursor | undefined
}
