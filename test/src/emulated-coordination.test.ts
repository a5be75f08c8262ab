import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { emulatedCoordination } from '../../src/emulated-coordination.ts'
import { makeLocalJournal } from '../../src/local-journal.ts'
import type { CacheDriver, CommitMode, CommitRequest, Coordination, Invalidation } from '../../src/ports.ts'

let now = 0

beforeEach(() => {
  now = 1_000_000_000_000
  vi.spyOn(Date, 'now').mockImplementation(() => now)
})
afterEach(() => void vi.restoreAllMocks())

const NAMES = { tags: ['t'], namespaces: ['', 'a'] }
const SET: CommitMode = { kind: 'set' }

/** A store that only keeps texts, and isolates over it that know nothing of each other. */
function open() {
  const values = memoryDriver().factory({ prefix: '' })
  const sets: (number | undefined)[] = []
  const during: { set?: (() => Promise<unknown>) | undefined } = {}
  const driver = {
    get: async (key: string) => values.get(key),
    set: async (key: string, text: string, ttl?: number) => {
      if (key === 'k') sets.push(ttl)
      const result = values.set(key, text, ttl)
      const { set } = during
      during.set = undefined
      await set?.()
      return result
    },
    deleteMany: async (keys: string[]) => values.deleteMany(keys),
  } as unknown as CacheDriver
  const isolate = (): Coordination => emulatedCoordination(driver, makeLocalJournal())
  const [a, b] = [isolate(), isolate()]
  let ops = 0
  const commitOf = (key: string, more: Partial<CommitRequest> = {}): CommitRequest => {
    const body = { version: 'v', payload: 'x', mode: SET }
    return { op: `op ${++ops}`, key, ...body, freshFor: 1000, staleFor: 5000, ...NAMES, ...more }
  }
  const keep = (mode: CommitMode, more: Partial<CommitRequest> = {}, by = a) =>
    by.commit(commitOf('k', { payload: undefined, keeps: 'v', version: 'other', mode, ...more }))
  const drop = (by: Coordination, event: Partial<Invalidation>) =>
    by.invalidate({ events: [{ kind: 'key', name: 'k', soft: false, ...event }] })
  return { a, b, driver, sets, during, commitOf, keep, drop }
}

/** Ways to keep what is there. */
const BEGINS: readonly (readonly [string, (isolate: Coordination) => Promise<CommitMode>])[] = [
  [
    'under a lease',
    async (isolate) => {
      const lease = { token: 'A', ttl: 1000 }
      const reply = await isolate.read({ key: 'k', tags: [], namespaces: [], unusable: '*', lease })
      return { kind: 'lease', token: 'A', grant: reply.lease!.grant }
    },
  ],
  ['freely', async (isolate) => ({ kind: 'free', since: (await isolate.pull({})).page.head })],
  ['as a set', async () => SET],
]

test.each(BEGINS)(
  'what is to be kept %s is refused without a look at the store, and stays as it is',
  async (_, begin) => {
    const { a, b, driver, commitOf, keep, sets } = open()
    await a.commit(commitOf('k'))
    const mode = await begin(a)
    const text = await driver.get('k')
    const get = vi.spyOn(driver, 'get')
    for (const keeps of ['v', '*', '-'])
      expect((await keep(mode, { keeps, staleFor: 9000 })).stored).toBe(false)
    expect(get).not.toHaveBeenCalled()
    expect([await driver.get('k'), sets]).toEqual([text, [5000]])
    expect((await b.read({ key: 'k', ...NAMES })).staleFor).toBe(5000)
  },
)

test('a value whose key this isolate deletes meanwhile is gone', async () => {
  const { a, commitOf, drop, during } = open()
  const since = (await a.pull({})).page.head
  during.set = () => drop(a, {})
  expect((await a.commit(commitOf('k', { mode: { kind: 'free', since } }))).stored).toBe(false)
  expect((await a.read({ key: 'k', ...NAMES })).entry).toBeUndefined()
})

