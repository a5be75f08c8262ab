import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ask } from './messages.ts'
import { type Isolate, openStage, type Stage, until } from './stage.ts'

// In real workerd: three isolates, one Durable Object, requests that end and requests that are cut off.

let stage: Stage
let one: Isolate
let two: Isolate
let three: Isolate

beforeAll(async () => {
  stage = await openStage()
  ;[one, two, three] = stage.isolates
}, 60_000)

afterAll(() => stage?.close())

/** Waits until so many factories of `key` have started in `isolate`. */
async function running(isolate: Isolate, key: string, count = 1): Promise<void> {
  await until(
    `${count} factory runs of ${key}`,
    async () => ((await isolate.state()).runs[key] ?? 0) >= count,
  )
}

/** Waits for the coordinator's word on the last write of `key` in `isolate`. */
function verdict(isolate: Isolate, key: string): Promise<readonly boolean[]> {
  return until(`the answer to a commit of ${key}`, async () => (await isolate.state()).commits[key])
}

async function runsOf(key: string): Promise<number> {
  const states = await Promise.all(stage.isolates.map((isolate) => isolate.state()))
  return states.reduce((sum, { runs }) => sum + (runs[key] ?? 0), 0)
}

async function inflight(): Promise<number> {
  const states = await Promise.all(stage.isolates.map((isolate) => isolate.state()))
  return states.reduce((sum, { inflight: count }) => sum + count, 0)
}

test('the isolates are three, and their caches were made at module scope without anything of Node', async () => {
  const states = await Promise.all(stage.isolates.map((isolate) => isolate.state()))
  expect(states.map(({ isolate, globals }) => [isolate, globals])).toEqual([
    ['one', []],
    ['two', []],
    ['three', []],
  ])
  for (const isolate of stage.isolates) {
    expect(await isolate.post('/module-scope', {})).toEqual({ status: 200, body: { value: 'made' } })
  }
})

test('a refresh behind the answer outlives its request and is visible to the next read', async () => {
  const ask = (value: string, gate?: string): Ask => ({
    options: { key: 'swr', grace: '1h' },
    value,
    ...(gate !== undefined && { gate }),
  })
  expect(await one.ask(ask('first'))).toBe('first')
  await until('the first write', async () => (await one.state()).commits['swr']?.length === 1)
  await one.do('expire', { key: 'swr' })
  // The answer is complete before the factory may end.
  expect(await one.ask(ask('second', 'swr'))).toBe('first')
  await running(one, 'swr', 2)
  await one.open('swr')
  await until('the refresh', async () => (await one.state()).commits['swr']?.length === 2)
  for (const isolate of [one, two, three]) expect(await isolate.ask(ask('never asked'))).toBe('second')
  expect(await runsOf('swr')).toBe(2)
})

test('150 callers in three isolates who miss at once share one factory run', async () => {
  await stage.recount()
  const ask: Ask = { options: { key: 'herd' }, value: 'one', gate: 'herd' }
  const answers = stage.isolates.flatMap((isolate) => Array.from({ length: 50 }, () => isolate.ask(ask)))
  await until('150 callers', async () => {
    const states = await Promise.all(stage.isolates.map((isolate) => isolate.state()))
    return states.every(({ asked }) => asked['herd'] === 50)
  })
  await Promise.all(stage.isolates.map((isolate) => isolate.open('herd')))
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['one']))
  expect(await runsOf('herd')).toBe(1)
  expect(await stage.counts()).toMatchObject({ generations: 1, fillsStored: 1 })
  await until('all flights landed', async () => (await inflight()) === 0)
})

const endings: readonly (readonly [string, (isolate: Isolate, key: string) => Promise<unknown>])[] = [
  ['delete', (isolate, key) => isolate.do('delete', { key })],
  ['deleteByTag with a declared tag', (isolate) => isolate.do('deleteByTag', { tags: ['declared'] })],
  ['deleteByTag with a tag the factory adds', (isolate) => isolate.do('deleteByTag', { tags: ['late'] })],
  ['clear', (isolate) => isolate.do('clear')],
  ['expire', (isolate, key) => isolate.do('expire', { key })],
]

