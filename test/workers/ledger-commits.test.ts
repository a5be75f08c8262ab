import { expect, test } from 'vitest'
import { openScene } from './scene.ts'

test('a leased computation is stored and costs no event', () => {
  const { lease, fill, value, told, head } = openScene()
  const grant = lease('k', 'A')
  const reply = fill('k', 'one', { token: 'A', grant }, { cursor: head() })
  expect(reply).toMatchObject({ stored: true, at: grant.seq })
  expect(told(reply.page)).toEqual([])
  expect(value('k')).toBe('one')
})

test('a set is stored and told to everybody', () => {
  const { set, value, told, head } = openScene()
  const cursor = head()
  const reply = set('k', 'one', { cursor })
  expect(reply).toMatchObject({ stored: true, at: cursor.seq + 1 })
  expect(told(reply.page)).toEqual(['key k'])
  expect(value('k')).toBe('one')
})

test('a set while a lease is out refuses the commit of the lease', () => {
  const { lease, fill, set, value } = openScene()
  const grant = lease('k', 'A')
  set('k', 'new')
  expect(fill('k', 'old', { token: 'A', grant }).stored).toBe(false)
  expect(value('k')).toBe('new')
})

test.each([false, true])('a key invalidated (soft: %s) while a lease is out refuses its commit', (soft) => {
  const { lease, fill, invalidate, value } = openScene()
  const grant = lease('k', 'A')
  invalidate({ kind: 'key', name: 'k', soft })
  expect(fill('k', 'old', { token: 'A', grant }).stored).toBe(false)
  expect(value('k')).toBeUndefined()
})

test.each([
  { kind: 'tag', name: 't', soft: false } as const,
  { kind: 'tag', name: 't', soft: true } as const,
  { kind: 'namespace', name: '', soft: false } as const,
  { kind: 'namespace', name: 'a', soft: false } as const,
])('$kind "$name" invalidated (soft: $soft) while a lease is out refuses its commit', (event) => {
  const { lease, fill, invalidate, value } = openScene()
  const names = { tags: ['t'], namespaces: ['', 'a'] }
  const grant = lease('k', 'A', names)
  invalidate(event)
  expect(fill('k', 'old', { token: 'A', grant }, names).stored).toBe(false)
  expect(value('k', names)).toBeUndefined()
})

test('epochs that vanish while a lease is out refuse its commit though no event tells why', () => {
  const { lease, fill, sql } = openScene()
  const grant = lease('k', 'A', { tags: ['t'] })
  sql.exec('DELETE FROM epochs')
  expect(fill('k', 'old', { token: 'A', grant }, { tags: ['t'] }).stored).toBe(false)
})

test('a tag the factory added and that was invalidated since the grant refuses the commit', () => {
  const { lease, fill, invalidate } = openScene()
  const grant = lease('k', 'A')
  invalidate({ kind: 'tag', name: 't' })
  expect(fill('k', 'old', { token: 'A', grant }, { tags: ['t'] }).stored).toBe(false)
})

test('a tag the factory added and that nobody invalidated is no obstacle', () => {
  const { lease, fill, invalidate, value } = openScene()
  invalidate({ kind: 'tag', name: 't' })
  const grant = lease('k', 'A')
  invalidate({ kind: 'tag', name: 'other' })
  expect(fill('k', 'one', { token: 'A', grant }, { tags: ['t'] }).stored).toBe(true)
  invalidate({ kind: 'tag', name: 't' })
  expect(value('k')).toBeUndefined()
})

test('tags the factory added cannot be vouched for once the grant has left the journal', () => {
  const { lease, fill, set } = openScene({ journalCap: 3 })
  const grant = lease('k', 'A')
  const other = lease('other', 'A')
  for (const key of ['1', '2', '3']) set(key, 'x')
  expect(fill('k', 'one', { token: 'A', grant }, { tags: ['t'] }).stored).toBe(false)
  expect(fill('other', 'one', { token: 'A', grant: other }).stored).toBe(true)
})

test('a lease taken over after a delete refuses its first holder and keeps the second', () => {
  const { lease, fill, invalidate, value } = openScene()
  const first = lease('k', 'A')
  invalidate({ kind: 'key', name: 'k' })
  const second = lease('k', 'B')
  expect(fill('k', 'old', { token: 'A', grant: first }).stored).toBe(false)
  expect(fill('k', 'new', { token: 'B', grant: second })).toMatchObject({ stored: true, at: second.seq })
  expect(value('k')).toBe('new')
})

test('a lease taken over after it ran out lets its slow first holder write, and tells the others', () => {
  const { lease, fill, clock, told, value } = openScene()
  const first = lease('k', 'A', { ttl: 1_000 })
  clock.now += 1_000
  const second = lease('k', 'B')
  const reply = fill('k', 'slow', { token: 'A', grant: first }, { cursor: first })
  expect(reply).toMatchObject({ stored: true, at: first.seq + 1 })
  expect(told(reply.page)).toEqual(['key k'])
  expect(fill('k', 'second', { token: 'B', grant: second }).stored).toBe(false)
  expect(value('k')).toBe('slow')
})

