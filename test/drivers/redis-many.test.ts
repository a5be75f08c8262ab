import { describe, expect, test } from 'vitest'
import type { Coordination, CommitManyReply, Invalidation, Push, ReadManyReply } from '../../src/ports.ts'
import { nameKeys } from '../../drivers/redis-protocol/names.ts'
import { parsePush } from '../../drivers/redis-protocol/wire.ts'
import { type Draft, draft, keeping, NAMES, scriptedRedis, under } from '../support/scripted-redis.ts'

// Many keys in one script: each is treated as if it had come alone.

const scripted = scriptedRedis()
const { open, sent } = scripted

const TTL = 5_000
const soft = (kind: Invalidation['kind'], name: string): Invalidation => ({ kind, name, soft: true })
const hard = (kind: Invalidation['kind'], name: string): Invalidation => ({ kind, name, soft: false })
const numbered = (count: number, prefix = 'p:'): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)
const storedOf = ({ commits }: CommitManyReply): boolean[] => commits.map(({ stored }) => stored)

/** What became of the lease of each. */
function claimsOf({ entries }: ReadManyReply): string[] {
  return entries.map(({ lease, leaseLeft }) => (lease ? 'given' : leaseLeft ? 'refused' : 'neither'))
}

function wanted(keys: readonly string[], unusable: Readonly<Record<string, string>> = {}) {
  return keys.map((key) => ({ key, ...NAMES, unusable: unusable[key] }))
}

/** Stores something of each kind: fresh, stale in three ways, ended in two, and nothing. */
async function variety(coordination: Coordination): Promise<string[]> {
  const own = {
    aged: { freshFor: 0 },
    marked: {},
    softly: { tags: ['p#s'] },
    ended: { tags: ['p#e'] },
    fresh: {},
  }
  await coordination.commitMany({
    commits: Object.entries(own).map(([name, more]) => draft(`p:${name}`, { tags: [], ...more })),
  })
  await coordination.invalidate({ events: [soft('key', 'p:marked'), soft('tag', 'p#s'), hard('tag', 'p#e')] })
  return ['aged', 'marked', 'softly', 'ended', 'fresh', 'missing'].map((name) => `p:${name}`)
}

