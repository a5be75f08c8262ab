import { expect, test } from 'vitest'
import { openScene } from './scene.ts'

test('a deleted key is missing, an expired one stale', () => {
  const { set, read, invalidate } = openScene()
  set('k', 'one')
  set('l', 'one')
  invalidate({ kind: 'key', name: 'k' }, { kind: 'key', name: 'l', soft: true })
  expect(read('k').entry).toBeUndefined()
  expect(read('l')).toMatchObject({ entry: { payload: 'one' }, stale: true, freshFor: 60_000 })
})

test('a deleted tag takes its entries, an expired one makes them stale', () => {
  const { set, read, invalidate } = openScene()
  set('k', 'one', { tags: ['t', 'u'] })
  set('l', 'one', { tags: ['u'] })
  invalidate({ kind: 'tag', name: 'u', soft: true })
  expect(read('k')).toMatchObject({ entry: {}, stale: true })
  expect(read('l')).toMatchObject({ entry: {}, stale: true })
  invalidate({ kind: 'tag', name: 't' })
  expect(read('k').entry).toBeUndefined()
  expect(read('l').entry).toBeDefined()
})

test('a set after the invalidation of its tag is fresh', () => {
  const { set, read, invalidate } = openScene()
  set('k', 'one', { tags: ['t'] })
  invalidate({ kind: 'tag', name: 't' })
  set('k', 'two', { tags: ['t'] })
  expect(read('k')).toMatchObject({ entry: { payload: 'two' }, stale: false })
  invalidate({ kind: 'tag', name: 't', soft: true })
  set('k', 'three', { tags: ['t'] })
  expect(read('k')).toMatchObject({ entry: { payload: 'three' }, stale: false })
})

test('clearing a namespace takes all below it and nothing beside or above it', () => {
  const { set, value, invalidate } = openScene()
  set('a:k', '1', { namespaces: ['', 'a'] })
  set('a:b:k', '2', { namespaces: ['', 'a', 'a:b'] })
  set('ab:k', '3', { namespaces: ['', 'ab'] })
  set('k', '4', { namespaces: [''] })
  invalidate({ kind: 'namespace', name: 'a' })
  expect(['a:k', 'a:b:k', 'ab:k', 'k'].map((key) => value(key))).toEqual([undefined, undefined, '3', '4'])
})

test('clearing the root takes everything in it', () => {
  const { set, value, invalidate } = openScene()
  set('k', '1', { namespaces: [''] })
  set('a:b:k', '2', { namespaces: ['', 'a', 'a:b'] })
  invalidate({ kind: 'namespace', name: '' })
  expect([value('k'), value('a:b:k')]).toEqual([undefined, undefined])
})

test('a namespace has no soft form: it is cleared, and told as cleared', () => {
  const { ledger, set, value, invalidate, head, told } = openScene()
  set('k', '1', { namespaces: ['', 'a'] })
  const cursor = head()
  invalidate({ kind: 'namespace', name: 'a', soft: true })
  expect(value('k')).toBeUndefined()
  expect(told(ledger.pull({ cursor }).page)).toEqual(['namespace a'])
})

test('a tag, a key and a namespace of one name are three things', () => {
  const { set, value, invalidate } = openScene()
  set('x', '1')
  set('tagged', '2', { tags: ['x'] })
  set('inside', '3', { namespaces: ['x'] })
  invalidate({ kind: 'tag', name: 'x' })
  expect(['x', 'tagged', 'inside'].map((key) => value(key))).toEqual(['1', undefined, '3'])
  invalidate({ kind: 'namespace', name: 'x' })
  expect(['x', 'inside'].map((key) => value(key))).toEqual(['1', undefined])
})

test('an entry does not live again when the epoch it was stamped with is lost', () => {
  const { set, value, invalidate, sql, lease, fill } = openScene()
  const names = { tags: ['t'], namespaces: [''] }
  set('k', 'old', names)
  invalidate({ kind: 'tag', name: 't' })
  sql.exec('DELETE FROM epochs')
  expect(value('k', names)).toBeUndefined()
  fill('other', 'x', { token: 'A', grant: lease('other', 'A', names) }, names)
  expect(value('k', names)).toBeUndefined()
})

