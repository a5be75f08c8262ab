import { describe, expect, test } from 'vitest'
import { type Listener, pushFleet, type PushFleet } from '../support/push-fleet.ts'

// The connection on which news come: how it is kept, and how a dead one is found out.

const states = ({ steps }: Listener): string[] =>
  steps.flatMap((step) => (step.type === 'push' ? [step.state] : []))

async function scene(set: (listener: Listener) => void = () => {}): Promise<PushFleet & { b: Listener }> {
  const fleet = pushFleet()
  const b = fleet.listener('b')
  set(b)
  await b.bento.set({ key: 'k', value: 'old', ttl: '9h' })
  await fleet.clock.advance(1)
  return { ...fleet, b }
}

/** Somebody who does not listen deletes `k`. */
async function deleteElsewhere({ ledger }: Pick<PushFleet, 'ledger'>): Promise<void> {
  await ledger.coordination.invalidate({ events: [{ kind: 'key', name: 'bentocache:k', soft: false }] })
}

describe('after a connection stands', () => {
  test('what was said before is asked for, each time', async () => {
    const { b, clock, ledger } = await scene()
    expect(ledger.calls.pull).toBe(1)
    b.connection().subscriber.onEnd(new Error('reset'))
    await deleteElsewhere({ ledger })
    await clock.advance(500)
    expect([b.connections.length, ledger.calls.pull]).toEqual([2, 2])
    expect(await b.bento.get({ key: 'k' })).toBeUndefined()
    expect(states(b)).toEqual(['open', 'closed', 'open'])
  })

  test('a second onOpen of it says nothing new', async () => {
    const { b, clock, ledger } = await scene()
    b.connection().subscriber.onOpen()
    await clock.settle()
    expect(ledger.calls.pull).toBe(1)
  })
})

describe('a connection that ends', () => {
  test('is opened again with growing pauses, up to thirty seconds and jitter, for as long as it does not stand', async () => {
    const { b, clock } = await scene((listener) => {
      listener.onSubscribe = ({ subscriber }) => void clock0(listener, () => subscriber.onEnd())
    })
    await clock.advance(300_000)
    const times = b.connections.map(({ openedAt }) => openedAt)
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    pauses.forEach((pause, index) => {
      const base = Math.min(250 * 2 ** index, 30_000)
      expect(pause).toBeGreaterThanOrEqual(base * 0.75)
      expect(pause).toBeLessThanOrEqual(base * 1.25 + 2)
    })
    expect(pauses.length).toBeGreaterThan(10)
    expect(new Set(pauses.slice(-4)).size).toBeGreaterThan(1)
  })

  test('at once after it stood counts as one that does not stand', async () => {
    const { b, clock } = await scene((listener) => {
      listener.onSubscribe = ({ subscriber }) =>
        clock0(listener, () => {
          subscriber.onOpen()
          subscriber.onEnd()
        })
    })
    await clock.advance(300_000)
    expect(b.connections.length).toBeLessThan(20)
  })

  test('after it lived is opened again soon', async () => {
    const { b, clock } = await scene()
    for (let round = 0; round < 4; round++) b.connection().subscriber.onEnd()
    for (let round = 0; round < 6; round++) {
      await clock.advance(10_000 + 37_500)
      b.connection().subscriber.onEnd()
      const before = b.connections.length
      await clock.advance(313)
      expect(b.connections.length).toBe(before + 1)
    }
  })

  test('twice, or after its end, or by throwing, breaks nothing', async () => {
    const { b, clock } = await scene()
    const { subscriber } = b.connection()
    subscriber.onEnd()
    subscriber.onEnd(new Error('again'))
    await clock.advance(400)
    expect(b.connections).toHaveLength(2)
    subscriber.onOpen()
    subscriber.onAlive(10)
    subscriber.onPush()
    subscriber.onEnd()
    await clock.advance(60_000)
    expect(b.connections).toHaveLength(2)
  })

  test.each<[string, Listener['onSubscribe']]>([
    [
      'throws',
      () => {
        throw new Error('no route')
      },
    ],
    ['ends before it is there', ({ subscriber }) => subscriber.onEnd(new Error('refused'))],
    [
      'opens, tells and ends before it is there',
      ({ subscriber }) => {
        subscriber.onOpen()
        subscriber.onPush()
        subscriber.onEnd()
      },
    ],
  ])('a subscribe that %s is tried again and harms no call', async (_, onSubscribe) => {
    const { b, clock } = await scene((listener) => (listener.onSubscribe = onSubscribe))
    expect(await b.bento.get({ key: 'k' })).toBe('old')
    await clock.advance(400)
    expect(b.connections.length).toBe(2)
    expect(states(b)).toContain('closed')
  })

  test('a subscription that opens before it is there is a subscription', async () => {
    const { b, clock } = await scene((listener) => {
      listener.onSubscribe = ({ subscriber }) => subscriber.onOpen()
      listener.pingable = true
    })
    await clock.advance(10_000)
    expect([states(b), b.connection().pings]).toEqual([['open'], 1])
  })
})

