import { expect, test } from 'vitest'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { plainDriver } from '../../drivers/plain.ts'
import { sharded } from '../../drivers/sharded.ts'
import { atomics, CounterError } from '../../src/atomics.ts'
import { BentoCache, bentostore, type CreateDriverResult } from '../../src/index.ts'
import type { Linearizable } from '../../src/ports.ts'
import { openAtomicWorld } from '../support/atomic-world.ts'
import { manualRuntime } from '../support/clock.ts'
import { namesByShard } from '../support/shards.ts'

test('a value is set where there is none, read and deleted, in one call each', async () => {
  const world = openAtomicWorld()
  const [one, two] = [world.isolate('one').atoms, world.isolate('two').atoms]
  expect(await one.add('k', { a: [1, null] })).toBe(true)
  expect(await two.add('k', 'other')).toBe(false)
  expect(await two.get('k')).toEqual({ a: [1, null] })
  expect([await two.delete('k'), await one.delete('k')]).toEqual([true, false])
  expect(await one.get('k')).toBeUndefined()
  expect(world.sent).toHaveLength(6)
})

test('a value ends with its ttl; without one, or with 0 or null, it has no end', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  await atoms.add('short', 1, { ttl: '1s' })
  for (const [at, ttl] of [undefined, null, 0, 1e300].entries()) await atoms.add(`long ${at}`, 1, { ttl })
  await world.clock.advance(999)
  expect(await atoms.get('short')).toBe(1)
  await world.clock.advance(1)
  expect(await atoms.get('short')).toBeUndefined()
  await world.clock.advance(100 * 365 * 86_400_000)
  for (const at of [0, 1, 2, 3]) expect(await atoms.get(`long ${at}`)).toBe(1)
})

test('counters count up and down from 0, and their window does not begin anew', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  expect(await atoms.increment('c', { ttl: '1m' })).toBe(1)
  await world.clock.advance(59_000)
  expect(await atoms.increment('c', { by: 4, ttl: '1m' })).toBe(5)
  expect(await atoms.decrement('c')).toBe(4)
  expect(await atoms.decrement('c', { by: 10 })).toBe(-6)
  expect(await atoms.get('c')).toBe(-6)
  await world.clock.advance(1_000)
  expect(await atoms.increment('c', { by: 0 })).toBe(0)
  expect(await atoms.decrement('d', { by: 0 })).toBe(0)
})

test('what is no whole number, and what would be no safe one, is refused by name', async () => {
  const { atoms } = openAtomicWorld().isolate('one')
  await atoms.add('text', 'secret')
  const refused = await atoms.increment('text').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(CounterError)
  expect(refused).toMatchObject({ code: 'E_COUNTER', reason: 'type' })
  expect(String(refused)).not.toContain('secret')
  await atoms.add('large', Number.MAX_SAFE_INTEGER)
  await expect(atoms.increment('large')).rejects.toMatchObject({ code: 'E_COUNTER', reason: 'range' })
  expect(await atoms.get('large')).toBe(Number.MAX_SAFE_INTEGER)
})

test('sixteen isolates count at once, and nothing is lost', async () => {
  const world = openAtomicWorld()
  const all = Array.from({ length: 16 }, (_, at) => world.isolate(`isolate ${at}`).atoms)
  await Promise.all(all.flatMap((atoms) => Array.from({ length: 50 }, () => atoms.increment('c'))))
  expect(await all[0]!.get('c')).toBe(800)
})

test.each(['lost', 'dropped'] as const)(
  'a step that is done and whose answer is %s is known by its op, and repeated without harm',
  async (mishap) => {
    const world = openAtomicWorld()
    const { atoms } = world.isolate('one')
    world.mishap = mishap
    const failed: { op?: string } = await world.clock.run(
      atoms.increment('c').catch((error: { op?: string }) => error) as Promise<{ op?: string }>,
    )
    expect(failed).toMatchObject({ code: 'E_NOT_ACKNOWLEDGED', step: 'increment', op: expect.any(String) })
    const adding = atoms.add('v', 1, { op: 'own' })
    await expect(world.clock.run(adding)).rejects.toMatchObject({ step: 'add', op: 'own' })
    world.mishap = undefined
    expect(await atoms.increment('c', { op: failed.op })).toBe(1)
    expect(await atoms.increment('c')).toBe(2)
    expect(await atoms.add('v', 1, { op: 'own' })).toBe(true)
  },
)

