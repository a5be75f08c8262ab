import { describe, expect, test, vi } from 'vitest'
import { explain } from '../../../src/extras/explain.ts'
import { pair } from '../../support/pair.ts'
import { memoryStand, STACKS } from '../../support/stacks.ts'
import { gate } from '../../support/world.ts'

describe.each(STACKS)('%s', (name, make) => {
  const inL1 = name !== 'L2 alone'
  const inL2 = name !== 'L1 alone'

  test('nothing is there', async () => {
    const { bento } = make()
    const told = await explain(bento, { key: 'k' })
    expect(told).toMatchObject({ key: 'k', next: 'run the factory', flight: undefined })
    expect(told.l1).toEqual(inL1 ? { state: 'missing' } : undefined)
    expect(told.l2).toEqual(inL2 ? { state: 'missing' } : undefined)
  })

  test('a fresh value, and until when', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'secret value', tags: ['t'] })
    await clock.advance(1000)
    const told = await explain(bento, { key: 'k' })
    const fresh = { state: 'fresh', freshFor: 59_000, staleFor: 3_599_000, tags: ['bentocache#t'] }
    expect(told.l1).toEqual(inL1 ? { ...fresh, age: 1000 } : undefined)
    expect(told.l2).toEqual(inL2 ? fresh : undefined)
    expect(told.next).toBe(inL1 ? 'give l1' : 'give l2')
    expect(JSON.stringify(told)).not.toContain('secret')
    expect(told.text.at(-1)).toBe(`getOrSet would ${told.next}.`)
  })

  test('an expired value, with and without grace', async () => {
    const { bento, clock } = make({ ttl: '1s', grace: '1h' })
    await bento.set({ key: 'k', value: 'v' })
    await clock.advance(2000)
    const told = await explain(bento, { key: 'k' })
    expect((told.l1 ?? told.l2)?.state).toBe('stale')
    expect(told.next).toBe(inL1 ? 'give l1 and refresh' : 'give l2 and refresh')
    expect((await explain(bento, { key: 'k', grace: false })).next).toBe('run the factory')
    expect((await explain(bento, { key: 'k', timeout: null })).next).toBe('run the factory')
    expect((await explain(bento, { key: 'k', forceFresh: true })).next).toBe('run the factory')
  })

  test('a flight under way, and that it is overdue', async () => {
    const { bento, clock } = make({ hardTimeout: '5s' })
    const asked = bento.getOrSet({ key: 'k', factory: () => gate<string>().promise })
    asked.catch(() => {})
    await clock.settle()
    const told = await explain(bento, { key: 'k' })
    expect(told.flight).toEqual({ phase: 'factory', overdue: false })
    expect(told.next).toBe('join the flight')
    await clock.advance(5000)
  })

  test('it changes nothing and is no hit', async () => {
    const { bento, steps } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'v' })
    steps.splice(0)
    await explain(bento, { key: 'k' })
    expect(steps.map(({ type }) => type).filter((type) => !/l2\.read|journal/.test(type))).toEqual([])
  })
})

