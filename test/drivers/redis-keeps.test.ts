import { describe, expect, test } from 'vitest'
import type { CommitMode, Coordination, Invalidation } from '../../src/ports.ts'
import { manualRedis } from '../support/manual-redis.ts'
import { type Draft, draft, keeping, NAMES, scriptedRedis, under } from '../support/scripted-redis.ts'

// Commits without a payload: what lies in Redis stays, and its life begins anew.

const scripted = scriptedRedis()
const { open, send } = scripted

const key = 'p:k'
const reading = { key, ...NAMES }
const event = (kind: Invalidation['kind'], name: string, soft = false): Invalidation => ({ kind, name, soft })

/** Where a clock of the test's begins. */
const START = 1_900_000_000_000

/** How a commit of each mode begins, before what it is judged by. */
const BEGIN: Readonly<Record<CommitMode['kind'], (coordination: Coordination) => Promise<CommitMode>>> = {
  lease: async (coordination) => {
    const { lease } = await coordination.read({
      ...reading,
      unusable: '*',
      lease: { token: 'a', ttl: 5_000 },
    })
    return under('a', lease).mode
  },
  free: async (coordination) => ({ kind: 'free', since: (await coordination.pull({})).page.head }),
  set: async () => ({ kind: 'set' }),
}
const MODES = Object.keys(BEGIN) as CommitMode['kind'][]

async function keptBy(coordination: Coordination, mode: CommitMode, more?: Partial<Draft>) {
  return coordination.commit(keeping(key, { op: 'keeping', mode, ...more }))
}

/** The header as it lies there, and what follows it. */
async function lying(): Promise<{ header: Record<string, unknown>; body: string }> {
  const [, json = '', body = ''] = /^r1;(.*?)\n(.*)$/s.exec((await scripted.redis.get(key)) ?? '') ?? []
  return { header: JSON.parse(json) as Record<string, unknown>, body }
}