test('a step that was refused has done nothing, and is tried anew under its op', async () => {
  const { atoms } = openAtomicWorld().isolate('one')
  await atoms.add('v', 'first')
  expect(await atoms.add('v', 'second', { op: 'own' })).toBe(false)
  await expect(atoms.increment('v', { op: 'own' })).rejects.toMatchObject({ code: 'E_COUNTER' })
  await atoms.delete('v')
  expect(await atoms.add('v', 2, { op: 'own' })).toBe(true)
  expect(await atoms.increment('v', { op: 'own' })).toBe(3)
})

test('nothing is repeated by itself, and nothing waits beyond its deadline', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one', { timeout: '2s' })
  world.mishap = 'hang'
  await expect(world.clock.run(atoms.increment('c'))).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
  expect(world.clock.elapsed()).toBe(2_000)
  const second = atoms.increment('c', { timeout: 50 })
  await expect(world.clock.run(second)).rejects.toMatchObject({ code: 'E_NOT_ACKNOWLEDGED' })
  expect(world.clock.elapsed()).toBe(2_050)
  expect(world.sent).toHaveLength(2)
  expect(world.clock.pending()).toBe(0)
})

test('what answers something else is no store', async () => {
  const binding = { idFromName: () => '', get: () => ({ atomic: async () => ({ value: '5' }) }) }
  const { durableObjectDriver } = await import('../../drivers/durable-object.ts')
  const atoms = atomics(durableObjectDriver({ binding }))
  for (const ask of [() => atoms.increment('c'), () => atoms.lock('l'), () => atoms.delete('c')])
    await expect(ask()).rejects.toMatchObject({ cause: { code: 'E_STORE' } })
})

test('namespaces, prefixes, locks, values and entries of one name never meet', async () => {
  const world = openAtomicWorld()
  const driver = world.driver()
  const runtime = manualRuntime(world.clock, 'one')
  const at = (prefix: string) => atomics(driver, { prefix, runtime })
  const places = [
    at('app'),
    at('other'),
    at('app').namespace('t'),
    at('app').namespace('t').namespace('u'),
    at('app').namespace('t:u'),
    at('app').namespace('t%3Au'),
  ]
  for (const [index, atoms] of places.entries()) {
    expect(await atoms.add('k', index)).toBe(true)
    expect(await atoms.lock('k')).toBeDefined()
  }
  for (const [index, atoms] of places.entries()) expect(await atoms.get('k')).toBe(index)
  const store = bentostore({ prefix: 'app' }).useL2Layer(driver)
  const bento = new BentoCache({ default: 'main', stores: { main: store } })
  await bento.set({ key: 'k', value: 'entry' })
  await bento.clear()
  expect(await places[0]!.get('k')).toBe(0)
  expect(await bento.get({ key: 'k' })).toBeUndefined()
})

test('the prefix is the driver’s own, else the one that is given, else a store’s', async () => {
  const { durableObjectDriver } = await import('../../drivers/durable-object.ts')
  const names: string[] = []
  const atomic = async ({ name }: { name: string }) => void names.push(name)
  const binding = { idFromName: () => '', get: () => ({ atomic }) }
  const own = durableObjectDriver({ binding, prefix: 'own::' })
  for (const atoms of [
    atomics(own, { prefix: 'given' }),
    atomics(durableObjectDriver({ binding }), { prefix: 'given:' }),
    atomics(durableObjectDriver({ binding }), { prefix: '' }),
    atomics(durableObjectDriver({ binding })),
  ])
    await atoms.get('k').catch(() => {})
  expect(names).toEqual(['own:k', 'given:k', 'k', 'bentocache:k'])
})

test('names of any length and make are told apart, and none can be made up', async () => {
  const world = openAtomicWorld()
  const { atoms } = world.isolate('one')
  const long = 'x'.repeat(5_000)
  const odd = [long, `${long}y`, 'a\ud800', 'a\ud801', 'a\0', 'a']
  for (const [at, name] of odd.entries()) expect(await atoms.add(name, at)).toBe(true)
  for (const [at, name] of odd.entries()) expect(await atoms.get(name)).toBe(at)
  const stored = world.sent[0]!.request.name.replace(/^bentocache:/, '')
  expect(stored).toMatch(/~[0-9a-f]{64}$/)
  expect(await atoms.get(stored)).toBeUndefined()
})

