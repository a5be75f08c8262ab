import { describe, expect, test } from 'vitest'
import type { CommitManyRequest } from '../../src/ports.ts'
import { openScene, type Scene } from './scene.ts'

type Commit = CommitManyRequest['commits'][number]

const NONE = { tags: [], namespaces: [] }

function commitOf(key: string, more: Partial<Commit> = {}): Commit {
  const life = { freshFor: 60_000, staleFor: 600_000 }
  const body = { version: `v of ${key}`, payload: `value of ${key}`, mode: { kind: 'set' } as const }
  return { op: `op of ${key}`, key, ...body, ...life, ...NONE, ...more }
}

/** All that is stored, as text. */
function rows({ sql }: Scene): string {
  const tables = ['entries', 'epochs', 'leases', 'answers', 'journal']
  return JSON.stringify(tables.map((table) => sql.exec(`SELECT * FROM ${table}`).toArray()))
}

describe('many commits', () => {
  test('are stored in the order given, each at its place', () => {
    const scene = openScene()
    const cursor = scene.head()
    const { commits, page } = scene.ledger.commitMany({
      commits: ['b', 'a', 'c'].map((key) => commitOf(key)),
      cursor,
    })
    expect(commits).toEqual([1, 2, 3].map((place) => ({ stored: true, at: cursor.seq + place })))
    expect(scene.told(page)).toEqual(['key b', 'key a', 'key c'])
  })

  test('count as one call, and each of them by itself', () => {
    const scene = openScene()
    const held = { token: 'A', grant: scene.lease('fill', 'A') }
    const since = scene.head()
    scene.invalidate({ kind: 'key', name: 'late' })
    scene.ledger.commitMany({
      commits: [
        commitOf('set'),
        commitOf('fill', { mode: { kind: 'lease', ...held } }),
        commitOf('late', { mode: { kind: 'free', since } }),
        commitOf('nothing', { payload: undefined, keeps: '*' }),
      ],
    })
    const { calls, ...counted } = scene.ledger.stats()
    expect([calls.commitMany, calls.commit]).toEqual([1, 0])
    expect(counted).toMatchObject({ setsStored: 1, fillsStored: 1, commitsRefused: 2, eventsAppended: 2 })
  })

  test('see what those before them have done', () => {
    const { ledger, value } = openScene()
    const [one, two] = [commitOf('k'), commitOf('l', { op: 'op of k' })]
    // Two commits of one operation: the second is a repeat, whatever it says.
    expect(ledger.commitMany({ commits: [one, two] }).commits).toEqual([
      { stored: true, at: 2 },
      { stored: true, at: 2 },
    ])
    expect([value('k'), value('l')]).toEqual(['value of k', undefined])
  })

  test('leave nothing when one cannot be stored at all', () => {
    const scene = openScene()
    scene.set('k', 'x')
    const before = rows(scene)
    const tooLarge = commitOf('large', { payload: 'x'.repeat(2_500_000) })
    const run = () => scene.ledger.commitMany({ commits: [commitOf('k'), commitOf('l'), tooLarge] })
    expect(() => scene.sql.transaction(run)).toThrow('too big')
    expect(rows(scene)).toBe(before)
  })

  test.each<readonly [string, unknown, string]>([
    ['no list', { commits: {} }, 'commits'],
    ['something that is no commit', { commits: [null] }, 'commits'],
    ['a list in the place of a commit', { commits: [[]] }, 'commits'],
    [
      'two of one key',
      { commits: [commitOf('k'), commitOf('l'), commitOf('k', { op: 'other' })] },
      'commits.key',
    ],
    ['one without a body', { commits: [commitOf('k'), commitOf('l', { payload: undefined })] }, 'payload'],
    ['one without a mode', { commits: [commitOf('k'), { ...commitOf('l'), mode: undefined }] }, 'mode'],
  ])('with %s are refused, and nothing is stored', (_, request, option) => {
    const scene = openScene()
    const before = rows(scene)
    expect(() => scene.ledger.commitMany(request as CommitManyRequest)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION', message: expect.stringContaining(option) }),
    )
    expect(rows(scene)).toBe(before)
  })
})

describe('leases of many reads', () => {
  const lease = { token: 'A', ttl: 10_000 }

  test('are those of single reads, given and refused', () => {
    const scene = openScene()
    scene.set('fresh', 'x')
    scene.set('stale', 'x', { freshFor: 0 })
    scene.lease('held', 'B')
    scene.clock.now += 4_000
    const reads = ['fresh', 'stale', 'missing', 'held'].map((key) => ({ key, ...NONE }))
    const { entries, page } = scene.ledger.readMany({ reads, lease })
    const given = { lease: { grant: page.head } }
    expect(entries.map(({ lease: own, leaseLeft }) => ({ lease: own, leaseLeft }))).toEqual([
      {},
      given,
      given,
      { leaseLeft: 6_000 },
    ])
    expect(scene.ledger.stats()).toMatchObject({ leasesGranted: 3, generations: 3 })
    expect(scene.ledger.readMany({ reads, lease }).entries).toEqual(entries)
    expect(scene.ledger.stats()).toMatchObject({ leasesGranted: 3, calls: { readMany: 2, read: 1 } })
  })

  test('know the names of each read, and end with them', () => {
    const scene = openScene()
    const reads = ['1', '2'].map((key) => ({ key, tags: [`t${key}`], namespaces: ['', `n${key}`] }))
    scene.ledger.readMany({ reads, lease })
    scene.invalidate({ kind: 'tag', name: 't1' })
    const again = scene.ledger.readMany({ reads, lease: { token: 'B', ttl: 10_000 } })
    expect(again.entries.map((entry) => entry.lease !== undefined)).toEqual([true, false])
    scene.invalidate({ kind: 'namespace', name: 'n2' })
    const last = scene.ledger.readMany({ reads, lease: { token: 'C', ttl: 10_000 } })
    expect(last.entries.map((entry) => entry.lease !== undefined)).toEqual([false, true])
  })

  test('are due on what is unusable, for the read that says so', () => {
    const scene = openScene()
    for (const key of ['1', '2', '3']) scene.set(key, key)
    const reads = [
      { key: '1', ...NONE, unusable: 'v of 1' },
      { key: '2', ...NONE, unusable: 'v of 1' },
      { key: '3', ...NONE, unusable: '*' },
    ]
    const { entries } = scene.ledger.readMany({ reads, lease })
    expect(entries.map(({ entry }) => entry?.payload)).toEqual([undefined, '2', undefined])
    expect(entries.map((entry) => entry.lease !== undefined)).toEqual([true, false, true])
  })

  test.each([
    ['null', null],
    ['a list', []],
    ['one without a token', { ttl: 1 }],
    ['one without an end', { token: 'A', ttl: Infinity }],
    ['one without a life', { token: 'A', ttl: 0 }],
  ])('of %s are refused as malformed', (_, malformed) => {
    const { ledger } = openScene()
    const request = { reads: [{ key: 'k', ...NONE }], lease: malformed }
    expect(() => ledger.readMany(request as never)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION' }),
    )
  })
})
