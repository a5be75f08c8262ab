import { memory, MemoryTransport } from '@boringnode/bus/transports/memory'
import { BentoCache as Theirs, bentostore as theirStore } from 'bentocache'
import { memoryDriver as theirMemory } from 'bentocache/drivers/memory'
import { redisBusDriver } from 'bentocache/drivers/redis'
import { afterEach, describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { BentoCache } from '../../adapters/system.ts'
import { bentostore, type BusMessage, type CacheDriver, type StoreOptions } from '../../src/index.ts'
import { connectPlainL2 } from '../../src/plain-l2.ts'

// Ekiben and Bentocache on one bus: the real Bentocache, and the transport it comes with.

const channel = 'bentocache.notifications:main'
const open: { disconnectAll(): Promise<unknown> }[] = []
const ears: MemoryTransport[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.disconnectAll()))
  for (const transport of ears.splice(0)) {
    await transport.unsubscribe(channel)
    await transport.disconnect()
  }
})

/** Lets everything happen that needs no time. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => void setImmediate(resolve))
}

interface Member {
  readonly bento: BentoCache
  readonly told: BusMessage[]
  readonly heard: BusMessage[]
}

/** One of ours: memory, a bus, and maybe a store of text it shares with others. `lazily`: its L2 is loaded with the first call. */
function ours({
  values,
  options = {},
  lazily = false,
}: { values?: CacheDriver | undefined; options?: StoreOptions; lazily?: boolean } = {}): Member {
  const store = bentostore(options).useL1Layer(memoryDriver()).useBus({ options: {}, factory: memory() })
  if (values) store.useL2Layer({ options: {}, factory: () => values })
  const bento = new BentoCache({
    default: 'main',
    stores: { main: store },
    ...(lazily ? {} : { connectPlain: connectPlainL2 }),
  })
  const told: BusMessage[] = []
  const heard: BusMessage[] = []
  bento.on('bus:message:published', ({ message }) => void told.push(message))
  bento.on('bus:message:received', ({ message }) => void heard.push(message))
  open.push(bento)
  return { bento, told, heard }
}

function theirs(options: object = {}): Theirs<{ main: ReturnType<typeof theirStore> }> {
  const store = theirStore(options).useL1Layer(theirMemory()).useBus({ options: {}, factory: memory() })
  const bento = new Theirs({ default: 'main', stores: { main: store } })
  open.push(bento)
  return bento
}

/** Somebody who only listens. */
async function ear(on: string = channel): Promise<unknown[]> {
  const transport = new MemoryTransport()
  transport.setId('an-ear-of-24-characters-')
  const messages: unknown[] = []
  await transport.subscribe(on, (message: unknown) => void messages.push(structuredClone(message)))
  ears.push(transport)
  return messages
}

/** A store of text, shared by whoever is given it. */
const text = (): CacheDriver => memoryDriver().factory({ prefix: '' })

const changes = [
  ['set', { type: 'set', keys: ['k'] }],
  ['delete', { type: 'delete', keys: ['k'] }],
  ['deleteMany', { type: 'delete', keys: ['k', 'l'] }],
  ['expire', { type: 'expire', keys: ['k'] }],
  ['clear', { type: 'clear', keys: [] }],
  ['deleteByTag', { type: 'set', keys: ['___bc:t:t'] }],
] as const

type Name = (typeof changes)[number][0]

function change(cache: BentoCache | ReturnType<typeof theirs>, name: Name): Promise<unknown> {
  const acts: Record<Name, () => Promise<unknown>> = {
    set: () => cache.set({ key: 'k', value: 'new', tags: ['t'] }),
    delete: () => cache.delete({ key: 'k' }),
    deleteMany: () => cache.deleteMany({ keys: ['k', 'l'] }),
    expire: () => cache.expire({ key: 'k' }),
    clear: () => cache.clear(),
    deleteByTag: () => cache.deleteByTag({ tags: ['t'] }),
  }
  return acts[name]()
}

