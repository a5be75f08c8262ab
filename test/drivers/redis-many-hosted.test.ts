import { afterEach, describe, expect, test } from 'vitest'
import { redisDriver } from '../../drivers/redis.ts'
import type { CacheDriver, CommitMode, Coordination, Cursor } from '../../src/ports.ts'
import { WAYS as HOSTED } from '../support/hosted-redis.ts'
import { gatewayForEach, redisForFile } from '../support/redis-for-file.ts'
import { type Draft, draft, keeping, NAMES } from '../support/scripted-redis.ts'

// Many keys, and what is kept, on every way to Redis.

const file = redisForFile()
const front = gatewayForEach(file)
const drivers: CacheDriver[] = []

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.disconnect()
})

const WAYS = { ...HOSTED, 'redis over tcp': () => redisDriver({ connection: { port: file.server.port } }) }
const OVER_HTTP = Object.keys(HOSTED)

function connect(way: string): Coordination {
  const driver = (WAYS as typeof HOSTED)[way]!(front.gateway).factory({ prefix: 'p' })
  drivers.push(driver)
  return driver.coordination!
}

const lease = { token: 'a', ttl: 5_000 }
const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `p:${at}`)
const wanted = (keys: readonly string[]) => keys.map((key) => ({ key, ...NAMES }))
const SET: CommitMode = { kind: 'set' }

