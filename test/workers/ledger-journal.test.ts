import { expect, test } from 'vitest'
import type { Cursor } from '../../src/ports.ts'
import { openScene } from './scene.ts'

test('a new journal has a birth event that everybody can name and nobody is told of', () => {
  const { ledger, set, told } = openScene()
  const { page } = ledger.pull({})
  expect(page.events).toBe('gap')
  expect(told(ledger.pull({ cursor: page.head }).page)).toEqual([])
  set('k', 'one')
  expect(told(ledger.pull({ cursor: page.head }).page)).toEqual(['key k'])
})

test('a page holds everything after the cursor, in order, with its place', () => {
  const { ledger, set, invalidate, head } = openScene()
  const cursor = head()
  set('k', 'one')
  invalidate({ kind: 'tag', name: 't', soft: true }, { kind: 'namespace', name: 'a:b' })
  const { page } = ledger.pull({ cursor })
  expect(page.events).toEqual([
    { seq: cursor.seq + 1, kind: 'key', name: 'k', soft: false },
    { seq: cursor.seq + 2, kind: 'tag', name: 't', soft: true },
    { seq: cursor.seq + 3, kind: 'namespace', name: 'a:b', soft: false },
  ])
  expect(page.head.seq).toBe(cursor.seq + 3)
  expect(ledger.pull({ cursor: page.head }).page).toEqual({ head: page.head, events: [] })
})

test('every reply carries the page', () => {
  const { ledger, read, set, head, told } = openScene()
  const cursor = head()
  const named = { key: 'k', tags: [], namespaces: [], cursor }
  expect(told(set('1', 'x', { cursor }).page)).toEqual(['key 1'])
  expect(told(read('k', { cursor }).page)).toEqual(['key 1'])
  expect(told(ledger.readMany({ reads: [], cursor }).page)).toEqual(['key 1'])
  expect(told(ledger.release({ key: 'k', token: 'A', cursor }).page)).toEqual(['key 1'])
  const events = [{ kind: 'key', name: '2', soft: false }] as const
  expect(told(ledger.invalidate({ events, cursor }).page)).toEqual(['key 1', 'key 2'])
  expect(told(ledger.take(named).page)).toEqual(['key 1', 'key 2', 'key k'])
  expect(told(ledger.pull({ cursor }).page)).toEqual(['key 1', 'key 2', 'key k'])
})

test('a cursor whose event was trimmed is a gap, though later events are there', () => {
  const { ledger, set, head, told } = openScene({ journalCap: 4 })
  const old = head()
  set('1', 'x')
  const kept = head()
  for (const key of ['2', '3', '4']) set(key, 'x')
  expect(ledger.pull({ cursor: old }).page.events).toBe('gap')
  expect(told(ledger.pull({ cursor: kept }).page)).toEqual(['key 2', 'key 3', 'key 4'])
})

test('the journal is capped by count and never empty', () => {
  const { ledger, set, invalidate, sql, head } = openScene({ journalCap: 1 })
  for (const key of ['1', '2', '3']) set(key, 'x')
  const before = head()
  invalidate({ kind: 'key', name: '4' }, { kind: 'key', name: '5' })
  expect(sql.exec('SELECT subject FROM journal').toArray()).toEqual([{ subject: 'k:5' }])
  expect(head().seq).toBe(before.seq + 2)
  expect(ledger.pull({ cursor: before }).page.events).toBe('gap')
  expect(ledger.pull({ cursor: head() }).page.events).toEqual([])
})

test('a journal that was lost and grew back to the same length is another journal', () => {
  const { ledger, set, sql, head } = openScene()
  for (const key of ['1', '2', '3', '4']) set(key, 'x')
  const cursor = head()
  sql.exec('DELETE FROM journal')
  for (const key of ['k', '2', '3', '4', '5', '6']) set(key, 'x')
  expect(head().seq).toBeGreaterThan(cursor.seq)
  expect(ledger.pull({ cursor }).page.events).toBe('gap')
})

test('a lost journal is born again with another first event', () => {
  const { ledger, sql, head } = openScene()
  const first = head()
  sql.exec('DELETE FROM journal')
  const second = head()
  expect(second.seq).toBe(first.seq)
  expect(second.id).not.toBe(first.id)
  expect(ledger.pull({ cursor: first }).page.events).toBe('gap')
})

test('a page is whole or a gap, never cut', () => {
  const { ledger, set, head, told } = openScene({ pageLimit: 3 })
  const cursor = head()
  for (const key of ['1', '2', '3']) set(key, 'x')
  expect(told(ledger.pull({ cursor }).page)).toEqual(['key 1', 'key 2', 'key 3'])
  set('k', 'x')
  expect(ledger.pull({ cursor }).page).toEqual({ head: head(), events: 'gap' })
})

test.each([
  ['a future place', (head: Cursor) => ({ seq: head.seq + 1, id: head.id })],
  ['a wrong id', (head: Cursor) => ({ seq: head.seq, id: 'wrong' })],
  ['a place in text', (head: Cursor) => ({ seq: String(head.seq), id: head.id })],
  ['no place', (head: Cursor) => ({ id: head.id })],
  ['a broken place', () => ({ seq: NaN, id: 'x' })],
  ['an endless place', () => ({ seq: -Infinity, id: 'x' })],
  ['an id that is no text', (head: Cursor) => ({ seq: head.seq, id: { toString: () => head.id } })],
  ['text', () => 'cursor'],
  ['a number', () => 7],
  ['null', () => null],
])('a cursor with %s is a gap', (_, forge) => {
  const { ledger, set, head } = openScene()
  set('k', 'x')
  const cursor = forge(head()) as Cursor
  expect(ledger.pull({ cursor }).page).toEqual({ head: head(), events: 'gap' })
})
