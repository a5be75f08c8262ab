import type { Report } from './host.ts'

/** A runtime in the table. */
export interface Row {
  readonly name: string
  readonly version: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  /** What failed, and why. */
  readonly failures: readonly string[]
}

/** What a host has reported, or why it could not. */
export interface Outcome {
  readonly name: string
  readonly seconds: number
  readonly report: Report | Error
}

/**
 * Judges all runtimes together. What a runtime has planned and not told has failed, whatever it ended with; what others
 * have run and it has not even planned was skipped.
 */
export function judge(outcomes: readonly Outcome[]): Row[] {
  const everywhere = new Set(outcomes.flatMap(({ report }) => (report instanceof Error ? [] : report.plan)))
  return outcomes.map((outcome) => rowOf(outcome, everywhere))
}

/** Whether nothing failed, nothing was skipped, and something ran, on each. */
export function isGreen(rows: readonly Row[]): boolean {
  return (
    rows.length > 0 &&
    rows.every(({ passed, failed, skipped }) => passed > 0 && failed === 0 && skipped === 0)
  )
}

function rowOf({ name, seconds, report }: Outcome, everywhere: ReadonlySet<string>): Row {
  if (report instanceof Error)
    return {
      name,
      version: '',
      passed: 0,
      failed: 1,
      skipped: everywhere.size,
      seconds,
      failures: [report.message],
    }
  const { version, plan, told, trouble } = report
  const failures: string[] = trouble === undefined ? [] : [trouble]
  const planned = new Set(plan)
  if (plan.length === 0 && trouble === undefined) failures.push('it has no cases')
  for (const one of plan) if (!planned.delete(one)) failures.push(`${one}: two cases have this name`)
  const left = new Set(plan)
  let passed = 0
  for (const { name: one, error } of told) {
    if (!left.delete(one)) failures.push(`${one}: told without being planned, or twice`)
    else if (error === undefined) passed++
    else failures.push(`${one}: ${error}`)
  }
  for (const one of left) failures.push(`${one}: nothing was told of it`)
  const skipped = [...everywhere].filter((one) => !plan.includes(one)).length
  return { name, version, passed, failed: failures.length, skipped, seconds, failures }
}

/** For people. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, version, passed, failed, skipped, seconds }) =>
      `| ${name} | ${version} | ${passed} | ${failed} | ${skipped} | ${seconds.toFixed(1)} |`,
  )
  return [
    '| runtime | version | passed | failed | skipped | seconds |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

/** For machines. */
export function counts(rows: readonly Row[]): Record<string, Pick<Row, 'passed' | 'failed' | 'skipped'>> {
  return Object.fromEntries(
    rows.map(({ name, passed, failed, skipped }) => [name, { passed, failed, skipped }]),
  )
}

/** What the run says, and what it ends with. */
export function sayAll(
  rows: readonly Row[],
  json: boolean,
): { readonly stdout: string; readonly stderr: readonly string[]; readonly code: 0 | 1 } {
  return {
    stdout: json ? JSON.stringify(counts(rows), undefined, 2) : table(rows),
    stderr: rows.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`)),
    code: isGreen(rows) ? 0 : 1,
  }
}
