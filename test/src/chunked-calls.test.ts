import { describe, expect, test } from 'vitest'
import { chunkedCalls } from '../../src/chunked-calls.ts'
import type { CommitManyRequest, CoordinationCalls, Invalidation, Names } from '../../src/ports.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'

/** A ledger behind calls of three at most, and what befalls it between them. */
function scene(limits: { pageLimit?: number } = {}) {
  const ledger = ledgerCoordination({ now: () => 0, ...limits })
  const during: { before: (call: number) => Promise<unknown> | undefined } = { before: () => undefined }
  let count = 0
  const under = { now: 0, most: 0 }
  const over =
    <Request, Reply>(run: (request: Request) => Promise<Reply>) =>
    async (request: Request): Promise<Reply> => {
      under.most = Math.max(under.most, ++under.now)
      await during.before(count++)
      const reply = await run(request)
      under.now--
      return reply
    }
  const { coordination } = ledger
  const watched: CoordinationCalls = {
    ...coordination,
    readMany: over(coordination.readMany),
    invalidate: over(coordination.invalidate),
    commitMany: over(coordination.commitMany),
  }
  return {
    ...ledger,
    during,
    under,
    direct: coordination,
    calls: chunkedCalls(watched, { reads: 3, events: 3, commits: 3, characters: 100 }),
    asked: () => count,
  }
}