describe('several isolates', () => {
  test('what touched an entry that is still in memory', async () => {
    const { a, b, run, hear } = pair({ ttl: '1m' })
    await run(b.bento.set({ key: 'k', value: 'v', tags: ['x', 'y'] }))
    await run(a.bento.get({ key: 'k' }))
    await run(b.bento.deleteByTag({ tags: ['y'] }))
    await hear(a)
    const told = await run(explain(a.bento, { key: 'k' }))
    expect(told.l1).toMatchObject({ refused: 'invalidated', touchedBy: ['bentocache#y'] })
    expect(told.text).toContain('What touched it: bentocache#y.')
    expect(told).toMatchObject({ l2: { state: 'missing' }, next: 'run the factory' })
  })

  test('a soft one makes it stale', async () => {
    const { a, b, run, hear } = pair({ ttl: '1m', grace: '1h' })
    await run(b.bento.set({ key: 'k', value: 'v' }))
    await run(a.bento.get({ key: 'k' }))
    await run(b.bento.expire({ key: 'k' }))
    await hear(a)
    expect((await run(explain(a.bento, { key: 'k' }))).l1).toMatchObject({
      state: 'stale',
      touchedBy: ['bentocache:k'],
    })
  })

  test('memory that has heard nothing for too long is not trusted', async () => {
    const { a, run, clock, calls } = pair({ ttl: '1h', maxStaleness: '5s' })
    await run(a.bento.set({ key: 'k', value: 'v' }))
    await clock.advance(6000)
    const before = calls()
    const told = await run(explain(a.bento, { key: 'k', l2: false }))
    expect(calls()).toBe(before)
    expect(told).toMatchObject({
      newsAge: 6000,
      l1: { state: 'fresh', refused: 'untrusted' },
      l2: { silent: 'not asked' },
    })
    expect(told.text.join('\n')).toContain('older than maxStaleness (5000 ms)')
    expect((await run(explain(a.bento, { key: 'k' }))).next).toBe('give l2')
    expect(calls()).toBe(before + 1)
  })

  test('an L2 that does not answer, and one that is left alone', async () => {
    const { a, run } = pair()
    a.fault = () => 'refuse'
    expect((await run(explain(a.bento, { key: 'k' }))).l2).toMatchObject({ silent: 'no answer' })
    for (let failure = 0; failure < 5; failure++) await run(a.bento.get({ key: 'k' }))
    const told = await run(explain(a.bento, { key: 'k' }))
    expect(told.l2).toMatchObject({ silent: 'breaker open' })
    expect(told.text).toContain('L2 is silent: breaker open.')
  })

  test('what was written through the parent is not the child’s', async () => {
    const { bento } = memoryStand()
    await bento.set({ key: 'users:k', value: 'v' })
    expect((await explain(bento.namespace('users'), { key: 'k' })).l1).toMatchObject({
      refused: 'of its parent',
    })
  })

  test('a failed refresh is told', async () => {
    const { bento, clock } = memoryStand({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'k', value: 'v' })
    await clock.advance(61_000)
    await bento.getOrSet({ key: 'k', factory: vi.fn(() => Promise.reject<string>(new Error('down'))) })
    const told = await explain(bento, { key: 'k' })
    expect(told).toMatchObject({ l1: { state: 'backoff' }, next: 'give l1' })
    expect(told.text.join('\n')).toContain('its factory has just failed')
  })

  test('what only memory has is given, if the news from L2 do not speak against it', async () => {
    const { a, run, clock } = pair({ ttl: '1h', maxStaleness: '5s' })
    await run(a.bento.set({ key: 'k', value: 'v', skipL2Write: true }))
    await clock.advance(6000)
    expect((await run(explain(a.bento, { key: 'k' }))).next).toBe('give l1')
    expect(await run(a.bento.getOrSet({ key: 'k', factory: () => 'other' }))).toBe('v')
  })

  test('an outage is answered as the call wants it', async () => {
    const { a, run, clock } = pair({ ttl: '1h', maxStaleness: '5s' })
    await run(a.bento.set({ key: 'k', value: 'v' }))
    await clock.advance(6000)
    a.fault = () => 'refuse'
    expect((await run(explain(a.bento, { key: 'k' }))).next).toBe('run the factory')
    expect((await run(explain(a.bento, { key: 'k', onOutage: 'stale' }))).next).toBe('give l1 and refresh')
    expect((await run(explain(a.bento, { key: 'k', suppressL2Errors: false }))).next).toBe('fail')
    expect((await run(explain(a.bento, { key: 'k', l2: false }))).next).toBe('ask l2')
  })

  test('bad input is told', async () => {
    const { bento } = memoryStand()
    await expect(explain(bento, { key: '' })).rejects.toThrow('Invalid key')
    await expect(explain(bento, undefined as never)).rejects.toThrow('Invalid options')
  })
})