describe('messages', () => {
  test.each(changes)('of %s are Bentocache’s, to the letter', async (name, message) => {
    const [us, they] = [ours().bento, theirs()]
    await us.get({ key: 'warm' })
    const messages = await ear()
    await change(they, name)
    await settle()
    const spoken = messages.splice(0)
    await change(us, name)
    await settle()
    expect(messages).toEqual(spoken)
    expect(spoken).toEqual([{ ...message, namespace: 'bentocache' }])
  })

  test.each([undefined, 'p', 'p:', ''])(
    'name the namespace as Bentocache does under the prefix %j',
    async (prefix) => {
      const options = prefix === undefined ? {} : { prefix }
      const messages = await ear()
      const they = theirs(options)
      await they.delete({ key: 'k' })
      await they.namespace('users').namespace('admins').delete({ key: 'k' })
      await settle()
      const spoken = messages.splice(0)
      const us = ours({ options }).bento
      await us.delete({ key: 'k' })
      await us.namespace('users').namespace('admins').delete({ key: 'k' })
      await settle()
      expect(messages.map(named)).toEqual(spoken.map(named))
      expect(spoken).toHaveLength(2)
    },
  )

  test('bear an id of 24 characters', async () => {
    const ids: string[] = []
    const transport = new MemoryTransport()
    const setId = transport.setId.bind(transport)
    transport.setId = (id) => (ids.push(id), setId(id))
    const store = bentostore().useL1Layer(memoryDriver())
    const bento = new BentoCache({
      default: 'main',
      stores: { main: store.useBus({ options: {}, factory: () => transport }) },
    })
    open.push(bento)
    await bento.set({ key: 'k', value: 1 })
    await bento.set({ key: 'k', value: 2 })
    expect(ids).toEqual([expect.stringMatching(/^[a-z0-9]{24}$/)])
  })

  test('are not sent by skipBusNotify, nor of what was only read or computed in memory', async () => {
    const messages = await ear()
    const { bento } = ours()
    await bento.set({ key: 'k', value: 1, skipBusNotify: true })
    await bento.get({ key: 'k' })
    await bento.getOrSet({ key: 'l', factory: () => 1 })
    await settle()
    expect(messages).toEqual([])
  })

  test('tell of a value that was computed where L2 has it', async () => {
    const messages = await ear()
    const { bento } = ours({ values: text() })
    await bento.getOrSet({ key: 'k', factory: () => 1 })
    await bento.getOrSet({ key: 'l', factory: () => 1, skipBusNotify: true })
    await settle()
    expect(messages).toEqual([{ type: 'set', keys: ['k'], namespace: 'bentocache' }])
  })

  test('tell of a value that was pulled', async () => {
    const { bento } = ours()
    await bento.set({ key: 'k', value: 1 })
    const messages = await ear()
    expect(await bento.pull('k')).toBe(1)
    await settle()
    expect(messages).toEqual([{ type: 'delete', keys: ['k'], namespace: 'bentocache' }])
  })

  test('never hold a value', async () => {
    const messages = await ear()
    const { bento } = ours({ values: text() })
    await bento.set({ key: 'k', value: 'hunter2', tags: ['t'] })
    await settle()
    expect(messages.length).toBeGreaterThan(0)
    expect(JSON.stringify(messages)).not.toContain('hunter2')
  })
})

describe.each([
  ['memory with a bus', false],
  ['a plain L2 with a bus', true],
])('%s', (_, shares) => {
  const pair = async (
    lazily = false,
  ): Promise<{ a: Member; b: Member; cold: (key: string) => Promise<unknown> }> => {
    const values = shares ? text() : undefined
    const options = { ttl: '1h', l1Ttl: '1h', grace: '2h' } as const
    const [a, b] = [ours({ values, options, lazily }), ours({ values, options, lazily })]
    await b.bento.set({ key: 'k', value: 'old', tags: ['t'] })
    await b.bento.set({ key: 'l', value: 'other' })
    await a.bento.get({ key: 'warm' })
    await settle()
    b.heard.length = 0
    return { a, b, cold: (key) => b.bento.get({ key, grace: false }) }
  }

  test.each(changes)('a %s of ours reaches ours at once', async (name, message) => {
    const { a, b, cold } = await pair()
    expect(await cold('k')).toBe('old')
    await change(a.bento, name)
    await settle()
    expect(await cold('k')).toBe(shares && name === 'set' ? 'new' : undefined)
    expect([a.told.at(-1), b.heard]).toEqual([message, [message]])
  })

  test.each(changes)('also where its L2 is loaded with the first call: %s', async (name) => {
    const { a, cold } = await pair(true)
    await change(a.bento, name)
    await settle()
    expect(await cold('k')).toBe(shares && name === 'set' ? 'new' : undefined)
  })

  test.each(changes)('a %s of Bentocache reaches ours at once', async (name, message) => {
    const { b } = await pair()
    const they = theirs()
    await change(they, name)
    await settle()
    expect(b.heard).toEqual([message])
    const steps: string[] = []
    b.bento.onTrace(({ type }) => void steps.push(type))
    const asked = { key: 'k', factory: () => 'asked again', timeout: null, grace: false } as const
    // What Bentocache deletes in its own L2 is still in ours.
    expect(await b.bento.getOrSet(asked)).toBe(shares ? 'old' : 'asked again')
    expect(steps).toContain('l2.read')
  })

  test('a message beats a factory that runs', async () => {
    const { a, b, cold } = await pair()
    let finish: (value: string) => void = () => {}
    const made = b.bento.getOrSet({
      key: 'm',
      factory: () => new Promise<string>((resolve) => (finish = resolve)),
    })
    await settle()
    await a.bento.delete({ key: 'm' })
    await settle()
    finish('of old data')
    expect(await made).toBe('of old data')
    await settle()
    expect(await cold('m')).toBeUndefined()
  })

  test('namespaces are told apart, also those nobody here has made', async () => {
    const { a, b, cold } = await pair()
    await b.bento.set({ key: 'users:k', value: 'through the parent' })
    await b.bento.namespace('users').set({ key: 'l', value: 'through the child', tags: ['t'] })
    await a.bento.namespace('users').delete({ key: 'k' })
    await settle()
    const left = () => Promise.all(['k', 'users:k', 'users:l'].map(cold))
    expect(await left()).toEqual(['old', undefined, 'through the child'])
    await a.bento.namespace('users').deleteByTag({ tags: ['t'] })
    await settle()
    expect(await left()).toEqual(['old', undefined, undefined])
    await b.bento.namespace('users').set({ key: 'l', value: 'again' })
    await a.bento.namespace('users').clear()
    await settle()
    expect(await left()).toEqual(['old', undefined, undefined])
  })

  test('keys of any length and any namespace are understood', async () => {
    const { a, b } = await pair()
    const names = ['a:b', 'per%cent', '#', 'ü'.repeat(100)]
    const keys = ['k'.repeat(3000), 'ü:#%', '\ud800 half']
    for (const name of names) {
      const [here, there] = [b.bento.namespace(name), a.bento.namespace(name)]
      for (const key of keys) {
        await here.set({ key, value: 1, grace: false })
        await there.delete({ key })
        await settle()
        expect(await here.get({ key, grace: false })).toBeUndefined()
      }
    }
  })

  test('another store, another prefix and what is no message are not its business', async () => {
    const { b, cold } = await pair()
    const speaker = new MemoryTransport()
    speaker.setId('a speaker')
    const foreign: unknown[] = [
      undefined,
      null,
      'delete',
      7,
      [],
      {},
      { type: 'delete', keys: ['k'] },
      { type: 'delete', keys: ['k'], namespace: 'bento' },
      { type: 'delete', keys: ['k'], namespace: 'bentocachet' },
      { type: 'delete', keys: ['k'], namespace: 7 },
      { type: 'forget', keys: ['k'], namespace: 'bentocache' },
      { type: 'delete', keys: 'k', namespace: 'bentocache' },
      { type: 'delete', keys: [7], namespace: 'bentocache' },
      { type: 'delete', keys: [], namespace: 'bentocache' },
    ]
    for (const message of foreign) await speaker.publish(channel, message as never)
    await speaker.publish('bentocache.notifications:other', {
      type: 'delete',
      keys: ['k'],
      namespace: 'bentocache',
    })
    await settle()
    expect([await cold('k'), b.heard]).toEqual(['old', []])
    await speaker.publish(channel, { type: 'delete', keys: ['k'], namespace: 'bentocache' })
    await settle()
    expect(b.heard).toHaveLength(1)
  })
})

