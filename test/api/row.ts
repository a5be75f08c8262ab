/** A test that covers a row: its file, and its title as it stands there. */
export type Covered = readonly [file: string, title: string]

/** Where something of Bentocache is found here, each of which is looked up. */
export interface Place {
  /** At run time: `ekiben#BentoCache.prototype.get`. */
  readonly value?: string
  /** In types: `ekiben#GetOptions<unknown>.grace`. */
  readonly type?: string
  /** An option that is read, and refused if it is wrong. */
  readonly option?: string
  /** An event that is emitted. */
  readonly event?: string
}

export interface Row extends Place {
  readonly test?: Covered
  /** Why it is not here; all else is absent then. */
  readonly leftOut?: string
  /** Bentocache's default, where it has one. What stands here as well is read from here. */
  readonly default?: string
}

/** Rows by what they are called in Bentocache: `<group>: <name>`. */
export type Rows = Readonly<Record<string, Row>>

/** One row for each name of a group. */
export function rowsOf(
  group: string,
  names: string,
  make: (name: string) => Row,
): Rows {
  return Object.fromEntries(names.split(' ').filter(Boolean).map((name) => [`${group}: ${name}`, make(name)]))
}

/** Rows of a group whose reason to be left out is the same. */
export function leftOut(group: string, names: string, reason: string): Rows {
  return rowsOf(group, names, () => ({ leftOut: reason }))
}
