import { describe, expect, test } from 'vitest'
import { driverCases, type Open, type OpenedStore } from './conformance/index.ts'
import { ledgerStore } from './support/conformance-stores.ts'
import { LIARS } from './support/liars.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Names of the cases that failed. */
    findings?: string[]
  }
}

/** Names of all cases of a driver, and of those that find it out. */
async function examine(open: Open<OpenedStore>): Promise<{ names: string[]; findings: string[] }> {
  const store = await open()
  const cases = driverCases(store.connect(''))
  await store.close?.()
  const findings: string[] = []
  for (const { name, run } of cases) await run(open).catch(() => findings.push(name))
  return { names: cases.map(({ name }) => name), findings }
}

describe('the conformance suite', () => {
  for (const [liar, { found, open }] of Object.entries(LIARS)) {
    test(`finds out: ${liar}`, { timeout: 60_000 }, async ({ task }) => {
      const { names, findings } = await examine(open)
      task.meta.findings = findings
      for (const words of found) expect(findings).toContainEqual(expect.stringContaining(words))
      // A lie is found by what it is about: where all cases fail, none of them tells what is wrong.
      expect(findings.length).toBeLessThan(names.length)
    })
  }

  test('finds nothing in an honest driver, and names each case once', { timeout: 60_000 }, async () => {
    const { names, findings } = await examine(ledgerStore)
    expect(findings).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })
})
