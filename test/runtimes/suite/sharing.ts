import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { type Made, onShared, pause, until } from './kit.ts'

/** Hears of changes when it asks, and asks each time: its memory is believed for no time at all. */
const CURIOUS = { awaitWrites: true, maxStaleness: 1, pollInterval: 0 } as const

/** Two isolates, or processes, and the store between them. */
export function sharingCases(): RuntimeCase[] {
  return [
    ...onShared('what one makes the other finds, in one call', async ({ cache }) => {
      const [one, other] = [cache({ awaitWrites: true }), cache()]
      await one.bento.getOrSet({ key: 'k', tags: ['a', 'b'], factory: () => 'made' })
      const value = await other.bento.getOrSet({ key: 'k', factory: () => 'made again' })
      equal(value, 'made', 'the value')
      equal(count(other, 'l2.hit'), 1, 'hits in L2')
    }),
    ...onShared('of two that compute at once one runs the factory', async ({ cache }) => {
      let runs = 0
      const factory = async (): Promise<number> => (await pause(150), ++runs)
      const made = [cache(), cache()]
      const answers = await Promise.all(made.map(({ bento }) => bento.getOrSet({ key: 'k', factory })))
      equal([answers, runs], [[1, 1], 1], 'answers and runs')
    }),
    ...onShared('who waits for the other’s lease is not held up by its failure', async ({ cache }) => {
      const [one, other] = [cache(), cache()]
      const failing = one.bento.getOrSet({
        key: 'k',
        factory: async (): Promise<string> => {
          await pause(100)
          throw new Error('down')
        },
      })
      await pause(50)
      const answers = await Promise.allSettled([
        failing,
        other.bento.getOrSet({ key: 'k', factory: () => 'made' }),
      ])
      equal(
        answers.map(({ status }) => status),
        ['rejected', 'fulfilled'],
        'answers',
      )
    }),
    ...onShared('a delete is heard by the other within maxStaleness', async ({ cache }) => {
      const [one, other] = [cache(), cache(CURIOUS)]
      await one.bento.set({ key: 'k', value: 'old' })
      equal(await other.bento.get({ key: 'k' }), 'old', 'before')
      await one.bento.delete({ key: 'k' })
      await pause(5)
      equal(await other.bento.get({ key: 'k' }), undefined, 'after')
    }),
    ...onShared('a dropped tag is heard by the other within maxStaleness', async ({ cache }) => {
      const [one, other] = [cache(), cache(CURIOUS)]
      await one.bento.set({ key: 'k', value: 'old', tags: ['t'] })
      equal(await other.bento.get({ key: 'k' }), 'old', 'before')
      await one.bento.deleteByTag({ tags: ['t'] })
      await pause(5)
      equal(await other.bento.get({ key: 'k' }), undefined, 'after')
    }),
    ...onShared('a clear is heard by the other within maxStaleness', async ({ cache }) => {
      const [one, other] = [cache(), cache(CURIOUS)]
      await one.bento.namespace('n').set({ key: 'k', value: 'old' })
      equal(await other.bento.namespace('n').get({ key: 'k' }), 'old', 'before')
      await one.bento.clear()
      await pause(5)
      equal(await other.bento.namespace('n').get({ key: 'k' }), undefined, 'after')
    }),
    ...onShared('an overwritten value is heard by the other within maxStaleness', async ({ cache }) => {
      const [one, other] = [cache(), cache(CURIOUS)]
      await one.bento.set({ key: 'k', value: 1 })
      equal(await other.bento.get({ key: 'k' }), 1, 'before')
      await one.bento.set({ key: 'k', value: 2 })
      await pause(5)
      equal(await other.bento.get({ key: 'k' }), 2, 'after')
    }),
    ...onShared('memory is believed without a call while the news are recent', async ({ cache }) => {
      const { bento, steps } = cache({ pollInterval: '1h', maxStaleness: '2h' })
      await bento.set({ key: 'k', value: 1 })
      const before = steps.length
      for (let n = 0; n < 5; n++) await bento.get({ key: 'k' })
      const types = steps.slice(before).map(({ type }) => type)
      equal(
        types,
        Array.from({ length: 5 }, () => 'l1.hit'),
        'steps',
      )
    }),
    ...onShared(
      'news are asked for behind a hit, once they are older than pollInterval',
      async ({ cache }) => {
        const [one, other] = [cache(), cache({ pollInterval: 20, maxStaleness: '1h' })]
        await one.bento.set({ key: 'k', value: 1 })
        equal(await other.bento.get({ key: 'k' }), 1, 'before')
        await one.bento.set({ key: 'k', value: 2 })
        await pause(60)
        equal(await other.bento.get({ key: 'k' }), 1, 'the hit that asks')
        await until('the news have come', async () => (await other.bento.get({ key: 'k' })) === 2)
      },
    ),
    ...onShared('a dropped tag beats a factory that runs in the other', async ({ cache }) => {
      const [one, other] = [cache({ awaitWrites: true }), cache()]
      let go = (): void => {}
      const gate = new Promise<void>((resolve) => void (go = resolve))
      const slow = one.bento.getOrSet({ key: 'k', tags: ['t'], factory: async () => (await gate, 'old') })
      await until('it runs', () => count(one, 'factory.run') > 0)
      await other.bento.deleteByTag({ tags: ['t'] })
      go()
      equal(await slow, 'old', 'what its own caller gets')
      equal(await other.bento.get({ key: 'k' }), undefined, 'what the other finds')
    }),
    ...onShared('skipL2Write keeps a value to oneself', async ({ cache }) => {
      const [one, other] = [cache(), cache()]
      await one.bento.set({ key: 'k', value: 1, skipL2Write: true })
      equal(
        [await one.bento.get({ key: 'k' }), await other.bento.get({ key: 'k' })],
        [1, undefined],
        'values',
      )
    }),
    ...onShared('l1Ttl has the store asked again, though the value is fresh', async ({ cache }) => {
      const { bento, steps } = cache({ l1Ttl: 20 })
      await bento.set({ key: 'k', value: 1 })
      await pause(40)
      equal(await bento.get({ key: 'k' }), 1, 'the value')
      holds(count({ steps }, 'l2.hit') === 1, 'it must come from L2')
    }),
    ...onShared('prefixes keep stores apart', async ({ cache, id }) => {
      await cache({ prefix: `${id}a` }).bento.set({ key: 'k', value: 1 })
      equal(await cache({ prefix: `${id}b` }).bento.get({ key: 'k' }), undefined, 'of the other prefix')
    }),
  ]
}

function count({ steps }: Pick<Made, 'steps'>, type: string): number {
  return steps.filter((step) => step.type === type).length
}
