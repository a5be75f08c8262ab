import { expect, test } from 'vitest'
import { fitKey } from '../../src/key.ts'
import { world } from '../support/world.ts'

test('a key that fits is itself', () => {
  expect(fitKey('menus:42', 512)).toBe('menus:42')
  expect(fitKey('\u{1f371}'.repeat(128), 512)).toBe('\u{1f371}'.repeat(128))
})

test('a key that is too long becomes its beginning and its hash', async () => {
  const fitted = await fitKey('x'.repeat(600), 512)
  expect(fitted).toMatch(/^x{64}~[0-9a-f]{64}$/)
  expect(await fitKey(`${'x'.repeat(599)}y`, 512)).not.toBe(fitted)
})

test('keys that differ in half a surrogate pair stay apart', async () => {
  const names = await Promise.all(
    ['a\ud800', 'a\ud801', 'a\ufffd', 'a\udc00'].map(async (key) => fitKey(key, 512)),
  )
  expect(new Set(names).size).toBe(4)
  for (const name of names) expect(name).not.toMatch(/\p{Surrogate}/u)
})

test('keys no store could take are cached, deleted and kept apart', async () => {
  const { clock, isolate } = world()
  const [a, b] = [isolate('a'), isolate('b')]
  const keys = [
    '\ud800',
    '\ud801',
    'k'.repeat(10_000),
    `${'k'.repeat(10_000)}l`,
    '__proto__',
    '../',
    '\r\n',
    '\0',
  ]
  for (const key of keys) await a.bento.set({ key, value: key.length + key.charCodeAt(0) })
  for (const key of keys) {
    expect(await b.bento.get({ key })).toBe(key.length + key.charCodeAt(0))
  }
  await a.bento.deleteMany({ keys: keys.slice(0, 3) })
  await clock.advance(10_000)
  const left = await Promise.all(keys.map((key) => b.bento.has({ key })))
  expect(left).toEqual([false, false, false, true, true, true, true, true])
})

test('a tag or namespace that is no Unicode is refused by name', async () => {
  const { bento } = world().isolate('a')
  const error = { code: 'E_INVALID_OPTION', received: 'half a surrogate pair' }
  await expect(bento.set({ key: 'k', value: 1, tags: ['\ud800'] })).rejects.toMatchObject({
    ...error,
    option: 'tags',
  })
  expect(() => bento.namespace('\udfff')).toThrowError(
    expect.objectContaining({ ...error, option: 'namespace' }),
  )
})
