import { describe, expect, test } from 'vitest'
import type { CommitMode } from '../../src/ports.ts'
import { openScene, type Scene } from './scene.ts'

const SET: CommitMode = { kind: 'set' }
const NAMES = { tags: ['t'], namespaces: ['', 'a'] }

/** Ways to keep what is there: each begins now and is told the version later. */
const MODES: readonly (readonly [string, (scene: Scene) => CommitMode])[] = [
  ['under a lease', ({ lease }) => leased('A', lease('k', 'A', { unusable: '*' }))],
  ['freely', ({ head }) => ({ kind: 'free', since: head() })],
  ['as a set', () => SET],
]

function leased(token: string, grant: ReturnType<Scene['lease']>): CommitMode {
  return { kind: 'lease', token, grant }
}

describe.each(MODES)('an entry kept %s', (_, begin) => {
  test('lives on as it is, for as long as is asked now', () => {
    const scene = openScene()
    scene.set('k', 'x', { ...NAMES, freshFor: 1_000, staleFor: 2_000 })
    const reply = scene.keep('k', 'v of x', begin(scene), {
      freshFor: 5_000,
      staleFor: 9_000,
      version: 'other',
    })
    expect(reply.stored).toBe(true)
    const { entry, ...rest } = scene.read('k')
    expect(entry).toEqual({ payload: 'x', version: 'v of x', ...NAMES })
    expect(rest).toMatchObject({ stale: false, freshFor: 5_000, staleFor: 9_000 })
    scene.clock.now += 9_000
    expect(scene.value('k')).toBeUndefined()
  })

  test('may be of any version, and lives for ever if it is asked to', () => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    expect(scene.keep('k', '*', begin(scene), { freshFor: null, staleFor: null }).stored).toBe(true)
    expect(scene.read('k')).toMatchObject({ entry: { payload: 'x' }, freshFor: null, staleFor: null })
  })

  test('is refused, and a lease with it, when another version is there', () => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    const { freshFor } = scene.read('k')
    const cursor = scene.head()
    const reply = scene.keep('k', 'v of y', begin(scene), { freshFor: 5_000, cursor })
    expect(reply).toEqual({ stored: false, page: { head: cursor, events: [] } })
    expect(scene.read('k')).toMatchObject({ entry: { payload: 'x' }, freshFor })
    expect(scene.ledger.stats().commitsRefused).toBe(1)
    expect(scene.read('k', { token: 'B', unusable: '*' }).lease).toBeDefined()
  })

  test.each<readonly [string, (scene: Scene) => unknown]>([
    ['was never there', () => {}],
    ['was deleted', ({ invalidate }) => invalidate({ kind: 'key', name: 'k' })],
    ['lost a tag', ({ invalidate }) => invalidate({ kind: 'tag', name: 't' })],
    ['lost a namespace', ({ invalidate }) => invalidate({ kind: 'namespace', name: 'a' })],
    ['ended', ({ clock }) => (clock.now += 600_000)],
  ])('is refused when it %s', (how, end) => {
    const scene = openScene()
    if (how !== 'was never there') scene.set('k', 'x', NAMES)
    end(scene)
    for (const keeps of ['*', 'v of x'])
      expect(scene.keep('k', keeps, begin(scene), NAMES)).toMatchObject({ stored: false })
    expect(scene.value('k')).toBeUndefined()
    // Nor does a later look find it: what is dead has not been stamped anew.
    expect(scene.ledger.take({ key: 'k', tags: [], namespaces: [] }).entry).toBeUndefined()
  })

  test('is refused to who cannot see it, in a namespace below', () => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    expect(scene.keep('k', '*', begin(scene), { namespaces: ['', 'a', 'a:b'] }).stored).toBe(false)
  })

  test('still hangs on the names it was stored with, and on no others', () => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    expect(scene.keep('k', '*', begin(scene), { tags: ['other'] }).stored).toBe(true)
    scene.invalidate({ kind: 'tag', name: 'other' })
    expect(scene.value('k')).toBe('x')
    scene.invalidate({ kind: 'tag', name: 't' })
    expect(scene.value('k')).toBeUndefined()
  })

  test('is answered once: a repeat gets the first answer though all is gone', () => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    const mode = begin(scene)
    const first = scene.keep('k', '*', mode, { op: 'one' })
    scene.invalidate({ kind: 'key', name: 'k' })
    expect(scene.keep('k', '*', mode, { op: 'one' })).toMatchObject({ stored: true, at: first.at })
    expect(scene.value('k')).toBeUndefined()
  })

  test('keeps the epochs of its names as long as it lives', () => {
    const scene = openScene()
    scene.set('k', 'x', { ...NAMES, freshFor: 1_000, staleFor: 1_000 })
    scene.keep('k', '*', begin(scene), { freshFor: null, staleFor: null })
    scene.clock.now += 10 * 86_400_000
    scene.ledger.prune(1_000)
    expect(scene.value('k')).toBe('x')
  })
})