describe('a connection that says nothing', () => {
  test('is given up when it does not even open', async () => {
    const { b, clock } = await scene((listener) => (listener.onSubscribe = () => {}))
    await clock.advance(9998)
    expect(b.connections).toHaveLength(1)
    await clock.advance(400)
    expect([b.connections.length, b.connections[0]?.closed, states(b)]).toEqual([2, true, ['silent']])
  })

  test('is left alone where it promised nothing', async () => {
    const { b, clock } = await scene()
    await clock.advance(24 * 3_600_000)
    expect([b.connections.length, clock.pending()]).toEqual([1, 0])
  })

  test('is given up after three heartbeats that did not come', async () => {
    const { b, clock } = await scene()
    const { subscriber } = b.connection()
    for (let beat = 0; beat < 20; beat++) {
      subscriber.onAlive(1000)
      await clock.advance(2900)
    }
    expect(b.connections).toHaveLength(1)
    await clock.advance(101)
    expect([b.connections[0]?.closed, states(b)]).toEqual([true, ['open', 'silent']])
    await clock.advance(400)
    expect(b.connections).toHaveLength(2)
  })

  test('any word is a sign of life', async () => {
    const { b, clock } = await scene()
    const { subscriber } = b.connection()
    subscriber.onAlive(1000)
    for (let beat = 0; beat < 10; beat++) {
      await clock.advance(2500)
      if (beat % 2 === 0) subscriber.onPush()
      else subscriber.onAlive()
    }
    expect(b.connections).toHaveLength(1)
  })

  test.each([0, -1, Number.NaN])('a promise of %s is none', async (within) => {
    const { b, clock } = await scene()
    b.connection().subscriber.onAlive(within)
    await clock.advance(60_000)
    expect(b.connections).toHaveLength(1)
  })

  test('is pinged every ten seconds where that is possible, and given up when it does not answer', async () => {
    const { b, clock } = await scene((listener) => (listener.pingable = true))
    const { subscriber } = b.connection()
    for (let second = 0; second < 60; second += 10) {
      await clock.advance(10_000)
      subscriber.onAlive()
    }
    expect([b.connections.length, b.connection().pings]).toEqual([1, 6])
    await clock.advance(29_900)
    expect([b.connections.length, b.connection().pings]).toEqual([1, 8])
    await clock.advance(500)
    expect([b.connections.length, b.connections[0]?.closed]).toEqual([2, true])
  })
})

describe('a connection that has died unseen', () => {
  test('is found out by a call that brings what it did not tell', async () => {
    const { b, clock, ledger } = await scene()
    await deleteElsewhere({ ledger })
    b.onWay = () => []
    await clock.advance(1001)
    await b.bento.get({ key: 'k' })
    await clock.advance(2001)
    expect(b.connections).toHaveLength(1)
    await b.bento.get({ key: 'nobody has it' })
    expect([b.connections[0]?.closed, states(b)]).toEqual([true, ['open', 'silent']])
    await clock.advance(400)
    expect([b.connections.length, states(b)]).toEqual([2, ['open', 'silent', 'open']])
  })

  test('is not suspected while it tells, be it late or without content', async () => {
    const { b, clock } = await scene()
    for (const onWay of [
      (push: unknown) => (void clock.setTimer(() => tell(b, push), 1500), []),
      () => (void clock.setTimer(() => tell(b, undefined), 1500), []),
    ]) {
      b.onWay = onWay
      for (let round = 0; round < 5; round++) {
        await b.bento.set({ key: 'mine', value: round })
        await clock.advance(2500)
      }
    }
    expect([b.connections.length, states(b)]).toEqual([1, ['open']])
  })

  test('is not suspected of what a pull brought that it gave the occasion for', async () => {
    const { b, clock, ledger } = await scene()
    b.onWay = () => []
    for (let round = 0; round < 5; round++) {
      await deleteElsewhere({ ledger })
      b.connection().subscriber.onPush()
      await clock.advance(3000)
      await b.bento.get({ key: 'nobody has it' })
    }
    expect(b.connections).toHaveLength(1)
  })

  test('is not suspected of what was said before it stood', async () => {
    const { b, clock, ledger } = await scene((listener) => (listener.onSubscribe = () => {}))
    await deleteElsewhere({ ledger })
    b.connection().subscriber.onOpen()
    await clock.advance(5000)
    await b.bento.get({ key: 'nobody has it' })
    await clock.advance(5000)
    await b.bento.get({ key: 'nobody has it' })
    expect(b.connections).toHaveLength(1)
  })
})

describe('disconnect', () => {
  test('closes the connection and leaves no timer', async () => {
    const { b, clock } = await scene((listener) => (listener.pingable = true))
    const { subscriber } = b.connection()
    subscriber.onAlive(1000)
    expect(clock.pending()).toBeGreaterThan(0)
    await b.bento.disconnect()
    expect([b.connection().closed, clock.pending()]).toEqual([true, 0])
    subscriber.onPush()
    subscriber.onEnd()
    await b.bento.get({ key: 'nobody has it' })
    await clock.advance(60_000)
    expect([b.connections.length, clock.pending()]).toEqual([1, 0])
  })

  test('between two connections leaves none to come', async () => {
    const { b, clock } = await scene()
    b.connection().subscriber.onEnd()
    await b.bento.disconnect()
    expect(clock.pending()).toBe(0)
    await clock.advance(60_000)
    expect(b.connections).toHaveLength(1)
  })

  test('before the first call opens none', async () => {
    const { listener } = pushFleet()
    const { bento, connections } = listener('a')
    await bento.disconnect()
    await bento.get({ key: 'k' })
    expect(connections).toEqual([])
  })
})

/** Runs soon, on the isolate's own timers. */
function clock0({ runtime }: Listener, run: () => void): void {
  runtime.setTimer(run, 1)
}

function tell(listener: Listener, push: unknown): void {
  listener.connection().subscriber.onPush(push as never)
}
