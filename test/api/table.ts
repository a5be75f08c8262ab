import { bentocacheApi } from './bentocache-api.ts'
import { CONTRACTS, TRACING } from './contracts.ts'
import { EXPORTS } from './exports.ts'
import { OPTIONS } from './options.ts'
import type { Row, Rows } from './row.ts'
import { covers, defaultOf, emitted, isRead, isThere, unknownTypes } from './verify.ts'

export interface TableRow {
  /** What it is called in Bentocache. */
  readonly name: string
  readonly state: 'present' | 'left out'
  /** Where it is here, or why not. */
  readonly where: string
  /** Bentocache's default and ours. */
  readonly default?: string | undefined
  readonly ownDefault?: string | undefined
  readonly test?: string | undefined
}

export interface Table {
  readonly rows: readonly TableRow[]
  readonly counts: { readonly rows: number; readonly present: number; readonly leftOut: number }
  /** What is not as a row says; empty if all is well. */
  readonly complaints: readonly string[]
}

export const ROWS: Rows = { ...EXPORTS, ...OPTIONS, ...CONTRACTS, ...TRACING }

/** Compares what Bentocache offers with what our rows say of it, and that with what is really here. */
export async function apiTable(rows: Rows = ROWS, offered: readonly string[] = bentocacheApi()): Promise<Table> {
  const named = new Set(offered)
  const present = offered.filter((name) => rows[name] && stateOf(rows[name]) === 'present')
  const types = new Map(present.flatMap((name) => (rows[name]?.type ? [[name, rows[name].type] as const] : [])))
  const [unknown, events] = [await unknownTypes([...new Set(types.values())]), emitted()]
  const complaints = await Promise.all(
    present.map(async (name) => (await complaintsOf(rows[name] as Row, unknown, events)).map((text) => `${name}: ${text}`)),
  )
  const table = offered.map((name) => tableRow(name, rows[name]))
  const count = (state: TableRow['state']): number => table.filter((row) => row.state === state).length
  return {
    rows: table,
    counts: {
      rows: table.length,
      present: count('present'),
      leftOut: count('left out'),
    },
    complaints: [
      ...offered.filter((name) => !rows[name]).map((name) => `${name}: no row says where it is`),
      ...Object.keys(rows)
        .filter((name) => !named.has(name))
        .map((name) => `${name}: Bentocache has no such thing`),
      ...complaints.flat(),
    ],
  }
}

function stateOf({ leftOut }: Row): TableRow['state'] {
  return leftOut ? 'left out' : 'present'
}

async function complaintsOf(
  { value, type, option, event, test }: Row,
  unknown: ReadonlyMap<string, string>,
  events: ReadonlySet<string>,
): Promise<string[]> {
  return [
    value && !(await isThere(value)) && `there is no ${value}`,
    type && unknown.has(type) && `there is no type ${type}: ${unknown.get(type)}`,
    option && !isRead(option) && `nobody reads the option ${option}`,
    event && !events.has(event) && `nobody emits ${event}`,
    !value && !type && !option && !event && 'nothing says where it is',
    !test && 'no test covers it',
    test && !covers(test) && `${test[0]} has no test "${test[1]}"`,
  ].filter((complaint) => typeof complaint === 'string')
}

function tableRow(name: string, row: Row = {}): TableRow {
  const { leftOut, value, type, test } = row
  return {
    name,
    state: stateOf(row),
    where: leftOut ?? (value ?? type ?? '').replace('#', ' '),
    default: row.default,
    ownDefault: row.default && defaultOf(row),
    test: leftOut ? undefined : test?.join(': '),
  }
}