test('the grant of another holder is no lease, even within one event of the journal', () => {
  const { lease, fill, set } = openScene({ journalCap: 2 })
  const grant = lease('k', 'A')
  set('1', 'x')
  set('2', 'x')
  expect(fill('k', 'theirs', { token: 'B', grant }).stored).toBe(false)
  expect(fill('k', 'mine', { token: 'A', grant }).stored).toBe(true)
})

test.each([false, true])(
  'a lease that ran out is judged by the journal (name invalidated: %s)',
  (touched) => {
    const { lease, fill, clock, invalidate, told } = openScene()
    const names = { tags: ['t'], namespaces: ['', 'a'] }
    const grant = lease('k', 'A', { ...names, ttl: 1_000 })
    clock.now += 1_000
    invalidate({ kind: 'namespace', name: touched ? 'a' : 'ab' })
    const reply = fill('k', 'slow', { token: 'A', grant }, { ...names, cursor: grant })
    expect(reply.stored).toBe(!touched)
    expect(told(reply.page)).toEqual(touched ? ['namespace a'] : ['namespace ab', 'key k'])
  },
)

test('a lease that ran out is worth nothing once its grant has left the journal', () => {
  const { lease, fill, set, clock } = openScene({ journalCap: 2 })
  const grant = lease('k', 'A', { ttl: 1_000 })
  for (const key of ['1', '2']) set(key, 'x')
  clock.now += 1_000
  expect(fill('k', 'slow', { token: 'A', grant }).stored).toBe(false)
})

test('a token granted again by a late copy of the read does not bless the first computation', () => {
  const { lease, fill, invalidate, value } = openScene()
  const first = lease('k', 'T')
  invalidate({ kind: 'key', name: 'k' })
  const copy = lease('k', 'T')
  expect(copy).not.toEqual(first)
  expect(fill('k', 'old', { token: 'T', grant: first }).stored).toBe(false)
  expect(value('k')).toBeUndefined()
})

test('a refused commit gives its lease up', () => {
  const { lease, fill, invalidate, read } = openScene()
  const grant = lease('k', 'A')
  invalidate({ kind: 'tag', name: 't' })
  expect(read('k', { token: 'B' }).lease).toBeUndefined()
  fill('k', 'old', { token: 'A', grant }, { tags: ['t'] })
  expect(read('k', { token: 'B' }).lease).toBeDefined()
})

test('a refused commit leaves the lease of another alone', () => {
  const { lease, fill, invalidate, read } = openScene()
  const first = lease('k', 'A')
  invalidate({ kind: 'key', name: 'k' })
  lease('k', 'B')
  fill('k', 'old', { token: 'A', grant: first })
  expect(read('k', { token: 'C' })).toMatchObject({ leaseLeft: 10_000 })
})

test('a repeated set is answered and not done again over a later delete', () => {
  const { set, invalidate, value, head } = openScene()
  const first = set('k', 'one', { op: 'set 1' })
  invalidate({ kind: 'key', name: 'k' })
  const repeat = set('k', 'one', { op: 'set 1', cursor: head() })
  expect(repeat).toMatchObject({ stored: true, at: first.at, page: { events: [] } })
  expect(value('k')).toBeUndefined()
})

test('a repeated leased commit is answered with its own place', () => {
  const { lease, fill, set } = openScene()
  const grant = lease('k', 'A')
  const first = fill('k', 'one', { token: 'A', grant }, { op: 'fill 1' })
  set('other', 'x')
  expect(fill('k', 'one', { token: 'A', grant }, { op: 'fill 1' })).toMatchObject({
    stored: true,
    at: first.at,
  })
})

test('the place of a repeated commit is not given out in a journal that grew back', () => {
  const { set, sql } = openScene()
  set('k', 'one', { op: 'set 1' })
  sql.exec('DELETE FROM journal')
  for (const key of ['1', '2', '3']) set(key, 'x')
  const repeat = set('k', 'one', { op: 'set 1' })
  expect(repeat.stored).toBe(true)
  expect(repeat).not.toHaveProperty('at')
})

test('a commit without a lease is stored if nothing on it happened since', () => {
  const { free, set, head, value, told } = openScene()
  const since = head()
  set('other', 'x', { tags: ['u'], namespaces: ['b'] })
  const reply = free('k', 'one', since, { tags: ['t'], namespaces: ['', 'a'], cursor: head() })
  expect(reply.stored).toBe(true)
  expect(told(reply.page)).toEqual(['key k'])
  expect(value('k')).toBe('one')
})

test.each([
  { kind: 'key', name: 'k', soft: false } as const,
  { kind: 'key', name: 'k', soft: true } as const,
  { kind: 'tag', name: 't', soft: false } as const,
  { kind: 'tag', name: 't', soft: true } as const,
  { kind: 'namespace', name: '', soft: false } as const,
  { kind: 'namespace', name: 'a', soft: false } as const,
])('a commit without a lease is refused after $kind "$name" (soft: $soft) since', (event) => {
  const { free, invalidate, head, value } = openScene()
  const since = head()
  invalidate(event)
  expect(free('k', 'old', since, { tags: ['t'], namespaces: ['', 'a'] }).stored).toBe(false)
  expect(value('k')).toBeUndefined()
})

