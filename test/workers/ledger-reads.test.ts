import { expect, test } from 'vitest'
import { openScene } from './scene.ts'

test('a key nobody wrote is missing', () => {
  const { read } = openScene()
  expect(read('k')).toMatchObject({ stale: false, freshFor: 0, staleFor: 0 })
  expect(read('k').entry).toBeUndefined()
})

test('an entry comes back with its version, names and the time it has left', () => {
  const { read, set, clock } = openScene()
  set('k', 'one', {
    tags: ['t', 'u'],
    namespaces: ['', 'a'],
    version: 'v1',
    freshFor: 1_000,
    staleFor: 5_000,
  })
  clock.now += 400
  expect(read('k', { namespaces: ['', 'a'] })).toMatchObject({
    entry: { payload: 'one', version: 'v1', tags: ['t', 'u'], namespaces: ['', 'a'] },
    stale: false,
    freshFor: 600,
    staleFor: 4_600,
  })
})

test('an entry is stale from the millisecond its fresh time is over and missing from that of its stale time', () => {
  const { read, set, clock } = openScene()
  set('k', 'one', { freshFor: 1_000, staleFor: 5_000 })
  clock.now += 999
  expect(read('k').stale).toBe(false)
  clock.now += 1
  expect(read('k')).toMatchObject({ stale: true, freshFor: 0, staleFor: 4_000 })
  clock.now += 3_999
  expect(read('k').entry).toBeDefined()
  clock.now += 1
  expect(read('k').entry).toBeUndefined()
})

test('an entry without an expiry stays fresh for ever', () => {
  const { read, set, clock } = openScene()
  set('k', 'one', { freshFor: null, staleFor: null })
  clock.now += 100 * 365 * 86_400_000
  expect(read('k')).toMatchObject({ stale: false, freshFor: null, staleFor: null })
})

test('an entry can be fresh for less time than for ever and then stale without end', () => {
  const { read, set, clock } = openScene()
  set('k', 'one', { freshFor: 10, staleFor: null })
  clock.now += 10
  expect(read('k')).toMatchObject({ stale: true, freshFor: 0, staleFor: null })
})

test('the version a caller cannot use counts as missing, another version does not', () => {
  const { read, set } = openScene()
  set('k', 'one', { version: 'v1' })
  expect(read('k', { unusable: 'v1', token: 'A' })).toMatchObject({ lease: {} })
  expect(read('k', { unusable: 'v1' }).entry).toBeUndefined()
  expect(read('k', { unusable: 'v0' }).entry).toBeDefined()
  expect(read('k', { unusable: '*' }).entry).toBeUndefined()
})

test('a fresh entry gives no lease', () => {
  const { read, set } = openScene()
  set('k', 'one')
  const reply = read('k', { token: 'A' })
  expect(reply.lease).toBeUndefined()
  expect(reply.leaseLeft).toBeUndefined()
})

test('a reader sees the entries of its namespace and of those below, never of those above', () => {
  const { value, set } = openScene()
  set('root', 'r', { namespaces: [''] })
  set('a:b:k', 'child', { namespaces: ['', 'a', 'a:b'] })
  expect(value('a:b:k', { namespaces: ['', 'a', 'a:b'] })).toBe('child')
  expect(value('a:b:k', { namespaces: ['', 'a'] })).toBe('child')
  expect(value('a:b:k', { namespaces: [''] })).toBe('child')
  expect(value('root', { namespaces: ['', 'a'] })).toBeUndefined()
})

test('tags the reader names and the entry lacks do not matter', () => {
  const { value, set } = openScene()
  set('k', 'one', { tags: ['t'] })
  expect(value('k', { tags: ['other'] })).toBe('one')
  expect(value('k')).toBe('one')
})

test('a plain read changes nothing in the store', () => {
  const { read, set, sql, head } = openScene()
  set('k', 'one', { tags: ['t'] })
  head()
  const dump = () =>
    ['entries', 'epochs', 'leases', 'answers', 'journal'].map((table) =>
      sql.exec(`SELECT * FROM ${table}`).toArray(),
    )
  const before = dump()
  read('k', { tags: ['t', 'new'], namespaces: ['', 'new'] })
  read('missing', { tags: ['new'] })
  expect(dump()).toEqual(before)
})

