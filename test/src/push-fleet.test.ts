import { describe, expect, test } from 'vitest'
import type { Push } from '../../src/index.ts'
import { type Listener, pushFleet } from '../support/push-fleet.ts'

// A fleet of processes with push: fresh at once while it works, right within the bound whatever becomes of it.

const BOUND = 2000
const KEYS = ['a', 'b', 'c']

/** mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

type Faults = (listener: Listener, int: (below: number) => number, later: (run: () => void) => void) => void

interface Story {
  readonly reads: number
  /** Reads of a value although a newer one was acknowledged more than the bound ago, or at all. */
  readonly wrong: string[]
  readonly behind: number
}

/** Random reads and deletes of three processes; each read is compared with what was acknowledged before. */
async function story(seed: number, faults: Faults, bound: number): Promise<Story> {
  const int = randomFrom(seed)
  const { clock, listener } = pushFleet({ l2: seed % 2 === 0 })
  const options = { ttl: '1h', maxStaleness: BOUND, pollInterval: 500 }
  const fleet = ['one', 'two', 'three'].map((name) => listener(name, options))
  for (const member of fleet) faults(member, int, (run) => void clock.setTimer(run, int(200)))
  const origin = new Map(KEYS.map((key) => [key, 0]))
  const acknowledged = new Map<string, { version: number; at: number }[]>(KEYS.map((key) => [key, []]))
  const wrong: string[] = []
  let reads = 0
  let behind = 0
  for (let step = 0; step < 250; step++) {
    const by = fleet[int(3)] as Listener
    const key = KEYS[int(3)] as string
    const now = clock.elapsed()
    if (int(10) === 0) {
      const version = (origin.get(key) ?? 0) + 1
      origin.set(key, version)
      await clock.run(by.bento.delete({ key }))
      acknowledged.get(key)?.push({ version, at: clock.elapsed() })
    } else {
      const served = await clock.run(by.bento.getOrSet({ key, factory: () => origin.get(key) ?? 0 }))
      reads++
      if (served < (origin.get(key) ?? 0)) behind++
      const newer = acknowledged.get(key)?.find(({ version, at }) => version > served && at < now - bound)
      if (newer) wrong.push(`seed ${seed}: ${key}@${served} at ${now}, but ${JSON.stringify(newer)}`)
    }
    await clock.advance(int(120))
  }
  for (const { bento } of fleet) await bento.disconnect()
  await clock.advance(60_000)
  // Every timer was cancelled or has run, and none was set anew.
  expect(clock.pending()).toBe(0)
  return { reads, wrong, behind }
}

const seeds = Array.from({ length: 8 }, (_, at) => at + 1)

describe('a fleet with push', () => {
  test.each(seeds)('is fresh at once while it works (seed %i)', async (seed) => {
    const { reads, wrong } = await story(seed, () => {}, 0)
    expect(reads).toBeGreaterThan(150)
    expect(wrong).toEqual([])
  })

  test.each(seeds)('is right within maxStaleness when push is dead (seed %i)', async (seed) => {
    const dead: Faults = (listener) => (listener.onWay = () => [])
    expect((await story(seed, dead, BOUND)).wrong).toEqual([])
  })

  test('is behind at times when push is dead: what is right above is push’s doing', async () => {
    const dead: Faults = (listener) => (listener.onWay = () => [])
    expect((await story(1, dead, BOUND)).behind).toBeGreaterThan(0)
  })

  test.each(seeds)(
    'is right within it when pushes are lost, doubled, late, swapped or empty, and connections break (seed %i)',
    async (seed) => {
      const chaos: Faults = (listener, int, later) => {
        listener.onWay = (push: Push) => {
          const fate = int(6)
          if (fate === 0) return []
          if (fate === 1) return [push, push]
          if (fate === 2) return [undefined]
          if (fate === 3) listener.connection().subscriber.onEnd()
          if (fate < 5) later(() => listener.connection().subscriber.onPush(push))
          return fate < 5 ? [] : [push]
        }
        listener.onSubscribe = ({ subscriber }) => {
          const fate = int(4)
          if (fate === 0) throw new Error('refused')
          if (fate === 1) subscriber.onEnd()
          later(() => subscriber.onOpen())
        }
      }
      expect((await story(seed, chaos, BOUND)).wrong).toEqual([])
    },
  )
})
