import { expect, test } from 'vitest'
import type { AtomicReply, AtomicRequest } from '../../src/ports.ts'
import { openScene } from './scene.ts'

// What an object keeps of locks and values, how long, and what it refuses; what it answers is in the conformance suite.

const LOCK = { step: 'acquire', name: 'l', token: 'A', ttl: 1_000 } as const
const ADD = { step: 'add', name: 'v', text: '1', ttl: 1_000, op: '1' } as const
const COUNT = { step: 'increment', name: 'c', by: 1, ttl: null, op: '1' } as const
const ANSWERS_TTL = 120_000

function openAtoms() {
  const scene = openScene()
  const { ledger, sql } = scene
  const take = (request: AtomicRequest): AtomicReply => sql.transaction(() => ledger.atomic(request))
  const rows = (): Record<string, number> =>
    Object.fromEntries(
      ['locks', 'atoms', 'atom_answers', 'fence'].map((table) => [
        table,
        Number(sql.exec(`SELECT count(*) AS count FROM ${table}`).toArray()[0]!['count']),
      ]),
    )
  return { ...scene, take, rows }
}

test('what is over is pruned, and nothing else', () => {
  const { take, rows, ledger, clock } = openAtoms()
  take(LOCK)
  take({ ...LOCK, name: 'long', ttl: 1_000_000 })
  take(ADD)
  take(COUNT)
  expect(rows()).toEqual({ locks: 2, atoms: 2, atom_answers: 2, fence: 1 })
  expect(ledger.nextExpiry()).toBe(clock.now + 1_000)
  clock.now += 1_000
  expect(ledger.prune(100)).toMatchObject({ removed: 2, more: false })
  expect(rows()).toEqual({ locks: 1, atoms: 1, atom_answers: 2, fence: 1 })
  expect(ledger.nextExpiry()).toBe(clock.now - 1_000 + ANSWERS_TTL)
  clock.now += ANSWERS_TTL
  ledger.prune(100)
  expect(rows()).toEqual({ locks: 1, atoms: 1, atom_answers: 0, fence: 1 })
  expect(take({ step: 'read', name: 'c' })).toEqual({ text: '1' })
})

test('pruning takes bounded steps', () => {
  const { take, rows, ledger, clock } = openAtoms()
  for (let at = 0; at < 25; at++) take({ ...LOCK, name: `l${at}` })
  clock.now += 1_000
  expect(ledger.prune(10)).toMatchObject({ removed: 10, more: true })
  expect(rows()['locks']).toBe(15)
})

test('a step is known again for two minutes', () => {
  const { take, clock } = openAtoms()
  take(COUNT)
  clock.now += ANSWERS_TTL - 1
  expect(take(COUNT)).toEqual({ value: 1 })
})

test('a step that is refused, and one that only looks, writes nothing', () => {
  const { take, rows } = openAtoms()
  take({ ...ADD, text: '"x"', ttl: null })
  const before = rows()
  expect(take({ ...COUNT, name: 'v', op: '2' })).toEqual({ refused: 'type' })
  expect(take({ ...ADD, op: '3' })).toEqual({ added: false })
  take({ step: 'read', name: 'absent' })
  take({ step: 'extend', name: 'l', token: 'A' })
  expect(rows()).toEqual(before)
})

test('locks and values have no part in entries or in the journal', () => {
  const { take, head, set, value, invalidate } = openAtoms()
  set('l', 'x')
  const before = head()
  take(LOCK)
  take({ ...ADD, name: 'l' })
  expect([head(), value('l')]).toEqual([before, 'x'])
  invalidate({ kind: 'key', name: 'l' }, { kind: 'namespace', name: '' })
  expect(take({ step: 'read', name: 'l' })).toEqual({ text: '1' })
  expect(take({ ...LOCK, token: 'B' })).toMatchObject({ held: false })
})

const refused: readonly (readonly [string, object | null])[] = [
  ['body', null],
  ['body', []],
  ['step', {}],
  ['step', { step: 'toString', name: 'l' }],
  ['step', { step: ['acquire'], name: 'l' }],
  ['name', { ...LOCK, name: '' }],
  ['name', { ...LOCK, name: 5 }],
  ['name', { ...LOCK, name: 'x'.repeat(1_025) }],
  ['name', { step: 'read', name: '\ud800' }],
  ['token', { ...LOCK, token: '' }],
  ['token', { ...LOCK, token: 'x'.repeat(129) }],
  ['token', { step: 'surrender', name: 'l' }],
  ['ttl', { ...LOCK, ttl: 0 }],
  ['ttl', { ...LOCK, ttl: null }],
  ['ttl', { ...LOCK, ttl: 1.5 }],
  ['ttl', { ...LOCK, ttl: 2_592_000_001 }],
  ['ttl', { ...LOCK, ttl: '9' }],
  ['ttl', { step: 'extend', name: 'l', token: 'A', ttl: null }],
  ['text', { ...ADD, text: '' }],
  ['text', { ...ADD, text: 'x'.repeat(65_537) }],
  ['text', { ...ADD, text: 1 }],
  ['ttl', { ...ADD, ttl: -1 }],
  ['ttl', { ...ADD, ttl: undefined }],
  ['op', { ...ADD, op: 'x'.repeat(129) }],
  ['by', { ...COUNT, by: 1.5 }],
  ['by', { ...COUNT, by: 2 ** 53 }],
  ['by', { ...COUNT, by: '1' }],
  ['op', { ...COUNT, op: undefined }],
]

test.each(refused)('refuses a bad %s and writes nothing (%#)', (option, request) => {
  const { take, rows } = openAtoms()
  expect(() => take(request as AtomicRequest)).toThrow(
    expect.objectContaining({ code: 'E_INVALID_OPTION', option }),
  )
  expect(rows()).toEqual({ locks: 0, atoms: 0, atom_answers: 0, fence: 0 })
})
