import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, onEach, pause } from './kit.ts'

/** `getOrSet`, and who else asks for the same. */
export function gettingCases(): RuntimeCase[] {
  return [
    ...onEach('the factory runs on a miss, and not on a hit', async ({ cache }) => {
      const { bento } = cache()
      let runs = 0
      const factory = async (): Promise<number> => ++runs
      equal(await bento.getOrSet({ key: 'k', factory }), 1, 'the miss')
      equal(await bento.getOrSet({ key: 'k', factory }), 1, 'the hit')
      equal(runs, 1, 'runs')
    }),
    ...onEach('of 20 who ask at once one runs the factory, and all are answered', async ({ cache }) => {
      const { bento, steps } = cache()
      let runs = 0
      const factory = async (): Promise<{ run: number }> => {
        await pause(30)
        return { run: ++runs }
      }
      const asked = Array.from({ length: 20 }, () => bento.getOrSet({ key: 'k', factory }))
      const answers = await Promise.all(asked)
      equal(
        answers,
        Array.from({ length: 20 }, () => ({ run: 1 })),
        'answers',
      )
      equal(new Set(answers).size, 20, 'copies')
      equal(steps.filter(({ type }) => type === 'flight.lead').length, 1, 'flights')
    }),
    ...onEach('what others get is theirs to change', async ({ cache }) => {
      const { bento } = cache()
      const mine = await bento.getOrSet({ key: 'k', factory: () => ({ list: [1] }) })
      mine.list.push(2)
      equal(await bento.get({ key: 'k' }), { list: [1] }, 'what is kept')
    }),
    ...onEach('forceFresh runs the factory although there is a value', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'old' })
      equal(await bento.getOrSet({ key: 'k', forceFresh: true, factory: () => 'new' }), 'new', 'the answer')
      equal(await bento.get({ key: 'k' }), 'new', 'what is kept')
    }),
    ...onEach('a value that has ended is made anew', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'old', ttl: 30 })
      await pause(60)
      equal(await bento.get({ key: 'k' }), undefined, 'what is left')
      equal(await bento.getOrSet({ key: 'k', factory: () => 'new' }), 'new', 'the answer')
    }),
    ...onEach(
      'a failing factory rejects with its error as the cause, and the next may try',
      async ({ cache }) => {
        const { bento } = cache()
        const cause = new TypeError('no such city')
        const ask = bento.getOrSet({ key: 'k', factory: () => Promise.reject(cause) })
        const error = await failureOf(ask)
        equal(
          [error.code, error.cause === cause],
          ['E_FACTORY_ERROR', true],
          'code, and whether the cause is it',
        )
        equal(await bento.getOrSet({ key: 'k', factory: () => 'made' }), 'made', 'the next')
      },
    ),
    ...onEach('all who wait for a failing factory are told', async ({ cache }) => {
      const { bento } = cache()
      let runs = 0
      const factory = async (): Promise<never> => {
        runs++
        await pause(30)
        throw new Error('refused')
      }
      const asked = Array.from({ length: 5 }, () => failureOf(bento.getOrSet({ key: 'k', factory })))
      const codes = (await Promise.all(asked)).map(({ code }) => code)
      equal([codes, runs], [Array.from({ length: 5 }, () => 'E_FACTORY_ERROR'), 1], 'codes and runs')
    }),
    ...onEach('a factory may skip, and undefined is refused', async ({ cache }) => {
      const { bento } = cache()
      equal(await bento.getOrSet({ key: 'k', factory: ({ skip }) => skip() }), undefined, 'the answer')
      equal(await bento.has({ key: 'k' }), false, 'whether it is there')
      const { code, cause } = await failureOf(bento.getOrSet({ key: 'k', factory: () => undefined }))
      const codes = [code, (cause as { code?: string } | undefined)?.code]
      holds(codes.includes('E_UNDEFINED_VALUE'), `codes: ${codes.join(', ')}`)
    }),
    ...onEach('a factory may set the life and the tags of its value', async ({ cache }) => {
      // Its life in the store counts from the write there.
      const { bento } = cache({ awaitWrites: true })
      const factory = ({
        setOptions,
        setTags,
      }: Parameters<Parameters<typeof bento.getOrSet>[0]['factory']>[0]) => {
        setOptions({ ttl: 40 })
        setTags(['late'])
        return 'made'
      }
      await bento.getOrSet({ key: 'short', factory })
      await pause(80)
      equal(await bento.get({ key: 'short' }), undefined, 'after its end')
      await bento.getOrSet({ key: 'tagged', factory: (ctx) => (ctx.setTags(['late']), 'made') })
      await bento.deleteByTag({ tags: ['late'] })
      equal(await bento.get({ key: 'tagged' }), undefined, 'after its tag')
    }),
    ...onEach('getOrSetForever has no end, whatever the store says', async ({ cache }) => {
      const { bento } = cache({ ttl: 30 })
      await bento.getOrSetForever({ key: 'k', factory: () => 'kept' })
      await pause(60)
      equal(await bento.get({ key: 'k' }), 'kept', 'the value')
    }),
    ...onEach('a key as long as it likes, in any script, is its own', async ({ cache }) => {
      const { bento } = cache()
      const keys = [
        'é',
        'e\u0301',
        '🍱',
        '\ud83c',
        '\udf71',
        'a b',
        'A',
        'a',
        `${'鍵'.repeat(3000)}1`,
        `${'鍵'.repeat(3000)}2`,
      ]
      for (const key of keys) await bento.set({ key, value: key.length + key })
      const kept = await Promise.all(keys.map((key) => bento.get({ key })))
      equal(
        kept.map((one, at) => one === keys[at]!.length + keys[at]!),
        keys.map(() => true),
        'values',
      )
    }),
    ...onEach('what is no option is refused with a typed error', async ({ cache }) => {
      const { bento } = cache()
      const factory = (): number => 1
      const asked = [
        bento.getOrSet({ key: '', factory }),
        bento.getOrSet({ key: 'k', factory, ttl: 'soon' }),
        bento.getOrSet({ key: 'k', factory, tags: [''] }),
        bento.getOrSet({ key: 'k', factory: 1 as never }),
      ]
      const told = await Promise.all(asked.map(failureOf))
      equal(
        told.map(({ code }) => code),
        asked.map(() => 'E_INVALID_OPTION'),
        'codes',
      )
      equal(
        told.map((one) => (one as { option?: string }).option),
        ['key', 'ttl', 'tags[0]', 'factory'],
        'options',
      )
    }),
  ]
}