test('Bentocache’s bus over Redis is taken as it is', () => {
  const driver = redisBusDriver({ connection: { lazyConnect: true }, retryQueue: { retryInterval: '1s' } })
  const { bus } = bentostore().useBus(driver).entry
  expect(bus).toBe(driver)
  const made = bus?.factory({}) as unknown as Record<string, unknown>
  const methods = ['setId', 'onReconnect', 'publish', 'subscribe', 'unsubscribe', 'disconnect']
  expect(methods.map((name) => typeof made[name])).toEqual(methods.map(() => 'function'))
})

describe('Bentocache hears ours', () => {
  test.each(changes.filter(([name]) => name !== 'deleteByTag'))('%s', async (name) => {
    const [us, they] = [ours().bento, theirs()]
    await us.get({ key: 'warm' })
    await they.set({ key: 'k', value: 'old' })
    expect(await they.get({ key: 'k' })).toBe('old')
    await change(us, name)
    await settle()
    expect(await they.get({ key: 'k' })).toBeUndefined()
  })

  test('deleteByTag, and does not forget what it knew of the tag', async () => {
    const [us, they] = [ours().bento, theirs()]
    await they.set({ key: 'k', value: 'old', tags: ['t'] })
    await they.deleteByTag({ tags: ['t'] })
    expect(await they.get({ key: 'k' })).toBeUndefined()
    await us.deleteByTag({ tags: ['t'] })
    await settle()
    expect(await they.get({ key: 'k' })).toBeUndefined()
  })

  test('a namespace', async () => {
    const [us, they] = [ours().bento, theirs()]
    await they.namespace('users').set({ key: 'k', value: 'old' })
    await us.namespace('users').delete({ key: 'k' })
    await settle()
    expect(await they.namespace('users').get({ key: 'k' })).toBeUndefined()
  })

  test('a prefix that is empty, also when Bentocache has renamed it on the way', async () => {
    const they = theirs({ prefix: '' })
    await they.get({ key: 'warm' })
    const [a, b] = [ours({ options: { prefix: '' } }), ours({ options: { prefix: '' } })]
    await b.bento.set({ key: 'k', value: 'old' })
    await a.bento.delete({ key: 'k' })
    await settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })
})

function named(message: unknown): unknown {
  const { namespace, ...rest } = message as { namespace: string }
  return { ...rest, namespace: namespace === '__default__' ? '' : namespace }
}
