import { equal } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { onEach, pause } from './kit.ts'

/** Tags and namespaces. */
export function tagCases(): RuntimeCase[] {
  return [
    ...onEach('deleteByTag takes what bears the tag, and nothing else', async ({ cache }) => {
      const { bento } = cache({ grace: '1h' })
      await bento.set({ key: 'a', value: 1, tags: ['x', 'y'] })
      await bento.set({ key: 'b', value: 2, tags: ['y'] })
      await bento.set({ key: 'c', value: 3 })
      equal(await bento.deleteByTag({ tags: ['x'] }), true, 'deleteByTag')
      const left = await Promise.all(['a', 'b', 'c'].map((key) => bento.get({ key })))
      equal(left, [undefined, 2, 3], 'what is left')
    }),
    ...onEach('expireByTag leaves values to grace', async ({ cache }) => {
      const { bento } = cache({ grace: '1h' })
      await bento.set({ key: 'a', value: 1, tags: ['x'] })
      equal(await bento.expireByTag({ tags: ['x'] }), true, 'expireByTag')
      equal([await bento.has({ key: 'a' }), await bento.get({ key: 'a' })], [false, 1], 'fresh, and graced')
    }),
    ...onEach('what is written after its tag was dropped stays', async ({ cache }) => {
      const { bento } = cache()
      await bento.deleteByTag({ tags: ['x'] })
      await bento.set({ key: 'a', value: 1, tags: ['x'] })
      equal(await bento.get({ key: 'a' }), 1, 'the value')
    }),
    ...onEach('a tag dropped while a factory runs is not undone by its result', async ({ cache }) => {
      const { bento } = cache()
      let go = (): void => {}
      const gate = new Promise<void>((resolve) => void (go = resolve))
      const slow = bento.getOrSet({ key: 'k', tags: ['x'], factory: async () => (await gate, 'old') })
      await pause(30)
      await bento.deleteByTag({ tags: ['x'] })
      go()
      equal(await slow, 'old', 'what its own caller gets')
      await bento.flush()
      equal(await bento.getOrSet({ key: 'k', tags: ['x'], factory: () => 'new' }), 'new', 'what comes after')
    }),
    ...onEach('tags in any script are told apart', async ({ cache }) => {
      const { bento } = cache()
      const tags = ['é', 'e\u0301', '🍱', 'a#b', 'a:b', '__proto__']
      for (const tag of tags) await bento.set({ key: tag, value: tag, tags: [tag] })
      for (const tag of tags.slice(0, 3)) await bento.deleteByTag({ tags: [tag] })
      const left = await Promise.all(tags.map((key) => bento.get({ key })))
      equal(left, [undefined, undefined, undefined, ...tags.slice(3)], 'what is left')
    }),
    ...onEach('a namespace has keys and tags of its own', async ({ cache }) => {
      const { bento } = cache()
      const users = bento.namespace('users')
      await bento.set({ key: 'k', value: 'root', tags: ['t'] })
      await users.set({ key: 'k', value: 'users', tags: ['t'] })
      await users.deleteByTag({ tags: ['t'] })
      equal([await bento.get({ key: 'k' }), await users.get({ key: 'k' })], ['root', undefined], 'values')
    }),
    ...onEach('a parent reads its child’s entries, and clears them', async ({ cache }) => {
      const { bento } = cache()
      const child = bento.namespace('a').namespace('b')
      await child.set({ key: 'k', value: 1 })
      equal(await bento.get({ key: 'a:b:k' }), 1, 'as the root has it')
      await bento.namespace('a').clear()
      equal(await child.get({ key: 'k' }), undefined, 'after the parent was cleared')
    }),
    ...onEach('clearing a namespace spares its neighbours', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'root' })
      await bento.namespace('a').set({ key: 'k', value: 'a' })
      await bento.namespace('ab').set({ key: 'k', value: 'ab' })
      await bento.namespace('a').clear()
      const left = [await bento.get({ key: 'k' }), await bento.namespace('ab').get({ key: 'k' })]
      equal(left, ['root', 'ab'], 'what is left')
    }),
    ...onEach('the same namespace made twice shares one computation', async ({ cache }) => {
      const { bento } = cache()
      let runs = 0
      const factory = async (): Promise<number> => (await pause(30), ++runs)
      const asked = [1, 2].map(() => bento.namespace('n').getOrSet({ key: 'k', factory }))
      equal(await Promise.all(asked), [1, 1], 'answers')
    }),
  ]
}
