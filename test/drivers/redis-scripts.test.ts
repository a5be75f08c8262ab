import { describe, expect, test } from 'vitest'
import { redisCoordination } from '../../drivers/redis-protocol/coordination.ts'
import { makeEvaluate } from '../../drivers/redis-protocol/evaluate.ts'
import { nameKeys } from '../../drivers/redis-protocol/names.ts'
import { SCRIPTS } from '../../drivers/redis-protocol/scripts.ts'
import type { CommitRequest, Coordination } from '../../src/ports.ts'
import { manualRedis } from '../support/manual-redis.ts'
import { scriptedRedis } from '../support/scripted-redis.ts'

const file = scriptedRedis()
const { send, sent, open } = file

const names = { tags: ['p#t', 'p#u'], namespaces: ['p'] }

function write(op: string, more: Partial<CommitRequest> = {}): CommitRequest {
  return {
    op,
    key: 'p:k',
    version: `version of ${op}`,
    payload: 't;{}\n1',
    freshFor: 60_000,
    staleFor: 600_000,
    mode: { kind: 'set' },
    ...names,
    ...more,
  }
}

const hard = (kind: 'key' | 'tag' | 'namespace', name: string) => ({ kind, name, soft: false }) as const

/** One call of each kind, with tags and namespaces of all sorts. */
async function everything(coordination: Coordination): Promise<void> {
  const { page, lease } = await coordination.read({
    key: 'p:k',
    ...names,
    lease: { token: 'a', ttl: 5_000 },
  })
  const cursor = page.head
  await coordination.commit(write('1', { mode: { kind: 'lease', token: 'a', grant: lease!.grant }, cursor }))
  await coordination.read({ key: 'p:k', tags: [], namespaces: ['p'], cursor })
  await coordination.readMany({ reads: ['p:k', 'p:l', 'p:k'].map((key) => ({ key, ...names })), cursor })
  await coordination.commit(write('2', { key: 'p:l', tags: ['p#late'], cursor }))
  const reads = ['p:m', 'p:k', 'p:n'].map((key) => ({ key, ...names, unusable: '*' }))
  const { entries } = await coordination.readMany({ reads, lease: { token: 'c', ttl: 5_000 }, cursor })
  const leased = { kind: 'lease', token: 'c', grant: entries[0]!.lease!.grant } as const
  const kept = { payload: undefined, keeps: '*' }
  const many = [
    write('4', { key: 'p:m', mode: leased }),
    write('5', { mode: leased, ...kept }),
    write('6', { key: 'p:l', ...kept }),
    write('7', { key: 'p:o', ...kept }),
  ]
  await coordination.commitMany({ commits: many, cursor })
  await coordination.commit(write('3', { mode: { kind: 'free', since: cursor }, cursor }))
  await coordination.invalidate({
    events: [
      hard('key', 'p:k'),
      { kind: 'key', name: 'p:l', soft: true },
      hard('tag', 'p#t'),
      { kind: 'tag', name: 'p#u', soft: true },
      hard('namespace', 'p:n'),
    ],
    cursor,
  })
  await coordination.read({ key: 'p:l', ...names, lease: { token: 'b', ttl: 5_000 }, cursor })
  await coordination.release({ key: 'p:l', token: 'b', cursor })
  await coordination.take({ key: 'p:l', ...names, cursor })
  await coordination.pull({ cursor })
}

