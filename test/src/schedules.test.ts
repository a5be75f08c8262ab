import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ending, type Outcome, play, type Schedule, type Work } from '../support/schedule.ts'

// Invalidations at every point of a computation: what follows an acknowledgement is never older than it.

const RUNS = 1700

const works: readonly Work[] = ['cold', 'refresh', 'wait', 'hit', 'get', 'force', 'blind', 'impatient']

function schedules(ending: Ending): fc.Arbitrary<Schedule> {
  const short = fc.integer({ min: 0, max: 3 })
  return fc.record({
    ending: fc.constant(ending),
    work: fc.constantFrom(...works),
    own: fc.boolean(),
    step: fc.integer({ min: 0, max: 9 }),
    ticks: fc.integer({ min: 0, max: 12 }),
    ways: fc.array(short, { minLength: 1, maxLength: 8 }),
    origin: fc.tuple(short, short),
    callers: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })),
    inMemory: fc.boolean(),
  })
}

test.each(['delete', 'declared tag', 'late tag', 'clear', 'set', 'expire'] as const)(
  'no schedule lets an old value outlive an acknowledged invalidation: %s',
  async (ending) => {
    const outcomes: Outcome[] = []
    const property = fc.asyncProperty(schedules(ending), async (schedule) => {
      const outcome = await play(schedule)
      outcomes.push(outcome)
      expect(outcome.violations).toEqual([])
    })
    await fc.assert(property, { numRuns: RUNS, seed: 1 })
    const share = (has: (outcome: Outcome) => boolean): number => outcomes.filter(has).length / RUNS
    expect(outcomes).toHaveLength(RUNS)
    expect(share(({ interleaved }) => interleaved)).toBeGreaterThan(0.5)
    expect(share(({ refused }) => refused)).toBeGreaterThan(0.2)
  },
  60_000,
)
