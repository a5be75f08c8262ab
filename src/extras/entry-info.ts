/** Why an answer is what it is. */
export type Reason =
  /** Found, and fresh. */
  | 'hit'
  /** Made by the factory just now: by the caller's own run, or by one that was under way (`collapsed`). */
  | 'miss'
  /** Expired; its refresh runs behind the answer. */
  | 'refresh'
  /** Expired; the factory took longer than the caller wanted to wait. */
  | 'timeout'
  /** Expired; the factory failed, just now or a moment ago. */
  | 'error'
  /** Expired, and taken as it is: what only reads refreshes nothing. */
  | 'grace'
  /** Not checked, as L2 is out of reach and the caller asked for availability. */
  | 'outage'
  /** The factory skipped: there is a value for nobody. */
  | 'skipped'
  /** The default: nothing was found, or the factory failed and nothing else was left. */
  | 'default'
  /** Nothing was kept, as the caller asked for that, or the store keeps nothing. */
  | 'no-store'

/** A value, and what is known of it. All times are milliseconds from the answer on; `Infinity` is for ever. */
export interface EntryInfo<T> {
  readonly key: string
  readonly value: T
  /** Where the value comes from. `undefined`: from nowhere, as for a default. */
  readonly tier: 'l1' | 'l2' | 'factory' | undefined
  readonly reason: Reason
  /** Past its fresh time. */
  readonly stale: boolean
  /** The factory found that there is nothing, and that is what is cached. */
  readonly negative: boolean
  /** The value was made by a run that another caller had begun. */
  readonly collapsed: boolean
  /**
   * How old the value is, by the clocks of those who wrote and read it: since the factory made it. That the origin has
   * not changed it since (`ctx.notModified()`) makes it no younger.
   */
  readonly age: number
  /** How long it is still fresh. Negative: how long ago it expired. */
  readonly freshFor: number
  /** How long it may still be served at all, with grace. */
  readonly staleFor: number
  readonly tags: readonly string[]
  /** What the origin named this state of the value, if the factory told. */
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}