describe('a script', () => {
  test('touches no key that it was not told of, so Upstash can lock the keys alone', async () => {
    const monitor = await file.redis.monitor()
    const touched: { allowed: ReadonlySet<string>; command: string[] }[] = []
    let allowed: ReadonlySet<string> = new Set()
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      const [command = '', , count = '0', ...operands] = args
      if (command.toUpperCase().startsWith('EVAL')) allowed = new Set(operands.slice(0, Number(count)))
      else if (source === 'lua') touched.push({ allowed, command: args })
    })
    await everything(open())
    // What came before the marker has been seen by the monitor when the marker is.
    const marker = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, args: string[]) => args[1] === 'marker' && resolve())
    })
    await file.redis.echo('marker')
    await marker
    monitor.disconnect()
    const keyless = new Set(['TIME', 'PUBLISH'])
    const strangers = touched
      .filter(({ command: [name = ''] }) => !keyless.has(name.toUpperCase()))
      .filter(({ allowed: keys, command: [, key = ''] }) => !keys.has(key))
    expect(strangers).toEqual([])
    expect(touched.length).toBeGreaterThan(100)
  })

  test('that asks for no lease is sent as one that changes nothing', async () => {
    await everything(open())
    const ways = new Set(sent.map(([command = '']) => command.replace('SHA', '')))
    expect(ways).toEqual(new Set(['EVAL', 'EVAL_RO']))
    const readOnly = Object.values(SCRIPTS).filter((script) => script.readOnly)
    expect(readOnly.map(({ name }) => name).toSorted()).toEqual(['markers', 'pull', 'read', 'readMany'])
    sent.length = 0
    await open().read({ key: 'p:k', ...names })
    expect(sent.map(([command]) => command)).toEqual(['EVAL_RO'])
  })

  test('goes whole at first and by its digest from then on', async () => {
    const coordination = open()
    await coordination.release({ key: 'p:k', token: 'x' })
    for (let time = 0; time < 3; time++) await coordination.pull({})
    const ways = sent.map(([command]) => command)
    expect(ways).toEqual(['EVAL', 'EVAL_RO', 'EVALSHA_RO', 'EVALSHA_RO'])
    expect(sent[2]?.[1]).toMatch(/^[\da-f]{40}$/)
  })

  test('that Redis has forgotten goes whole once more, and stays so', async () => {
    const coordination = open()
    await coordination.release({ key: 'p:k', token: 'x' })
    for (let time = 0; time < 2; time++) await coordination.pull({})
    await file.redis.call('SCRIPT', 'FLUSH')
    sent.length = 0
    for (let time = 0; time < 2; time++) await coordination.pull({})
    expect(sent.map(([command]) => command)).toEqual(['EVALSHA_RO', 'EVAL_RO', 'EVAL_RO'])
  })

  test('asks Upstash to lock its keys; plain Redis refuses that and is asked once', async () => {
    const coordination = open({ locking: true })
    await coordination.release({ key: 'p:k', token: 'x' })
    await coordination.pull({})
    expect(sent.map(([command, text = '']) => [command, text.split('\n')[0]])).toEqual([
      ['EVAL', '#!lua flags=allow-key-locking'],
      ['EVAL', ''],
      ['EVAL_RO', ''],
    ])
  })

  test('that was under way while locking was refused to another goes again as well', async () => {
    const coordination = open({ locking: true })
    const pulls = Array.from({ length: 4 }, () => coordination.pull({}))
    const heads = (await Promise.all(pulls)).map(({ page }) => page.head.seq)
    expect(heads).toEqual([1, 1, 1, 1])
  })

  test('that only reads says so where keys are locked', async () => {
    const flags: string[] = []
    const asUpstash = makeEvaluate(
      async ([, text = '']) => {
        flags.push(text.split('\n')[0] ?? '')
        return ['!{"page":{"head":{"seq":1,"id":"a"},"events":[]}}']
      },
      { locking: true, replicas: true },
    )
    await redisCoordination(asUpstash, nameKeys('p', false)).pull({})
    expect(flags).toEqual(['#!lua flags=no-writes,allow-key-locking'])
  })

  test.each([null, 1, 'OK', ['no mark'], [null], {}, ['!{}'], ['!no json'], []])(
    'whose reply is none (%j) fails by a word and is not taken for a miss',
    async (reply) => {
      const coordination = redisCoordination(
        makeEvaluate(async () => reply, { locking: false, replicas: true }),
        nameKeys('p', false),
      )
      await expect(coordination.read({ key: 'p:k', ...names })).rejects.toMatchObject({ code: 'E_STORE' })
    },
  )

  test('writes a value that begins like anything, and brings it back as it was', async () => {
    const coordination = open()
    for (const payload of ['', '!', 'r1;{}\n', '{"value":1}', '\0\u{1f371}', 'null', '123', 'OK', '\n\n']) {
      await coordination.commit(write(`op of ${payload}`, { payload }))
      const { entry } = await coordination.read({ key: 'p:k', ...names })
      expect(entry?.payload).toBe(payload)
    }
  })

  test('refuses text that has no UTF-8', async () => {
    await expect(open().commit(write('1', { payload: 'half \ud83c' }))).rejects.toMatchObject({
      code: 'E_INVALID_OPTION',
    })
  })

  test('publishes each change with what it followed on', async () => {
    const listener = file.redis.duplicate()
    const heard: { after: { seq: number }; head: { seq: number }; events: string[] }[] = []
    await listener.subscribe(nameKeys('p', false).channel)
    const done = new Promise<void>((resolve) => {
      listener.on('message', (_channel: string, text: string) => {
        heard.push(JSON.parse(text) as (typeof heard)[0])
        if (heard.length === 2) resolve()
      })
    })
    const coordination = open()
    await coordination.invalidate({ events: [hard('key', 'p:a'), hard('tag', 'p#,\n')] })
    await coordination.commit(write('1'))
    await done
    listener.disconnect()
    expect(heard.map(({ after, head, events }) => [after.seq, head.seq, events])).toEqual([
      [1, 3, ['-k:p:a', '-t:p#,\n']],
      [3, 4, ['-k:p:k']],
    ])
  })
})