describe('readMany with a lease', () => {
  test('answers each key as a read of it alone, first, held and held by another', async () => {
    const coordination = open()
    const keys = await variety(coordination)
    const unusable = { 'p:fresh': 'version of p:fresh', 'p:missing': '*' }
    const cursor = (await coordination.pull({})).page.head
    const alone = async (token: string) => {
      const entries: ReadManyReply['entries'][number][] = []
      for (const one of wanted(keys, unusable)) {
        const { page: _, ...entry } = await coordination.read({ ...one, lease: { token, ttl: TTL }, cursor })
        entries.push(entry)
      }
      return entries
    }
    const timeless = (entries: ReadManyReply['entries']): unknown =>
      entries.map(({ entry, stale, lease, leaseLeft = 0 }) => ({ entry, stale, lease, left: leaseLeft > 0 }))
    const many = (token: string) =>
      coordination.readMany({ reads: wanted(keys, unusable), lease: { token, ttl: TTL }, cursor })

    const first = await many('a')
    expect(claimsOf(first)).toEqual(['given', 'given', 'given', 'given', 'given', 'given'])
    expect(timeless(first.entries)).toEqual(timeless(await alone('a')))
    expect((await many('a')).entries.map(({ lease }) => lease)).toEqual(
      first.entries.map(({ lease }) => lease),
    )
    expect(claimsOf(await many('b'))).toEqual(keys.map(() => 'refused'))
    expect(timeless((await many('b')).entries)).toEqual(timeless(await alone('b')))
    expect(first.page).toEqual({ head: cursor, events: [] })
  })

  test('gives none for what is fresh and usable, and lays nothing down for it', async () => {
    const coordination = open()
    const keys = await variety(coordination)
    const reply = await coordination.readMany({
      reads: wanted(keys, { 'p:fresh': 'other' }),
      lease: { token: 'a', ttl: TTL },
    })
    expect(claimsOf(reply)).toEqual(['given', 'given', 'given', 'given', 'neither', 'given'])
    expect(await scripted.redis.keys('*lease*')).toHaveLength(5)
    for (const name of await scripted.redis.keys('*lease*'))
      expect(await scripted.redis.pttl(name)).toBeGreaterThan(TTL - 1_000)
  })

  test('takes over a lease whose names were invalidated, and none that only one key’s were', async () => {
    const coordination = open()
    const reads = [
      { key: 'p:1', tags: ['p#1'], namespaces: ['p'] },
      { key: 'p:2', tags: ['p#2'], namespaces: ['p'] },
    ]
    await coordination.readMany({ reads, lease: { token: 'a', ttl: TTL } })
    await coordination.invalidate({ events: [hard('tag', 'p#2')] })
    const reply = await coordination.readMany({ reads, lease: { token: 'b', ttl: TTL } })
    expect(claimsOf(reply)).toEqual(['refused', 'given'])
    expect(reply.entries[1]?.lease?.grant).toEqual(reply.page.head)
  })

  test('finds an entry of Bentocache whose tag it deleted, and leases that key as any', async () => {
    const coordination = open()
    await scripted.redis.mset(
      'p:old',
      '{"value":1,"tags":["x"],"createdAt":5}',
      'p:___bc:t:x',
      '{"value":9,"createdAt":9}',
    )
    await scripted.redis.set('p:good', '{"value":2,"tags":[],"createdAt":5}')
    const reads = ['p:old', 'p:good'].map((key) => ({ key, tags: [], namespaces: ['p'] }))
    const reply = await coordination.readMany({ reads, lease: { token: 'a', ttl: TTL } })
    expect(claimsOf(reply)).toEqual(['given', 'neither'])
    expect(reply.entries.map(({ entry }) => entry !== undefined)).toEqual([false, true])
  })

  test('is none that changes nothing; without a lease it is still one', async () => {
    const coordination = open()
    await coordination.invalidate({ events: [] })
    for (const lease of [undefined, { token: 'a', ttl: TTL }])
      for (let time = 0; time < 2; time++) await coordination.readMany({ reads: wanted(['p:k']), lease })
    const commands = sent.map(([command]) => command)
    expect(commands).toEqual(['EVAL', 'EVAL_RO', 'EVALSHA_RO', 'EVAL', 'EVALSHA'])
  })
})

