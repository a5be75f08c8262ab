import { age, type Instant, later, NEVER } from './clock.ts'
import { type Judged, makeEventLog, type Verdict } from './event-log.ts'
import type { Cursor, Invalidation, JournalEvent, Names, Page } from './ports.ts'

/** What a call to the coordinator notes before it is sent. */
export interface Sent {
  readonly at: Instant
  readonly gen: number
}

/** Who must act on events: L1 and the flights of the isolate. */
export interface JournalListener {
  /** Nothing known before may be used any longer. */
  onGap(): void
  /** Events from `ownFrom` on are this isolate's doing, told in answer to it. */
  onEvents(events: readonly JournalEvent[], ownFrom: number): void
}

/** The isolate's copy of the coordinator's journal. */
export interface Journal {
  cursor(): Cursor | undefined
  /** Place of the last event read; -1 before the first page. */
  seen(): number
  /** Counts the times the thread was lost. Places of different generations are not comparable. */
  gen(): number
  /** Send instant of the newest call whose page was applied. */
  asOf(): Instant
  /**
   * Takes in a page. `false`: it was sent before the thread was lost, so its value may be returned but not kept.
   * `ownFrom`: the call itself appended the events from there on, which this isolate must not miss.
   */
  apply(page: Page, sent: Sent, now: Instant, ownFrom: number): boolean
  /** What has happened to an entry since it was checked last, as far as this isolate knows. */
  verdict(entry: Judged): Verdict
  /** Whether the last news is recent enough for L1 to be believed. `also` is an entry's or flight's own instant. */
  trusts(also: Instant, maxStaleness: number, now: Instant): boolean
}

/**
 * Makes a journal: how far it has been read, when it was last heard, and the last events of each name. It only
 * compares what the coordinator told it; no clock of another machine is ever looked at.
 */
export function makeJournal(listener: JournalListener, remembered: number): Journal {
  const log = makeEventLog(remembered)
  let cursor: Cursor | undefined
  let asOf = NEVER
  let gen = 0

  const seen = (): number => cursor?.seq ?? -1

  const lose = (floor: number): void => {
    log.restart(floor)
    gen++
    listener.onGap()
  }

  return {
    cursor: () => cursor,
    seen,
    gen: () => gen,
    asOf: () => asOf,
    apply: ({ head, events }, sent, now, ownFrom) => {
      if (sent.gen !== gen) {
        if (ownFrom < Infinity) lose(seen())
        return false
      }
      if (events === 'gap') {
        lose(head.seq)
        cursor = head
      } else {
        const news = events.filter(({ seq }) => seq > seen())
        if (head.seq > seen()) cursor = head
        for (const event of news) log.add(event)
        if (news.length > 0) listener.onEvents(news, ownFrom)
      }
      asOf = later(sent.at, asOf, now)
      return true
    },
    verdict: (entry) => (entry.cursor >= seen() ? 'untouched' : log.judge(entry)),
    trusts: (also, maxStaleness, now) => Math.min(age(asOf, now), age(also, now)) <= maxStaleness,
  }
}

/** Whether no event of a page, but the one in `own`'s place, touches an entry. */
export function isUntouched(
  entry: Names & { readonly l2Key: string },
  { events }: Pick<Page, 'events'>,
  own?: number,
): boolean {
  return events !== 'gap' && events.every((event) => event.seq === own || !touches(event, entry))
}

/** Whether an invalidation covers what bears these names. */
export function touches({ kind, name }: Invalidation, entry: Names & { readonly l2Key: string }): boolean {
  if (kind === 'key') return name === entry.l2Key
  return (kind === 'tag' ? entry.tags : entry.namespaces).includes(name)
}