describe('a late copy of a request', () => {
  test('cannot bring back what was ended: an epoch is never minted twice', async () => {
    const coordination = open()
    await coordination.read({ key: 'p:other', ...names, lease: { token: 'a', ttl: 5_000 } })
    const copy = sent.at(-1)!
    await coordination.commit(write('1', { key: 'p:k' }))
    await coordination.invalidate({
      events: [hard('tag', 'p#t'), hard('tag', 'p#u'), hard('namespace', 'p')],
    })
    await file.redis.del('___ekiben:p:lease:p:other')
    await file.redis.call(copy[0] ?? '', ...copy.slice(1))
    expect((await coordination.read({ key: 'p:k', ...names })).entry).toBeUndefined()
  })

  test('of an invalidation only ends more', async () => {
    const coordination = open()
    await coordination.commit(write('0'))
    await coordination.invalidate({ events: [{ kind: 'tag', name: 'p#t', soft: true }] })
    const copy = sent.at(-1)!
    await coordination.commit(write('1'))
    await coordination.invalidate({ events: [{ kind: 'tag', name: 'p#t', soft: true }] })
    await file.redis.call(copy[0] ?? '', ...copy.slice(1))
    expect(await coordination.read({ key: 'p:k', ...names })).toMatchObject({ stale: true })
  })

  test('of a commit writes nothing, and is answered as the first was', async () => {
    const coordination = open()
    const set = write('1')
    const first = await coordination.commit(set)
    await coordination.invalidate({ events: [hard('key', 'p:k')] })
    expect(await coordination.commit(set)).toMatchObject({ stored: true, at: first.at })
    expect((await coordination.read({ key: 'p:k', ...names })).entry).toBeUndefined()
  })

  test.each([Infinity, 1e300, 0.2, 1])('a lease of %d ms is one', async (ttl) => {
    const lease = { token: 'a', ttl }
    expect((await open().read({ key: 'p:k', ...names, lease })).lease).toBeDefined()
  })
})

describe('what Redis loses', () => {
  test('of the journal is a gap, and what was begun before it is not stored', async () => {
    const coordination = open()
    const { page, lease } = await coordination.read({
      key: 'p:k',
      ...names,
      lease: { token: 'a', ttl: 5_000 },
    })
    await file.redis.del(nameKeys('p', false).journal)
    const { page: next } = await coordination.pull({ cursor: page.head })
    expect([next.events, next.head.seq]).toEqual(['gap', 1])
    const free = write('1', { mode: { kind: 'free', since: page.head } })
    expect((await coordination.commit(free)).stored).toBe(false)
    const late = write('2', { tags: ['p#late'], mode: { kind: 'lease', token: 'a', grant: lease!.grant } })
    expect((await coordination.commit(late)).stored).toBe(false)
  })

  test('of the epochs ends what was stamped with them, and an old one does not come back', async () => {
    const coordination = open()
    await coordination.commit(write('1'))
    await file.redis.del(nameKeys('p', false).epochs)
    expect((await coordination.read({ key: 'p:k', ...names })).entry).toBeUndefined()
    await coordination.commit(write('2', { key: 'p:l' }))
    expect((await coordination.read({ key: 'p:k', ...names })).entry).toBeUndefined()
    expect((await coordination.read({ key: 'p:l', ...names })).entry).toBeDefined()
  })

  test.each(['hash', 'list', 'other text', 'broken header'])(
    'to somebody else (%s) is a miss, and written over',
    async (kind) => {
      const coordination = open()
      if (kind === 'hash') await file.redis.hset('p:k', 'a', 'b')
      else if (kind === 'list') await file.redis.rpush('p:k', 'a')
      else await file.redis.set('p:k', kind === 'other text' ? 'hello' : 'r1;{"e":7}\nbody')
      const { entry, lease } = await coordination.read({
        key: 'p:k',
        ...names,
        lease: { token: 'a', ttl: 5_000 },
      })
      expect([entry, lease !== undefined]).toEqual([undefined, true])
      expect((await coordination.commit(write('1'))).stored).toBe(true)
      expect((await coordination.read({ key: 'p:k', ...names })).entry?.payload).toBe('t;{}\n1')
    },
  )
})

