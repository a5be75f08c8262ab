import { expect, test } from 'vitest'
import { inMemory, pair, type Pair } from '../support/pair.ts'
import type { Isolate } from '../support/world.ts'

// How an isolate hears of what others did: when it asks, what it does with the answer, and by which clock.

const SECOND = 1000

/** `isolate` reads `k` every `step` milliseconds; gives what it got, and when. */
async function traffic(
  { clock }: Pair,
  isolate: Isolate,
  { every, until }: { every: number; until: number },
): Promise<{ at: number; value: unknown }[]> {
  const answers: { at: number; value: unknown }[] = []
  const pending: Promise<unknown>[] = []
  while (clock.elapsed() < until) {
    const at = clock.elapsed()
    pending.push(isolate.bento.get({ key: 'k' }).then((value) => answers.push({ at, value })))
    await clock.advance(every)
  }
  await clock.run(Promise.all(pending))
  return answers
}

test('news ride on any read of L2', async () => {
  const scene = pair()
  const { a, b, run, hear, ledger } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await hear(a)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  expect(ledger.calls.pull).toBe(0)
})

test.each([
  ['set', (a: Isolate) => a.bento.set({ key: 'other', value: 1 })],
  ['delete', (a: Isolate) => a.bento.delete({ key: 'other' })],
  ['pull', (a: Isolate) => a.bento.pull('other')],
  ['getOrSet', (a: Isolate) => a.bento.getOrSet({ key: 'other', factory: () => 1 })],
] as const)('news ride on %s', async (_, operate) => {
  const scene = pair()
  const { a, b, run, ledger } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  await run<unknown>(operate(a))
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  expect(ledger.calls.pull).toBe(0)
})

test('a hit asks for nothing while the news are younger than pollInterval', async () => {
  const scene = pair()
  const { a, run, clock, calls } = scene
  await inMemory(scene)
  const before = calls()
  await clock.advance(1000)
  for (let hit = 0; hit < 100; hit++) expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(calls() - before).toBe(0)
})

test('a hit is answered at once and asks for news behind the answer when they are due', async () => {
  const scene = pair()
  const { a, b, run, clock, ledger } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(1001)
  a.latency = 50
  const asked = a.runtime.background.length
  expect(await a.bento.get({ key: 'k' })).toBe('old')
  expect(a.runtime.background.length - asked).toBe(1)
  await clock.advance(100)
  expect(ledger.calls.pull).toBe(1)
  a.latency = 0
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('however many hits there are, news are asked for once per pollInterval and isolate', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, clock, ledger } = scene
  await inMemory(scene)
  a.latency = 20
  const from = clock.elapsed()
  const answers = await traffic(scene, a, { every: 5, until: from + 10 * SECOND })
  expect(answers).toHaveLength(2000)
  expect(new Set(answers.map(({ value }) => value))).toEqual(new Set(['old']))
  expect([ledger.calls.read, ledger.calls.pull]).toEqual([1, 9])
})

test('pollInterval is the user’s', async () => {
  const scene = pair({ ttl: '1h', pollInterval: '3s' })
  const { a, clock, ledger } = scene
  await inMemory(scene)
  await traffic(scene, a, { every: 10, until: clock.elapsed() + 10 * SECOND })
  expect([ledger.calls.read, ledger.calls.pull]).toEqual([1, 3])
})

test('news that never come are asked for no more often', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, clock, ledger } = scene
  await inMemory(scene)
  let sent = 0
  a.fault = (operation) => {
    if (operation === 'pull') sent++
    return operation === 'pull' ? 'hang' : undefined
  }
  await traffic(scene, a, { every: 10, until: clock.elapsed() + 4.9 * SECOND })
  expect([sent, ledger.calls.pull, ledger.calls.read]).toEqual([4, 0, 1])
})

test('an idle isolate asks for nothing and holds no timer', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, clock, calls } = scene
  await inMemory(scene)
  await traffic(scene, a, { every: 10, until: clock.elapsed() + 2 * SECOND })
  const before = calls()
  expect(clock.pending()).toBe(0)
  await clock.advance(60 * SECOND)
  expect(calls() - before).toBe(0)
})

test('an event reaches an isolate under traffic within pollInterval and a round trip', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, clock } = scene
  await inMemory(scene)
  a.latency = 20
  await clock.advance(333)
  await run(b.bento.delete({ key: 'k' }))
  const deleted = clock.elapsed()
  const answers = await traffic(scene, a, { every: 5, until: deleted + 5 * SECOND })
  const last = answers.filter(({ value }) => value === 'old').at(-1)!
  expect(last.at - deleted).toBeLessThanOrEqual(1000 + 40)
})

test('memory is not believed once the news are older than maxStaleness', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, clock, ledger } = scene
  await inMemory(scene)
  a.fault = (operation) => (operation === 'pull' ? 'refuse' : undefined)
  await run(b.bento.delete({ key: 'k' }))
  const from = clock.elapsed()
  await clock.advance(5 * SECOND)
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(ledger.calls.read).toBe(1)
  await clock.advance(1)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  expect([ledger.calls.read, clock.elapsed() - from]).toEqual([2, 5001])
})

