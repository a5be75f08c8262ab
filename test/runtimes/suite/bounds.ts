import { BentoCache, type BentoStore, bentostore } from 'ekiben'
import { memoryDriver } from 'ekiben/drivers/memory'
import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, pause } from './kit.ts'

type Options = NonNullable<Parameters<typeof memoryDriver>[0]>

function inMemory(options: Options): BentoCache<{ main: BentoStore }> {
  return new BentoCache({
    default: 'main',
    stores: { main: bentostore().useL1Layer(memoryDriver(options)) },
  })
}

async function kept(bento: BentoCache<{ main: BentoStore }>, keys: readonly string[]): Promise<string[]> {
  const found = await Promise.all(keys.map((key) => bento.has({ key })))
  return keys.filter((_, at) => found[at])
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at))

/** What memory holds, and what goes when it is full. */
export function boundCases(): RuntimeCase[] {
  return [
    {
      name: 'memory holds as many items as it may, and no more',
      run: async () => {
        const bento = inMemory({ maxItems: 10 })
        const keys = numbered(100)
        for (const key of keys) await bento.set({ key, value: key })
        equal((await kept(bento, keys)).length, 10, 'items')
      },
    },
    {
      name: 'memory lets go of what nobody asks for, and keeps what is asked for',
      run: async () => {
        const bento = inMemory({ maxItems: 10 })
        await bento.set({ key: 'hot', value: 1 })
        for (const key of numbered(200)) {
          await bento.set({ key, value: key })
          await bento.get({ key: 'hot' })
        }
        equal(await bento.has({ key: 'hot' }), true, 'whether it is kept')
      },
    },
    {
      name: 'memory holds as many bytes as it may, and no more',
      run: async () => {
        const bento = inMemory({ maxSize: '10kb' })
        const keys = numbered(100)
        for (const key of keys) await bento.set({ key, value: 'x'.repeat(1000) })
        const { length } = await kept(bento, keys)
        holds(length > 3 && length < 10, `it keeps ${length} items of 1 kB`)
      },
    },
    {
      name: 'memory does not keep what is larger than an entry may be',
      run: async () => {
        const bento = inMemory({ maxSize: '1mb', maxEntrySize: '2kb' })
        const told: string[] = []
        bento.on('cache:oversized', ({ key, layer }) => void told.push(`${key} ${layer}`))
        await bento.set({ key: 'large', value: 'x'.repeat(5000) })
        await bento.set({ key: 'small', value: 'x' })
        equal([await kept(bento, ['large', 'small']), told], [['small'], ['large l1']], 'kept, and told')
      },
    },
    {
      name: 'memory gives the same object to all, where it is told to',
      run: async () => {
        const bento = inMemory({ serialize: false })
        const value = { made: () => 'by a function' }
        await bento.set({ key: 'k', value })
        equal((await bento.get({ key: 'k' })) === value, true, 'whether it is the same')
      },
    },
    {
      name: 'memory does not serve what has ended, and needs no timer for that',
      run: async () => {
        const bento = inMemory({ maxItems: 10 })
        for (const key of numbered(5)) await bento.set({ key, value: key, ttl: 20 })
        await pause(40)
        equal(await kept(bento, numbered(5)), [], 'what is left')
      },
    },
    {
      name: 'memory refuses sizes that are none',
      run: async () => {
        for (const options of [{ maxItems: 0 }, { maxSize: 'much' }, { maxSize: '1mb', serialize: false }]) {
          const made = Promise.resolve().then(() => memoryDriver(options))
          equal((await failureOf(made)).code, 'E_INVALID_OPTION', 'code')
        }
      },
    },
    {
      name: 'stores of one cache share nothing',
      run: async () => {
        const store = (): BentoStore => bentostore().useL1Layer(memoryDriver())
        const bento = new BentoCache({ default: 'one', stores: { one: store(), two: store() } })
        await bento.set({ key: 'k', value: 1 })
        equal(
          [await bento.get({ key: 'k' }), await bento.use('two').get({ key: 'k' })],
          [1, undefined],
          'values',
        )
        await bento.clearAll()
        equal(await bento.get({ key: 'k' }), undefined, 'after clearAll')
        const unknown = Promise.resolve().then(() => bento.use('three' as 'two'))
        equal((await failureOf(unknown)).code, 'E_UNKNOWN_STORE', 'code')
      },
    },
    {
      name: 'a store that is off keeps nothing, and still shares a run',
      run: async () => {
        const main = bentostore({ enabled: false }).useL1Layer(memoryDriver())
        const bento = new BentoCache({ default: 'main', stores: { main } })
        let runs = 0
        const factory = async (): Promise<number> => (await pause(20), ++runs)
        const ask = (): Promise<number> => bento.getOrSet({ key: 'k', factory })
        equal(await Promise.all([ask(), ask()]), [1, 1], 'at once')
        equal(await ask(), 2, 'later')
      },
    },
  ]
}
