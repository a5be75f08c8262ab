import { describe, expect, test } from 'vitest'
import { type Isolate, world } from '../support/world.ts'

/** Two isolates that hold `old` under `k`; `a` then loses its way to L2. */
async function scene(memory: object | false = {}) {
  const made = world()
  const [a, b] = [made.isolate('a', { grace: '1h' }, memory), made.isolate('b')]
  await a.bento.set({ key: 'k', value: 'old', tags: ['t'] })
  await b.bento.get({ key: 'k' })
  const unacknowledged: unknown[] = []
  a.bento.on('cache:unacknowledged', (event) => unacknowledged.push(event))
  return { ...made, a, b, unacknowledged }
}

const acts: [string, (isolate: Isolate) => Promise<unknown>, unknown, string][] = [
  ['delete', ({ bento }) => bento.delete({ key: 'k' }), false, 'bentocache:k'],
  ['deleteMany', ({ bento }) => bento.deleteMany({ keys: ['k'] }), false, 'bentocache:k'],
  ['expire', ({ bento }) => bento.expire({ key: 'k' }), false, 'bentocache:k'],
  ['deleteByTag', ({ bento }) => bento.deleteByTag({ tags: ['t'] }), false, 'bentocache#t'],
  ['clear', ({ bento }) => bento.clear(), undefined, 'bentocache'],
  ['set', ({ bento }) => bento.set({ key: 'k', value: 'new' }), false, 'bentocache:k'],
  ['pull', ({ bento }) => bento.pull('k'), undefined, 'bentocache:k'],
]

describe.each(acts)('%s', (name, act, answer, subject) => {
  test('L2 refused: says so, is told, and is tried again until it is acknowledged', async () => {
    const { a, b, clock, unacknowledged } = await scene()
    a.fault = () => 'refuse'
    expect(await clock.run(act(a))).toBe(answer)
    expect(unacknowledged).toEqual([{ store: 'main', names: [subject] }])
    await clock.advance(3000)
    expect(await clock.run(b.bento.has({ key: 'k' }))).toBe(true)
    a.fault = undefined
    await clock.advance(20_000)
    expect(await clock.run(b.bento.has({ key: 'k' }))).toBe(false)
    expect(unacknowledged).toHaveLength(1)
    expect(clock.pending()).toBe(0)
  })

  test('the answer was lost: says so, and repeating does no harm', async () => {
    const { a, b, clock, unacknowledged } = await scene()
    let lost = 0
    a.fault = () => (lost++ === 0 ? 'lose' : undefined)
    expect(await clock.run(act(a))).toBe(answer)
    expect(unacknowledged).toHaveLength(1)
    await clock.advance(20_000)
    expect(await clock.run(b.bento.has({ key: 'k' }))).toBe(false)
    expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
  })

  test('the retries are handed to waitUntil', async () => {
    const { a, clock } = await scene()
    a.fault = () => 'refuse'
    const before = a.runtime.background.length
    await clock.run(act(a))
    expect(a.runtime.background.length).toBeGreaterThan(before)
    a.fault = undefined
    await clock.run(Promise.all(a.runtime.background))
    expect(clock.pending()).toBe(0)
  })

  test('the isolate itself no longer serves the old value from memory', async () => {
    const { a, clock } = await scene()
    a.fault = () => 'refuse'
    await clock.run(act(a))
    const expected = { set: 'new', expire: undefined }[name]
    expect(await clock.run(a.bento.get({ key: 'k', grace: false }))).toBe(expected)
  })

  test('retries end after a while, whatever the store does', async () => {
    const { a, clock } = await scene()
    a.fault = () => 'hang'
    await clock.run(act(a))
    await clock.advance(60_000)
    expect(clock.pending()).toBe(0)
  })
})

test('a set that was not acknowledged is served here, and the old value elsewhere goes when L2 is back', async () => {
  const { a, b, clock } = await scene()
  a.fault = () => 'refuse'
  expect(await clock.run(a.bento.set({ key: 'k', value: 'new' }))).toBe(false)
  expect(await clock.run(a.bento.get({ key: 'k' }))).toBe('new')
  a.fault = undefined
  await clock.advance(20_000)
  const read = ({ bento }: Isolate) => clock.run(bento.get({ key: 'k' }))
  expect([await read(a), await read(b)]).toEqual([undefined, undefined])
})

test('a newer set is not undone by the retry of an older one', async () => {
  const { a, b, clock } = await scene()
  a.fault = () => 'refuse'
  await clock.run(a.bento.set({ key: 'k', value: 'new' }))
  a.fault = undefined
  expect(await clock.run(a.bento.set({ key: 'k', value: 'newer' }))).toBe(true)
  await clock.advance(20_000)
  const seen = await clock.run(b.bento.get({ key: 'k' }))
  // It may have to be made again, it is never an older one.
  expect([undefined, 'newer']).toContain(seen)
})

test('a value is made once more, not lost for good, after a delete that was retried', async () => {
  const { a, b, clock } = await scene()
  a.fault = () => 'refuse'
  await clock.run(a.bento.delete({ key: 'k' }))
  a.fault = undefined
  await clock.advance(20_000)
  expect(await clock.run(b.bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
  await clock.advance(20_000)
  expect(await clock.run(a.bento.get({ key: 'k' }))).toBe('made')
})

test('retries go out while the breaker is open, and close it', async () => {
  const { a, b, clock } = await scene()
  a.fault = () => 'refuse'
  for (let time = 0; time < 5; time++) await clock.run(a.bento.get({ key: 'nobody' }))
  await clock.run(a.bento.delete({ key: 'k' }))
  a.fault = undefined
  await clock.advance(1000)
  await clock.advance(6000)
  expect(await clock.run(b.bento.get({ key: 'k' }))).toBeUndefined()
  expect(a.steps.flatMap((step) => (step.type === 'breaker' ? [step.state] : []))).toEqual(['open', 'closed'])
})

test('many unacknowledged invalidations are bounded in what they keep trying', async () => {
  const { a, clock } = await scene()
  a.fault = () => 'refuse'
  await clock.run(Promise.all(Array.from({ length: 500 }, (_, n) => a.bento.delete({ key: `k${n}` }))))
  expect(clock.pending()).toBeLessThanOrEqual(100)
  await clock.advance(60_000)
  expect(clock.pending()).toBe(0)
})
