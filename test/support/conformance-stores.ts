import {
  type CoordinatorNamespace,
  durableObjectBusDriver,
  durableObjectDriver,
} from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { CoordinationCalls, Coordination, Cursor, Subscriber } from '../../src/ports.ts'
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

/** The same object, its coordination with a subscription: who writes tells all who listen. */
export function pushingStore(): OpenedStore {
  const store = ledgerStore()
  const ears: Ear[] = []
  return {
    ...store,
    close: async () => {
      await Promise.all(ears.map(({ last }) => last))
      await store.close?.()
    },
    connect: (prefix) => {
      const driver = store.connect(prefix)
      return { ...driver, coordination: pushing(driver.coordination!, ears) }
    },
  }
}

interface Ear {
  readonly subscriber: Subscriber
  closed: boolean
  /** Where it has been told up to, when all news under way have arrived. */
  last: Promise<Cursor>
}

function pushing(honest: Coordination, ears: Ear[]): Coordination {
  const tell = async (ear: Ear, after: Cursor): Promise<Cursor> => {
    const { page } = await honest.pull({ cursor: after })
    if (page.events.length > 0 && !ear.closed) ear.subscriber.onPush({ after, page })
    return page.head
  }
  const telling = <Name extends keyof CoordinationCalls>(name: Name): CoordinationCalls[Name] => {
    const call = honest[name] as (request: never) => Promise<unknown>
    const send = async (request: never): Promise<unknown> => {
      const reply = await call(request)
      for (const ear of ears) ear.last = ear.last.then((after) => tell(ear, after))
      return reply
    }
    return send as CoordinationCalls[Name]
  }
  return {
    ...honest,
    commit: telling('commit'),
    commitMany: telling('commitMany'),
    take: telling('take'),
    invalidate: telling('invalidate'),
    subscribe: (subscriber) => {
      const last = honest.pull({}).then(({ page }) => {
        subscriber.onOpen()
        return page.head
      })
      const ear: Ear = { subscriber, closed: false, last }
      ears.push(ear)
      return {
        close: () => {
          ear.closed = true
        },
      }
    },
  }
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
  const { coordination, atomic, ledger, sql } = ledgerCoordination({
    now: () => clock.now,
    // Ids of two objects are never the same, as random ones are not.
    randomId: () => `${life}-${++ids}`,
  })
  const prune = async (): Promise<void> => void ledger.prune(10_000)
  return {
    binding: { idFromName: (name) => name, get: () => ({ ...coordination, atomic, prune }) },
    pass: (ms) => {
      clock.now += ms
    },
    close: () => sql.close(),
  }
}