describe.each(MODES)('what is kept in mode %s', (mode) => {
  test('stays as it is but for its times, which Redis expires it by', async () => {
    const coordination = open()
    const payload = 't;{"r1":1}\n\u{1f371}\n{"value":1}\nr1;{}\n'
    await coordination.commit(draft(key, { payload, freshFor: 10_000, staleFor: 20_000 }))
    const before = await lying()
    const begun = await BEGIN[mode](coordination)
    const reply = await keptBy(coordination, begun, { keeps: `version of ${key}`, tags: ['p#other'] })
    expect(reply.stored).toBe(true)
    const { header, body } = await lying()
    expect(body).toBe(payload)
    expect({ ...header, f: 0, s: 0 }).toEqual({ ...before.header, f: 0, s: 0 })
    const { entry, stale, freshFor, staleFor } = await coordination.read(reading)
    expect(entry).toMatchObject({ payload, version: `version of ${key}`, namespaces: ['p'] })
    expect(entry?.tags.toSorted()).toEqual(NAMES.tags)
    expect(stale).toBe(false)
    expect([freshFor! > 59_000, staleFor! > 599_000]).toEqual([true, true])
    expect(await scripted.redis.pttl(key)).toBeGreaterThan(590_000)
  })

  test('may live for ever from then on, or a shorter time than before, or no longer', async () => {
    const coordination = open()
    await coordination.commit(draft(key))
    const live = async (op: string, freshFor: number | null, staleFor: number | null) => {
      const begun = await BEGIN[mode](coordination)
      return (await keptBy(coordination, begun, { op, freshFor, staleFor })).stored
    }
    expect(await live('1', null, null)).toBe(true)
    expect(await scripted.redis.pttl(key)).toBe(-1)
    expect(await coordination.read(reading)).toMatchObject({ freshFor: null, staleFor: null })
    expect(await live('2', 1_000, 2_000)).toBe(true)
    expect(await scripted.redis.pttl(key)).toBeLessThanOrEqual(2_000)
    expect(await live('3', 0, 0)).toBe(true)
    expect(await scripted.redis.exists(key)).toBe(0)
  })

  test.each([
    [
      'another version',
      async (one: Coordination) => void (await one.commit(draft(key, { version: 'other' }))),
    ],
    ['nothing', async () => void (await scripted.redis.del(key))],
    ['no epochs', async () => void (await scripted.redis.del('___ekiben:p:epochs'))],
    ['another type', async () => void (await scripted.redis.del(key), await scripted.redis.rpush(key, 'x'))],
    ['a broken header', async () => void (await scripted.redis.set(key, 'r1;{"e":7}\nbody'))],
    [
      'an entry of Bentocache',
      async () =>
        void (await scripted.redis.set(key, '{"value":1,"createdAt":5,"logicalExpiration":9999999999999}')),
    ],
  ])('is refused where there is %s', async (_what, happen) => {
    const coordination = open()
    await coordination.commit(draft(key))
    await happen(coordination)
    const lies = (): Promise<unknown> => scripted.redis.dump(key)
    const before = await lies()
    const { page } = await coordination.pull({})
    const begun = await BEGIN[mode](coordination)
    const reply = await keptBy(coordination, begun, {
      keeps: `version of ${key}`,
      cursor: page.head,
    } as object)
    expect(reply).toEqual({ stored: false, page: { head: page.head, events: [] } })
    expect(await lies()).toEqual(before)
    expect(await scripted.redis.keys('*:lease:*')).toEqual([])
  })

  test.each([event('tag', 'p#t'), event('namespace', 'p'), event('key', key)])(
    'is refused where its $kind was ended, whatever version is asked for',
    async (ended) => {
      const coordination = open()
      await coordination.commit(draft(key))
      await coordination.invalidate({ events: [ended] })
      const begun = await BEGIN[mode](coordination)
      expect((await keptBy(coordination, begun)).stored).toBe(false)
      expect((await coordination.read(reading)).entry).toBeUndefined()
    },
  )

  test('is refused to who does not say which version, and to who is in another namespace', async () => {
    const coordination = open()
    await coordination.commit(draft(key))
    const begun = await BEGIN[mode](coordination)
    expect((await keptBy(coordination, begun, { keeps: undefined })).stored).toBe(false)
    const elsewhere = { op: 'elsewhere', namespaces: ['p', 'p:other'] }
    expect((await keptBy(coordination, await BEGIN[mode](coordination), elsewhere)).stored).toBe(false)
  })

  test.each(['*', 'bentocache-5'])(
    'is refused as %j where Bentocache wrote it: it has no names to be kept by',
    async (keeps) => {
      const coordination = open()
      await coordination.invalidate({ events: [] })
      const theirs = '{"value":1,"tags":[],"createdAt":5}'
      await scripted.redis.set(key, theirs)
      expect((await coordination.read(reading)).entry?.version).toBe('bentocache-5')
      const begun = await BEGIN[mode](coordination)
      expect((await keptBy(coordination, begun, { keeps })).stored).toBe(false)
      expect(await scripted.redis.get(key)).toBe(theirs)
      expect(await scripted.redis.keys('*:lease:*')).toEqual([])
    },
  )

  test('is answered as before when it is asked again', async () => {
    const coordination = open()
    await coordination.commit(draft(key))
    const begun = await BEGIN[mode](coordination)
    const first = await keptBy(coordination, begun)
    await coordination.invalidate({ events: [event('key', key)] })
    expect(await keptBy(coordination, begun)).toMatchObject({ stored: true, at: first.at })
    expect(await scripted.redis.exists(key)).toBe(0)
  })

  test('keeps the epochs of its names as long as itself', async () => {
    const clock = { now: START }
    const coordination = manualRedis(send, () => clock.now, 'p')
    await coordination.commit(draft(key, { staleFor: 60_000 }))
    const begun = await BEGIN[mode](coordination)
    const day = 86_400_000
    await keptBy(coordination, begun, { freshFor: 2 * day, staleFor: 2 * day })
    clock.now += day
    // A write drops epochs whose time is over.
    await coordination.commit(draft('p:other', { tags: [] }))
    expect(await coordination.read(reading)).toMatchObject({
      stale: false,
      entry: { payload: `t;{}\n${key}` },
    })
  })
})

