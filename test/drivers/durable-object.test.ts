import { describe, expect, test } from 'vitest'
import { type CoordinatorNamespace, durableObjectDriver } from '../../drivers/durable-object.ts'
import type { Coordination } from '../../src/ports.ts'
import { bentocacheDriverSuite } from '../support/bentocache-driver-suite.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'

/** A namespace whose objects are ledgers in this process, and what was asked of it. */
function openNamespace(now: () => number = () => 1_800_000_000_000) {
  const opened: { name: unknown; options: unknown }[] = []
  const objects = new Map<unknown, ReturnType<typeof ledgerCoordination>>()
  const pruned: unknown[] = []
  const namespace: CoordinatorNamespace = {
    idFromName: (name) => ({ name }),
    get(id, ...options) {
      const { name } = id as { name: string }
      opened.push({ name, options })
      if (!objects.has(name)) objects.set(name, ledgerCoordination({ now }))
      const prune = async (): Promise<void> => void pruned.push(name)
      return { ...objects.get(name)!.coordination, prune }
    },
  }
  return { namespace, opened, objects, pruned }
}

const clock = { now: 1_800_000_000_000 }
const { namespace: shared } = openNamespace(() => clock.now)
bentocacheDriverSuite('Bentocache’s driver suite', {
  makeDriver: (prefix) => durableObjectDriver({ binding: shared }).factory({ prefix }),
  pass: (ms) => {
    clock.now += ms
  },
})

