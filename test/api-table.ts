/**
 * `npm run api`: everything Bentocache offers, read from its package, and where it is here.
 *
 *   --json    the table as JSON, alone on stdout
 *
 * Exits 1 when something has no row, a row names what is not there, or a test that is none.
 */
import { parseArgs } from 'node:util'
import { apiTable, type TableRow } from './api/table.ts'

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const { rows, counts, complaints } = await apiTable()

if (flags.json) console.log(JSON.stringify({ counts, rows, complaints }))
else {
  for (const row of rows) console.log(lineOf(row))
  const { present, leftOut } = counts
  console.log(`\n${counts.rows} rows: ${present} present, ${leftOut} left out`)
}
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length > 0 ? 1 : 0

function lineOf({ name, state, where, default: theirs, ownDefault, test = '' }: TableRow): string {
  const defaults = theirs === undefined ? '' : ` (default ${theirs}; here ${ownDefault ?? theirs})`
  return [name.padEnd(52), state.padEnd(9), `${where}${defaults}`.padEnd(64), test].join(' ').trimEnd()
}