describe('what was made stale', () => {
  const ways = [event('key', key, true), event('tag', 'p#t', true)]
  const cases = ways.flatMap((how) => MODES.map((mode) => ({ how, mode, fresh: mode !== 'set' })))

  test.each(cases)(
    'by its $how.kind, then kept in mode $mode: fresh is $fresh',
    async ({ how, mode, fresh }) => {
      const coordination = open()
      await coordination.commit(draft(key))
      await coordination.invalidate({ events: [how] })
      expect((await keptBy(coordination, await BEGIN[mode](coordination))).stored).toBe(true)
      const { stale, entry, staleFor } = await coordination.read(reading)
      expect([stale, entry?.payload, staleFor! > 590_000]).toEqual([!fresh, `t;{}\n${key}`, true])
      // It bears epochs still, so whatever ends them ends it.
      await coordination.invalidate({ events: [event('tag', 'p#u')] })
      expect((await coordination.read(reading)).entry).toBeUndefined()
    },
  )
})

describe('what decides', () => {
  test('under a lease: what its names did since the grant, known to the computation or not', async () => {
    const coordination = open()
    await coordination.commit(draft(key))
    // Whoever computes does not know the tags of what is there.
    const { lease } = await coordination.read({
      key,
      tags: [],
      namespaces: ['p'],
      unusable: '*',
      lease: { token: 'a', ttl: 5_000 },
    })
    await coordination.invalidate({ events: [event('tag', 'p#t', true)] })
    const own = { ...under('a', lease), tags: [] }
    expect((await keptBy(coordination, own.mode, own)).stored).toBe(false)
    expect((await coordination.read(reading)).stale).toBe(true)
  })

  test('freely: what the stored names did, not those of the request', async () => {
    const coordination = open()
    await coordination.commit(draft(key))
    const since = (await coordination.pull({})).page.head
    await coordination.invalidate({ events: [event('tag', 'p#asked')] })
    const asked = { tags: ['p#asked'] }
    expect((await keptBy(coordination, { kind: 'free', since }, asked)).stored).toBe(true)
    const later = (await coordination.pull({})).page.head
    await coordination.invalidate({ events: [event('tag', 'p#t', true)] })
    expect((await keptBy(coordination, { kind: 'free', since: later }, { op: '2', tags: [] })).stored).toBe(
      false,
    )
  })

  test('under a lease over what is stale it is no event, in the other modes it is one', async () => {
    const coordination = open()
    await coordination.commit(draft(key, { freshFor: 0 }))
    for (const [mode, events] of [
      ['lease', 0],
      ['lease', 1],
      ['free', 1],
      ['set', 1],
    ] as const) {
      const begun = await BEGIN[mode](coordination)
      const { head } = (await coordination.pull({})).page
      const { page, at } = await coordination.commit({
        ...keeping(key, { op: `${mode} ${events}`, mode: begun }),
        cursor: head,
      })
      expect([page.events.length, at]).toEqual([events, head.seq + events])
    }
  })
})

test.each([
  ['free', 'ends', 0],
  ['set', 'leaves', 1],
] as const)('what is kept in mode %s %s the lease of whoever computes', async (mode, _, leases) => {
  const coordination = open()
  await coordination.commit(draft(key))
  const begun = await BEGIN[mode](coordination)
  const { lease } = await coordination.read({
    ...reading,
    unusable: '*',
    lease: { token: 'a', ttl: 5_000 },
  })
  expect((await keptBy(coordination, begun)).stored).toBe(true)
  expect(await scripted.redis.keys('*:lease:*')).toHaveLength(leases)
  const late = draft(key, { op: 'late', ...under('a', lease) })
  expect((await coordination.commit(late)).stored).toBe(leases > 0)
})

test('a value of a megabyte is neither sent nor brought', async () => {
  const coordination = open()
  await coordination.commit(draft(key, { payload: 'x'.repeat(1_000_000) }))
  scripted.sent.length = 0
  expect((await keptBy(coordination, { kind: 'set' })).stored).toBe(true)
  expect(scripted.sent).toHaveLength(1)
  expect(scripted.sent[0]!.slice(2).join('').length).toBeLessThan(1_000)
})