test.each(
  endings.flatMap(([name, end]) => [
    ['another isolate', name, end] as const,
    ['the same isolate', name, end] as const,
  ]),
)('in %s, %s acknowledged during a factory is not overwritten by its result', async (where, name, end) => {
  await stage.recount()
  const key = `${where}: ${name}`
  const answer = one.ask({ options: { key, tags: ['declared'] }, value: 'old', gate: key, late: ['late'] })
  await running(one, key)
  await end(where === 'another isolate' ? two : one, key)
  await one.open(key)
  expect(await answer).toBe('old')
  expect(await verdict(one, key)).toEqual([false])
  expect(await stage.counts()).toMatchObject({ fillsStored: 0, commitsRefused: 1 })
  for (const isolate of stage.isolates) {
    const again: Ask = { options: { key, tags: ['declared'] }, value: 'new', late: ['late'] }
    expect(await isolate.ask(again)).toBe('new')
  }
  expect(await runsOf(key)).toBe(2)
})

test('a set acknowledged during a factory is not overwritten by its result', async () => {
  const answer = one.ask({ options: { key: 'set' }, value: 'old', gate: 'set' })
  await running(one, 'set')
  expect(await two.do('set', { key: 'set', value: 'new' })).toBe(true)
  await one.open('set')
  expect(await answer).toBe('old')
  expect(await verdict(one, 'set')).toEqual([false])
  for (const isolate of stage.isolates) expect(await isolate.do('get', { key: 'set' })).toBe('new')
})

test('a reset connection cancels a request that nothing keeps alive', async () => {
  const before = (await one.state()).rounds
  const client = await one.vanish('/alone', 'alone')
  await until('the request to begin', async () => (await one.state()).rounds > before + 1)
  client.reset()
  let still = 0
  let last = -1
  await until('the request to end', async () => {
    const { rounds } = await one.state()
    still = rounds === last ? still + 1 : 0
    last = rounds
    return still >= 20
  })
  await one.open('alone')
  expect((await one.state()).rounds).toBe(last)
})

test('the leader’s client vanishes: followers and all who come later are answered, by one factory run', async () => {
  const ask: Ask = { options: { key: 'vanished' }, value: 'survived', gate: 'vanished' }
  const client = await one.vanish('/ask', ask)
  await running(one, 'vanished')
  const followers = Array.from({ length: 20 }, () => one.ask(ask))
  await until('the followers', async () => (await one.state()).asked['vanished'] === 21)
  client.reset()
  const late = one.ask(ask)
  await until('the late one', async () => (await one.state()).asked['vanished'] === 22)
  await one.open('vanished')
  expect(new Set(await Promise.all([...followers, late]))).toEqual(new Set(['survived']))
  expect(await one.ask(ask)).toBe('survived')
  expect(await two.ask({ ...ask, value: 'another' })).toBe('survived')
  expect(await runsOf('vanished')).toBe(1)
  await until('all flights landed', async () => (await inflight()) === 0)
})

test('a factory that never settles: followers are answered by one takeover, at the deadline', async () => {
  const ask: Ask = { options: { key: 'never', hardTimeout: 700 }, value: 'second', never: true }
  const leader = one.post('/ask', ask)
  await running(one, 'never')
  const started = Date.now()
  const followers = Array.from({ length: 20 }, () => one.ask(ask))
  expect(new Set(await Promise.all(followers))).toEqual(new Set(['second']))
  expect(Date.now() - started).toBeLessThan(5000)
  expect(await leader).toMatchObject({ status: 500, body: { code: 'E_FACTORY_HARD_TIMEOUT' } })
  expect(await runsOf('never')).toBe(2)
  for (const isolate of stage.isolates) expect(await isolate.ask(ask)).toBe('second')
  await until('all flights landed', async () => (await inflight()) === 0)
})

test('a factory that never settles, and its client vanishes: who comes later is answered', async () => {
  const ask: Ask = { options: { key: 'lost', hardTimeout: 700 }, value: 'second', never: true }
  const client = await one.vanish('/ask', ask)
  await running(one, 'lost')
  client.reset()
  const later = Array.from({ length: 5 }, () => one.ask(ask))
  expect(new Set(await Promise.all(later))).toEqual(new Set(['second']))
  expect(await runsOf('lost')).toBe(2)
  await until('all flights landed', async () => (await inflight()) === 0)
})
