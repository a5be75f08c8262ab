/**
 * `npm run conformance`: every driver and bus against the suite that driver authors get, and the suite against drivers
 * that lie.
 *
 *   --json    the report as JSON, alone on stdout
 *
 * Exits 1 when a case fails, a case did not run, or a liar was not found out.
 */
import { parseArgs } from 'node:util'
import { type Reporter, startVitest, type TestCase, type TestModule } from 'vitest/node'

interface Count {
  cases: number
  passed: number
  failed: number
}

interface Report {
  /** By driver or bus. */
  readonly drivers: Record<string, Count>
  /** By lie: how many cases found it out, and whether those that must were among them. */
  readonly liars: Record<string, { readonly found: boolean; readonly by: readonly string[] }>
  /** What failed, and why. */
  readonly failures: string[]
}

const DRIVER = 'conformance of '
const LIAR = 'finds out: '

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const report: Report = { drivers: {}, liars: {}, failures: [] }

function take(test: TestCase): void {
  const { state, errors = [] } = test.result()
  const suite = test.parent.type === 'suite' ? test.parent.name : ''
  const why = errors.map(({ message }) => message).join('; ') || state
  if (state !== 'passed') report.failures.push(`${test.fullName}: ${why}`)
  if (suite.startsWith(DRIVER)) {
    const count = (report.drivers[suite.slice(DRIVER.length)] ??= { cases: 0, passed: 0, failed: 0 })
    count.cases++
    count[state === 'passed' ? 'passed' : 'failed']++
  } else if (test.name.startsWith(LIAR)) {
    const { findings = [] } = test.meta() as { findings?: string[] }
    report.liars[test.name.slice(LIAR.length)] = { found: state === 'passed', by: findings }
  }
}

const collect: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], unhandled) {
    for (const module of modules) {
      for (const test of module.children.allTests()) take(test)
      for (const { message } of module.errors())
        report.failures.push(`${module.relativeModuleId}: ${message}`)
    }
    for (const { message } of unhandled) report.failures.push(message)
  },
}

function table(): string {
  const rows = Object.entries(report.drivers).map(
    ([name, { cases, passed, failed }]) => `| ${name} | ${cases} | ${passed} | ${failed} |`,
  )
  const lies = Object.entries(report.liars).map(
    ([name, { found, by }]) => `| ${name} | ${found ? 'yes' : 'NO'} | ${by.length} | ${by[0] ?? ''} |`,
  )
  return [
    '| driver | cases | passed | failed |',
    '|---|---|---|---|',
    ...rows,
    '',
    '| lie | found out | by cases | such as |',
    '|---|---|---|---|',
    ...lies,
  ].join('\n')
}

const vitest = await startVitest('test', ['conformance'], { watch: false, reporters: [collect] })
await vitest.close()
for (const failure of report.failures) process.stderr.write(`${failure}\n`)
process.stdout.write(`${flags.json ? JSON.stringify(report, undefined, 2) : table()}\n`)
const complete = Object.keys(report.drivers).length > 0 && Object.keys(report.liars).length > 0
process.exitCode = complete && report.failures.length === 0 ? 0 : 1
