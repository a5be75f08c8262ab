import { describe, expect, test } from 'vitest'
import { chunkedCalls } from '../../src/chunked-calls.ts'
import type { CoordinationCalls, Invalidation, Names } from '../../src/ports.ts'
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
  }
  return {
    ...ledger,
    during,
    under,
    direct: coordination,
    calls: chunkedCalls(watched, { reads: 3, events: 3, commits: 3 }),
    asked: () => count,
  }
}

const read = (key: string): Names & { key: string } => ({ key, tags: [], namespaces: [''] })
const gone = (name: string): Invalidation => ({ kind: 'key', name, soft: false })
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
    expect(made.asked()).toBe(2)
  })

  test('may be empty', async () => {
    const made = scene()
    expect((await made.calls.readMany({ reads: [] })).entries).toEqual([])
    expect((await made.calls.invalidate({ events: [] })).existed).toBe(0)
    expect(made.asked()).toBe(2)
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
