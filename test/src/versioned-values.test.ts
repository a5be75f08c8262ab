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

describe('bodies of many commits', () => {
  const setOf = (key: string, more: Partial<CommitRequest> = {}): CommitRequest => {
    const life = { freshFor: null, staleFor: null }
    const body = { version: 'v1', payload: `${key} is v1`, mode: { kind: 'set' } as const }
    return { op: `many ${key}`, key, ...body, ...life, ...names, ...more }
  }

  test('are put before all of them are committed in one call, six at a time', async () => {
    const under = { now: 0, most: 0, done: 0 }
    const { coordination, ledger, texts } = open({
      set: async (name, text) => {
        under.most = Math.max(under.most, ++under.now)
        await Promise.resolve()
        under.now--
        under.done++
        return texts.set(name, text).size > 0
      },
    })
    const { commitMany } = ledger.coordination
    ledger.coordination.commitMany = async (request) => {
      expect([under.done, request.commits.every(({ payload }) => payload === '')]).toEqual([20, true])
      return commitMany(request)
    }
    const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
    const { commits } = await coordination.commitMany({ commits: keys.map((key) => setOf(key)) })
    expect(commits.every(({ stored }) => stored)).toBe(true)
    expect([under.most, ledger.calls.commitMany]).toEqual([6, 1])
  })

  test('are looked for at once when they were stored, and not when they were refused', async () => {
    const { coordination, asked } = open()
    const since = (await coordination.pull({})).page.head
    await coordination.invalidate({ events: [{ kind: 'key', name: 'b', soft: false }] })
    await coordination.commitMany({ commits: [setOf('a'), setOf('b', { mode: { kind: 'free', since } })] })
    const reads = ['a', 'b'].map((key) => ({ key, ...names }))
    const reply = coordination.readMany({ reads })
    expect(asked).toEqual(['a@v1'])
    expect((await reply).entries.map(({ entry }) => entry?.payload)).toEqual(['a is v1', undefined])
  })

  test('that fail keep all of them from being committed', async () => {
    const { coordination, ledger } = open({ set: async (name) => !name.startsWith('b@') })
    expect(await failureOf(coordination.commitMany({ commits: [setOf('a'), setOf('b')] }))).toBeInstanceOf(
      Error,
    )
    expect(ledger.calls.commitMany).toBe(0)
  })
})

describe('a body that is kept', () => {
  /** What the store of values is told of lives. */
  function lives() {
    const told: [name: string, life: number | undefined][] = []
    const scene = open({
      set: async (name, text, life) => {
        told.push([name, life])
        return scene.texts.set(name, text).size > 0
      },
    })
    return { ...scene, told }
  }
  const kept = { payload: undefined, version: 'of nobody', mode: { kind: 'set' } } as const

  test('is put again under its name, with the new life, before the commit', async () => {
    const { commit, told, asked, texts, ledger } = lives()
    await commit('k', 'v1', { staleFor: 1000 })
    const { commit: pass } = ledger.coordination
    ledger.coordination.commit = async (request) => {
      expect(told).toHaveLength(2)
      return pass(request)
    }
    expect(await commit('k', 'x', { ...kept, keeps: 'v1', staleFor: 90_000 })).toMatchObject({ stored: true })
    expect(told).toEqual([
      ['k@v1', 61_000],
      ['k@v1', 150_000],
    ])
    expect([asked, [...texts]]).toEqual([['k@v1'], [['k@v1', 'k is v1']]])
    expect([ledger.calls.readMany, ledger.calls.commit]).toEqual([0, 2])
  })

  test('of any version is that which the coordinator names', async () => {
    const { commit, told, values, ledger } = lives()
    await commit('k', 'v1')
    const elsewhere = versionedValues(values, ledger.coordination)
    const request = { op: 'keep', key: 'k', keeps: '*', ...kept, freshFor: null, staleFor: 5000, ...names }
    expect(await elsewhere.commit(request)).toMatchObject({ stored: true })
    expect(told.at(-1)).toEqual(['k@v1', 65_000])
    expect((await elsewhere.read({ key: 'k', ...names })).staleFor).toBe(5000)
  })

  test('and is gone is not kept; a repeat of what was kept before is answered as before', async () => {
    const { coordination, commit, texts, told, ledger } = lives()
    await commit('k', 'v1')
    const first = await commit('k', 'x', { ...kept, op: 'keep', keeps: 'v1', staleFor: 1000 })
    const puts = told.length
    texts.clear()
    expect(await commit('k', 'x', { ...kept, op: 'keep', keeps: 'v1', staleFor: 1000 })).toMatchObject({
      stored: true,
      at: first.at,
    })
    expect(await commit('k', 'x', { ...kept, op: 'other', keeps: 'v1', staleFor: null })).toMatchObject({
      stored: false,
    })
    expect([told.length, ledger.ledger.stats().commitsRefused]).toEqual([puts, 1])
    expect((await ledger.coordination.read({ key: 'k', ...names })).staleFor).toBe(1000)
    expect((await coordination.read({ key: 'k', ...names })).entry).toBeUndefined()
  })

  test.each([async () => false, async () => Promise.reject(new Error('429'))])(
    'and cannot be put again is not kept, and stays as it is',
    async (set) => {
      const { commit, coordination, values } = lives()
      await commit('k', 'v1', { staleFor: 1000 })
      values.set = set
      expect(await commit('k', 'x', { ...kept, keeps: 'v1' })).toMatchObject({ stored: false })
      const reply = await coordination.read({ key: 'k', ...names })
      expect([reply.entry?.payload, reply.staleFor]).toEqual(['k is v1', 1000])
    },
  )

  test('and cannot be looked for fails the commit', async () => {
    const { commit, ledger, values } = lives()
    await commit('k', 'v1')
    values.get = async () => Promise.reject(new Error('down'))
    expect(await failureOf(commit('k', 'x', { ...kept, keeps: 'v1' }))).toMatchObject({ message: 'down' })
    expect(ledger.calls.commit).toBe(1)
  })

  test('is read at once afterwards: it is the version seen last', async () => {
    const { commit, values, ledger, asked } = lives()
    await commit('k', 'v1')
    const elsewhere = versionedValues(values, ledger.coordination)
    await elsewhere.commit({
      op: 'o',
      key: 'k',
      ...kept,
      keeps: 'v1',
      freshFor: null,
      staleFor: null,
      ...names,
    })
    asked.length = 0
    const read = elsewhere.read({ key: 'k', ...names })
    expect(asked).toEqual(['k@v1'])
    expect((await read).entry?.payload).toBe('k is v1')
  })
})

