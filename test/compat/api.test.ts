import { BentoCache as Bentocache, bentostore as bentocacheStore } from 'bentocache'
import { memoryDriver as bentocacheMemory } from 'bentocache/drivers/memory'
import { describe, expect, test } from 'vitest'
import { BentoCache, bentostore } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { type CacheDriver, InvalidOptionError } from '../../src/index.ts'
import { failureOf } from '../support/pair.ts'
import { settle } from './pair.ts'
import { SCRIPTS } from './scripts.ts'

const OPTIONS = {
  ttl: '1m',
  grace: '1h',
  graceBackoff: '5s',
  timeout: 100,
  hardTimeout: '2s',
  lockTimeout: '3s',
  suppressL2Errors: true,
  onFactoryError: () => {},
  skipL2Write: false,
  skipBusNotify: false,
} as const
const SET = { ...OPTIONS, tags: ['t'] }

describe('options', () => {
  test('every option of Bentocache’s is read at each of its levels', async () => {
    const own = { l2CircuitBreakerDuration: '1s', prefix: 'p' }
    const stores = { main: bentostore({ ...OPTIONS, ...own }).useL1Layer(memoryDriver()) }
    const bento = new BentoCache({ ...OPTIONS, ...own, default: 'main', stores })
    expect(await bento.getOrSet({ ...SET, key: 'k', factory: () => 1 })).toBe(1)
    for (const option of [...Object.keys(OPTIONS), ...Object.keys(own)]) {
      const wrong = { [option]: Symbol('wrong') }
      const globally = (): unknown => new BentoCache({ ...wrong, default: 'main', stores })
      const atStore = (): unknown =>
        new BentoCache({
          default: 'main',
          stores: { main: bentostore(wrong).useL1Layer(memoryDriver()) },
        })
      for (const build of [globally, atStore]) expect(build).toThrow(new RegExp(`^Invalid ${option}: `))
    }
  })

  test('every operation reads the options Bentocache’s reads', async () => {
    const bento = new BentoCache({
      default: 'main',
      stores: { main: bentostore().useL1Layer(memoryDriver()) },
    })
    const factory = (): number => 1
    const { ttl: _ttl, ...forever } = SET
    const suppress = { suppressL2Errors: true }
    const operations: Record<string, [object, (options: object) => Promise<unknown>]> = {
      get: [
        { grace: '1h', graceBackoff: '1s', ...suppress },
        (options) => bento.get({ key: 'k', ...options }),
      ],
      set: [SET, (options) => bento.set({ key: 'k', value: 1, ...options })],
      getOrSet: [
        { ...SET, forceFresh: true },
        (options) => bento.getOrSet({ key: 'k', factory, ...options }),
      ],
      getOrSetForever: [forever, (options) => bento.getOrSetForever({ key: 'k', factory, ...options })],
      has: [suppress, (options) => bento.has({ key: 'k', ...options })],
      delete: [suppress, (options) => bento.delete({ key: 'k', ...options })],
      deleteMany: [suppress, (options) => bento.deleteMany({ keys: ['k'], ...options })],
      deleteByTag: [suppress, (options) => bento.deleteByTag({ tags: ['t'], ...options })],
      expire: [suppress, (options) => bento.expire({ key: 'k', ...options })],
      clear: [suppress, (options) => bento.clear(options)],
    }
    for (const [options, run] of Object.values(operations)) {
      await expect(run(options)).resolves.not.toBeInstanceOf(Error)
      for (const option of Object.keys(options)) {
        const failure = await failureOf(run({ ...options, [option]: Symbol('wrong') }))
        expect(failure).toBeInstanceOf(InvalidOptionError)
        expect((failure as InvalidOptionError).option).toBe(option)
      }
    }
  })
})

describe('stores', () => {
  test('a store is made of the layers it was given', async () => {
    const [l1, l2] = [memoryDriver(), bentocacheMemory({}) as never]
    const bus = { options: {}, factory: () => ({}) as never }
    const store = bentostore({ ttl: '1m' }).useL1Layer(l1).useL2Layer(l2).useBus(bus)
    expect(store.entry).toEqual({ options: { ttl: '1m' }, l1, l2, bus })
    expect(store).toBeInstanceOf(bentostore().constructor)
  })
})

describe('drivers', () => {
  test('a driver written for Bentocache is an L2, in all it is asked for', async () => {
    const asked = new Set<string>()
    const given: unknown[] = []
    const theirs = bentocacheMemory({})
    const noting = {
      options: { ...theirs.options, colour: 'red' },
      factory: (config: object): CacheDriver => {
        given.push(config)
        const driver = theirs.factory(config) as unknown as CacheDriver
        return new Proxy(driver, {
          get: (target, name: keyof CacheDriver) => {
            asked.add(name)
            const member: unknown = target[name]
            return typeof member === 'function' ? (member.bind(target) as unknown) : member
          },
        })
      },
    }
    const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL2Layer(noting) } })
    for (const { run } of SCRIPTS.filter(({ stacks, grace }) => !stacks && !grace)) await run(bento, settle)
    await bento.disconnect()
    expect(given).toEqual([expect.objectContaining({ prefix: 'bentocache', colour: 'red' })])
    for (const name of ['get', 'set', 'deleteMany', 'disconnect']) expect(asked).toContain(name)
  })

  test('memoryDriver serves Bentocache itself, as L1 and as L2', async () => {
    const ours = memoryDriver() as never
    const results = async (l1: never, l2: never): Promise<unknown[]> => {
      const main = bentocacheStore({ grace: '1h' }).useL1Layer(l1).useL2Layer(l2)
      const cache = new Bentocache({ default: 'main', stores: { main } })
      const outcomes: unknown[] = []
      for (const { run } of SCRIPTS.filter(({ stacks, grace }) => !stacks && grace)) {
        outcomes.push(await run(cache, settle))
        await settle()
        await cache.clear()
      }
      await cache.disconnectAll()
      return outcomes
    }
    const theirs = bentocacheMemory({}) as never
    expect(await results(ours, ours)).toEqual(await results(theirs, theirs))
  })

  test('memoryDriver keeps to a prefix, tells what is left of a ttl, and gives a text once to who pulls', () => {
    const driver = memoryDriver({ prefix: 'p' }).factory({ prefix: 'p' })
    const child = driver.namespace('n')
    expect([driver.set('k', 'v', 60_000), child.set('k', 'w')]).toEqual([true, true])
    expect([driver.get('n:k'), child.getRemainingTtl('k')]).toEqual(['w', undefined])
    expect(driver.getRemainingTtl('k')).toBeGreaterThan(50_000)
    expect([driver.pull('k'), driver.pull('k')]).toEqual(['v', undefined])
    expect([driver.delete('k'), child.deleteMany(['k']), child.get('k')]).toEqual([false, true, undefined])
    driver.clear()
    driver.disconnect()
  })
})