test('losing every epoch loses entries and brings none back', () => {
  const { set, value, sql } = openScene()
  set('tagged', '1', { tags: ['t'] })
  set('inside', '2', { namespaces: [''] })
  set('free', '3')
  sql.exec('DELETE FROM epochs')
  expect(['tagged', 'inside', 'free'].map((key) => value(key))).toEqual([undefined, undefined, '3'])
})

test('invalidating what nobody uses writes the event and keeps nothing else', () => {
  const { ledger, invalidate, sql, head, told } = openScene()
  const cursor = head()
  invalidate(
    { kind: 'tag', name: 't' },
    { kind: 'tag', name: 'u', soft: true },
    { kind: 'namespace', name: 'a' },
  )
  expect(sql.exec('SELECT * FROM epochs').toArray()).toEqual([])
  expect(told(ledger.pull({ cursor }).page)).toEqual(['tag t', 'tag u soft', 'namespace a'])
})

test('the number of keys that held an entry counts neither missing, expired, cleared nor repeated ones', () => {
  const { set, invalidate, clock } = openScene()
  set('short', 'x', { freshFor: 5, staleFor: 5 })
  set('cleared', 'x', { namespaces: ['a'] })
  set('here', 'x')
  set('here too', 'x')
  clock.now += 5
  invalidate({ kind: 'namespace', name: 'a' })
  const keys = ['short', 'cleared', 'here', 'here', 'here too', 'missing']
  const events = keys.map((name) => ({ kind: 'key', name }) as const)
  expect(invalidate(...events, { kind: 'tag', name: 'here' })).toBe(2)
  expect(invalidate(...events)).toBe(0)
})

test('an expired key still holds its entry', () => {
  const { set, invalidate } = openScene()
  set('k', 'x')
  expect(invalidate({ kind: 'key', name: 'k', soft: true })).toBe(1)
  expect(invalidate({ kind: 'key', name: 'k', soft: true })).toBe(1)
})

test('a key both expired and deleted in one call is deleted, in either order', () => {
  const { set, invalidate, value } = openScene()
  const hard = { kind: 'key', name: 'k' } as const
  set('k', 'x')
  invalidate({ ...hard, soft: true }, hard)
  expect(value('k')).toBeUndefined()
  set('k', 'x')
  invalidate(hard, { ...hard, soft: true })
  expect(value('k')).toBeUndefined()
})

test('hundreds of keys and tags are invalidated in one call and told in order', () => {
  const { ledger, set, value, invalidate, head, told } = openScene()
  const names = Array.from({ length: 250 }, (_, index) => `${index}`)
  for (const name of names) {
    set(`key ${name}`, 'x')
    set(`tagged ${name}`, 'x', { tags: [name] })
  }
  const cursor = head()
  const events = names.flatMap(
    (name) =>
      [
        { kind: 'key', name: `key ${name}` },
        { kind: 'tag', name },
      ] as const,
  )
  expect(invalidate(...events)).toBe(250)
  expect(names.filter((name) => value(`key ${name}`) ?? value(`tagged ${name}`))).toEqual([])
  expect(told(ledger.pull({ cursor }).page)).toEqual(events.map(({ kind, name }) => `${kind} ${name}`))
})

test('what a caller adds to an event reaches nobody', () => {
  const { ledger, head } = openScene()
  const cursor = head()
  const event = { kind: 'key', name: 'k', soft: false, origin: 'secret' } as const
  ledger.invalidate({ events: [event] })
  expect(ledger.pull({ cursor }).page.events).toEqual([
    { kind: 'key', name: 'k', soft: false, seq: cursor.seq + 1 },
  ])
})

test.each([
  ['that are no list', 'secret'],
  ['of an unknown kind', [{ kind: 'secret', name: 'k', soft: false }]],
  ['without a name', [{ kind: 'key', soft: false }]],
  ['without a degree', [{ kind: 'key', name: 'secret' }]],
  ['that are nothing', [null]],
])('events %s are refused by name, not by value', (_, events) => {
  const { ledger } = openScene()
  const request = { events } as unknown as Parameters<typeof ledger.invalidate>[0]
  expect(() => ledger.invalidate(request)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  expect(() => ledger.invalidate(request)).not.toThrow(/secret/)
})
