import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { type TransportBusOptions, transportBusDriver } from '../../drivers/transport-bus.ts'
import { connectL2 } from '../../src/connect-l2.ts'
import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type InternalOperationWrapper,
  type Step,
  type StoreOptions,
} from '../../src/index.ts'
import { loadPlainL2 } from '../../src/load-plain-l2.ts'
import { manualClock, type ManualClock, manualRuntime } from '../support/clock.ts'
import { fakeTransport, type FakeTransport } from '../support/fake-transport.ts'
import { type LedgerCoordination, ledgerCoordination } from '../support/ledger-coordination.ts'

// A bus that only carries messages: what becomes of them, and of the store, when it does not.

interface Scene {
  readonly clock: ManualClock
  readonly transport: FakeTransport
  readonly ledger: LedgerCoordination
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly steps: Step[]
}

interface SceneOptions {
  readonly options?: StoreOptions
  readonly bus?: TransportBusOptions
  /** Whether an L2 that coordinates stands behind. */
  readonly coordinated?: boolean
  /** Whether its requests have `waitUntil`. */
  readonly waits?: boolean
  readonly wrap?: InternalOperationWrapper
}

function scene({ options = {}, bus = {}, coordinated, waits = false, wrap }: SceneOptions = {}): Scene {
  const clock = manualClock()
  const transport = fakeTransport()
  const ledger = ledgerCoordination({ now: () => clock.elapsed() })
  const driver = { coordination: ledger.coordination, disconnect: () => {} } as unknown as CacheDriver
  const store = bentostore(options).useL1Layer(memoryDriver()).useBus(transportBusDriver(transport, bus))
  if (coordinated) store.useL2Layer({ options: {}, factory: () => driver, connect: connectL2 })
  const bento = new BentoCache({
    default: 'main',
    stores: { main: store },
    runtime: manualRuntime(clock, 'a', waits),
    internalOperationWrapper: wrap,
  })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  return { clock, transport, ledger, bento, steps }
}

const remote = { type: 'delete', keys: ['k'], namespace: 'bentocache' }
const never = new Promise<void>(() => {})
const refuse = (): Promise<void> => Promise.reject(new Error('connection refused'))
const failing =
  (...calls: string[]) =>
  (call: string): Promise<void> | void =>
    calls.includes(call) ? refuse() : undefined

const isPending = (work: Promise<unknown>): Promise<boolean> =>
  Promise.race([work.then(() => false), Promise.resolve(true)])

describe('a message the bus does not take', () => {
  test('costs the operation nothing but its time, and is sent again every two seconds', async () => {
    const { bento, transport, clock, steps } = scene()
    transport.fate = failing('publish')
    expect(await bento.set({ key: 'k', value: 1 })).toBe(true)
    expect(steps.filter(({ type }) => type === 'published')).toEqual([])
    expect(steps.find(({ type }) => type === 'l2.error')).toMatchObject({ operation: 'publish' })
    await clock.advance(5999)
    expect(transport.asked.filter((call) => call === 'publish set k')).toHaveLength(3)
    transport.fate = () => {}
    await clock.advance(1)
    expect(transport.published).toEqual([{ type: 'set', keys: ['k'], namespace: 'bentocache' }])
    expect(steps.at(-1)).toMatchObject({ type: 'published', message: { type: 'set', keys: ['k'] } })
    expect(clock.pending()).toBe(0)
  })

  test('is kept once, however often it was said', async () => {
    const { bento, transport, clock } = scene()
    transport.fate = failing('publish')
    for (let round = 0; round < 5; round++) await bento.delete({ key: 'k' })
    await bento.delete({ key: 'l' })
    transport.fate = () => {}
    await clock.advance(2000)
    expect(transport.published.map(({ keys }) => keys)).toEqual([['k'], ['l']])
  })

  test('is not lost where the same is said again while it is on its way', async () => {
    const { bento, transport, clock } = scene()
    transport.fate = failing('publish')
    await bento.delete({ key: 'k' })
    let arrive = (): void => {}
    transport.fate = (call) =>
      call.startsWith('publish') ? new Promise((resolve) => (arrive = resolve)) : undefined
    await clock.advance(2000)
    transport.fate = () => {}
    // The first is on its way; the value was read again and deleted again meanwhile.
    await bento.delete({ key: 'k' })
    arrive()
    await clock.advance(4000)
    expect(transport.asked.filter((call) => call === 'publish delete k')).toHaveLength(3)
  })

  test('gives way to newer ones past maxSize', async () => {
    const { bento, transport, clock } = scene({ bus: { retryQueue: { maxSize: 2 } } })
    transport.fate = failing('publish')
    for (const key of ['a', 'b', 'c']) await bento.delete({ key })
    transport.fate = () => {}
    await clock.advance(2000)
    expect(transport.published.map(({ keys }) => keys[0])).toEqual(['b', 'c'])
  })

  test.each([undefined, null])('waits among a thousand where maxSize is %s', async (maxSize) => {
    const { bento, transport, clock } = scene({ bus: { retryQueue: { maxSize } } })
    transport.fate = failing('publish')
    for (let n = 0; n < 1010; n++) await bento.delete({ key: `k${n}` })
    transport.fate = () => {}
    await clock.advance(2000)
    expect([transport.published.length, transport.published[0]?.keys]).toEqual([1000, ['k10']])
  })

  test('goes out when the transport connects anew', async () => {
    const { bento, transport, clock } = scene()
    transport.fate = failing('publish')
    await bento.delete({ key: 'k' })
    transport.fate = () => {}
    transport.reconnect()
    await clock.settle()
    expect(transport.published).toHaveLength(1)
  })

  test('goes out with the next one', async () => {
    const { bento, transport, clock } = scene({ bus: { retryQueue: { retryInterval: false } } })
    transport.fate = failing('publish')
    await bento.delete({ key: 'k' })
    await clock.advance(60_000)
    expect([transport.published.length, clock.pending()]).toEqual([0, 0])
    transport.fate = () => {}
    await bento.delete({ key: 'l' })
    await clock.settle()
    expect(transport.published.map(({ keys }) => keys[0])).toEqual(['k', 'l'])
  })

  test('is sent again as it was, whatever a transport did to it', async () => {
    const { bento, transport, clock } = scene()
    const { publish } = transport
    transport.publish = (_, message) => {
      const { keys } = Object.assign(message as { keys: string[] }, { namespace: '__default__' })
      keys.length = 0
      return refuse()
    }
    await bento.delete({ key: 'k' })
    transport.publish = publish
    await clock.advance(2000)
    expect(transport.published).toEqual([remote])
  })

  test('is dropped where that is asked for', async () => {
    const { bento, transport, clock } = scene({ bus: { retryQueue: { enabled: false } } })
    transport.fate = failing('publish')
    await bento.delete({ key: 'k' })
    transport.fate = () => {}
    await bento.delete({ key: 'l' })
    await clock.advance(60_000)
    expect(transport.published.map(({ keys }) => keys[0])).toEqual(['l'])
  })

  test('because it hangs is waited for until l2Timeout, and the next ones are not waited for', async () => {
    const { bento, transport, clock } = scene({ options: { l2Timeout: 300 } })
    await bento.get({ key: 'warm' })
    transport.fate = (call) => (call === 'publish' ? never : undefined)
    const first = bento.delete({ key: 'k' })
    await clock.advance(299)
    expect(await isPending(first)).toBe(true)
    await clock.advance(1)
    expect(await first).toBe(true)
    const before = clock.elapsed()
    expect(await clock.run(bento.delete({ key: 'l' }))).toBe(true)
    expect(clock.elapsed()).toBe(before)
  })
})

