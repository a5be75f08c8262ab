import { describe, expect, test, vi } from 'vitest'
import { nameOf, storedIn } from '../support/pair.ts'
import { world, type World } from '../support/world.ts'

/** Puts a payload where `key` has one. */
function overwrite({ ledger }: Pick<World, 'ledger'>, key: string, payload: string): void {
  ledger.sql.exec('UPDATE entries SET payload = ? WHERE key = ?', payload, key)
}

function payloadOf({ ledger }: Pick<World, 'ledger'>, key: string): string {
  const [row] = ledger.sql.exec('SELECT payload FROM entries WHERE key = ?', key).toArray()
  return row?.['payload'] as string
}

/** An isolate that has never read `k`, of which L2 has `old`. */
async function scene(options: object = {}) {
  const made = world()
  const [a, b] = [made.isolate('a', options), made.isolate('b', options)]
  await a.bento.set({ key: 'k', value: { dish: 'old' } })
  return { ...made, a, b }
}

const damages: [string, (sound: string) => string][] = [
  ['empty', () => ''],
  ['cut in the header', (sound) => sound.slice(0, 6)],
  ['cut at the body', (sound) => sound.slice(0, sound.indexOf('\n'))],
  ['cut in the body', (sound) => sound.slice(0, -3)],
  ['an error page', () => '<html>\n<body>502 Bad Gateway</body></html>'],
  ['an error of JSON', () => '{"error":"internal"}'],
  ['of an unknown version', (sound) => sound.replace('"v":1', '"v":2')],
  ['of an unknown codec', (sound) => sound.replace(/^t;/, 'z;')],
  ['without a version', (sound) => sound.replace('"v":1,', '')],
  ['with a header that is null', (sound) => sound.replace(/^t;.*\n/, 't;null\n')],
  ['with a header of JSON that is none', (sound) => sound.replace(/^t;/, 't;{')],
  ['with a body that is no JSON', (sound) => `${sound.slice(0, sound.indexOf('\n'))}\nhunter2`],
  ['bytes', () => '\0\u{1}\u{2}\u{3}'.repeat(50)],
]

describe.each(damages)('a payload that is %s', (_, damage) => {
  test('is a miss and one step for get', async () => {
    const { b, ...made } = await scene()
    overwrite(made, nameOf('k'), damage(payloadOf(made, nameOf('k'))))
    expect(await b.bento.get({ key: 'k', defaultValue: 'none' })).toBe('none')
    expect(b.story()).toBe('journal.page > l2.read > unusable > miss')
    expect(await b.bento.has({ key: 'k' })).toBe(false)
  })

  test('is made again by one factory, in three trips, and replaced', async () => {
    const { b, clock, calls, ...made } = await scene()
    overwrite(made, nameOf('k'), damage(payloadOf(made, nameOf('k'))))
    const factory = vi.fn(async () => ({ dish: 'new' }))
    const before = calls()
    const ask = () => b.bento.getOrSet({ key: 'k', factory })
    expect(await clock.run(Promise.all([ask(), ask(), ask()]))).toEqual(
      Array.from({ length: 3 }, () => ({ dish: 'new' })),
    )
    await clock.settle()
    expect([factory.mock.calls.length, calls() - before]).toEqual([1, 3])
    expect(b.steps.filter(({ type }) => type === 'unusable')).toHaveLength(1)
    expect(storedIn(made, 'k')).toEqual({ dish: 'new' })
  })

  test('is not pulled', async () => {
    const { b, ...made } = await scene()
    overwrite(made, nameOf('k'), damage(payloadOf(made, nameOf('k'))))
    expect(await b.bento.pull('k')).toBeUndefined()
  })

  test('is no failure of the store, and no message holds it', async () => {
    const { b, ...made } = await scene({ suppressL2Errors: false })
    overwrite(made, nameOf('k'), damage(payloadOf(made, nameOf('k'))))
    for (let time = 0; time < 10; time++) await b.bento.get({ key: 'k' })
    expect(b.steps.filter(({ type }) => type === 'breaker' || type === 'l2.error')).toEqual([])
    expect(JSON.stringify(b.steps)).not.toContain('hunter2')
  })
})

test('a long key is never given another key’s value', async () => {
  const { b, a, ...made } = await scene()
  const [one, other] = ['x'.repeat(2000), 'y'.repeat(2000)]
  await a.bento.set({ key: one, value: 'one' })
  await a.bento.set({ key: other, value: 'other' })
  const names = made.ledger.sql
    .exec("SELECT key FROM entries WHERE key LIKE '%~%' ORDER BY id")
    .toArray()
    .map(({ key }) => key as string)
  expect(names).toHaveLength(2)
  overwrite(made, names[0] as string, payloadOf(made, names[1] as string))
  expect(await b.bento.get({ key: one })).toBeUndefined()
  expect(b.steps.filter(({ type }) => type === 'unusable')).toHaveLength(1)
  expect(await b.bento.getOrSet({ key: one, factory: () => 'again' })).toBe('again')
  await Promise.all(b.runtime.background)
  expect(await b.bento.get({ key: other })).toBe('other')
  expect(await made.isolate('c').bento.get({ key: one })).toBe('again')
})

test('a stale payload that cannot be read is not graced', async () => {
  const { b, clock, ...made } = await scene({ ttl: '1m', grace: '1h' })
  await clock.advance(60_000)
  overwrite(made, nameOf('k'), 't;broken')
  const factory = (): Promise<never> => Promise.reject(new Error('origin down'))
  await expect(clock.run(b.bento.getOrSet({ key: 'k', factory }))).rejects.toMatchObject({
    code: 'E_FACTORY_ERROR',
  })
  expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'new' }))).toBe('new')
})

test.each([undefined, null, '', 5, {}, { page: null }, { page: { head: null, events: [] } }])(
  'a reply that is none is a failure of the store, not of the caller: %o',
  async (reply) => {
    const { b, clock, ...made } = await scene()
    vi.spyOn(made.ledger.ledger, 'read').mockReturnValue(reply as never)
    vi.spyOn(made.ledger.ledger, 'invalidate').mockReturnValue(reply as never)
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    expect(await clock.run(b.bento.get({ key: 'other' }))).toBeUndefined()
    expect(await clock.run(b.bento.delete({ key: 'k' }))).toBe(false)
    expect(b.bento.inflight).toBe(0)
  },
)
