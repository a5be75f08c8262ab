import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { driverCases, type OpenedStore } from '../conformance/index.ts'

/** A thousand calls to an object are some on a busy machine. */
const timeout = 60_000

let count = 0

/** An object of its own, whose clock is moved on instead of waited for. */
function openObject(): OpenedStore {
  const name = `conformance ${++count}`
  let passed = 0
  return {
    connect: (prefix) => durableObjectDriver({ binding: env.COORDINATOR, name }).factory({ prefix }),
    pass: async (ms) => {
      passed += ms
      const stub = env.COORDINATOR.get(env.COORDINATOR.idFromName(name))
      await runInDurableObject(stub, (instance) => {
        Object.defineProperty(instance, 'now', { value: () => Date.now() + passed, configurable: true })
      })
    },
    close: reset,
  }
}

function openMemory(): OpenedStore {
  const root = memoryDriver({ maxItems: 10_000 }).factory({ prefix: '' })
  return {
    connect: (prefix) => (prefix === '' ? root : root.namespace(prefix)),
    pass: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  }
}

describe('conformance of durable object (workerd)', () => {
  const sample = durableObjectDriver({ binding: env.COORDINATOR }).factory({})
  for (const { name, run } of driverCases(sample)) {
    test(name, { timeout }, async () => expect(run(openObject)).resolves.toBeUndefined())
  }
})

describe('conformance of memory (workerd)', () => {
  const sample = openMemory().connect('')
  for (const { name, run } of driverCases(sample)) {
    test(name, { timeout }, async () => expect(run(openMemory)).resolves.toBeUndefined())
  }
})