test('a commit without a lease does not overwrite a set it did not know of', () => {
  const { free, set, head, value } = openScene()
  const since = head()
  set('k', 'new')
  expect(free('k', 'old', since).stored).toBe(false)
  expect(value('k')).toBe('new')
})

test('a commit without a lease ends the lease that is out', () => {
  const { free, lease, fill, head, value } = openScene()
  const grant = lease('k', 'A')
  expect(free('k', 'first', head()).stored).toBe(true)
  expect(fill('k', 'second', { token: 'A', grant }).stored).toBe(false)
  expect(value('k')).toBe('first')
})

test.each([
  ['an event that was trimmed', 'trimmed'],
  ['another journal', { seq: 4, id: 'another' }],
  ['the future', { seq: 1e9, id: 'id-1' }],
  ['no number', { seq: '4', id: 'id-1' }],
  ['nothing', undefined],
  ['null', null],
])('a commit since %s is refused', (_, since) => {
  const { ledger, set, head, free, fill } = openScene({ journalCap: 3 })
  const first = head()
  for (const key of ['1', '2', '3']) set(key, 'x')
  const cursor = (since === 'trimmed' ? first : since) as typeof first
  expect(free('k', 'old', cursor).stored).toBe(false)
  expect(fill('k', 'old', { token: 'A', grant: cursor }).stored).toBe(false)
  expect(ledger.stats().commitsRefused).toBe(2)
})

test('a leased commit over an entry that is still fresh is told to everybody', () => {
  const { set, lease, fill, head, told, value } = openScene()
  set('k', 'one')
  const grant = lease('k', 'A', { unusable: '*' })
  expect(told(fill('k', 'two', { token: 'A', grant }, { cursor: head() }).page)).toEqual(['key k'])
  expect(value('k')).toBe('two')
})

test('a leased commit over a stale entry costs no event and makes it fresh', () => {
  const { set, lease, fill, clock, head, told, read, invalidate } = openScene()
  set('k', 'one', { freshFor: 5 })
  clock.now += 5
  const grant = lease('k', 'A')
  expect(told(fill('k', 'two', { token: 'A', grant }, { cursor: head() }).page)).toEqual([])
  expect(read('k')).toMatchObject({ entry: { payload: 'two' }, stale: false })
  invalidate({ kind: 'key', name: 'k', soft: true })
  fill('k', 'three', { token: 'A', grant: lease('k', 'A') })
  expect(read('k')).toMatchObject({ entry: { payload: 'three' }, stale: false })
})

test('names given twice count once', () => {
  const { set, read } = openScene()
  set('k', 'one', { tags: ['t', 't'], namespaces: ['', ''] })
  expect(read('k').entry).toMatchObject({ tags: ['t'], namespaces: [''] })
})

test('a commit with hundreds of tags is stored and each of them counts', () => {
  const { set, lease, fill, value, invalidate } = openScene()
  const tags = Array.from({ length: 300 }, (_, index) => `tag ${index}`)
  const grant = lease('k', 'A', { tags: tags.slice(0, 150) })
  expect(fill('k', 'one', { token: 'A', grant }, { tags }).stored).toBe(true)
  expect(value('k')).toBe('one')
  set('l', 'one', { tags })
  invalidate({ kind: 'tag', name: 'tag 299' })
  expect([value('k'), value('l')]).toEqual([undefined, undefined])
})

test('a commit that fails half way leaves nothing behind', () => {
  const { set, sql, value, head } = openScene()
  const before = head()
  const tooLong = 'x'.repeat(2_000_001)
  expect(() => sql.transaction(() => set('k', tooLong, { tags: ['t'] }))).toThrow(/too big/)
  expect(value('k')).toBeUndefined()
  expect(head()).toEqual(before)
  expect(sql.exec('SELECT * FROM epochs').toArray()).toEqual([])
})

test.each([
  ['without an operation id', { op: undefined }],
  ['without a payload', { payload: undefined }],
  ['with a payload that is no text', { payload: { secret: true } }],
  ['fresh for no number', { freshFor: NaN }],
  ['stale for infinity', { staleFor: Infinity }],
  ['in no mode', { mode: undefined }],
  ['in an unknown mode', { mode: { kind: 'secret' } }],
  ['under a lease without a token', { mode: { kind: 'lease', grant: {} } }],
])('a commit %s is refused by name, not by value', (_, part) => {
  const { ledger } = openScene()
  const request = {
    op: 'secret',
    key: 'secret',
    version: 'secret',
    payload: 'secret',
    freshFor: 1,
    staleFor: 1,
    mode: { kind: 'set' },
    tags: [],
    namespaces: [],
    ...part,
  } as unknown as Parameters<typeof ledger.commit>[0]
  expect(() => ledger.commit(request)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  expect(() => ledger.commit(request)).not.toThrow(/secret/)
})
