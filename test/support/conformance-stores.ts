import {
  type CoordinatorNamespace,
  durableObjectBusDriver,
  durableObjectDriver,
} from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { OpenedBus, OpenedStore } from '../conformance/index.ts'
import { ledgerCoordination } from './ledger-coordination.ts'

/** Memory has one client: what stands for another is the same memory under another prefix. Its clock is the machine's. */
export function memoryStore(): OpenedStore {
  const root = memoryDriver({ maxItems: 10_000 }).factory({ prefix: '' })
  return {
    connect: (prefix) => (prefix === '' ? root : root.namespace(prefix)),
    pass: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  }
}

/** A Durable Object in this process: the driver, the real ledger, and SQLite with the platform's limits. */
export function ledgerStore(): OpenedStore {
  const { binding, pass, close } = openObject()
  return { connect: (prefix) => durableObjectDriver({ binding }).factory({ prefix }), pass, close }
}

/** The same object as a bus. */
export function ledgerBus(): OpenedBus {
  const { binding, pass, close } = openObject()
  return { connect: () => durableObjectBusDriver({ binding }).factory({}), pass, close }
}

let opened = 0

interface OpenedObject {
  readonly binding: CoordinatorNamespace
  pass(ms: number): void
  close(): void
}

function openObject(): OpenedObject {
  const clock = { now: 1_800_000_000_000 }
  const life = ++opened
  let ids = 0
  const { coordination, ledger, sql } = ledgerCoordination({
    now: () => clock.now,
    // Ids of two objects are never the same, as random ones are not.
    randomId: () => `${life}-${++ids}`,
  })
  const prune = async (): Promise<void> => void ledger.prune(10_000)
  return {
    binding: { idFromName: (name) => name, get: () => ({ ...coordination, prune }) },
    pass: (ms) => {
      clock.now += ms
    },
    close: () => sql.close(),
  }
}
