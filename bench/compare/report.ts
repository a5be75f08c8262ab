import type { Answer } from './client.ts'
import { type SceneName, scenes } from './scenes.ts'
import type { SceneResults } from './run-scenes.ts'

export interface ContestantResult extends SceneResults {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly variant?: string
}

export interface Report {
  readonly workerd: string
  readonly date: string
  readonly results: readonly ContestantResult[]
}

type Row = readonly string[]

const label = ({ name, version, variant }: ContestantResult) =>
  `${name} ${version}${variant === undefined ? '' : `, ${variant}`}`

// A status alone would hide the difference between an answer at once and one after a deadline.
const show = ({ status, ms }: Answer) => (status === 'hang' ? 'hang' : `${status} in ${ms} ms`)

function tally(answers: readonly Answer[]): string {
  const counts = new Map<string, number>()
  for (const { status } of answers) {
    counts.set(String(status), (counts.get(String(status)) ?? 0) + 1)
  }
  return [...counts].map(([status, count]) => `${count} x ${status}`).join(', ')
}

const staleness = (answer: Answer, isOld: boolean) =>
  answer.value === undefined ? show(answer) : `${isOld ? 'stale' : 'fresh'} in ${answer.ms} ms`

interface Table {
  readonly head: Row
  readonly row: (result: ContestantResult) => Row
}

const tables: Record<SceneName, Table> = {
  burst: {
    head: ['answers', 'slowest', 'factory runs'],
    row: ({ burst }) => [
      tally(burst.answers),
      `${Math.max(...burst.answers.map(({ ms }) => ms))} ms`,
      String(burst.factoryRuns),
    ],
  },
  cancelled: {
    head: ['follower', 'three later requests', 'factory runs (returned)'],
    row: ({ cancelled }) => [
      show(cancelled.follower),
      cancelled.later.map(show).join(', '),
      `${cancelled.factoryRuns} (${cancelled.factoryReturns})`,
    ],
  },
  silent: {
    head: ['leader', 'follower', 'three later requests', 'factory runs'],
    row: ({ silent }) => [
      silent.leader === undefined ? '' : show(silent.leader),
      show(silent.follower),
      silent.later.map(show).join(', '),
      String(silent.factoryRuns),
    ],
  },
  stale: {
    head: ['first read', 'second read', 'refresh'],
    row: ({ stale }) => [
      staleness(stale.first, stale.first.value === stale.prime.value),
      staleness(stale.second, stale.refresh === 'lost'),
      stale.refresh,
    ],
  },
}

function table(rows: readonly Row[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: Row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join(' | ')} |`
  const rule = `|${widths?.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const [head = [], ...body] = rows.map(line)
  return [head, rule, ...body].join('\n')
}

/** The report as Markdown, one table a scene. */
export function printable({ workerd, date, results }: Report): string {
  const sections = Object.entries(tables).map(([name, { head, row }]) => {
    const rows = results.map((result) => [label(result), ...row(result)])
    return `${scenes[name as SceneName].title}\n\n${table([['library', ...head], ...rows])}`
  })
  return [`workerd ${workerd}, ${date}`, ...sections].join('\n\n')
}

/** What the project must not do, whatever its peers do. Empty is good. */
export function faultsOf({ burst, cancelled, silent, stale }: SceneResults): string[] {
  const faults: string[] = []
  const expect = (where: string, answers: readonly Answer[], allowed: readonly number[]) => {
    for (const answer of answers) {
      if (answer.status === 'hang' || !allowed.includes(answer.status)) {
        faults.push(`${where}: ${show(answer)} ${answer.error ?? ''}`.trim())
      }
    }
  }
  expect('(a) burst', burst.answers, [200])
  expect('(b) follower', [cancelled.follower], [200])
  expect('(b) later', cancelled.later, [200])
  // Who waited for the silent run gets the documented deadline error; nobody after them may.
  expect('(b2) leader', silent.leader === undefined ? [] : [silent.leader], [200, 504])
  expect('(b2) follower', [silent.follower], [200, 504])
  expect('(b2) later', silent.later, [200])
  expect('(c) reads', [stale.first, stale.second], [200])
  if (stale.refresh === 'lost') faults.push('(c) refresh lost')
  return faults
}
