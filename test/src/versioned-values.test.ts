import { describe, expect, test } from 'vitest'
import type { CacheDriver, CommitRequest } from '../../src/ports.ts'
import { versionedValues } from '../../src/versioned-values.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'
import { failureOf } from '../support/pair.ts'

const names = { tags: [], namespaces: [''] }

/** A store of values in memory, what it was asked, and a real coordinator. */
function open(more: Partial<CacheDriver> = {}) {
  const texts = new Map<string, string>()
  const asked: string[] = []
  const values = {
    get: async (name: string) => {
      asked.push(name)
      return texts.get(name)
    },
    set: async (name: string, text: string) => texts.set(name, text).size > 0,
    ...more,
  } as unknown as CacheDriver
  const ledger = ledgerCoordination({ now: () => 0 })
  const coordination = versionedValues(values, ledger.coordination)
  const commit = (key: string, version: string, request: Partial<CommitRequest> = {}) =>
    coordination.commit({
      op: `${key} ${version}`,
      key,
      version,
      payload: `${key} is ${version}`,
      freshFor: null,
      staleFor: null,
      mode: { kind: 'set' },
      ...names,
      ...request,
    })
  return { texts, asked, values, ledger, coordination, commit }
}

describe('the versions an isolate has seen', () => {
  test('are those of its own accepted commits, and of replies', async () => {
    const { coordination, commit, ledger, asked, values } = open()
    await commit('k', 'v1')
    const calls = Promise.all([coordination.read({ key: 'k', ...names }), Promise.resolve([...asked])])
    expect((await calls)[1]).toEqual(['k@v1'])
    const elsewhere = versionedValues(values, ledger.coordination)
    asked.length = 0
    for (const before of [0, 1]) {
      const read = elsewhere.read({ key: 'k', ...names })
      expect(asked).toHaveLength(before)
      expect((await read).entry?.payload).toBe('k is v1')
      asked.length = 0
    }
  })

  test('are not those of commits that were refused', async () => {
    const { coordination, commit, asked } = open()
    const since = (await coordination.pull({})).page.head
    await commit('k', 'v1')
    expect((await commit('k', 'v2', { mode: { kind: 'free', since } })).stored).toBe(false)
    const read = coordination.read({ key: 'k', ...names })
    expect(asked).toEqual(['k@v1'])
    expect((await read).entry?.payload).toBe('k is v1')
    expect(asked).toEqual(['k@v1'])
  })

  test('are forgotten with their keys, and not looked at when any value is unwanted', async () => {
    const { coordination, commit, asked } = open()
    await commit('k', 'v1')
    await coordination.read({ key: 'k', ...names, unusable: '*' })
    expect(asked).toEqual([])
    await commit('k', 'v2')
    await coordination.invalidate({ events: [{ kind: 'key', name: 'k', soft: false }] })
    await coordination.read({ key: 'k', ...names })
    expect(asked).toEqual([])
    await commit('k', 'v3')
    expect((await coordination.take({ key: 'k', ...names })).entry?.payload).toBe('k is v3')
    asked.length = 0
    await coordination.read({ key: 'k', ...names })
    expect(asked).toEqual([])
  })

  test('are those of 10,000 keys at most', async () => {
    const { coordination, commit, asked } = open()
    for (let at = 0; at <= 10_000; at++) await commit(`${at}`, 'v')
    await Promise.all(['0', '1', '10000'].map((key) => coordination.read({ key, ...names })))
    asked.splice(2)
    expect(asked).toEqual(['1@v', '10000@v'])
  })
})

describe('many keys', () => {
  test('are read in one call of each, and those seen at the same time', async () => {
    const bulk: string[][] = []
    const { coordination, commit, texts, asked, ledger, values } = open({
      getMany: async (wanted) => {
        bulk.push([...wanted])
        return wanted.map((name) => texts.get(name))
      },
    })
    for (const key of ['a', 'b', 'c']) await commit(key, 'v1')
    await versionedValues(values, ledger.coordination).commit({
      op: 'other',
      key: 'c',
      version: 'v2',
      payload: 'c is v2',
      freshFor: null,
      staleFor: null,
      mode: { kind: 'set' },
      ...names,
    })
    const reads = ['a', 'none', 'b', 'c'].map((key) => ({ key, ...names }))
    const reply = coordination.readMany({ reads })
    expect(bulk).toEqual([['a@v1', 'b@v1', 'c@v1']])
    expect((await reply).entries.map(({ entry }) => entry?.payload)).toEqual([
      'a is v1',
      undefined,
      'b is v1',
      'c is v2',
    ])
    expect([bulk.length, asked, ledger.calls.readMany]).toEqual([1, ['c@v2'], 1])
    const strange = await versionedValues(values, ledger.coordination).readMany({ reads })
    expect([strange.entries.length, bulk[1]]).toEqual([4, ['a@v1', 'b@v1', 'c@v2']])
  })
})

describe('failures', () => {
  const down = async (): Promise<never> => Promise.reject(new Error('the store of values is down'))

  test('of a fetch that turns out not to be needed are nobody’s', async () => {
    const { coordination, commit, ledger, values, texts } = open()
    await commit('k', 'v1')
    values.get = async (name) => (name === 'k@v1' ? down() : texts.get(name))
    await ledger.coordination.commit({
      op: 'other',
      key: 'k',
      version: 'v2',
      payload: '',
      freshFor: null,
      staleFor: null,
      mode: { kind: 'set' },
      ...names,
    })
    texts.set('k@v2', 'new')
    expect((await coordination.read({ key: 'k', ...names })).entry?.payload).toBe('new')
    await ledger.coordination.invalidate({ events: [{ kind: 'key', name: 'k', soft: false }] })
    await commit('k', 'v1', { op: 'again' })
    await ledger.coordination.invalidate({ events: [{ kind: 'key', name: 'k', soft: false }] })
    expect((await coordination.read({ key: 'k', ...names })).entry).toBeUndefined()
  })

  test('of a fetch that is needed fail the read', async () => {
    const { coordination, commit, values } = open()
    await commit('k', 'v1')
    values.get = down
    const read = failureOf(coordination.read({ key: 'k', ...names }))
    expect(await read).toMatchObject({ message: 'the store of values is down' })
    values.get = () => {
      throw new Error('at once')
    }
    expect(await failureOf(coordination.read({ key: 'k', ...names }))).toMatchObject({ message: 'at once' })
  })

  test('of both are one failure', async () => {
    const { coordination, commit, values, ledger } = open()
    await commit('k', 'v1')
    values.get = down
    ledger.coordination.read = async () => Promise.reject(new Error('the coordinator is down'))
    const read = failureOf(coordination.read({ key: 'k', ...names }))
    expect(await read).toMatchObject({ message: 'the coordinator is down' })
  })

  test('to take a body keep its version from being committed', async () => {
    const { commit, ledger } = open({ set: async () => false })
    expect(await failureOf(commit('k', 'v1'))).toBeInstanceOf(Error)
    expect(ledger.calls.commit).toBe(0)
  })
})

test('a body is put before its version is committed', async () => {
  const { texts, coordination, commit, ledger } = open()
  const { commit: pass } = ledger.coordination
  const there: boolean[] = []
  ledger.coordination.commit = async (request) => {
    there.push(texts.has(`k@${request.version}`), request.payload === '')
    return pass(request)
  }
  await commit('k', 'v1')
  expect(there).toEqual([true, true])
  expect((await coordination.read({ key: 'k', ...names })).entry?.payload).toBe('k is v1')
})