test('many reads are judged one by one and answered in order', () => {
  const { ledger, set, clock, invalidate } = openScene()
  set('fresh', '1', { namespaces: ['', 'a'] })
  set('stale', '2', { freshFor: 5 })
  set('dead', '3', { tags: ['t'] })
  set('above', '4', { namespaces: [''] })
  invalidate({ kind: 'tag', name: 't' })
  clock.now += 5
  const none = { tags: [], namespaces: [] }
  const inA = { tags: [], namespaces: ['', 'a'] }
  const { entries } = ledger.readMany({
    reads: [
      { key: 'dead', ...none },
      { key: 'stale', ...none },
      { key: 'missing', ...none },
      { key: 'fresh', ...inA },
      { key: 'above', ...inA },
      { key: 'above', ...none },
    ],
  })
  expect(entries.map(({ entry, stale }) => [entry?.payload, stale])).toEqual([
    [undefined, false],
    ['2', true],
    [undefined, false],
    ['1', false],
    [undefined, false],
    ['4', false],
  ])
})

test('more than a hundred keys and a hundred tags fit in one read', () => {
  const { ledger, set, invalidate } = openScene()
  const tags = Array.from({ length: 150 }, (_, index) => `tag ${index}`)
  const keys = Array.from({ length: 250 }, (_, index) => `key ${index}`)
  for (const key of keys) set(key, key, { tags })
  const reads = keys.map((key) => ({ key, tags, namespaces: [] }))
  expect(ledger.readMany({ reads }).entries.map(({ entry }) => entry?.payload)).toEqual(keys)
  invalidate({ kind: 'tag', name: 'tag 149' })
  expect(ledger.readMany({ reads }).entries.filter(({ entry }) => entry)).toEqual([])
})

test('lists too long for one SQL value are split and not refused', () => {
  const { ledger, set } = openScene()
  const keys = Array.from({ length: 1_500 }, (_, index) => `${index}${'é'.repeat(1_000)}`)
  for (const key of keys.slice(0, 3)) set(key, 'x')
  set(keys[1_499]!, 'last')
  const { entries } = ledger.readMany({ reads: keys.map((key) => ({ key, tags: [], namespaces: [] })) })
  expect(entries.filter(({ entry }) => entry)).toHaveLength(4)
  expect(entries.at(-1)?.entry?.payload).toBe('last')
})

test('taking an entry gives it out once', () => {
  const { ledger, set, value, told } = openScene()
  const { page } = set('k', 'one')
  const request = { key: 'k', tags: [], namespaces: [], cursor: page.head }
  const first = ledger.take(request)
  expect(first.entry?.payload).toBe('one')
  expect(told(first.page)).toEqual(['key k'])
  expect(ledger.take(request).entry).toBeUndefined()
  expect(value('k')).toBeUndefined()
})

test('taking a key ends its lease like a delete', () => {
  const { ledger, lease, fill, value } = openScene()
  const grant = lease('k', 'A')
  ledger.take({ key: 'k', tags: [], namespaces: [] })
  expect(fill('k', 'old', { token: 'A', grant }).stored).toBe(false)
  expect(value('k')).toBeUndefined()
})

test('keys and tags with quotes, zero bytes and emoji are told apart', () => {
  const { set, value, invalidate } = openScene()
  const odd = ['a', 'a\0', 'a\0b', "a'b", 'a"b', 'a\\b', '🍱', 'a\n', 'A', ' a', '']
  for (const key of odd) set(key, `value of ${key}`, { tags: [key] })
  for (const key of odd) expect(value(key)).toBe(`value of ${key}`)
  invalidate({ kind: 'tag', name: 'a\0' })
  expect(odd.filter((key) => value(key) === undefined)).toEqual(['a\0'])
})

test.each([
  ['a key that is no text', { key: 5 }],
  ['half a surrogate pair', { key: '\ud800' }],
  ['tags that are no list', { tags: 't' }],
  ['a tag that is no text', { tags: [null] }],
  ['a namespace that is no text', { namespaces: [{}] }],
  ['a lease without a token', { lease: { ttl: 5 } }],
  ['a lease without an end', { lease: { token: 'secret', ttl: Infinity } }],
])('a read with %s is refused by name, not by value', (_, part) => {
  const { ledger } = openScene()
  const request = { key: 'secret', tags: [], namespaces: [], ...part } as unknown as Parameters<
    typeof ledger.read
  >[0]
  expect(() => ledger.read(request)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  expect(() => ledger.read(request)).not.toThrow(/secret/)
})