describe('many bodies that do not show', () => {
  const lease = { token: 'A', ttl: 1000 }

  test('are asked for once more where leases are wanted, and what has come meanwhile is found', async () => {
    const { coordination, commit, texts, ledger } = open()
    for (const key of ['a', 'b', 'c', 'd']) await commit(key, 'v1')
    for (const key of ['b', 'd']) texts.delete(`${key}@v1`)
    const reads = ['a', 'b', 'c', 'd'].map((key) => ({ key, ...names }))
    const { readMany } = ledger.coordination
    const cursors: unknown[] = []
    ledger.coordination.readMany = async (request) => {
      cursors.push(request.cursor)
      // Between the two another isolate writes what has been missed.
      if (cursors.length === 2) await commit('d', 'v2')
      return readMany(request)
    }
    const { entries, page } = await coordination.readMany({ reads, lease })
    expect(entries.map(({ entry }) => entry?.payload)).toEqual(['a is v1', undefined, 'c is v1', 'd is v2'])
    expect(entries.map((entry) => entry.lease !== undefined)).toEqual([false, true, false, false])
    expect(cursors).toEqual([undefined, page.head])
    // As old as the first reply: what the second may have come after is still to be told.
    expect((await coordination.pull({ cursor: page.head })).page.events).toMatchObject([{ name: 'd' }])
  })

  test('are missing, and nobody is asked again, where no lease is wanted', async () => {
    const { coordination, commit, texts, ledger } = open()
    await commit('a', 'v1')
    texts.clear()
    const { entries } = await coordination.readMany({ reads: [{ key: 'a', ...names }] })
    expect([entries[0]?.entry, ledger.calls.readMany]).toEqual([undefined, 1])
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

test.each([
  ['one', 1, 1],
  ['many', 20, 6],
])(
  'no version of %s is named, and no further body put, after the caller has given up',
  async (_, count, puts) => {
    let over = false
    let put = 0
    const { coordination, ledger } = open({ set: async () => (put++, (over = true)) })
    const life = { freshFor: null, staleFor: null, mode: { kind: 'set' } } as const
    const commits = Array.from({ length: count }, (_each, at) => ({
      op: `o${at}`,
      key: `k${at}`,
      version: 'v',
      payload: 'x',
      ...life,
      ...names,
    }))
    const [first] = commits
    const told =
      count === 1 ? coordination.commit(first!, () => over) : coordination.commitMany({ commits }, () => over)
    await expect(told).rejects.toThrow('given up')
    expect(put).toBeLessThanOrEqual(puts)
    expect((await ledger.coordination.read({ key: 'k0', ...names })).entry).toBeUndefined()
  },
)
