import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Act } from './messages.ts'
import { type Isolate, openStage, type Stage, until } from './stage.ts'

// What each operation costs, counted by the Durable Object. Nothing but calls made here reaches it.

let stage: Stage
let one: Isolate
let two: Isolate

beforeAll(async () => {
  stage = await openStage()
  ;[one, two] = stage.isolates
  for (const isolate of [one, two]) await isolate.do('get', { key: 'nobody has' }, 'patient')
}, 60_000)

afterAll(() => stage?.close())

const tags = (count: number): string[] => Array.from({ length: count }, (_, at) => `tag ${at}`)

/** Calls that `work` made, by method, and what it gave. */
async function cost<T>(work: () => Promise<T>): Promise<{ value: T; calls: Record<string, number> }> {
  await stage.recount()
  const value = await work()
  const { calls } = await stage.counts()
  return { value, calls: Object.fromEntries(Object.entries(calls).filter(([, count]) => count > 0)) }
}

function ask(
  isolate: Isolate,
  options: { key: string } & Record<string, unknown>,
  value = 'made',
): Promise<unknown> {
  return isolate.ask({ store: 'patient', options, value })
}

test.each([0, 3, 100])('a hit in L1 of a value with %i tags makes no call', async (count) => {
  const options = { key: `l1 ${count}`, tags: tags(count) }
  await ask(one, options)
  expect(await cost(() => ask(one, options))).toEqual({ value: 'made', calls: {} })
  const reading = cost(() => one.do('get', { key: options.key }, 'patient'))
  expect(await reading).toEqual({ value: 'made', calls: {} })
})

test.each([0, 3, 100])('a hit in L2 of a value with %i tags makes one call', async (count) => {
  const options = { key: `l2 ${count}`, tags: tags(count) }
  await ask(one, options)
  expect(await cost(() => ask(two, options))).toEqual({ value: 'made', calls: { read: 1 } })
  const other = { key: `l2 get ${count}`, value: 'set', tags: tags(count) }
  await one.do('set', other, 'patient')
  const reading = cost(() => two.do('get', { key: other.key }, 'patient'))
  expect(await reading).toEqual({ value: 'set', calls: { read: 1 } })
})

test.each([0, 3, 100])('a cold miss of a value with %i tags makes two calls', async (count) => {
  const work = cost(() => ask(one, { key: `cold ${count}`, tags: tags(count) }))
  expect(await work).toEqual({ value: 'made', calls: { read: 1, commit: 1 } })
})

test('a cold miss whose factory adds tags makes two calls', async () => {
  const work = cost(() =>
    one.ask({ store: 'patient', options: { key: 'late' }, value: 'made', late: tags(100) }),
  )
  expect(await work).toEqual({ value: 'made', calls: { read: 1, commit: 1 } })
})

test('50 callers of one isolate who miss at once make two calls', async () => {
  const work = cost(() => Promise.all(Array.from({ length: 50 }, () => ask(one, { key: 'herd' }))))
  expect((await work).calls).toEqual({ read: 1, commit: 1 })
})

test.each([
  ['get', { key: 'absent' }, { read: 1 }],
  ['has', { key: 'absent' }, { read: 1 }],
  ['set', { key: 'k', value: 1 }, { commit: 1 }],
  ['set', { key: 'k', value: 1, tags: tags(100) }, { commit: 1 }],
  ['pull', 'k', { take: 1 }],
  ['delete', { key: 'k' }, { invalidate: 1 }],
  ['deleteMany', { keys: Array.from({ length: 50 }, (_, at) => `k ${at}`) }, { invalidate: 1 }],
  ['expire', { key: 'k' }, { invalidate: 1 }],
  ['deleteByTag', { tags: tags(1) }, { invalidate: 1 }],
  ['deleteByTag', { tags: tags(100) }, { invalidate: 1 }],
  ['clear', undefined, { invalidate: 1 }],
] as const)('%s makes one call (%#)', async (operation: Act['operation'], options, calls) => {
  expect((await cost(() => one.do(operation, options, 'patient'))).calls).toEqual(calls)
})

/** Waits until the coordinator has stored a fill: the refresh is done. */
async function refreshed(): Promise<void> {
  await until('the refresh', async () => (await stage.counts()).fillsStored === 1)
}

test('a refresh of a stale value in L1 makes no call before the answer and two behind it', async () => {
  const options = { key: 'stale l1', grace: '1h' }
  await ask(one, options, 'first')
  await one.do('expire', { key: options.key }, 'patient')
  const gated = { store: 'patient', options, value: 'second', gate: 'stale l1' } as const
  const work = await cost(async () => {
    const value = await one.ask(gated)
    await one.open('stale l1')
    await refreshed()
    return value
  })
  expect(work).toEqual({ value: 'first', calls: { read: 1, commit: 1 } })
  expect(await cost(() => ask(one, options))).toEqual({ value: 'second', calls: {} })
})

test('a refresh of a stale value in L2 makes one call before the answer and one behind it', async () => {
  const options = { key: 'stale l2', grace: '1h' }
  await ask(one, options, 'first')
  await one.do('expire', { key: options.key }, 'patient')
  const gated = { store: 'patient', options, value: 'second', gate: 'stale l2' } as const
  const foreground = await cost(() => two.ask(gated))
  expect(foreground).toEqual({ value: 'first', calls: { read: 1 } })
  await two.open('stale l2')
  await refreshed()
  expect((await stage.counts()).calls).toMatchObject({
    read: 1,
    commit: 1,
    pull: 0,
    release: 0,
    invalidate: 0,
  })
})
