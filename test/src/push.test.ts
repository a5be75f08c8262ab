import { describe, expect, test } from 'vitest'
import type { Push } from '../../src/index.ts'
import { type Listener, pushFleet, type PushFleet } from '../support/push-fleet.ts'

// What is told unasked: how it is taken in, and what it is not believed about.

/** A writes, B has `k` in memory and listens; its first pulls are done. */
async function scene(l2 = false): Promise<PushFleet & { a: Listener; b: Listener }> {
  const fleet = pushFleet({ l2 })
  const [a, b] = [fleet.listener('a'), fleet.listener('b')]
  await b.bento.set({ key: 'k', value: 'old', ttl: '1h', tags: ['t'], grace: '2h' })
  await a.bento.get({ key: 'nobody has it' })
  await fleet.clock.advance(1)
  b.steps.length = 0
  return { ...fleet, a, b }
}

const states = ({ steps }: Listener): string[] =>
  steps.flatMap((step) => (step.type === 'push' ? [step.state] : []))

describe.each([
  ['memory with a bus', false],
  ['an L2 with a bus of its kind', true],
])('%s', (_, l2) => {
  test.each(['delete', 'expire', 'deleteByTag', 'clear', 'set'] as const)(
    'a %s elsewhere is seen at once, and nobody had to ask',
    async (name) => {
      const { a, b, ledger } = await scene(l2)
      const pulls = ledger.calls.pull
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      const acts = {
        delete: () => a.bento.delete({ key: 'k' }),
        expire: () => a.bento.expire({ key: 'k' }),
        deleteByTag: () => a.bento.deleteByTag({ tags: ['t'] }),
        clear: () => a.bento.clear(),
        set: () => a.bento.set({ key: 'k', value: 'new' }),
      }
      await acts[name]()
      expect(ledger.calls.pull).toBe(pulls)
      expect(await b.bento.get({ key: 'k' })).toBe(l2 && name === 'set' ? 'new' : undefined)
    },
  )

  test('a push beats a factory that runs', async () => {
    const { a, b, clock } = await scene(l2)
    const factory = (): Promise<string> =>
      new Promise((resolve) => void clock.setTimer(() => resolve('made of old data'), 500))
    const made = b.bento.getOrSet({ key: 'm', factory })
    await clock.advance(100)
    await a.bento.delete({ key: 'm' })
    expect(await clock.run(made)).toBe('made of old data')
    await clock.settle()
    expect(await b.bento.get({ key: 'm' })).toBeUndefined()
  })
})

describe('a subscription', () => {
  test('is opened by the first call, not by building the cache or its store', async () => {
    const { listener, clock } = pushFleet()
    const { bento, connections } = listener('a')
    bento.use('main')
    await clock.advance(1000)
    expect([connections.length, clock.pending()]).toEqual([0, 0])
    await bento.get({ key: 'k' })
    expect(connections).toHaveLength(1)
    await Promise.all([bento.get({ key: 'k' }), bento.set({ key: 'l', value: 1 })])
    expect(connections).toHaveLength(1)
  })

  test('is never opened where requests have waitUntil', async () => {
    const { listener } = pushFleet()
    const { bento, connections } = listener('a', {}, true)
    await bento.set({ key: 'k', value: 1 })
    await bento.get({ key: 'l' })
    expect(connections).toEqual([])
  })

  test('tells what happened as the journal does', async () => {
    const { a, b } = await scene()
    await a.bento.delete({ key: 'k' })
    expect(b.steps).toContainEqual({
      type: 'received',
      store: 'main',
      message: { type: 'delete', keys: ['k'] },
    })
  })

  test('does not make memory more recently confirmed: the bound rests on calls of one’s own', async () => {
    const { a, b, clock } = await scene()
    b.down = true
    for (let second = 0; second < 5; second++) {
      await clock.advance(1000)
      await a.bento.set({ key: 'other', value: second })
    }
    await clock.advance(100)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    b.down = false
    expect(await b.bento.get({ key: 'k' })).toBe('old')
  })

  test('leaves the polls as they are', async () => {
    const { b, clock, ledger } = await scene()
    const pulls = ledger.calls.pull
    for (let hit = 0; hit < 40; hit++) {
      expect(await b.bento.get({ key: 'k' })).toBe('old')
      await clock.advance(100)
    }
    expect(ledger.calls.pull - pulls).toBe(3)
  })
})

describe('a push', () => {
  const contents: [string, (push: Push) => readonly (Push | undefined)[]][] = [
    ['without content', () => [undefined]],
    ['that names a gap', ({ after, page }) => [{ after, page: { ...page, events: 'gap' } }]],
    ['that follows another event', ({ page }) => [{ after: { seq: 0, id: 'other' }, page }]],
    [
      'that follows another event of the same place',
      ({ after, page }) => [{ after: { ...after, id: 'x' }, page }],
    ],
    ['that is none', () => [{ after: null, page: { head: 7 } } as never]],
    ['whose events are none', ({ after, page }) => [{ after, page: { ...page, events: [null] } } as never]],
  ]
  test.each(contents)('%s is an occasion to ask, once', async (_, onWay) => {
    const { a, b, clock, ledger } = await scene()
    b.onWay = onWay
    const pulls = ledger.calls.pull
    await a.bento.delete({ key: 'k' })
    await clock.settle()
    expect(ledger.calls.pull - pulls).toBe(1)
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })

  test('told twice changes nothing the second time', async () => {
    const { a, b, ledger } = await scene()
    b.onWay = (push) => [push, push, push]
    const pulls = ledger.calls.pull
    await a.bento.delete({ key: 'k' })
    expect(ledger.calls.pull).toBe(pulls)
    expect(b.steps.filter(({ type }) => type === 'received')).toHaveLength(1)
  })

  test('that was lost is asked for when the next one comes', async () => {
    const { a, b, clock } = await scene()
    b.onWay = () => []
    await a.bento.delete({ key: 'k' })
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBe('old')
    b.onWay = (push) => [push]
    await a.bento.delete({ key: 'other' })
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
  })

  test('that overtakes another brings both', async () => {
    const { a, b, clock } = await scene()
    const late: Push[] = []
    b.onWay = (push) => (late.push(push), [])
    await a.bento.delete({ key: 'k' })
    await a.bento.delete({ key: 'other' })
    for (const push of late.toReversed()) b.connection().subscriber.onPush(push)
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    expect(b.steps.filter(({ type }) => type === 'received')).toHaveLength(2)
  })

  test('after push asks one at a time, and once more for what came meanwhile', async () => {
    const { b, clock, ledger } = await scene()
    b.held = []
    const pulls = ledger.calls.pull
    for (let push = 0; push < 5; push++) b.connection().subscriber.onPush()
    await clock.settle()
    expect(ledger.calls.pull - pulls).toBe(1)
    for (const go of b.held.splice(0)) go()
    await clock.settle()
    expect(ledger.calls.pull - pulls).toBe(2)
    for (const go of b.held.splice(0)) go()
    await clock.settle()
    expect(ledger.calls.pull - pulls).toBe(2)
  })

  test('of a journal that took the place of a lost one is not taken for news of the old', async () => {
    const { a, b, clock, ledger } = await scene()
    ledger.sql.exec('DELETE FROM journal')
    b.onWay = (push) => [push]
    await a.bento.delete({ key: 'k' })
    await clock.settle()
    await clock.advance(1001)
    await b.bento.get({ key: 'k' })
    await clock.settle()
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    expect(states(b)).not.toContain('silent')
  })
})