describe('what was softly invalidated', () => {
  const AGED = [
    { kind: 'key', name: 'k', soft: true },
    { kind: 'tag', name: 't', soft: true },
  ] as const

  test.each(AGED)('by its $kind is fresh again when a computation keeps it', (event) => {
    for (const [, begin] of MODES.slice(0, 2)) {
      const scene = openScene()
      scene.set('k', 'x', NAMES)
      scene.invalidate(event)
      expect(scene.keep('k', 'v of x', begin(scene)).stored).toBe(true)
      expect(scene.read('k')).toMatchObject({ entry: { payload: 'x' }, stale: false })
    }
  })

  test.each(AGED)('by its $kind is as stale as before when a set keeps it', (event) => {
    const scene = openScene()
    scene.set('k', 'x', NAMES)
    scene.invalidate(event)
    expect(scene.keep('k', 'v of x', SET, { freshFor: null }).stored).toBe(true)
    expect(scene.read('k')).toMatchObject({ entry: { payload: 'x' }, stale: true, freshFor: null })
  })

  test.each(AGED)('by its $kind after the computation began is not kept by it', (event) => {
    for (const [, begin] of MODES.slice(0, 2)) {
      const scene = openScene()
      scene.set('k', 'x', NAMES)
      const mode = begin(scene)
      scene.invalidate(event)
      // The tag is none of those the reader knew: the journal must speak for it.
      expect(scene.keep('k', 'v of x', mode).stored).toBe(false)
      expect(scene.read('k')).toMatchObject({ entry: { payload: 'x' }, stale: true })
    }
  })

  test('may be fresh again by time alone: a set begins its life anew', () => {
    const { set, keep, read, clock } = openScene()
    set('k', 'x', { freshFor: 1_000 })
    clock.now += 1_000
    expect(read('k').stale).toBe(true)
    keep('k', '*', SET)
    expect(read('k').stale).toBe(false)
  })
})

describe('events and leases of what is kept', () => {
  test('are those of a set, but who holds the lease may still bring its value', () => {
    const { set, keep, lease, fill, head, told } = openScene()
    set('k', 'x')
    const grant = lease('k', 'A', { unusable: '*' })
    const cursor = head()
    const { at, page } = keep('k', '*', SET, { cursor })
    expect([at, told(page)]).toEqual([cursor.seq + 1, ['key k']])
    expect(fill('k', 'new', { token: 'A', grant }).stored).toBe(true)
  })

  test('are those of a leased commit: none over what is stale, one over what is fresh', () => {
    const { set, keep, lease, told, read } = openScene()
    set('k', 'x', { freshFor: 0 })
    const cursor = lease('k', 'A')
    expect(told(keep('k', 'v of x', leased('A', cursor), { cursor }).page)).toEqual([])
    const grant = lease('k', 'A', { unusable: '*' })
    expect(told(keep('k', 'v of x', leased('A', grant), { cursor }).page)).toEqual(['key k'])
    expect(read('k', { token: 'B', unusable: '*' }).lease).toBeDefined()
  })

  test('of a lease that ran out are judged by the journal', () => {
    const { set, keep, lease, clock, invalidate } = openScene()
    for (const key of ['k', 'l']) set(key, 'x', { freshFor: 0 })
    const [k, l] = [lease('k', 'A'), lease('l', 'A')]
    clock.now += 10_000
    invalidate({ kind: 'key', name: 'l', soft: true })
    expect(keep('k', 'v of x', leased('A', k)).stored).toBe(true)
    expect(keep('l', 'v of x', leased('A', l)).stored).toBe(false)
  })
})

test.each([
  ['neither payload nor keeps', {}, 'payload'],
  ['a version that is no text', { keeps: 5 }, 'keeps'],
  ['a version that is no text beside a payload', { payload: 'x', keeps: null }, 'keeps'],
  ['a payload that is no text', { payload: null, keeps: 'v' }, 'payload'],
])('a commit with %s is refused as malformed', (_, fields, option) => {
  const { ledger } = openScene()
  const commit = { op: 'o', key: 'k', version: 'v', tags: [], namespaces: [], freshFor: null, staleFor: null }
  expect(() => ledger.commit({ ...commit, mode: SET, ...fields } as never)).toThrow(option)
})