/** Scripts that Redis ran. */
async function scripts(): Promise<number> {
  const stats = await file.redis.info('commandstats')
  return [...stats.matchAll(/^cmdstat_eval[^:]*:calls=(\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

/** What a call costs: requests and commands at the gateway, scripts at Redis. */
async function cost(run: () => Promise<unknown>): Promise<number[]> {
  front.gateway.resetRequests()
  await file.redis.config('RESETSTAT')
  await run()
  const { requests, commands } = front.gateway.gateway.stats()
  return [requests, commands, await scripts()]
}

describe.each(Object.keys(WAYS))('%s', (way) => {
  /** What cannot be told from JSON, Lua or a number, unless it is treated as text. */
  const HOSTILE = [
    '0',
    '1e309',
    '-1',
    'null',
    'nil',
    'true',
    '[]',
    '{}',
    '{"a":[1]}',
    '"]]',
    "'; redis.call('FLUSHALL') --",
    '%s %d %%',
    '\\u0000',
    '\0\n\r\t',
    '\u{1f371} \u2028',
    'r1;{}\n',
    '__proto__',
    'constructor',
  ]

  test('takes names and values of any kind for text', async () => {
    const coordination = connect(way)
    const names = (text: string) => ({ tags: [`p#${text}`, text], namespaces: ['p', `p:${text}`] })
    const reads = HOSTILE.map((text) => ({ key: `p:${text}`, unusable: text, ...names(text) }))
    const own = { token: HOSTILE.join(), ttl: 5_000 }
    const { entries, page } = await coordination.readMany({ reads, lease: own })
    expect(entries.every(({ lease: given }) => given !== undefined)).toBe(true)
    const commits = HOSTILE.map((text, at): Draft => {
      const mode = { kind: 'lease', token: own.token, grant: entries[at]!.lease!.grant } as const
      return draft(`p:${text}`, { op: text, version: `v${text}`, payload: text, mode, ...names(text) })
    })
    const stored = await coordination.commitMany({ commits, cursor: page.head })
    expect(stored.commits.every((commit) => commit.stored)).toBe(true)
    const kept = await coordination.commitMany({
      commits: HOSTILE.map((text, at) =>
        keeping(`p:${text}`, {
          op: `keep ${text}`,
          keeps: at % 3 === 0 ? text : `v${text}`,
          ...names(text),
          tags: [],
        }),
      ),
    })
    expect(kept.commits.map((commit) => commit.stored)).toEqual(HOSTILE.map((_, at) => at % 3 > 0))
    const found = await coordination.readMany({
      reads: reads.map((read) => ({ ...read, unusable: undefined })),
    })
    expect(found.entries.map(({ entry }) => [entry?.payload, entry?.tags.toSorted()])).toEqual(
      HOSTILE.map((text) => [text, [`p#${text}`, text].toSorted()]),
    )
  })

  test.each([0, -1, 0.5, 1e300, Number.NaN, Infinity])(
    'refuses what began at a place that is none (%d), and does not fail',
    async (seq) => {
      const coordination = connect(way)
      await coordination.commitMany({ commits: [draft('p:1'), draft('p:2')] })
      const place: Cursor = { seq, id: 'none' }
      const modes: CommitMode[] = [
        { kind: 'free', since: place },
        { kind: 'lease', token: 'a', grant: place },
      ]
      const commits = modes.flatMap((mode, at) => [
        draft(`p:${at}`, { op: `new ${at}`, mode }),
        keeping(`p:kept ${at}`, { op: `kept ${at}`, mode }),
      ])
      const reply = await coordination.commitMany({ commits, cursor: place })
      expect(reply.commits).toEqual(commits.map(() => ({ stored: false })))
      expect(reply.page.events).toBe('gap')
    },
  )

  test('asks and stores 100 keys in one script, and more in as many as that needs', async () => {
    const coordination = connect(way)
    const over = OVER_HTTP.includes(way)
    // The first calls find out what this Redis can, and begin the journal.
    await coordination.readMany({ reads: wanted(['p:none']), lease })
    await coordination.readMany({ reads: wanted(['p:none']) })
    await coordination.commitMany({ commits: [keeping('p:none')] })
    const one = over ? [1, 1, 1] : [0, 0, 1]
    const keys = numbered(100)
    expect(await cost(() => coordination.readMany({ reads: wanted(keys), lease }))).toEqual(one)
    expect(await cost(() => coordination.readMany({ reads: wanted(keys) }))).toEqual(one)
    const commits = keys.map((key) => draft(key))
    expect(await cost(() => coordination.commitMany({ commits }))).toEqual(one)
    const touched = keys.map((key) => keeping(key, { op: `touch ${key}` }))
    expect(await cost(() => coordination.commitMany({ commits: touched }))).toEqual(one)
    expect(await cost(() => coordination.commit(keeping('p:1', { op: 'alone' })))).toEqual(one)
    const more = numbered(101)
    const two = one.map((count) => count * 2)
    expect(await cost(() => coordination.readMany({ reads: wanted(more), lease }))).toEqual(two)
    const again = more.map((key) => draft(key, { op: `again ${key}` }))
    expect(await cost(() => coordination.commitMany({ commits: again }))).toEqual(two)
    const { entries } = await coordination.readMany({ reads: wanted(more) })
    expect(entries.map(({ entry }) => entry?.payload)).toEqual(more.map((key) => `t;{}\n${key}`))
  })

  test('sends no more than Redis over HTTP takes at once, however the values are written', async () => {
    const coordination = connect(way)
    await coordination.commitMany({ commits: [keeping('p:none')] })
    // Six bytes of JSON each, or three of UTF-8.
    const commits = ['\u0001', '\u{3042}', 'x'].flatMap((letter, kind) =>
      numbered(4).map((key) => draft(`${key}:${kind}`, { payload: letter.repeat(200_000) })),
    )
    expect((await cost(() => coordination.commitMany({ commits })))[2]).toBe(6)
    const { entries } = await coordination.readMany({ reads: wanted(commits.map(({ key }) => key)) })
    expect(entries.map(({ entry }) => entry?.payload === undefined)).toEqual(commits.map(() => false))
    expect(entries.every(({ entry }, at) => entry?.payload === commits[at]!.payload)).toBe(true)
  })
})

test.each(OVER_HTTP)('%s: an answer that is lost does nothing twice when it is asked again', async (way) => {
  const coordination = connect(way)
  await coordination.commitMany({ commits: [draft('p:1'), draft('p:2', { freshFor: 0 })] })
  const commits = [
    keeping('p:1', { op: 'a', mode: SET }),
    draft('p:2', { op: 'b', mode: SET }),
    draft('p:3', { op: 'c', mode: SET }),
  ]
  const { head } = (await coordination.pull({})).page
  let lost = 0
  front.gateway.fault = () => (lost++ === 0 ? { kind: 'drop-after' } : undefined)
  // A client may repeat it by itself; ours leaves that to the core.
  await coordination.commitMany({ commits }).catch(() => {})
  front.gateway.fault = undefined
  const reply = await coordination.commitMany({ commits, cursor: head })
  expect(lost).toBeGreaterThan(0)
  expect(reply.commits).toEqual([1, 2, 3].map((more) => ({ stored: true, at: head.seq + more })))
  expect(reply.page.head.seq).toBe(head.seq + 3)
})