const read = (key: string): Names & { key: string } => ({ key, tags: [], namespaces: [''] })
const gone = (name: string): Invalidation => ({ kind: 'key', name, soft: false })
const setOf = (key: string, payload = `value of ${key}`): CommitManyRequest['commits'][number] => {
  const life = { freshFor: null, staleFor: null }
  return { op: `set ${key}`, version: `v of ${key}`, payload, ...life, ...read(key), mode: { kind: 'set' } }
}
const keys = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`)

async function fill(
  { direct }: Pick<ReturnType<typeof scene>, 'direct'>,
  names: readonly string[],
): Promise<void> {
  for (const key of names) {
    const stored = {
      op: `op ${key}`,
      key,
      version: key,
      payload: `value of ${key}`,
      freshFor: null,
      staleFor: null,
    }
    await direct.commit({ ...stored, tags: [], namespaces: [''], mode: { kind: 'set' } })
  }
}

describe('a list within the limit', () => {
  test('is one call, handed on as it is', async () => {
    const made = scene()
    await fill(made, keys(3))
    const { page } = await made.direct.pull({})
    const many = await made.calls.readMany({ reads: keys(3).map(read), cursor: page.head })
    expect(many.entries.map(({ entry }) => entry?.payload)).toEqual(keys(3).map((key) => `value of ${key}`))
    expect(many.page).toEqual({ head: page.head, events: [] })
    expect(await made.calls.invalidate({ events: keys(3).map(gone), cursor: page.head })).toMatchObject({
      existed: 3,
    })
    const { commits } = await made.calls.commitMany({
      commits: keys(3).map((key) => setOf(key)),
      cursor: page.head,
    })
    expect(commits.map(({ stored }) => stored)).toEqual([true, true, true])
    expect(made.asked()).toBe(3)
  })

  test('may be empty', async () => {
    const made = scene()
    expect((await made.calls.readMany({ reads: [] })).entries).toEqual([])
    expect((await made.calls.invalidate({ events: [] })).existed).toBe(0)
    expect((await made.calls.commitMany({ commits: [] })).commits).toEqual([])
    expect(made.asked()).toBe(3)
  })
})

test('the other calls are handed on', async () => {
  const { calls, direct } = scene()
  const { page, lease } = await calls.read({ ...read('k'), lease: { token: 't', ttl: 1000 } })
  expect(lease?.grant).toEqual(page.head)
  await calls.release({ key: 'k', token: 't' })
  const set = {
    op: 'o',
    version: 'v',
    payload: 'p',
    freshFor: null,
    staleFor: null,
    mode: { kind: 'set' },
  } as const
  expect(await calls.commit({ ...set, ...read('k') })).toMatchObject({ stored: true })
  expect((await calls.take(read('k'))).entry?.payload).toBe('p')
  expect(await calls.pull({})).toEqual(await direct.pull({}))
})

describe('invalidate of a longer list', () => {
  test('is as many calls as it has parts, counts what existed in all, and brings every event', async () => {
    const made = scene()
    await fill(made, keys(8))
    const { page } = await made.direct.pull({})
    const told = await made.calls.invalidate({ events: keys(10).map(gone), cursor: page.head })
    expect([made.asked(), told.existed]).toEqual([4, 8])
    expect(told.page.head).toEqual((await made.direct.pull({})).page.head)
    const names = told.page.events === 'gap' ? [] : told.page.events.map(({ name }) => name)
    expect(names.toSorted()).toEqual(keys(10).toSorted())
  })

  test('has at most six calls under way', async () => {
    const made = scene()
    await made.calls.invalidate({ events: keys(60).map(gone) })
    expect([made.asked(), made.under.most]).toEqual([20, 6])
  })

  test('brings a gap where one part does: the last events are more than a page', async () => {
    const made = scene({ pageLimit: 5 })
    const { page } = await made.direct.pull({})
    const told = await made.calls.invalidate({ events: keys(6).map(gone), cursor: page.head })
    expect(told.page).toEqual({ events: 'gap', head: (await made.direct.pull({})).page.head })
  })

  test('brings a gap when the journal is lost between two parts, though the lost one was further', async () => {
    const made = scene()
    await made.direct.invalidate({ events: keys(50).map(gone) })
    const { page } = await made.direct.pull({})
    const fresh = scene()
    const torn: CoordinationCalls = {
      ...made.direct,
      invalidate: (request) =>
        request.events.some(({ name }) => name === 'k0')
          ? made.direct.invalidate(request)
          : fresh.direct.invalidate(request),
    }
    const told = await chunkedCalls(torn, { reads: 3, events: 3, commits: 3 }).invalidate({
      events: keys(6).map(gone),
      cursor: page.head,
    })
    expect(told.page).toEqual({ events: 'gap', head: (await fresh.direct.pull({})).page.head })
  })

  test('rejects when one part does', async () => {
    const made = scene()
    made.during.before = (call) => (call === 2 ? Promise.reject(new Error('refused')) : undefined)
    await expect(made.calls.invalidate({ events: keys(10).map(gone) })).rejects.toThrow('refused')
  })
})

describe('readMany of a longer list', () => {
  test('gives all entries in order, and all that happened before', async () => {
    const made = scene()
    const { page } = await made.direct.pull({})
    await fill(made, keys(10))
    const many = await made.calls.readMany({ reads: [...keys(10), 'none'].map(read), cursor: page.head })
    expect(made.asked()).toBe(4)
    expect(many.entries.map(({ entry }) => entry?.payload)).toEqual([
      ...keys(10).map((key) => `value of ${key}`),
      undefined,
    ])
    expect(many.page.events).toHaveLength(10)
  })

  test('is as old as its first part: what happens between two parts is still to be told', async () => {
    const made = scene()
    await fill(made, keys(6))
    const { page } = await made.direct.pull({})
    made.during.before = (call) => (call === 1 ? made.direct.invalidate({ events: [gone('k0')] }) : undefined)
    const many = await made.calls.readMany({ reads: keys(6).map(read), cursor: page.head })
    expect(many.entries[0]?.entry?.payload).toBe('value of k0')
    expect(many.page).toEqual({ head: page.head, events: [] })
    expect((await made.direct.pull({ cursor: many.page.head })).page.events).toMatchObject([{ name: 'k0' }])
  })

  test('counts as missing what cannot be placed after the first part', async () => {
    const made = scene({ pageLimit: 5 })
    await fill(made, keys(6))
    const noise = keys(6).map((key) => gone(`other ${key}`))
    made.during.before = (call) => (call === 1 ? made.direct.invalidate({ events: noise }) : undefined)
    const many = await made.calls.readMany({ reads: keys(6).map(read) })
    expect(many.entries.map(({ entry }) => entry?.version)).toEqual([
      'k0',
      'k1',
      'k2',
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('leases of a longer list', () => {
  const lease = { token: 'A', ttl: 1000 }

  test('are asked for in each part, under one token', async () => {
    const made = scene()
    await fill(made, ['k1', 'k4'])
    await made.direct.read({ ...read('k5'), lease: { token: 'B', ttl: 1000 } })
    const { entries } = await made.calls.readMany({ reads: keys(7).map(read), lease })
    expect(made.asked()).toBe(3)
    expect(entries.map((entry) => entry.lease !== undefined)).toEqual([
      true,
      false,
      true,
      true,
      false,
      false,
      true,
    ])
    expect(entries[5]?.leaseLeft).toBe(1000)
    expect((await made.calls.readMany({ reads: keys(7).map(read), lease })).entries).toEqual(entries)
  })

  test('are handed on from a part that cannot be placed: nobody else would get them', async () => {
    const made = scene({ pageLimit: 5 })
    await fill(made, ['k3'])
    await made.direct.read({ ...read('k5'), lease: { token: 'B', ttl: 1000 } })
    const noise = keys(6).map((key) => gone(`other ${key}`))
    made.during.before = (call) => (call === 1 ? made.direct.invalidate({ events: noise }) : undefined)
    const { entries } = await made.calls.readMany({ reads: keys(6).map(read), lease })
    expect(entries.slice(3).map(({ entry }) => entry)).toEqual([undefined, undefined, undefined])
    expect(entries.slice(3).map((entry) => [entry.lease !== undefined, entry.leaseLeft])).toEqual([
      [false, undefined],
      [true, undefined],
      [false, 1000],
    ])
    const grant = entries[4]!.lease!.grant
    const commit = { ...setOf('k4'), mode: { kind: 'lease', token: 'A', grant } as const }
    expect((await made.direct.commit(commit)).stored).toBe(true)
  })
})

describe('commitMany of a longer list', () => {
  test('is one part after the other, in the order given, and brings every event once', async () => {
    // Fewer events fit a page than are written: each part asks for what followed the one before.
    const made = scene({ pageLimit: 4 })
    const { page } = await made.direct.pull({})
    await made.direct.invalidate({ events: [gone('before')] })
    const reply = await made.calls.commitMany({
      commits: keys(8).map((key) => setOf(key)),
      cursor: page.head,
    })
    expect([made.asked(), made.under.most]).toEqual([3, 1])
    const first = page.head.seq + 2
    expect(reply.commits).toEqual(keys(8).map((_, at) => ({ stored: true, at: first + at })))
    const events = reply.page.events === 'gap' ? [] : reply.page.events
    expect(events.map(({ name }) => name)).toEqual(['before', ...keys(8)])
    expect(reply.page.head).toEqual((await made.direct.pull({})).page.head)
  })

  test('is cut where its payloads would be too much, and a single one that is goes alone', async () => {
    const made = scene()
    const sizes = [60, 40, 1, 500, 100, 0]
    const parts: number[] = []
    const { commitMany } = made.direct
    const counting: CoordinationCalls = {
      ...made.direct,
      commitMany: (request) => {
        parts.push(request.commits.length)
        return commitMany(request)
      },
    }
    const commits = sizes.map((size, at) => setOf(`k${at}`, 'x'.repeat(size)))
    const limits = { reads: 3, events: 3, commits: 10, characters: 100 }
    const kept = { ...setOf('k6'), payload: undefined, keeps: '*' }
    const reply = await chunkedCalls(counting, limits).commitMany({ commits: [...commits, kept] })
    expect(parts).toEqual([2, 1, 1, 3])
    expect(reply.commits.map(({ stored }) => stored)).toEqual([true, true, true, true, true, true, false])
  })

  test('that fails half way has stored what came before, sends nothing after, and can be repeated', async () => {
    const made = scene()
    const commits = keys(9).map((key) => setOf(key))
    made.during.before = (call) => (call === 1 ? Promise.reject(new Error('refused')) : undefined)
    await expect(made.calls.commitMany({ commits })).rejects.toThrow('refused')
    const { entries } = await made.direct.readMany({ reads: keys(9).map(read) })
    expect(entries.map(({ entry }) => entry !== undefined)).toEqual(keys(9).map((_, at) => at < 3))
    expect(made.asked()).toBe(2)
    await made.direct.invalidate({ events: [gone('k0')] })
    const { page } = await made.direct.pull({})
    const again = await made.calls.commitMany({ commits })
    expect(again.commits.slice(0, 3).map(({ at }) => at)).toEqual([2, 3, 4])
    expect(again.commits.slice(3).map(({ at }) => at)).toEqual(keys(6).map((_, at) => page.head.seq + 1 + at))
    expect((await made.direct.read(read('k0'))).entry).toBeUndefined()
  })

  test('tells no places from before a gap, which may be those of a lost journal', async () => {
    const made = scene()
    const fresh = scene()
    const { page } = await made.direct.pull({})
    const torn: CoordinationCalls = {
      ...made.direct,
      commitMany: (request) =>
        request.commits.some(({ key }) => key === 'k0')
          ? made.direct.commitMany(request)
          : fresh.direct.commitMany(request),
    }
    // The ids of both are counted, so a journal that is another has to be further to have other events.
    await made.direct.invalidate({ events: keys(20).map(gone) })
    const reply = await chunkedCalls(torn, { reads: 3, events: 3, commits: 3 }).commitMany({
      commits: keys(9).map((key) => setOf(key)),
      cursor: page.head,
    })
    expect(reply.commits.slice(0, 3)).toEqual(keys(3).map(() => ({ stored: true })))
    expect(reply.commits.slice(3).map(({ at }) => at)).toEqual([2, 3, 4, 5, 6, 7])
    expect(reply.page).toEqual({ events: 'gap', head: (await fresh.direct.pull({})).page.head })
  })
})

test('no part of a commit is sent after its caller has given up', async () => {
  const { calls, direct, during, asked } = scene()
  let over = false
  during.before = async (call) => void (over = call === 1)
  const told = calls.commitMany({ commits: keys(9).map((key) => setOf(key)) }, () => over)
  await expect(told).rejects.toThrow('given up')
  expect(asked()).toBe(2)
  expect((await direct.read(read('k6'))).entry).toBeUndefined()
})