describe('commitMany', () => {
  /** Commits of every mode, the half of them refused, over the same ground. */
  async function ground(coordination: Coordination): Promise<Draft[]> {
    const keys = numbered(8)
    await coordination.commitMany({ commits: keys.map((key) => draft(key, { freshFor: 0 })) })
    const { entries, page } = await coordination.readMany({
      reads: wanted(keys),
      lease: { token: 'a', ttl: TTL },
    })
    await coordination.invalidate({ events: [1, 3, 5].map((at) => hard('key', `p:${at}`)) })
    const free = { kind: 'free', since: page.head } as const
    const lease = (at: number): Pick<Draft, 'mode'> => under('a', entries[at]?.lease)
    const again = { version: 'new' }
    return [
      draft('p:0', { op: '0', ...again, ...lease(0) }),
      draft('p:1', { op: '1', ...again, ...lease(1) }),
      draft('p:2', { op: '2', ...again, mode: free }),
      draft('p:3', { op: '3', ...again, mode: free }),
      keeping('p:4', { op: '4', ...lease(4) }),
      keeping('p:5', { op: '5', mode: free }),
      keeping('p:6', { op: '6' }),
      draft('p:7', { op: '7', ...again }),
    ]
  }

  test('does and says what the same commits do and say one by one', async () => {
    const outcome = async (commit: (coordination: Coordination, drafts: Draft[]) => Promise<unknown>) => {
      await scripted.redis.flushall()
      const coordination = open()
      const drafts = await ground(coordination)
      const { head } = (await coordination.pull({})).page
      const said = await commit(coordination, drafts)
      const { events } = (await coordination.pull({ cursor: head })).page
      const { entries } = await coordination.readMany({ reads: wanted(numbered(8)) })
      const found = entries.map(({ entry, stale }) => [entry?.payload, entry?.version, stale])
      const keys = (await scripted.redis.keys('*')).toSorted()
      return { said, events, found, keys }
    }
    const one = await outcome(async (coordination, drafts) => {
      const said: unknown[] = []
      for (const each of drafts) {
        const { page: _, ...reply } = await coordination.commit(each)
        said.push(reply)
      }
      return said
    })
    const many = await outcome(
      async (coordination, commits) => (await coordination.commitMany({ commits })).commits,
    )
    expect(many).toEqual(one)
    expect(many.said).toMatchObject([1, 0, 1, 0, 1, 0, 1, 1].map((stored) => ({ stored: stored === 1 })))
  })

  test('is one message to who listens, with all that it has done', async () => {
    const listener = scripted.redis.duplicate()
    await listener.subscribe(nameKeys('p', false).channel)
    const heard: (Push | undefined)[] = []
    const done = new Promise<void>((resolve) => {
      listener.on('message', (_channel: string, text: string) => {
        heard.push(parsePush(text))
        if (heard.at(-1)?.page.head.seq === 6) resolve()
      })
    })
    const coordination = open()
    const { head } = (await coordination.invalidate({ events: [] })).page
    const reply = await coordination.commitMany({
      commits: [draft('p:1'), keeping('p:none'), draft('p:2'), draft('p:3')],
      cursor: head,
    })
    expect(storedOf(reply)).toEqual([true, false, true, true])
    expect(reply.commits.map(({ at }) => at)).toEqual([2, undefined, 3, 4])
    // What stores nothing is no news.
    await coordination.commitMany({ commits: [keeping('p:none', { op: 'again' })] })
    await coordination.commitMany({ commits: [draft('p:4'), draft('p:5')] })
    await done
    listener.disconnect()
    expect(heard[0]).toEqual({ after: head, page: reply.page })
    expect(heard).toHaveLength(2)
  })

  test('goes through the journal once for all that began at one place', async () => {
    const coordination = open()
    const { head } = (await coordination.pull({})).page
    await coordination.invalidate({ events: numbered(500, 'p:x').map((name) => hard('key', name)) })
    await coordination.invalidate({ events: [hard('key', 'p:7'), soft('tag', 'p#8')] })
    const commits = numbered(50).map((key, at) =>
      draft(key, { tags: [`p#${at}`], mode: { kind: 'free', since: head } }),
    )
    await scripted.redis.config('RESETSTAT')
    const stored = storedOf(await coordination.commitMany({ commits }))
    expect(stored.flatMap((yes, at) => (yes ? [] : [at]))).toEqual([7, 8])
    // Nobody asked for news.
    expect((await scripted.calls())['xrange']).toBe(1)
  })

  test('reads no old value that is only written over', async () => {
    const coordination = open()
    await coordination.commitMany({ commits: numbered(20).map((key) => draft(key)) })
    await scripted.redis.config('RESETSTAT')
    await coordination.commitMany({ commits: numbered(20).map((key) => draft(key, { op: `again ${key}` })) })
    // One look for an earlier answer and one for a lease, each.
    expect((await scripted.calls())['get']).toBe(40)
  })

  test('sends what was under way again, and each of its operations is done once', async () => {
    const coordination = open()
    const commits = numbered(5).map((key) => draft(key))
    const first = await coordination.commitMany({ commits })
    const [command = '', ...operands] = sent.at(-1)!
    const { page } = await coordination.invalidate({ events: [hard('key', 'p:1'), hard('key', 'p:2')] })
    await scripted.redis.call(command, ...operands)
    const again = await coordination.commitMany({ commits, cursor: page.head })
    expect(again).toEqual({ commits: first.commits, page: { head: page.head, events: [] } })
    expect(await scripted.redis.exists('p:1', 'p:2')).toBe(0)
  })
})