describe('durableObjectDriver', () => {
  test('opens a fresh stub for every call and none before', async () => {
    const { namespace, opened } = openNamespace()
    const driver = durableObjectDriver({ binding: namespace }).factory({ prefix: 'p' })
    const child = driver.namespace('a')
    expect(opened).toEqual([])
    await driver.set('k', 'x')
    await child.get('k')
    await driver.coordination!.pull({})
    expect(opened).toHaveLength(3)
  })

  test('names the object as told, and gives a location only where one is asked for', async () => {
    const { namespace, opened } = openNamespace()
    await durableObjectDriver({ binding: namespace }).factory({}).get('k')
    await durableObjectDriver({ binding: namespace, name: 'mine', locationHint: 'weur' }).factory({}).get('k')
    expect(opened).toEqual([
      { name: 'ekiben', options: [] },
      { name: 'mine', options: [{ locationHint: 'weur' }] },
    ])
  })

  test('asks a function for the binding at each call', async () => {
    const first = openNamespace()
    const second = openNamespace()
    let current: CoordinatorNamespace | undefined
    const driver = durableObjectDriver({ binding: () => current }).factory({})
    await expect(async () => driver.get('k')).rejects.toMatchObject({ code: 'E_MISSING_BINDING' })
    current = first.namespace
    await driver.set('k', 'one')
    current = second.namespace
    expect(await driver.get('k')).toBeUndefined()
    current = first.namespace
    expect(await driver.get('k')).toBe('one')
  })

  test('refuses a binding that is none when it is built', () => {
    for (const binding of [undefined, null, {}, 'CACHE']) {
      const options = { binding } as unknown as Parameters<typeof durableObjectDriver>[0]
      expect(() => durableObjectDriver(options)).toThrow(
        expect.objectContaining({ code: 'E_MISSING_BINDING' }),
      )
    }
  })

  test('rejects each operation when its function returns no namespace', async () => {
    const binding = () => ({ get: () => ({}) }) as unknown as CoordinatorNamespace
    const driver = durableObjectDriver({ binding }).factory({})
    const { kind, ...operations } = driver.coordination as Coordination
    expect(kind).toBe('durable-object')
    const calls = Object.values(operations) as ((request: object) => Promise<unknown>)[]
    expect(calls).toHaveLength(8)
    for (const call of calls)
      await expect(call({ reads: [], events: [], commits: [] })).rejects.toMatchObject({
        code: 'E_MISSING_BINDING',
      })
  })

  test.each([{ name: 5 }, { name: '' }, { prefix: 5 }, { locationHint: {} }])(
    'refuses the option %o when it is built',
    (option) => {
      const { namespace } = openNamespace()
      const options = { binding: namespace, ...option } as unknown as Parameters<
        typeof durableObjectDriver
      >[0]
      expect(() => durableObjectDriver(options)).toThrow(
        expect.objectContaining({ code: 'E_INVALID_OPTION' }),
      )
    },
  )

  test('takes the prefix of its options before that of the store', async () => {
    const { namespace } = openNamespace()
    const own = durableObjectDriver({ binding: namespace, prefix: 'own:' })
    await own.factory({ prefix: 'store' }).set('k', 'x')
    const { coordination } = own.factory({})
    const { entry } = await coordination!.read({ key: 'own:k', tags: [], namespaces: [] })
    expect(entry?.namespaces).toEqual(['', 'own'])
  })

  test('clears and reads what the cache stored through its coordination', async () => {
    const driver = durableObjectDriver({ binding: openNamespace().namespace }).factory({ prefix: 'p' })
    const { coordination } = driver
    const entry = { op: '1', key: 'p:k', version: 'v', payload: 'x', freshFor: 1, staleFor: 1, tags: [] }
    await coordination!.commit({ ...entry, namespaces: ['p'], mode: { kind: 'set' } })
    expect(await driver.get('k')).toBe('x')
    await driver.clear()
    expect(await driver.get('k')).toBeUndefined()
  })

  test('states its limits', () => {
    const { limits } = durableObjectDriver({ binding: openNamespace().namespace }).factory({})
    expect(limits).toEqual({ maxKeyBytes: 2048, maxValueBytes: 1_900_000 })
  })

  test('is seen by the coordinator as one call for any number of keys', async () => {
    const { namespace, objects } = openNamespace()
    const driver = durableObjectDriver({ binding: namespace }).factory({})
    const keys = Array.from({ length: 150 }, (_, index) => `${index}`)
    await driver.set('149', 'x')
    expect(await driver.deleteMany(keys)).toBe(true)
    expect(await driver.get('149')).toBeUndefined()
    expect(await driver.deleteMany([])).toBe(true)
    expect(objects.get('ekiben')?.calls).toMatchObject({ commit: 1, invalidate: 1, read: 1 })
  })

  test('keeps a value for its time in milliseconds, and for ever without one', async () => {
    const driver = durableObjectDriver({ binding: openNamespace(() => clock.now).namespace }).factory({})
    await driver.set('short', 'x', 1_500)
    await driver.set('long', 'x')
    await driver.set('zero', 'x', 0)
    clock.now += 1_499
    expect(await driver.get('short')).toBe('x')
    clock.now += 1
    expect(await driver.get('short')).toBeUndefined()
    clock.now += 1e12
    expect([await driver.get('long'), await driver.get('zero')]).toEqual(['x', 'x'])
  })

  test('clears by segment, below a prefix of several segments too', async () => {
    const { namespace } = openNamespace()
    const make = (prefix: string) => durableObjectDriver({ binding: namespace }).factory({ prefix })
    const drivers = [make('a'), make('a:b'), make('a:bc'), make('ab'), make('')]
    const values = async () => Promise.all(drivers.map(async (driver) => driver.get('k')))
    for (const driver of drivers) await driver.set('k', 'x')
    await make('a:b').clear()
    expect(await values()).toEqual(['x', undefined, 'x', 'x', 'x'])
    await make('a').clear()
    expect(await values()).toEqual([undefined, undefined, undefined, 'x', 'x'])
    await make('').clear()
    expect(await values()).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  test('passes errors of the object on as they are', async () => {
    const broken = new Error('overloaded')
    const namespace = {
      idFromName: () => ({}),
      get: () => ({ read: async () => Promise.reject(broken) }),
    }
    const driver = durableObjectDriver({ binding: namespace }).factory({})
    await expect(async () => driver.get('k')).rejects.toBe(broken)
  })

  test('prunes the object on demand and has nothing to disconnect', async () => {
    const { namespace, pruned } = openNamespace()
    const driver = durableObjectDriver({ binding: namespace, name: 'mine' }).factory({})
    await driver.prune!()
    expect(pruned).toEqual(['mine'])
    await expect(Promise.resolve(driver.disconnect())).resolves.toBeUndefined()
  })
})