test('maxStaleness is the user’s', async () => {
  const scene = pair({ ttl: '1h', maxStaleness: 200 })
  const { a, b, run, clock } = scene
  await inMemory(scene)
  await run(b.bento.delete({ key: 'k' }))
  await clock.advance(200)
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  await clock.advance(1)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('the read that follows old news makes all of memory believable again', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, clock, calls } = scene
  await inMemory(scene)
  await run(b.bento.set({ key: 'l', value: 'l' }))
  expect(await run(a.bento.get({ key: 'l' }))).toBe('l')
  await clock.advance(60 * SECOND)
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(await run(a.bento.get({ key: 'l' }))).toBe('l')
  expect(calls() - before).toBe(1)
})

test('without L2 and with old news the factory runs, once for all callers, and is believed for maxStaleness', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, run, clock } = scene
  await inMemory(scene)
  await clock.advance(10 * SECOND)
  a.fault = () => 'refuse'
  let runs = 0
  const ask = (): Promise<number> => a.bento.getOrSet({ key: 'k', factory: () => ++runs })
  expect(await run(Promise.all(Array.from({ length: 20 }, ask)))).toEqual(Array.from({ length: 20 }, () => 1))
  await clock.advance(5 * SECOND)
  expect(await run(ask())).toBe(1)
  await clock.advance(1)
  expect(await run(ask())).toBe(2)
})

test('a gap drops memory and the flights of the isolate', async () => {
  const scene = pair({ ttl: '1h' }, { pageLimit: 3 })
  const { a, run, hear, noise, clock, calls } = scene
  await inMemory(scene)
  a.bento.getOrSet({ key: 'slow', factory: () => new Promise(() => {}) }).catch(() => {})
  await clock.settle()
  expect(a.bento.inflight).toBe(1)
  noise(3)
  await hear(a)
  expect(a.bento.inflight).toBe(1)
  noise(4)
  a.story()
  await hear(a)
  expect(a.steps.find(({ type }) => type === 'journal.page')).toMatchObject({ events: 'gap' })
  expect(a.bento.inflight).toBe(0)
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(calls() - before).toBe(1)
})

test('the loss of the journal is a gap, even when it has grown to the same length', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, hear, noise, ledger } = scene
  noise(2)
  await inMemory(scene)
  const { head } = ledger.ledger.pull({}).page
  ledger.sql.exec('DELETE FROM journal')
  await run(b.bento.delete({ key: 'k' }))
  noise(head.seq - 2)
  expect(ledger.ledger.pull({}).page.head.seq).toBe(head.seq)
  await hear(a)
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
})

test('a soft event leaves the value to grace, a hard one does not', async () => {
  for (const [end, graced] of [
    ['expire', 'old'],
    ['delete', undefined],
  ] as const) {
    const scene = pair({ ttl: '1h', grace: '2h' })
    const { a, b, run, hear } = scene
    await inMemory(scene)
    await run(b.bento[end]({ key: 'k' }))
    await hear(a)
    expect(await run(a.bento.get({ key: 'k', grace: false }))).toBeUndefined()
    expect(await run(a.bento.get({ key: 'k' }))).toBe(graced)
    a.story()
    const answer = await run(a.bento.getOrSet({ key: 'k', factory: () => 'new' }))
    expect(answer).toBe(graced ?? 'new')
    expect(a.story()).toContain('factory.run')
  }
})

test('a hard event after a soft one, or before it, is hard', async () => {
  for (const order of [
    [true, false],
    [false, true],
  ]) {
    const scene = pair({ ttl: '1h', grace: '2h' })
    const { a, run, hear, ledger } = scene
    await inMemory(scene, { tags: ['t'] })
    const events = order.map((soft) => ({ kind: 'tag' as const, name: 'bentocache#t', soft }))
    for (const event of events) ledger.ledger.invalidate({ events: [event] })
    await hear(a)
    expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  }
})

test('what memory held through more events than are remembered is asked for again', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, b, run, hear, ledger, calls } = scene
  await inMemory(scene)
  await run(b.bento.set({ key: 'l', value: 'l' }))
  expect(await run(a.bento.get({ key: 'l' }))).toBe('l')
  const drown = async (from: number): Promise<void> => {
    const events = Array.from({ length: 1000 }, (_, at) => ({
      kind: 'key' as const,
      name: `drowned ${from + at}`,
      soft: false,
    }))
    ledger.ledger.invalidate({ events })
    a.story()
    await hear(a)
    expect(a.steps.find(({ type }) => type === 'journal.page')).toMatchObject({ events: 1000 })
  }
  await run(b.bento.delete({ key: 'k' }))
  await hear(a)
  for (let from = 0; from < 10_000; from += 1000) await drown(from)
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBeUndefined()
  expect(await run(a.bento.get({ key: 'l' }))).toBe('l')
  expect(calls() - before).toBe(2)
})

test('events on other names leave memory alone', async () => {
  const scene = pair({ ttl: '1h' })
  const { a, run, hear, ledger, calls } = scene
  await hear(a)
  await inMemory(scene)
  const events = Array.from({ length: 900 }, (_, at) => ({
    kind: 'key' as const,
    name: `x ${at}`,
    soft: false,
  }))
  ledger.ledger.invalidate({ events })
  await hear(a)
  const before = calls()
  expect(await run(a.bento.get({ key: 'k' }))).toBe('old')
  expect(calls() - before).toBe(0)
})
