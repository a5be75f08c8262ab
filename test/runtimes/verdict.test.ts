import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../sources.ts'
import { programs } from '../support/programs.ts'
import type { Report } from './host.ts'
import { processHost } from './process-host.ts'
import { counts, isGreen, judge, type Row, sayAll, table } from './verdict.ts'
import type { Servers } from './world.ts'

const none = 'none'
const servers: Servers = {
  gateways: [none],
  faulty: none,
  closed: none,
  control: none,
  token: none,
  coordinator: none,
  secret: none,
  wire: {},
}

/** The verdict on a process of Node that runs two cases: one that passes, and this one. */
async function verdictOn(only: string, program: string = programs.node24): Promise<Row> {
  const host = processHost({ name: 'node', adapter: 'node', program, guest: 'runtimes/fixtures/troubled.ts' })
  const setup = { servers, adapter: host.adapter, name: host.name, deadline: 200, only }
  const project = {
    folder: root,
    writeModule: async (path: string) => join(root, 'test', path),
    bundle: () => Promise.reject(new Error('nothing is bundled')),
    close: () => {},
  }
  const heard = await host.run({ setup, project, deadline: 3000 }).catch((error: unknown) => error as Error)
  const [row] = judge([{ name: host.name, seconds: 1, report: heard }])
  return row!
}

function report(told: Report['told'], plan = told.map(({ name }) => name)): Report {
  return { version: '1', plan, told }
}

const passed = (name: string): Report['told'][number] => ({ name, ms: 1 })

test('a runtime on which all cases pass is green', async () => {
  const row = await verdictOn('nothing else')
  expect(row).toMatchObject({ passed: 1, failed: 0, skipped: 0, failures: [] })
  expect(row.version).toMatch(/^v24\./)
  expect(isGreen([row])).toBe(true)
})

test.each([
  ['fails', 'fails: TypeError: not as it should be'],
  ['fails at once', 'fails at once: TypeError: not even a promise'],
  ['hangs', 'hangs: Error: it took longer than 200 ms'],
])('a case that %s is told with its reason', async (only, failure) => {
  const row = await verdictOn(only)
  expect(row).toMatchObject({ passed: 1, failed: 1, failures: [failure] })
  expect(isGreen([row])).toBe(false)
})

test('a runtime that crashes is told with its last words, and so is the case it left', async () => {
  const row = await verdictOn('crashes')
  expect(row.failures).toEqual([
    'it ended by SIGSEGV; it said last:\nthe last words',
    'crashes: nothing was told of it',
  ])
  expect(isGreen([row])).toBe(false)
})

test('a runtime that leaves early has failed, though it says that all is well', async () => {
  const row = await verdictOn('leaves without a word')
  expect(row.failures).toEqual([
    'it ended without a word before all cases had run',
    'leaves without a word: nothing was told of it',
  ])
})

test('a runtime that does not come to its end is ended', { timeout: 20_000 }, async () => {
  const row = await verdictOn('holds the thread')
  expect(row.failures[0]).toMatch(/^it was ended after 3000 ms/)
  expect(row.passed).toBe(1)
})

test('a runtime that is not installed is told with what installs it', async () => {
  const row = await verdictOn('nothing else', join(root, 'node_modules/.bin/no-such-runtime'))
  expect(row.failures).toEqual(['node_modules/.bin/no-such-runtime is not there: npm install'])
  expect(isGreen([row])).toBe(false)
})

test('what one runtime runs and another does not have was skipped there', () => {
  const rows = judge([
    { name: 'one', seconds: 1, report: report([passed('a'), passed('b')]) },
    { name: 'two', seconds: 1, report: report([passed('a')]) },
    { name: 'three', seconds: 1, report: new Error('not there') },
  ])
  expect(counts(rows)).toEqual({
    one: { passed: 2, failed: 0, skipped: 0 },
    two: { passed: 1, failed: 0, skipped: 1 },
    three: { passed: 0, failed: 1, skipped: 2 },
  })
  expect(isGreen(rows)).toBe(false)
})

test('what was told twice, unplanned, under a name of two, or not at all has failed', () => {
  const told = [passed('a'), passed('a'), passed('unplanned')]
  const [row] = judge([{ name: 'one', seconds: 1, report: report(told, ['a', 'b', 'b']) }])
  expect(row).toMatchObject({ passed: 1, skipped: 0, failed: 4 })
  expect(row!.failures).toEqual([
    'b: two cases have this name',
    'a: told without being planned, or twice',
    'unplanned: told without being planned, or twice',
    'b: nothing was told of it',
  ])
})

test('nothing is green where nothing ran', () => {
  expect(isGreen([])).toBe(false)
  const rows = judge([{ name: 'one', seconds: 1, report: report([]) }])
  expect(rows[0]!.failures).toEqual(['it has no cases'])
  expect(isGreen(rows)).toBe(false)
})

test('the table has a line for each runtime', () => {
  const rows = judge([{ name: 'one', seconds: 1.25, report: report([passed('a')]) }])
  expect(table(rows).split('\n').at(-1)).toBe('| one | 1 | 1 | 0 | 0 | 1.3 |')
})

test('all is said, and a run that is not green ends with 1', () => {
  const failing = { name: 'b', ms: 1, error: 'Error: no' }
  const rows = judge([
    { name: 'one', seconds: 1, report: report([passed('a'), failing]) },
    { name: 'two', seconds: 1, report: report([passed('a'), passed('b')]) },
  ])
  expect(sayAll(rows, true)).toEqual({
    stdout: JSON.stringify(counts(rows), undefined, 2),
    stderr: ['one: b: Error: no'],
    code: 1,
  })
  expect(sayAll(rows, false).stdout).toBe(table(rows))
  expect(sayAll(rows.slice(1), true)).toMatchObject({ stderr: [], code: 0 })
})
