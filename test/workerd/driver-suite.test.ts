import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { registerCacheDriverTestSuite } from '../conformance/driver-test-suite.ts'

const name = 'driver suite'
let passed = 0

/** The object's clock is moved on instead of waited for. */
async function sleep(ms: number): Promise<void> {
  passed += ms
  const stub = env.COORDINATOR.get(env.COORDINATOR.idFromName(name))
  await runInDurableObject(stub, (instance) => {
    Object.defineProperty(instance, 'now', { value: () => Date.now() + passed, configurable: true })
  })
}

describe('ekiben/test_suite for durable object (workerd)', () => {
  let close: unknown
  registerCacheDriverTestSuite({
    test: (title, run) =>
      test(title, { timeout: 60_000 }, async () => expect(run()).resolves.toBeUndefined()),
    group: {
      setup: (run) =>
        beforeAll(async () => {
          close = await run()
        }),
      each: { teardown: (run) => afterEach(async () => void (await run())) },
    },
    createDriver: ({ prefix = 'ekiben' } = {}) =>
      durableObjectDriver({ binding: env.COORDINATOR, name }).factory({ prefix }),
    sleep,
  })
  afterAll(async () => {
    await (close as () => unknown)()
    await reset()
  })
})
