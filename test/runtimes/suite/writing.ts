import { equal } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, onEach, pause } from './kit.ts'

/** What is written, read, and taken away. */
export function writingCases(): RuntimeCase[] {
  return [
    ...onEach('set, get, has and missing agree', async ({ cache }) => {
      const { bento } = cache()
      equal([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })], [false, true], 'before')
      equal(await bento.set({ key: 'k', value: { n: 1 } }), true, 'set')
      equal([await bento.has({ key: 'k' }), await bento.missing({ key: 'k' })], [true, false], 'after')
      equal(await bento.get({ key: 'k' }), { n: 1 }, 'the value')
    }),
    ...onEach('a default is given on a miss, and its function called only then', async ({ cache }) => {
      const { bento } = cache()
      let calls = 0
      const defaultValue = async (): Promise<string> => `default ${++calls}`
      equal(await bento.get({ key: 'k', defaultValue }), 'default 1', 'the miss')
      await bento.set({ key: 'k', value: 'there' })
      equal([await bento.get({ key: 'k', defaultValue }), calls], ['there', 1], 'the hit, and calls')
    }),
    ...onEach('delete takes one key', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'a', value: 1 })
      await bento.set({ key: 'b', value: 2 })
      equal(await bento.delete({ key: 'a' }), true, 'delete')
      equal([await bento.get({ key: 'a' }), await bento.get({ key: 'b' })], [undefined, 2], 'what is left')
    }),
    ...onEach('deleteMany takes many', async ({ cache }) => {
      const { bento } = cache()
      for (const key of ['a', 'b', 'c']) await bento.set({ key, value: key })
      equal(await bento.deleteMany({ keys: ['a', 'c', 'none'] }), true, 'deleteMany')
      const left = await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
      equal(left, [undefined, 'b', undefined], 'what is left')
    }),
    ...onEach('expire leaves the value to grace alone', async ({ cache }) => {
      const { bento } = cache({ grace: '1h' })
      await bento.set({ key: 'k', value: 'old' })
      equal(await bento.expire({ key: 'k' }), true, 'expire')
      equal(await bento.has({ key: 'k' }), false, 'whether it is fresh')
      equal(await bento.get({ key: 'k' }), 'old', 'with grace')
      equal(await bento.get({ key: 'k', grace: false }), undefined, 'without grace')
    }),
    ...onEach('clear takes everything', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'a', value: 1 })
      await bento.namespace('n').set({ key: 'b', value: 2 })
      await bento.clear()
      equal(
        [await bento.get({ key: 'a' }), await bento.namespace('n').get({ key: 'b' })],
        [undefined, undefined],
        'left',
      )
    }),
    ...onEach('pull gives the value and deletes it, once', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'once' })
      equal([await bento.pull('k'), await bento.pull('k')], ['once', undefined], 'pulled')
    }),
    ...onEach('of many who pull at once one gets it', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'once' })
      const pulled = await Promise.all(Array.from({ length: 5 }, () => bento.pull('k')))
      equal(pulled.filter((value) => value === 'once').length, 1, 'who got it')
    }),
    ...onEach('setForever outlives the store’s ttl', async ({ cache }) => {
      const { bento } = cache({ ttl: 30 })
      await bento.setForever({ key: 'k', value: 'kept' })
      await pause(60)
      equal(await bento.get({ key: 'k' }), 'kept', 'the value')
    }),
    ...onEach('null is a value, undefined is none', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: null })
      equal([await bento.get({ key: 'k' }), await bento.has({ key: 'k' })], [null, true], 'null')
      equal(
        (await failureOf(bento.set({ key: 'k', value: undefined }))).code,
        'E_UNDEFINED_VALUE',
        'undefined',
      )
    }),
    ...onEach('a write is seen at once, however often it is repeated', async ({ cache }) => {
      const { bento } = cache()
      for (let n = 0; n < 10; n++) {
        await bento.set({ key: 'k', value: n })
        equal(await bento.get({ key: 'k' }), n, 'the value')
      }
    }),
    ...onEach('a value set while a factory runs is not undone by it', async ({ cache }) => {
      const { bento } = cache()
      let go = (): void => {}
      const gate = new Promise<void>((resolve) => void (go = resolve))
      const slow = bento.getOrSet({ key: 'k', factory: async () => (await gate, 'computed') })
      await pause(30)
      await bento.set({ key: 'k', value: 'set' })
      go()
      await slow
      await bento.flush()
      equal(await bento.get({ key: 'k' }), 'set', 'the value')
    }),
  ]
}
