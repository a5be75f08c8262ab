import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryDriver } from '../drivers/memory.ts'
import { plainDriver } from '../drivers/plain.ts'
import type { CacheDriver } from '../src/ports.ts'
import type { OpenedStore } from './conformance/index.ts'
import { registerCacheDriverTestSuite } from './conformance/driver-test-suite.ts'
import { DRIVERS } from './conformance-table.ts'
import { bentocacheDriverSuite, ekibenDriverSuite } from './support/bentocache-driver-suite.ts'

const SUITES = [
  ['bentocache/test_suite', bentocacheDriverSuite],
  ['ekiben/test_suite', ekibenDriverSuite],
] as const

// Memory reads the machine's clock, see below; the slow store is an imitation that shows writes late, which no suite allows for.
const REAL = Object.entries(DRIVERS).filter(([name]) => !/^memory$|imitated/.test(name))

afterAll(async () => {
  for (const [, { stop }] of REAL) await stop?.()
})

describe.each(SUITES)('%s', (_, suite) => {
  for (const [name, { open }] of REAL) {
    describe(`for ${name}`, () => {
      let store: OpenedStore | undefined
      beforeAll(async () => {
        store = await open()
      }, 30_000)
      afterAll(() => store?.close?.())
      suite('passes', {
        makeDriver: (prefix) => (store as OpenedStore).connect(prefix),
        pass: (ms) => store?.pass(ms),
      })
    })
  }

  describe('for memory', () => {
    // The driver reads the clock of the machine.
    const clock = { passed: 0 }
    const started = Date.now()
    beforeEach(() => void vi.spyOn(Date, 'now').mockImplementation(() => started + clock.passed))
    afterEach(() => void vi.mocked(Date.now).mockRestore())
    const pass = (ms: number): void => void (clock.passed += ms)
    const roots = new Map<string, MemoryDriver>()
    const shared = new MemoryDriver({ maxItems: 10_000 })
    const makeDriver = (prefix: string): CacheDriver => {
      if (!roots.has(prefix)) roots.set(prefix, shared.namespace(prefix))
      return roots.get(prefix) as CacheDriver
    }
    suite('passes', { makeDriver, pass })
    suite('passes behind plainDriver', {
      makeDriver: (prefix) =>
        plainDriver({ options: {}, factory: () => makeDriver(prefix) }).factory({ prefix }),
      pass,
    })
  })
})

/** What is wrong with a driver, by what the suite should find. */
const LIES: Readonly<Record<string, (honest: CacheDriver) => Partial<CacheDriver>>> = {
  'gives null for a miss': (honest) => ({ get: (key) => honest.get(key) ?? (null as never) }),
  'keeps a value past its life': (honest) => ({ set: (key, value) => honest.set(key, value) }),
  'says it deleted what was not there': (honest) => ({ delete: (key) => honest.delete(key) || true }),
  'deletes nothing of several': () => ({ deleteMany: () => true }),
  'pulls and leaves the value': (honest) => ({ pull: (key) => honest.get(key) }),
  'clears nothing': () => ({ clear: () => {} }),
  'parses what looks like a number': (honest) => ({
    get: (key) => {
      const value = honest.get(key) as string | undefined
      return /^-?\d+$/.test(value ?? '') ? (Number(value) as never) : value
    },
  }),
  'has one namespace': (honest) => ({ namespace: () => honest }),
  'keeps the life of the value before': (honest) => ({
    set: (key, value, ttl) =>
      honest.set(key, value, ttl ?? (honest.get(key) === undefined ? undefined : 1500)),
  }),
}

describe('a driver that lies', () => {
  it.each(Object.entries(LIES))('is found: it %s', async (_, lie) => {
    const clock = { passed: 0 }
    const started = Date.now()
    vi.spyOn(Date, 'now').mockImplementation(() => started + clock.passed)
    const tests: { title: string; run: () => Promise<void> }[] = []
    const hooks: { setup?: () => unknown; teardown?: () => unknown } = {}
    const root = new MemoryDriver({ maxItems: 10_000 })
    registerCacheDriverTestSuite({
      test: (title, run) => tests.push({ title, run }),
      group: {
        setup: (run) => void (hooks.setup = run),
        each: { teardown: (run) => void (hooks.teardown = run) },
      },
      createDriver: ({ prefix = 'bentocache' } = {}) => {
        const honest = root.namespace(prefix)
        return new Proxy<CacheDriver>(honest, {
          get: (target, name) => {
            const own = Reflect.get(lie(honest), name) ?? Reflect.get(target, name, target)
            return typeof own === 'function' ? (own as () => unknown).bind(target) : own
          },
        })
      },
      sleep: async (ms) => void (clock.passed += ms),
    })
    const failed: string[] = []
    hooks.setup?.()
    for (const { title, run } of tests) {
      await run().catch(() => failed.push(title))
      root.clear()
    }
    vi.mocked(Date.now).mockRestore()
    expect(failed).not.toEqual([])
  })
})
