import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, test } from 'vitest'
import { durableObjectBusDriver, durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { busCases, driverCases, type OpenedBus, type OpenedStore } from '../conformance/index.ts'

let count = 0

/** An object of its own, whose clock is moved on instead of waited for. */
function openObject() {
  const name = `conformance ${++count}`
  let passed = 0
  const pass = async (ms: number): Promise<void> => {
    passed += ms
    const stub = env.COORDINATOR.get(env.COORDINATOR.idFromName(name))
    await runInDurableObject(stub, (instance) => {
      Object.defineProperty(instance, 'now', { value: () => Date.now() + passed, configurable: true })
    })
  }
  return { options: { binding: env.COORDINATOR, name }, pass }
}

function openStore(): OpenedStore {
  const { options, pass } = openObject()
  return { connect: (prefix) => durableObjectDriver(options).factory({ prefix }), pass }
}

function openBus(): OpenedBus {
  const { options, pass } = openObject()
  return { connect: () => durableObjectBusDriver(options).factory({}), pass }
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
  for (const { name, run } of driverCases(sample)) test(name, async () => run(openStore))
})

describe('conformance of durable object bus (workerd)', () => {
  const sample = durableObjectBusDriver({ binding: env.COORDINATOR }).factory({})
  for (const { name, run } of busCases(sample)) test(name, async () => run(openBus))
})

describe('conformance of memory (workerd)', () => {
  for (const { name, run } of driverCases(memoryDriver().factory({}))) test(name, async () => run(openMemory))
})
