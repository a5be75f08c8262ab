import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Act } from './messages.ts'
import { type Isolate, openStage, type Stage } from './stage.ts'

// In real workerd: three isolates, their values in one KV, a Durable Object that decides which of them are valid. Local
// KV shows everything at once; what a stale one does is in test/drivers/cloudflare-kv-coordinated.test.ts.

let stage: Stage
let one: Isolate
let two: Isolate
let three: Isolate

beforeAll(async () => {
  stage = await openStage()
  ;[one, two, three] = stage.isolates
  await hear()
}, 60_000)

afterAll(() => stage?.close())

/** Has every isolate read a key nobody has, so that it hears the news. */
async function hear(): Promise<void> {
  for (const isolate of stage.isolates) await isolate.do('get', { key: 'nobody has' }, 'kv')
}

function get(isolate: Isolate, key: string, more: object = {}): Promise<unknown> {
  return isolate.do('get', { key, ...more }, 'kv')
}

function ask(isolate: Isolate, key: string, value: string, tags: readonly string[] = []): Promise<unknown> {
  return isolate.ask({ store: 'kv', options: { key, tags }, value })
}

/** What `work` in `isolate` cost: calls to the coordinator and to KV, by method. */
async function cost(
  isolate: Isolate,
  work: () => Promise<unknown>,
): Promise<{ value: unknown; coordinator: object; kv: object }> {
  const before = (await isolate.state()).kv
  await stage.recount()
  const value = await work()
  const { calls } = await stage.counts()
  const { kv } = await isolate.state()
  const spent = Object.entries(kv).map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
  const made = (counts: (readonly [string, number])[]): object =>
    Object.fromEntries(counts.filter(([, count]) => count > 0))
  return { value, coordinator: made(Object.entries(calls)), kv: made(spent) }
}

const endings: readonly (readonly [Act['operation'], unknown])[] = [
  ['delete', { key: 'ending' }],
  ['deleteMany', { keys: ['ending', 'other'] }],
  ['deleteByTag', { tags: ['t'] }],
  ['clear', undefined],
  ['expire', { key: 'ending' }],
]

test.each(endings)('%s in one isolate is seen in all', async (operation, options) => {
  expect(await ask(one, 'ending', 'old', ['t'])).toBe('old')
  for (const isolate of stage.isolates) expect(await get(isolate, 'ending')).toBe('old')
  await two.do(operation, options, 'kv')
  await hear()
  for (const isolate of stage.isolates) expect(await get(isolate, 'ending')).toBeUndefined()
  // What expired is left to those who accept it.
  const graced = operation === 'expire' ? 'old' : undefined
  expect(await get(three, 'ending', { grace: '1h' })).toBe(graced)
  expect(await ask(three, 'ending', 'new', ['t'])).toBe('new')
  for (const isolate of stage.isolates) expect(await ask(isolate, 'ending', 'never asked')).toBe('new')
  await one.do('delete', { key: 'ending' }, 'kv')
  await hear()
})

test('a set in one isolate replaces the value in all', async () => {
  for (const value of ['first', 'second']) {
    await one.do('set', { key: 'set', value }, 'kv')
    await hear()
    for (const isolate of stage.isolates) expect(await get(isolate, 'set')).toBe(value)
  }
})

test('a value is pulled once', async () => {
  await one.do('set', { key: 'pulled', value: 'once' }, 'kv')
  expect(await two.do('pull', 'pulled', 'kv')).toBe('once')
  expect(await three.do('pull', 'pulled', 'kv')).toBeUndefined()
})

test('150 callers in three isolates who miss at once share one factory run', async () => {
  await stage.recount()
  const herd = { store: 'kv', options: { key: 'herd' }, value: 'one', gate: 'herd' } as const
  const answers = stage.isolates.flatMap((isolate) => Array.from({ length: 50 }, () => isolate.ask(herd)))
  await Promise.all(stage.isolates.map((isolate) => isolate.open('herd')))
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['one']))
  const states = await Promise.all(stage.isolates.map((isolate) => isolate.state()))
  expect(states.reduce((sum, { runs }) => sum + (runs['herd'] ?? 0), 0)).toBe(1)
})

test('a cold miss costs the coordinator two calls and KV a put', async () => {
  const tags = Array.from({ length: 100 }, (_, at) => `tag ${at}`)
  expect(await cost(one, () => ask(one, 'cold', 'made', tags))).toEqual({
    value: 'made',
    coordinator: { read: 1, commit: 1 },
    kv: { put: 1 },
  })
})

test('a hit in L1 costs nothing, one in L2 a call of each', async () => {
  await one.do('set', { key: 'hit', value: 'set', tags: ['a', 'b'] }, 'kv')
  expect(await cost(one, () => get(one, 'hit'))).toEqual({ value: 'set', coordinator: {}, kv: {} })
  expect(await cost(two, () => get(two, 'hit'))).toEqual({
    value: 'set',
    coordinator: { read: 1 },
    kv: { getWithMetadata: 1 },
  })
})

test('a value that has moved costs a get more', async () => {
  await one.do('set', { key: 'moved', value: 'old' }, 'kv')
  await get(two, 'moved')
  await one.do('set', { key: 'moved', value: 'new' }, 'kv')
  await two.do('get', { key: 'nobody has' }, 'kv')
  expect(await cost(two, () => get(two, 'moved'))).toEqual({
    value: 'new',
    coordinator: { read: 1 },
    kv: { getWithMetadata: 2 },
  })
})

test.each([
  ['set', { key: 'k', value: 1 }, { commit: 1 }, { put: 1 }],
  ['delete', { key: 'k' }, { invalidate: 1 }, {}],
  ['expire', { key: 'k' }, { invalidate: 1 }, {}],
  ['deleteByTag', { tags: ['a', 'b', 'c'] }, { invalidate: 1 }, {}],
  ['clear', undefined, { invalidate: 1 }, {}],
] as const)('%s costs one call to the coordinator', async (operation, options, coordinator, kv) => {
  const spent = await cost(one, () => one.do(operation, options, 'kv'))
  expect([spent.coordinator, spent.kv]).toEqual([coordinator, kv])
})