test('many commits are judged each by itself, and told in one page', async () => {
  const { a, b, commitOf } = open()
  const { head } = (await a.pull({})).page
  await a.invalidate({ events: [{ kind: 'key', name: '2', soft: false }] })
  const commits = [
    commitOf('1'),
    commitOf('2', { mode: { kind: 'free', since: head } }),
    commitOf('3', { payload: undefined, keeps: '*' }),
    commitOf('4', { payload: '' }),
  ]
  const reply = await a.commitMany({ commits, cursor: head })
  expect(reply.commits.map(({ stored }) => stored)).toEqual([true, false, false, true])
  const told = reply.page.events === 'gap' ? [] : reply.page.events.map(({ name }) => name)
  // An invalidation is told twice: a computation may end while the store is at work.
  expect(told.toSorted()).toEqual(['1', '2', '2', '4'])
  const reads = ['1', '2', '3', '4'].map((key) => ({ key, ...NAMES }))
  const { entries } = await b.readMany({ reads })
  expect(entries.map(({ entry }) => entry?.payload)).toEqual(['x', undefined, undefined, ''])
})

test('leases of many reads are given on what is missing, stale or unusable, each with its own epochs', async () => {
  const { a, commitOf, driver } = open()
  await a.commit(commitOf('fresh'))
  await a.commit(commitOf('unusable', { tags: ['u'] }))
  await a.commit(commitOf('stale', { freshFor: 0 }))
  const reads = ['fresh', 'unusable', 'stale', 'missing'].map((key) => ({
    key,
    tags: [key],
    namespaces: [''],
    unusable: key === 'unusable' ? 'v' : undefined,
  }))
  const { entries } = await a.readMany({ reads, lease: { token: 'A', ttl: 1000 } })
  expect(entries.map(({ entry }) => entry !== undefined)).toEqual([true, false, true, false])
  const names = entries.map(
    ({ lease }) => lease && Object.keys(JSON.parse(lease.grant.id) as object).toSorted(),
  )
  expect(names).toEqual([
    undefined,
    ['hard u', 'hard unusable', 'soft u', 'soft unusable', 'space ', 'space a'],
    ['hard stale', 'hard t', 'soft stale', 'soft t', 'space ', 'space a'],
    ['hard missing', 'soft missing', 'space '],
  ])
  const grant = entries[3]!.lease!.grant
  const mode = { kind: 'lease', token: 'A', grant } as const
  expect((await a.commit(commitOf('missing', { tags: ['missing'], mode }))).stored).toBe(true)
  expect(await driver.get('missing')).toContain('"hard missing"')
})

test('what this isolate deletes while it reads is told after what was read', async () => {
  const { a, b, driver, commitOf, drop } = open()
  await a.commit(commitOf('k'))
  const { head } = (await b.pull({})).page
  const texts = { get: driver.get.bind(driver) }
  let trips = 0
  // The second trip is for the epochs of tags, which only the entry tells.
  driver.get = async (key) => {
    if (key.includes('ekiben') && trips++ === 0) await drop(b, {})
    return texts.get(key)
  }
  const { entry, page } = await b.read({ key: 'k', tags: [], namespaces: [] })
  expect([entry?.payload, trips > 0, page.head]).toEqual(['x', true, head])
  expect((await b.pull({ cursor: page.head })).page.events).toContainEqual(
    expect.objectContaining({ kind: 'key', name: 'k' }),
  )
})

test('what a caller has given up is not written any more', async () => {
  const { a, driver, commitOf, sets } = open()
  const set = driver.set.bind(driver)
  let over = false
  driver.set = async (key, text, ttl) => (key.startsWith('k') && (over = true), set(key, text, ttl))
  const commits = Array.from({ length: 9 }, (_, at) => commitOf(`k${at}`))
  await a.commitMany({ commits }, () => over)
  expect(over).toBe(true)
  expect(await driver.get('k8')).toBeUndefined()
  expect((await a.commit(commitOf('k'), () => over)).stored).toBe(false)
  expect(sets).toEqual([])
})