describe('listening', () => {
  test('begins with the first call, which waits for it', async () => {
    const { bento, transport, clock } = scene()
    bento.use('main')
    await clock.settle()
    expect([transport.asked, transport.id()]).toEqual([[], undefined])
    let go: () => void = () => {}
    transport.fate = (call) => (call === 'subscribe' ? new Promise((resolve) => (go = resolve)) : undefined)
    const set = bento.set({ key: 'k', value: 'mine' })
    await clock.settle()
    expect(await isPending(set)).toBe(true)
    go()
    expect(await set).toBe(true)
    expect(await bento.get({ key: 'k' })).toBe('mine')
  })

  test('that takes longer than l2Timeout is not waited for, and what was kept before it is not kept', async () => {
    const { bento, transport, clock } = scene({ options: { l2Timeout: 300 } })
    let go: () => void = () => {}
    transport.fate = (call) => (call === 'subscribe' ? new Promise((resolve) => (go = resolve)) : undefined)
    expect(await clock.run(bento.set({ key: 'k', value: 'mine' }))).toBe(true)
    expect(clock.elapsed()).toBe(300)
    await clock.advance(60_000)
    expect(await bento.get({ key: 'k' })).toBe('mine')
    go()
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('that fails is tried again with growing pauses and holds nobody up', async () => {
    const { bento, transport, clock, steps } = scene()
    transport.fate = failing('subscribe')
    expect(await clock.run(bento.set({ key: 'k', value: 1 }))).toBe(true)
    expect(clock.elapsed()).toBe(0)
    await clock.advance(60_000)
    const tries = transport.asked.filter((call) => call === 'subscribe').length
    expect(tries).toBeGreaterThan(5)
    expect(tries).toBeLessThan(10)
    expect(steps).toContainEqual({ type: 'push', store: 'main', state: 'closed', error: expect.any(Error) })
    transport.fate = () => {}
    await clock.advance(40_000)
    await bento.set({ key: 'k', value: 1 })
    transport.say(remote)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('anew begins memory anew, at once and when it stands again', async () => {
    const { bento, transport, clock } = scene()
    await bento.set({ key: 'k', value: 'before' })
    transport.reconnect()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    await bento.set({ key: 'k', value: 'between' })
    // It tries to connect several times.
    transport.reconnect()
    expect(await bento.get({ key: 'k' })).toBe('between')
    await clock.advance(313)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    await bento.set({ key: 'k', value: 'after' })
    expect(await bento.get({ key: 'k' })).toBe('after')
    transport.say(remote)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
    expect(transport.handlers()).toBe(1)
  })

  test('anew waits until the old subscription is gone', async () => {
    const { bento, transport, clock } = scene()
    await bento.set({ key: 'k', value: 1 })
    let go: () => void = () => {}
    transport.fate = (call) => (call === 'unsubscribe' ? new Promise((resolve) => (go = resolve)) : undefined)
    transport.reconnect()
    await clock.advance(60_000)
    expect(transport.asked.slice(-1)).toEqual(['unsubscribe'])
    go()
    await clock.settle()
    expect(transport.asked.slice(-2)).toEqual(['unsubscribe', 'subscribe'])
    expect(transport.handlers()).toBe(1)
  })

  test('sets no timer while all is well', async () => {
    const { bento, transport, clock } = scene()
    await bento.set({ key: 'k', value: 1 })
    transport.say(remote)
    expect(clock.pending()).toBe(0)
  })

  test('is not for runtimes whose requests have waitUntil: they tell, and set no timer', async () => {
    const { bento, transport, clock } = scene({ waits: true })
    transport.fate = failing('publish')
    await bento.set({ key: 'k', value: 1 })
    expect([transport.asked, clock.pending()]).toEqual([['publish set k'], 0])
    transport.fate = () => {}
    await bento.delete({ key: 'l' })
    await clock.settle()
    expect(transport.published.map(({ keys }) => keys[0])).toEqual(['k', 'l'])
  })

  test('begins memory anew where requests that have waitUntil came before it', async () => {
    const { bento, transport, clock } = scene()
    await bento.bind({ waitUntil: () => {} }).set({ key: 'k', value: 'old' })
    // Whoever changes it now is not heard.
    expect(transport.asked).not.toContain('subscribe')
    await bento.get({ key: 'other' })
    await clock.advance(0)
    expect(transport.asked).toContain('subscribe')
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('ends with disconnect, and so do all timers', async () => {
    const { bento, transport, clock } = scene()
    transport.fate = failing('publish')
    await bento.set({ key: 'k', value: 1 })
    transport.reconnect()
    expect(clock.pending()).toBeGreaterThan(0)
    await bento.disconnect()
    await clock.settle()
    expect([clock.pending(), transport.handlers()]).toEqual([0, 0])
    expect(transport.asked).toContain('disconnect')
    await bento.set({ key: 'k', value: 1 })
    await clock.advance(60_000)
    expect([clock.pending(), transport.asked.filter((call) => call === 'subscribe').length]).toEqual([0, 1])
  })

  test('does not begin after disconnect, though its code was still being loaded', async () => {
    const transport = fakeTransport()
    const main = bentostore()
      .useL1Layer(memoryDriver())
      .useBus({ options: {}, factory: () => transport })
    const bento = new BentoCache({ default: 'main', stores: { main }, connectPlain: loadPlainL2 })
    const set = bento.set({ key: 'k', value: 1 })
    await bento.disconnect()
    expect(await set).toBe(true)
    expect(transport.asked).not.toContain('subscribe')
  })

  test('is wrapped, as every call to the outside is', async () => {
    let wrapped = 0
    const wrap: InternalOperationWrapper = (run) => (wrapped++, run())
    const { bento, transport } = scene({ wrap })
    await bento.set({ key: 'k', value: 1 })
    expect(transport.asked).toEqual(['subscribe', 'publish set k'])
    expect(wrapped).toBeGreaterThanOrEqual(2)
  })
})

describe('with an L2 that coordinates', () => {
  test('a message is an occasion to ask, and is not believed', async () => {
    const { bento, transport, clock, ledger } = scene({ coordinated: true })
    await bento.set({ key: 'k', value: 'mine' })
    await clock.settle()
    const pulls = ledger.calls.pull
    transport.say(remote)
    transport.say({ ...remote, namespace: 'another' })
    await clock.settle()
    expect(ledger.calls.pull - pulls).toBe(1)
    expect(await bento.get({ key: 'k' })).toBe('mine')
    await ledger.coordination.invalidate({ events: [{ kind: 'key', name: 'bentocache:k', soft: false }] })
    transport.say(remote)
    await clock.settle()
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })

  test('its changes are told, what only fills a gap is not', async () => {
    const { bento, transport, clock, steps } = scene({ coordinated: true })
    await clock.run(bento.getOrSet({ key: 'l', factory: () => 1 }))
    await bento.set({ key: 'k', value: 'mine' })
    await bento.delete({ key: 'k' })
    await clock.settle()
    expect(transport.published.map(({ type }) => type)).toEqual(['set', 'delete'])
    expect(steps.filter(({ type }) => type === 'published')).toHaveLength(2)
  })

  test('a reconnection asks what was missed', async () => {
    const { bento, transport, clock, ledger } = scene({ coordinated: true })
    await bento.set({ key: 'k', value: 'mine' })
    await clock.settle()
    await ledger.coordination.invalidate({ events: [{ kind: 'key', name: 'bentocache:k', soft: false }] })
    transport.reconnect()
    await clock.advance(313)
    expect(await bento.get({ key: 'k' })).toBeUndefined()
  })
})
