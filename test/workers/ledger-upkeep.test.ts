import { expect, test } from 'vitest'
import { openScene, type Scene } from './scene.ts'

const HOUR = 3_600_000

function count({ sql }: Scene, table: string): number {
  return sql.exec(`SELECT * FROM ${table}`).toArray().length
}

test('pruning removes what expired and nothing else', () => {
  const scene = openScene()
  const { ledger, set, lease, clock, value } = scene
  set('short', 'x', { staleFor: 1_000 })
  set('long', 'x', { staleFor: 10 * HOUR })
  set('for ever', 'x', { staleFor: null, freshFor: null })
  lease('k', 'A')
  clock.now += 1_000
  expect(ledger.prune(100)).toMatchObject({ removed: 1, more: false })
  expect(value('long')).toBe('x')
  expect([count(scene, 'entries'), count(scene, 'leases'), count(scene, 'answers')]).toEqual([2, 1, 3])
})

test('pruning forgets answers, leases and epochs in their time', () => {
  const scene = openScene()
  const { ledger, set, lease, clock } = scene
  set('k', 'x', { tags: ['t'], staleFor: 1_000 })
  lease('l', 'A', { tags: ['u'] })
  expect([count(scene, 'answers'), count(scene, 'leases'), count(scene, 'epochs')]).toEqual([1, 1, 2])
  clock.now += 120_000
  ledger.prune(100)
  expect([count(scene, 'answers'), count(scene, 'leases'), count(scene, 'epochs')]).toEqual([0, 1, 2])
  clock.now += 10_000
  ledger.prune(100)
  expect([count(scene, 'leases'), count(scene, 'epochs')]).toEqual([0, 2])
  clock.now += HOUR
  ledger.prune(100)
  expect(count(scene, 'epochs')).toBe(0)
})

test('an epoch lives at least as long as every entry stamped with it', () => {
  const { ledger, set, clock, value } = openScene()
  set('long', 'x', { tags: ['t'], staleFor: 50 * HOUR })
  set('short', 'x', { tags: ['t'], staleFor: 1_000 })
  clock.now += 50 * HOUR - 1
  ledger.prune(100)
  expect(value('long')).toBe('x')
})

test('an epoch is raised for an entry that outlives it, and kept for one that has no end', () => {
  const { ledger, set, clock, value } = openScene()
  set('short', 'x', { tags: ['t', 'u'], staleFor: 1_000 })
  set('long', 'x', { tags: ['t'], staleFor: 50 * HOUR })
  set('for ever', 'x', { tags: ['u'], staleFor: null })
  clock.now += 49 * HOUR
  ledger.prune(100)
  expect(value('long')).toBe('x')
  clock.now += 1_000 * HOUR
  ledger.prune(100)
  expect(value('for ever')).toBe('x')
})

test('pruning takes bounded steps and tells whether more is left', () => {
  const scene = openScene()
  const { ledger, set, clock } = scene
  for (let index = 0; index < 25; index++) set(`${index}`, 'x', { staleFor: 1_000 })
  clock.now += HOUR
  const steps = []
  do steps.push(ledger.prune(20))
  while (steps.at(-1)?.more)
  expect(steps.map(({ removed }) => removed)).toEqual([20, 20, 10])
  expect([count(scene, 'entries'), count(scene, 'answers')]).toEqual([0, 0])
})

test('the next expiry is known without pruning', () => {
  const { ledger, set, lease, clock } = openScene()
  expect(ledger.nextExpiry()).toBeUndefined()
  set('k', 'x', { staleFor: 500 * HOUR })
  expect(ledger.nextExpiry()).toBe(clock.now + 120_000)
  clock.now += 120_000
  expect(ledger.prune(100)).toEqual({ removed: 1, more: false, next: clock.now - 120_000 + 500 * HOUR })
  lease('l', 'A', { ttl: 5_000 })
  expect(ledger.nextExpiry()).toBe(clock.now + 125_000)
})

test('entries for ever that a cleared namespace left behind are swept up once in a while', () => {
  const scene = openScene()
  const { ledger, set, invalidate, clock, value } = scene
  for (let index = 0; index < 30; index++) {
    set(`a:${index}`, 'x', { namespaces: ['', 'a'], freshFor: null, staleFor: null })
    set(`b:${index}`, 'x', { namespaces: ['', 'b'], freshFor: null, staleFor: null })
  }
  invalidate({ kind: 'namespace', name: 'a' })
  clock.now += 120_000
  expect(ledger.prune(1_000)).toMatchObject({ more: false, next: clock.now - 120_000 + HOUR })
  expect(count(scene, 'entries')).toBe(60)
  clock.now += HOUR
  let steps = 1
  while (ledger.prune(16).more) steps++
  expect(steps).toBe(4)
  expect(count(scene, 'entries')).toBe(30)
  expect(value('b:7')).toBe('x')
  expect(ledger.nextExpiry()).toBeUndefined()
})

test('a sweep overtaken by another invalidation is made again', () => {
  const scene = openScene()
  const { ledger, set, invalidate, clock } = scene
  for (let index = 0; index < 10; index++) {
    set(`${index}`, 'x', { tags: [index < 5 ? 'early' : 'late'], freshFor: null, staleFor: null })
  }
  clock.now += 120_000
  ledger.prune(100)
  invalidate({ kind: 'tag', name: 'late' })
  clock.now += HOUR
  expect(ledger.prune(5).more).toBe(true)
  invalidate({ kind: 'tag', name: 'early' })
  while (ledger.prune(5).more);
  expect(count(scene, 'entries')).toBe(5)
  expect(ledger.nextExpiry()).toBe(clock.now + HOUR)
  clock.now += HOUR
  while (ledger.prune(5).more);
  expect(count(scene, 'entries')).toBe(0)
})

test('no sweep is planned when every entry has an end', () => {
  const scene = openScene()
  scene.set('k', 'x', { tags: ['t'] })
  scene.invalidate({ kind: 'tag', name: 't' })
  expect(count(scene, 'sweep')).toBe(0)
})

test('statistics count calls, grants, fills, refusals and events, and can be reset', () => {
  const { ledger, lease, fill, set, invalidate, free, head } = openScene()
  const since = head()
  const grant = lease('k', 'A')
  fill('k', 'x', { token: 'A', grant }, { op: 'fill' })
  fill('k', 'x', { token: 'A', grant }, { op: 'fill' })
  set('l', 'x')
  invalidate({ kind: 'key', name: 'l' }, { kind: 'tag', name: 't' })
  free('l', 'x', since)
  free('m', 'x', since)
  ledger.take({ key: 'k', tags: [], namespaces: [] })
  ledger.readMany({ reads: [] })
  ledger.release({ key: 'k', token: 'A' })
  const stats = ledger.stats()
  expect(stats).toEqual({
    calls: { read: 1, readMany: 1, take: 1, commit: 5, commitMany: 0, release: 1, invalidate: 1, pull: 1 },
    leasesGranted: 1,
    generations: 1,
    fillsStored: 2,
    setsStored: 1,
    commitsRefused: 1,
    eventsAppended: 5,
    atomicSteps: 0,
  })
  ledger.resetStats()
  expect(ledger.stats().calls.commit).toBe(0)
  expect(stats.calls.commit).toBe(5)
})
