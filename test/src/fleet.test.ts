import { expect, test } from 'vitest'
import { runFleet } from '../support/fleet.ts'

const SEEDS = 60

test.each([
  { grace: false, faults: false },
  { grace: true, faults: false },
  { grace: false, faults: true },
  { grace: true, faults: true },
  { grace: true, faults: true, shards: 5 },
])(
  'a fleet serves nothing that was invalidated longer ago than its bound ($grace, $faults, $shards)',
  async (plan) => {
    const total = { reads: 0, wrong: [] as string[], pending: 0, inflight: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { reads, wrong, pending, inflight } = await runFleet({ seed, steps: 400, ...plan })
      total.reads += reads
      total.wrong.push(...wrong)
      total.pending += pending
      total.inflight += inflight
    }
    expect(total).toMatchObject({ wrong: [], pending: 0, inflight: 0 })
    expect(total.reads).toBeGreaterThan(SEEDS * 300)
  },
  60_000,
)
