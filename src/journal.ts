import { age, type Instant, later, NEVER } from './clock.ts'
import type { Cursor, JournalEvent, Names, Page } from './ports.ts'

/** Distinct names whose last events are remembered. Older ones raise the floor: what was not checked since is dropped. */
const REMEMBERED = 10_000

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

export type Verdict = 'untouched' | 'soft' | 'hard'

/**
 * The isolate's copy of the coordinator's journal: how far it has read, when it last heard, and the last events of
 * each name. It only compares what the coordinator told it; no clock of another machine is ever looked at.
 */
export class Journal {
  readonly #last = new Map<string, { hard: number; soft: number }>()
  readonly #listener: JournalListener
  #cursor: Cursor | undefined
  #asOf: Instant = NEVER
  #gen = 0
  /** Events up to here may be forgotten. */
  #floor = -1

  constructor(listener: JournalListener) {
    this.#listener = listener
  }

  get cursor(): Cursor | undefined {
    return this.#cursor
  }

  /** Place of the last event read; -1 before the first page. */
  get seen(): number {
    return this.#cursor?.seq ?? -1
  }

  /** Counts the times the thread was lost. Places of different generations are not comparable. */
  get gen(): number {
    return this.#gen
  }

  /** Send instant of the newest call whose page was applied. */
  get asOf(): Instant {
    return this.#asOf
  }

  /** To be noted before a call is sent. */
  sent(at: Instant): Sent {
    return { at, gen: this.#gen }
  }

  /**
   * Takes in a page. `false`: it was sent before the thread was lost, so its value may be returned but not kept.
   * `ownFrom`: the call itself appended the events from there on, which this isolate must not miss.
   */
  apply(page: Page, sent: Sent, now: Instant, ownFrom: number = Infinity): boolean {
    if (sent.gen !== this.#gen) {
      if (ownFrom < Infinity) this.#lose(this.seen)
      return false
    }
    if (page.events === 'gap') {
      this.#lose(page.head.seq)
      this.#cursor = page.head
    } else {
      const news = page.events.filter((event) => event.seq > this.seen)
      if (page.head.seq > this.seen) this.#cursor = page.head
      for (const event of news) this.#remember(event)
      if (news.length > 0) this.#listener.onEvents(news, ownFrom)
    }
    this.#asOf = later(sent.at, this.#asOf, now)
    return true
  }

  /** What has happened to an entry after place `after`, as far as this isolate knows. */
  verdict(key: string, { tags, namespaces }: Names, after: number): Verdict {
    if (after >= this.seen) return 'untouched'
    if (after < this.#floor) return 'hard'
    let soft = false
    const touch = (name: string): boolean => {
      const last = this.#last.get(name)
      if (last && last.soft > after) soft = true
      return last !== undefined && last.hard > after
    }
    if (touch(`key ${key}`)) return 'hard'
    for (const tag of tags) if (touch(`tag ${tag}`)) return 'hard'
    for (const path of namespaces) if (touch(`namespace ${path}`)) return 'hard'
    return soft ? 'soft' : 'untouched'
  }

  /** Whether the last news is recent enough for L1 to be believed. `also` is an entry's or flight's own instant. */
  trusts(also: Instant, maxStaleness: number, now: Instant): boolean {
    return Math.min(age(this.#asOf, now), age(also, now)) <= maxStaleness
  }

  #remember({ kind, name, seq, soft }: JournalEvent): void {
    const id = `${kind} ${name}`
    const last = this.#last.get(id) ?? { hard: -1, soft: -1 }
    // Re-inserted, so that the map runs from the longest untouched name to the newest.
    this.#last.delete(id)
    this.#last.set(id, soft ? { ...last, soft: seq } : { ...last, hard: seq })
    if (this.#last.size <= REMEMBERED) return
    for (const [oldest, { hard, soft: softly }] of this.#last) {
      this.#last.delete(oldest)
      this.#floor = Math.max(this.#floor, hard, softly)
      break
    }
  }

  #lose(floor: number): void {
    this.#last.clear()
    this.#floor = floor
    this.#gen++
    this.#listener.onGap()
  }
}
