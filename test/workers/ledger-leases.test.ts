import { expect, test } from 'vitest'
import { openScene } from './scene.ts'

test('of two isolates that miss, one gets the lease and the other how long it lasts', () => {
  const { read, clock } = openScene()
  expect(read('k', { token: 'A', ttl: 10_000 }).lease).toBeDefined()
  clock.now += 4_000
  const refused = read('k', { token: 'B', ttl: 99_000 })
  expect(refused.lease).toBeUndefined()
  expect(refused.leaseLeft).toBe(6_000)
})

test('leases of different keys do not stand in each other’s way', () => {
  const { read } = openScene()
  expect(read('k', { token: 'A' }).lease).toBeDefined()
  expect(read('l', { token: 'B' }).lease).toBeDefined()
})

test('a repeated read gets the same grant and no longer time', () => {
  const { lease, set, clock, read } = openScene()
  const grant = lease('k', 'A', { ttl: 10_000 })
  set('other', 'x')
  clock.now += 4_000
  expect(lease('k', 'A', { ttl: 10_000 })).toEqual(grant)
  expect(read('k', { token: 'B' }).leaseLeft).toBe(6_000)
})

test('the grant names the last event before the computation', () => {
  const { lease, set, head } = openScene()
  set('other', 'x')
  const before = head()
  expect(lease('k', 'A')).toEqual(before)
})

test('a lease is free from the millisecond it runs out', () => {
  const { read, clock } = openScene()
  read('k', { token: 'A', ttl: 1_000 })
  clock.now += 999
  expect(read('k', { token: 'B' }).leaseLeft).toBe(1)
  clock.now += 1
  expect(read('k', { token: 'B' }).lease).toBeDefined()
})

test.each([
  { kind: 'key', name: 'k', soft: false } as const,
  { kind: 'key', name: 'k', soft: true } as const,
  { kind: 'tag', name: 't', soft: false } as const,
  { kind: 'tag', name: 't', soft: true } as const,
  { kind: 'namespace', name: 'a', soft: false } as const,
])('a lease is free after $kind "$name" was invalidated (soft: $soft)', (event) => {
  const { read, lease, invalidate, fill, value } = openScene()
  const names = { tags: ['t'], namespaces: ['', 'a'] }
  lease('k', 'A', names)
  expect(read('k', { token: 'B', ...names }).lease).toBeUndefined()
  invalidate(event)
  const grant = lease('k', 'B', names)
  expect(fill('k', 'new', { token: 'B', grant }, names).stored).toBe(true)
  expect(value('k', names)).toBe('new')
})

test('a lease stays out when what it does not hang on is invalidated', () => {
  const { read, lease, invalidate } = openScene()
  lease('k', 'A', { tags: ['t'], namespaces: ['', 'a'] })
  invalidate({ kind: 'tag', name: 'u' }, { kind: 'namespace', name: 'ab' }, { kind: 'key', name: 'kk' })
  expect(read('k', { token: 'B' }).leaseLeft).toBe(10_000)
})

test('a stale entry comes with the lease to refresh it, or with how long another still has it', () => {
  const { set, read, clock } = openScene()
  set('k', 'one', { freshFor: 5 })
  clock.now += 5
  expect(read('k', { token: 'A' })).toMatchObject({ entry: { payload: 'one' }, stale: true, lease: {} })
  expect(read('k', { token: 'B' })).toMatchObject({
    entry: { payload: 'one' },
    stale: true,
    leaseLeft: 10_000,
  })
})

test('a lease given back is free at once, by its holder alone', () => {
  const { ledger, read, lease } = openScene()
  lease('k', 'A')
  ledger.release({ key: 'k', token: 'B' })
  expect(read('k', { token: 'B' }).lease).toBeUndefined()
  ledger.release({ key: 'k', token: 'A' })
  expect(read('k', { token: 'B' }).lease).toBeDefined()
})

test('giving back a lease nobody has is harmless', () => {
  const { ledger, head, told } = openScene()
  const cursor = head()
  expect(told(ledger.release({ key: 'k', token: 'A', cursor }).page)).toEqual([])
})

test('a commit frees the lease for the next generation', () => {
  const { lease, fill, invalidate, read } = openScene()
  fill('k', 'one', { token: 'A', grant: lease('k', 'A') })
  invalidate({ kind: 'key', name: 'k' })
  expect(read('k', { token: 'B' }).lease).toBeDefined()
})

test('the epochs a lease hangs on outlive it', () => {
  const { ledger, lease, fill, clock } = openScene()
  const ttl = 10 * 86_400_000
  const grant = lease('k', 'A', { tags: ['t'], ttl })
  clock.now += ttl - 1
  ledger.prune(1_000)
  expect(fill('k', 'one', { token: 'A', grant }, { tags: ['t'] })).toMatchObject({
    stored: true,
    at: grant.seq,
  })
})

test('one computation is one generation however often its lease is given', () => {
  const { ledger, read, lease, clock } = openScene()
  lease('k', 'A', { ttl: 1_000 })
  lease('k', 'A', { ttl: 1_000 })
  read('k', { token: 'B' })
  expect(ledger.stats()).toMatchObject({ leasesGranted: 1, generations: 1 })
  clock.now += 1_000
  lease('k', 'B')
  expect(ledger.stats()).toMatchObject({ leasesGranted: 2, generations: 1 })
  ledger.release({ key: 'k', token: 'B' })
  lease('k', 'C')
  expect(ledger.stats()).toMatchObject({ leasesGranted: 3, generations: 1 })
})

test('a commit, an invalidation of the key and one of its tags each begin a generation', () => {
  const { ledger, lease, fill, invalidate, clock } = openScene()
  const names = { tags: ['t'] }
  fill('k', 'one', { token: 'A', grant: lease('k', 'A', names) }, { ...names, freshFor: 5 })
  clock.now += 5
  lease('k', 'B', names)
  expect(ledger.stats().generations).toBe(2)
  invalidate({ kind: 'key', name: 'k' })
  lease('k', 'C', names)
  expect(ledger.stats().generations).toBe(3)
  invalidate({ kind: 'tag', name: 't' })
  lease('k', 'D', names)
  expect(ledger.stats()).toMatchObject({ generations: 4, leasesGranted: 4 })
})
