import type { BentoCache, CreateDriverResult } from '../../src/index.ts'
import type { Fault, FaultyGateway } from './faulty-gateway.ts'
import { type Address, hosted, type Hosted } from './hosted-redis.ts'

/** What may go wrong, by name. A delay shorter than the deadline is no failure. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'slow, but in time': { kind: 'delay', ms: 20 },
  'too slow': { kind: 'delay', ms: 60_000 },
  hangs: { kind: 'hang' },
  'stalls within the answer': { kind: 'stall' },
  refuses: { kind: 'refuse' },
  '429': { kind: 'rate-limit', seconds: 60 },
  '500': { kind: 'error' },
  'a page with 200': { kind: 'html', status: 200 },
  'a page with 502': { kind: 'html', status: 502 },
  'half an answer': { kind: 'truncate' },
  'an empty object': { kind: 'shape', body: '{}' },
  'a result of another shape': { kind: 'shape', body: '{"result":{}}' },
  'done, but not answered': { kind: 'drop-after' },
}

/** What an operation must give while the store fails. `made` is the factory's value, `old` the one in the store. */
interface Operation {
  readonly run: (bento: BentoCache) => Promise<unknown>
  readonly failed: unknown
  readonly well: unknown
  /** It ends what is in the store: after the failure it must be gone, without anybody asking again. */
  readonly ends?: boolean
}

const factory = (): string => 'made'

const OPERATIONS: Readonly<Record<string, Operation>> = {
  get: { run: (bento) => bento.get({ key: 'k' }), failed: undefined, well: 'old' },
  has: { run: (bento) => bento.has({ key: 'k' }), failed: false, well: true },
  getOrSet: { run: (bento) => bento.getOrSet({ key: 'k', factory }), failed: 'made', well: 'old' },
  'getOrSet, cold': {
    run: (bento) => bento.getOrSet({ key: 'cold', factory }),
    failed: 'made',
    well: 'made',
  },
  forceFresh: {
    run: (bento) => bento.getOrSet({ key: 'k', factory, forceFresh: true }),
    failed: 'made',
    well: 'made',
  },
  set: { run: (bento) => bento.set({ key: 'k', value: 'new' }), failed: false, well: true, ends: true },
  pull: { run: (bento) => bento.pull('k'), failed: undefined, well: 'old', ends: true },
  delete: { run: (bento) => bento.delete({ key: 'k' }), failed: false, well: true, ends: true },
  deleteMany: {
    run: (bento) => bento.deleteMany({ keys: ['k', 'l'] }),
    failed: false,
    well: true,
    ends: true,
  },
  expire: { run: (bento) => bento.expire({ key: 'k' }), failed: false, well: true, ends: true },
  deleteByTag: { run: (bento) => bento.deleteByTag({ tags: ['t'] }), failed: false, well: true, ends: true },
  clear: { run: (bento) => bento.clear(), failed: undefined, well: undefined, ends: true },
}

/** How one operation went under one fault. */
export interface Cell {
  readonly fault: string
  readonly operation: string
  readonly ms: number
  /** What it gave is what it must give. */
  readonly right: boolean
  /** What was not acknowledged was told, and took effect once the store was well again. */
  readonly recovered: boolean
}

export interface MatrixOptions {
  readonly gateway: FaultyGateway
  readonly makeDriver: (address: Address) => CreateDriverResult
  readonly l2Timeout: number
  readonly awaitWrites?: boolean
}

/** Plays every operation under one fault, each in an isolate and a store of its own, all at once. */
export async function underFault(
  name: string,
  { gateway, makeDriver, l2Timeout, awaitWrites }: MatrixOptions,
): Promise<Cell[]> {
  const fault = FAULTS[name]
  const isolate = (prefix: string): Hosted => hosted(makeDriver(gateway), { prefix, l2Timeout, awaitWrites })
  const stores = await Promise.all(
    Object.entries(OPERATIONS).map(async ([operation, expected]) => {
      const prefix = `${name} ${operation}`
      await hosted(makeDriver(gateway), { prefix }).bento.set({ key: 'k', value: 'old', tags: ['t'] })
      return { operation, expected, prefix, at: isolate(prefix) }
    }),
  )
  gateway.fault = fault
  const well = name === 'slow, but in time'
  const played = await Promise.all(
    stores.map(async (store) => {
      const begun = performance.now()
      const given = await store.expected.run(store.at.bento)
      return { ...store, ms: performance.now() - begun, given }
    }),
  )
  gateway.fault = undefined
  return Promise.all(
    played.map(async ({ operation, expected, prefix, at, ms, given }) => {
      const right = given === (well ? expected.well : expected.failed)
      const told = at.steps.some(({ type }) => type === 'unacknowledged')
      const recovered = !expected.ends || ((well || told) && (await isGone(() => isolate(prefix))))
      return { fault: name, operation, ms, right, recovered }
    }),
  )
}

/** Whether the old value ends within the time that an invalidation is tried again. */
async function isGone(isolate: () => Hosted): Promise<boolean> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    if ((await isolate().bento.get({ key: 'k' })) !== 'old') return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}
