import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { registerCacheDriverTestSuite as bentocaches } from 'bentocache/test_suite'
import { afterAll, afterEach, assert, beforeAll, describe, test, vi } from 'vitest'
import type { CacheDriver } from '../../src/ports.ts'
import { registerCacheDriverTestSuite as ours, type SuiteGroup } from '../conformance/driver-test-suite.ts'

/** The driver under test, and its clock. */
export interface DriverSuite {
  makeDriver(prefix: string): CacheDriver
  /** Lets `ms` milliseconds pass on the clock of the driver's store. */
  pass(ms: number): unknown
}

type Context = { assert: typeof assert; cleanup: (run: () => unknown) => void }

/** As much of Japa as both suites use, made of this runner. */
interface Runner {
  readonly test: (title: string, run: (context: Context) => Promise<void>) => void
  readonly group: SuiteGroup
  readonly createDriver: (options?: { prefix?: string }) => CacheDriver
}

/**
 * Registers the driver suite that Bentocache publishes. It is written for another test runner, so here is as much
 * of that one as the suite uses. Its pause passes on the driver's clock and takes no time.
 */
export function bentocacheDriverSuite(name: string, suite: DriverSuite): void {
  describe(name, () => {
    replacePause(suite.pass)
    bentocaches(runnerOf(suite))
  })
}

/** Registers the suite that `ekiben/test_suite` publishes, in the same way. */
export function ekibenDriverSuite(name: string, suite: DriverSuite): void {
  describe(name, () => {
    ours({ ...runnerOf(suite), sleep: async (ms) => void (await suite.pass(ms)) })
  })
}

function runnerOf({ makeDriver }: DriverSuite): Runner {
  return {
    test: (title, run) => {
      test(title, async () => {
        const cleanups: (() => unknown)[] = []
        await run({ assert, cleanup: (cleanup) => cleanups.push(cleanup) })
        for (const cleanup of cleanups) await cleanup()
      })
    },
    group: {
      setup: (open) => {
        let close: unknown
        beforeAll(async () => {
          close = await open()
        })
        afterAll(() => (close as () => unknown)())
      },
      tap: () => {},
      each: { teardown: (run) => afterEach(async () => void (await run())) },
    },
    createDriver: ({ prefix = 'bentocache' } = {}) => makeDriver(prefix),
  }
}

/** The suite pauses on a timer of Node that it imports by name, which fake timers do not reach. */
function replacePause(pass: DriverSuite['pass']): void {
  beforeAll(() => {
    vi.spyOn(timers, 'setTimeout').mockImplementation(async (ms = 0) => {
      await pass(ms)
    })
    syncBuiltinESMExports()
  })
  afterAll(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
}