test('a divided store keeps each name in its shard, where its namespace is', async () => {
  const world = openAtomicWorld()
  const runtime = manualRuntime(world.clock, 'one')
  const atoms = atomics(
    sharded({ shards: 3 }, (name) => world.driver(name)),
    { runtime },
  )
  const names = namesByShard(3)
  for (const name of names) {
    await atoms.increment(name)
    await atoms.namespace(name).lock('l')
    await atoms.lock(`${name}:l`)
  }
  expect(world.sent.map(({ object }) => object)).toEqual(
    [0, 1, 2].flatMap((shard) => Array.from({ length: 3 }, () => `ekiben:${shard}`)),
  )
  expect(await atoms.get(names[2]!)).toBe(1)
})

test('drivers whose store has no one order are turned away, and told what would do', async () => {
  let closed = 0
  const foreign: CreateDriverResult = {
    options: {},
    factory: (config) =>
      Object.assign(memoryDriver().factory(config), { disconnect: async () => void closed++ }),
  }
  const refused = [
    memoryDriver(),
    cloudflareKvDriver({ binding: () => undefined }),
    plainDriver(memoryDriver()),
    foreign,
  ]
  for (const driver of refused) {
    const make = () => atomics(driver as unknown as CreateDriverResult<Linearizable>)
    expect(make).toThrow(
      expect.objectContaining({
        code: 'E_NOT_LINEARIZABLE',
        message: expect.stringMatching(
          /memory belongs to one isolate.*KV.*durableObjectDriver.*upstashDriver/,
        ),
      }),
    )
  }
  expect(closed).toBe(1)
})

test.each([
  ['name', (atoms) => atoms.get('')],
  ['name', (atoms) => atoms.lock(5 as never)],
  ['namespace', async (atoms) => atoms.namespace('')],
  ['ttl', (atoms) => atoms.lock('l', { ttl: null })],
  ['ttl', (atoms) => atoms.lock('l', { ttl: 0 })],
  ['ttl', (atoms) => atoms.lock('l', { ttl: '31d' })],
  ['ttl', (atoms) => atoms.increment('c', { ttl: 'soon' })],
  ['wait', (atoms) => atoms.lock('l', { wait: null })],
  ['timeout', (atoms) => atoms.get('k').then(() => atoms.add('k', 1, { timeout: 0 }))],
  ['token', (atoms) => atoms.restoreLock('l', '')],
  ['token', (atoms) => atoms.restoreLock('l', 'x'.repeat(129))],
  ['by', (atoms) => atoms.increment('c', { by: 1.5 })],
  ['by', (atoms) => atoms.decrement('c', { by: '1' as never })],
  ['op', (atoms) => atoms.increment('c', { op: '' })],
  ['op', (atoms) => atoms.add('c', 1, { op: '\ud800' })],
  ['value', (atoms) => atoms.add('c', 'x'.repeat(65_535))],
  ['options', (atoms) => atoms.lock('l', null as never)],
  ['run', (atoms) => atoms.withLock('l', {}, undefined as never)],
] satisfies [string, (atoms: ReturnType<typeof atomics>) => Promise<unknown>][])(
  'a bad %s is refused before anything is sent (%#)',
  async (option, ask) => {
    const world = openAtomicWorld()
    const asked = (async () => ask(world.isolate('one').atoms))()
    await expect(asked).rejects.toMatchObject({ code: 'E_INVALID_OPTION', option })
    expect(world.sent.filter(({ request }) => request.step !== 'read')).toEqual([])
  },
)

test('bad options of the whole are refused at once', () => {
  const driver = openAtomicWorld().driver()
  for (const make of [
    () => atomics(undefined as never),
    () => atomics(driver, null as never),
    () => atomics(driver, { timeout: null }),
    () => atomics(driver, { prefix: 5 as never }),
  ])
    expect(make).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
})

test('what is no plain data is no value', async () => {
  const { atoms } = openAtomicWorld().isolate('one')
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  for (const value of [cycle, 5n, () => {}, Symbol('s')])
    await expect(atoms.add('k', value)).rejects.toMatchObject({ code: 'E_SERIALIZATION' })
  await expect(atoms.add('k', undefined)).rejects.toMatchObject({ code: 'E_UNDEFINED_VALUE' })
})
