import { execFile } from 'node:child_process'
import { expect, it } from 'vitest'
import { root } from './sources.ts'

interface Summary {
  readonly aggregates: { readonly total: number; readonly passed: number; readonly skipped: number }
  readonly failedTestsTitles: readonly string[]
}

/** What Japa makes of both suites, in a process of its own: its clock is the machine's. */
async function runJapa(...args: readonly string[]): Promise<{ code: number; summary: Summary }> {
  const { NODE_OPTIONS: _options, VITEST: _vitest, ...env } = process.env
  const options = { cwd: root, env, maxBuffer: 16_000_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, ['test/japa/run.ts', ...args], options, (error, stdout) => {
      const last = stdout.trim().split('\n').at(-1) ?? ''
      resolve({ code: Number(error?.code ?? 0), summary: JSON.parse(last) as Summary })
    })
  })
}

it('Japa runs 21 cases of bentocache/test_suite and 106 of ekiben/test_suite, and all pass', async () => {
  const { code, summary } = await runJapa()
  expect(summary.failedTestsTitles).toEqual([])
  expect(summary.aggregates).toMatchObject({ total: 21 + 106, passed: 21 + 106, skipped: 0 })
  expect(code).toBe(0)
}, 60_000)

it('Japa fails for a driver that is wrong, in both', async () => {
  const { code, summary } = await runJapa('liar')
  expect(summary.failedTestsTitles).toEqual([
    'delete() returns false when key does not exists',
    'delete() of what is not there is false',
  ])
  expect(code).toBe(1)
}, 60_000)