describe('what is kept', () => {
  test('has an end: entries, leases and answers by their own, epochs after all that bears them', async () => {
    const coordination = open()
    await coordination.read({ key: 'p:k', ...names, lease: { token: 'a', ttl: 5_000 } })
    await coordination.commit(write('1', { key: 'p:l' }))
    const keys = await file.redis.keys('*')
    const lasting = (await Promise.all(keys.map(async (key) => [key, await file.redis.pttl(key)] as const)))
      .filter(([, left]) => left < 0)
      .map(([key]) => key)
    expect(lasting.toSorted()).toEqual(['___ekiben:p:due', '___ekiben:p:epochs', '___ekiben:p:journal'])
    expect(await file.redis.zcard('___ekiben:p:due')).toBe(3)
  })

  test('of epochs goes a few at each write once its time is over', async () => {
    const clock = { now: 1_900_000_000_000 }
    const coordination = manualRedis(send, () => clock.now, 'p')
    for (let tag = 0; tag < 30; tag++) {
      await coordination.commit(write(`${tag}`, { tags: [`p#${tag}`], staleFor: 1_000 }))
    }
    expect(await file.redis.hlen('___ekiben:p:epochs')).toBe(32)
    clock.now += 2 * 3_600_000
    await coordination.commit(write('last', { tags: [], namespaces: [] }))
    expect(await file.redis.hlen('___ekiben:p:epochs')).toBe(12)
    await coordination.commit(write('very last', { tags: [], namespaces: [] }))
    // What is left says whether anything was ended.
    expect(await file.redis.hgetall('___ekiben:p:epochs')).toEqual({ ended: '0' })
  })

  test('of an epoch lasts as long as the longest-lived entry that bears it', async () => {
    const clock = { now: 1_900_000_000_000 }
    const coordination = manualRedis(send, () => clock.now, 'p')
    await coordination.commit(write('1', { staleFor: 1_000 }))
    await coordination.commit(write('2', { key: 'p:l', freshFor: null, staleFor: null }))
    clock.now += 365 * 86_400_000
    await coordination.commit(write('3', { key: 'p:m', staleFor: 1_000, freshFor: 1_000 }))
    expect((await coordination.read({ key: 'p:l', ...names })).entry).toBeDefined()
  })

  test('of the journal is capped', async () => {
    const coordination = open()
    const keys = Array.from({ length: 900 }, (_, at) => hard('key', `p:${at}`))
    for (let round = 0; round < 12; round++) await coordination.invalidate({ events: keys })
    expect(await file.redis.xlen('___ekiben:p:journal')).toBe(10_000)
    expect((await coordination.pull({})).page.head.seq).toBe(10_801)
  })

  test('keeps its names apart from those of entries', async () => {
    const evaluate = makeEvaluate(send, { locking: false, replicas: true })
    const coordination = redisCoordination(evaluate, nameKeys('', false))
    const bare = { tags: [], namespaces: [''] }
    for (const key of [
      '___ekiben::journal',
      '___ekiben::epochs',
      '___ekiben::lease:k',
      '___ekiben::entry:k',
    ]) {
      expect((await coordination.commit(write(key, { key, ...bare, payload: key }))).stored).toBe(true)
      expect((await coordination.read({ key, ...bare })).entry?.payload).toBe(key)
    }
    expect(await file.redis.type('___ekiben::journal')).toBe('stream')
  })
})
