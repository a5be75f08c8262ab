import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

/**
 * Closes a run with one line to read, `N passed, N failed, N skipped`, and fails the run when a test was
 * skipped or a project ran none: a suite that tests less than it says is a broken suite.
 */
export default class Tally implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    const ran = new Set<string>()
    for (const module of modules) {
      // A file that cannot be loaded, or a failing hook, has errors of its own and perhaps no tests at all.
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        count[test.result().state]++
        ran.add(module.project.name)
      }
    }
    const skipped = count.skipped + count.pending
    const complaints = this.#complaints(skipped, ran)
    if (reason !== 'passed' || count.failed > 0 || complaints.length > 0) process.exitCode = 1
    for (const complaint of complaints) console.error(complaint)
    console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`)
  }

  #complaints(skipped: number, ran: ReadonlySet<string>): string[] {
    const vitest = this.#vitest
    // Picking tests by name or file is how one works on them, so only whole runs are held to the rule.
    if (!vitest || vitest.config.testNamePattern || ('filenamePattern' in vitest && vitest.filenamePattern))
      return []
    const silent = vitest.projects.filter((project) => !ran.has(project.name))
    return [
      ...(skipped > 0 ? [`${skipped} tests were skipped; every test runs or is deleted.`] : []),
      ...silent.map((project) => `Project "${project.name}" ran no test.`),
    ]
  }
}
