import { cloudflareKvDriver } from '../drivers/cloudflare-kv.ts'
import { memoryDriver } from '../drivers/memory.ts'
import type { CacheDriver } from '../src/ports.ts'
import type { BusDriver } from '../src/store.ts'
import type { Open, OpenedBus, OpenedStore } from './conformance/index.ts'
import { ledgerBus, ledgerStore, memoryStore, pushingStore } from './support/conformance-stores.ts'
import { kvStore } from './support/conformance-kv.ts'
import { REDIS_BUSES, REDIS_DRIVERS } from './support/conformance-redis.ts'
import { slowStore } from './support/slow-store.ts'

/** A driver the suite is run for. */
export interface Registered<Sample, Opened> {
  /** One as it is built for users; nothing is asked of it. */
  readonly sample: Sample
  readonly open: Open<Opened>
  /** Ends what `open` has started for all cases, such as a server. */
  stop?(): Promise<void>
}

/**
 * Every driver that is tested in Node, each with a line or two; `test/workerd/conformance.test.ts` has those of workerd.
 * The slow store and the subscription are imitated: they bring cases that no driver here does.
 */
export const DRIVERS: Readonly<Record<string, Registered<CacheDriver, OpenedStore>>> = {
  memory: { sample: memoryDriver().factory({}), open: memoryStore },
  'durable object (in process)': { sample: ledgerStore().connect(''), open: ledgerStore },
  'slow store (imitated)': { sample: slowStore().connect(''), open: slowStore },
  'durable object with a subscription (in process)': {
    sample: pushingStore().connect(''),
    open: pushingStore,
  },
  'cloudflare kv (simulated)': {
    sample: cloudflareKvDriver({ binding: () => undefined }).factory({}),
    open: kvStore,
  },
  ...REDIS_DRIVERS,
}

/** Every bus. */
export const BUSES: Readonly<Record<string, Registered<BusDriver, OpenedBus>>> = {
  'durable object bus (in process)': { sample: ledgerBus().connect(), open: ledgerBus },
  ...REDIS_BUSES,
}
