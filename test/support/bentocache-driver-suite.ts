import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { registerCacheDriverTestSuite } from 'bentocache/test_suite'
import { afterAll, afterEach, assert, beforeAll, describe, test, vi } from 'vitest'
import type { CacheDriver } from '../../src/ports.ts'

/** The driver under test, and its clock. */
export interface DriverSuite {
  makeDriver(prefix: string): CacheDriver
  /** Lets `ms` milliseconds pass on the clock of the driver's store. */
  pass(ms: number): void
}

type Context = { assert: typeof assert; cleanup: (run: () => unknown) => void }

/**
 * Registers the driver suite that Bentocache publishes. It is written for another test runner, so here is as much
 * of that one as the suite uses. Its pause passes on the driver's clock and takes no time.
 */
export function bentocacheDriverSuite(name: string, { makeDriver, pass }: DriverSuite): void {
  describe(name, () => {
    replacePause(pass)
    const runner = {
      test: (title: string, run: (context: Context) => Promise<void>) => {
        test(title, async () => {
          const cleanups: (() => unknown)[] = []
          await run({ assert, cleanup: (cleanup) => cleanups.push(cleanup) })
          for (const cleanup of cleanups) await cleanup()
        })
      },
      group: {
        setup: (open: () => Promise<() => unknown>) => {
          let close: (() => unknown) | undefined
          beforeAll(async () => {
            close = await open()
          })
          afterAll(() => close?.())
        },
        tap: () => {},
        each: { teardown: (run: () => Promise<void>) => afterEach(run) },
      },
      createDriver: ({ prefix = 'bentocache' }: { prefix?: string } = {}) => makeDriver(prefix),
    }
    registerCacheDriverTestSuite(runner)
  })
}

/** The suite pauses on a timer of Node that it imports by name, which fake timers do not reach. */
function replacePause(pass: (ms: number) => void): void {
  beforeAll(() => {
    vi.spyOn(timers, 'setTimeout').mockImplementation(async (ms = 0) => {
      pass(ms)
    })
    syncBuiltinESMExports()
  })
  afterAll(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
}
