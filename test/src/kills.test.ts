import { expect, test } from 'vitest'
import { pair, type Pair } from '../support/pair.ts'
import type { Isolate } from '../support/world.ts'

// An isolate may be gone after any step. What it had acknowledged stands; others wait for its lease at most.

const LEASE = 2000
const STEPS = 12

interface Life {
  readonly name: string
  /** What the isolate is at when it ends; `true` if it was acknowledged. */
  readonly work: (a: Isolate) => Promise<unknown>
  /** Whether the old value must be gone once it was acknowledged. */
  readonly ends: boolean
}

const factory = async (): Promise<string> => 'A’s'

const lives: readonly Life[] = [
  { name: 'a miss', work: ({ bento }) => bento.getOrSet({ key: 'k', factory }), ends: false },
  {
    name: 'a forced refresh',
    work: ({ bento }) => bento.getOrSet({ key: 'k', forceFresh: true, factory }),
    ends: false,
  },
  { name: 'a set', work: ({ bento }) => bento.set({ key: 'k', value: 'A’s' }), ends: true },
  { name: 'a delete', work: ({ bento }) => bento.delete({ key: 'k' }), ends: true },
  { name: 'a pull', work: ({ bento }) => bento.pull('k'), ends: true },
  { name: 'a deleteByTag', work: ({ bento }) => bento.deleteByTag({ tags: ['t'] }), ends: true },
  { name: 'a clear', work: ({ bento }) => bento.clear(), ends: true },
]

/** Begins `work` in A and ends A at its `step`th step: one way of a call, or a millisecond of waiting. */
async function kill({ a, clock }: Pair, work: Life['work'], step: number): Promise<boolean> {
  let left = step
  let acknowledged = false
  a.latency = () => {
    if (left-- <= 0) a.runtime.dead = true
    return 1
  }
  work(a).then(
    () => (acknowledged = !a.runtime.dead),
    () => {},
  )
  await clock.advance(1)
  await clock.advance(STEPS)
  a.runtime.dead = true
  return acknowledged
}

const cases = lives.flatMap((life) => [
  [life.name, 'with the old value there', life, true] as const,
  [life.name, 'with nothing there', life, false] as const,
])

test.each(cases)(
  'an isolate killed at any step of %s, %s, keeps nobody waiting past its lease',
  async (...[, , life, present]) => {
    const seen = new Set<boolean>()
    for (let step = 0; step < STEPS; step++) {
      const scene = pair({ leaseTtl: LEASE })
      const { b, run, clock } = scene
      if (present) await run(b.bento.set({ key: 'k', value: 'old', tags: ['t'] }))
      const acknowledged = await kill(scene, life.work, step)
      seen.add(acknowledged)
      const from = clock.elapsed()
      const cold = scene.isolate('c')
      const value = await run(cold.bento.getOrSet({ key: 'k', tags: ['t'], factory: () => 'new' }))
      expect(clock.elapsed() - from).toBeLessThanOrEqual(LEASE * 1.1)
      expect(['A’s', 'new', ...(life.ends && acknowledged ? [] : ['old'])]).toContain(value)
      // The isolate that held the old value agrees with the coordinator as soon as the bound has passed.
      await clock.advance(5001)
      expect(await run(b.bento.getOrSet({ key: 'k', factory: () => 'not asked' }))).toBe(value)
    }
    expect(seen).toEqual(new Set([false, true]))
  },
)
