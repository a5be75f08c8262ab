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

/** A suite, registered and not yet run. */
export interface RegisteredSuite {
  readonly tests: { readonly title: string; readonly run: (context: Context) => Promise<void> }[]
  /** Opens the driver, and gives what closes it. */
  setup(): unknown
  teardown(): unknown
}

/** As much of Japa as both suites use. */
interface Runner {
  test(title: string, run: (context: Context) => Promise<void>): void
  readonly group: SuiteGroup
  createDriver(options?: { prefix?: string }): CacheDriver
}

/**
 * Registers the driver suite that Bentocache publishes. It is written for another test runner, so here is as much
 * of that one as the suite uses. Its pause passes on the driver's clock and takes no time.
 */
export function bentocacheDriverSuite(name: string, suite: DriverSuite): void {
  // Japa's own types ask for all of Japa.
  const registered = collect(suite, (runner) => bentocaches(runner as never))
  describe(`${name}, ${registered.tests.length} cases`, () => {
    replacePause(suite.pass)
    play(registered)
  })
}

/** Registers the suite that `ekiben/test_suite` publishes, in the same way. */
export function ekibenDriverSuite(name: string, suite: DriverSuite): void {
  const registered = collectOurs(suite)
  describe(`${name}, ${registered.tests.length} cases`, () => {
    play(registered)
  })
}

/** The suite that `ekiben/test_suite` publishes, for who runs it by hand. */
export function collectOurs(suite: DriverSuite): RegisteredSuite {
  return collect(suite, (runner) => ours({ ...runner, sleep: async (ms) => void (await suite.pass(ms)) }))
}

function collect({ makeDriver }: DriverSuite, register: (runner: Runner) => void): RegisteredSuite {
  const tests: RegisteredSuite['tests'] = []
  const hooks: Record<'setup' | 'teardown', () => unknown> = { setup: () => {}, teardown: () => {} }
  register({
    test: (title, run) => void tests.push({ title, run }),
    group: {
      setup: (run) => (hooks.setup = run),
      tap: () => {},
      each: { teardown: (run) => (hooks.teardown = run) },
    },
    createDriver: ({ prefix = 'bentocache' } = {}) => makeDriver(prefix),
  })
  return { tests, ...hooks }
}

function play({ tests, setup, teardown }: RegisteredSuite): void {
  let close: unknown
  beforeAll(async () => {
    close = await setup()
  })
  afterEach(async () => void (await teardown()))
  afterAll(() => (close as () => unknown)())
  for (const { title, run } of tests) {
    test(title, async () => {
      const cleanups: (() => unknown)[] = []
      await run({ assert, cleanup: (cleanup) => cleanups.push(cleanup) })
      for (const cleanup of cleanups) await cleanup()
    })
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
