import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AtomicCalls, AtomicRequest } from '../../src/ports.ts'
import { objectAtomics } from '../../drivers/coordinator-protocol/object-atomics.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'
import { manualAtomics } from '../support/manual-redis.ts'
import { redisForFile } from '../support/redis-for-file.ts'

// Locks and values in SQL and in Lua, asked the same in the same order on the same clock, answer the same.

const file = redisForFile()

const MOST = Number.MAX_SAFE_INTEGER
const name = fc.constantFrom('a', 'b', 'ä🍱:"\\')
const token = fc.constantFrom('A', 'B', 'C')
const life = fc.constantFrom(40_000, 300_000)
const ttl = fc.constantFrom(40_000, 300_000, null)
const op = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8')
const by = fc.constantFrom(1, 1, -3, 0, MOST, -MOST)
const text = fc.constantFrom('1', '-7', '1.5', '"x"', String(MOST), '9007199254740993', '-0', '007')

const request: fc.Arbitrary<AtomicRequest> = fc.oneof(
  fc.record({ step: fc.constant('acquire' as const), name, token, ttl: life }),
  fc.record({ step: fc.constant('extend' as const), name, token, ttl: fc.option(life, { nil: undefined }) }),
  fc.record({ step: fc.constant('surrender' as const), name, token }),
  fc.record({ step: fc.constant('add' as const), name, text, ttl, op }),
  fc.record({ step: fc.constant('increment' as const), name, by, ttl, op }),
  fc.record({ step: fc.constant('read' as const), name }),
  fc.record({ step: fc.constant('remove' as const), name }),
)
const script = fc.array(fc.record({ request, pass: fc.constantFrom(0, 0, 1, 9_999, 40_000, 20_000) }), {
  minLength: 20,
  maxLength: 60,
})

test('Redis answers as the Durable Object does, whatever the order', async () => {
  const seen = new Map<string, number>()
  const run = async (steps: readonly { request: AtomicRequest; pass: number }[]): Promise<void> => {
    await file.redis.flushall()
    const clock = { now: 1_900_000_000_000 }
    const ledger = ledgerCoordination({ now: () => clock.now })
    const sides: AtomicCalls[] = [
      objectAtomics(ledger.atomic),
      manualAtomics(
        (command) => file.redis.call(command[0] ?? '', ...command.slice(1)),
        () => clock.now,
      ),
    ]
    for (const { request: asked, pass } of steps) {
      clock.now += pass
      const [sql, lua] = await Promise.all(sides.map(async (side) => side[asked.step](asked as never)))
      expect({ asked, reply: lua }).toEqual({ asked, reply: sql })
      const [outcome] = Object.values(sql as object)
      const what = `${asked.step} ${typeof outcome === 'boolean' ? outcome : typeof outcome}`
      seen.set(what, (seen.get(what) ?? 0) + 1)
    }
    ledger.sql.close()
  }
  await fc.assert(fc.asyncProperty(script, run), { numRuns: 60, seed: 20_261_126 })
  // A comparison of nothing but refusals would show nothing.
  const all = ['acquire', 'extend', 'surrender', 'add', 'remove'].flatMap((step) => [
    `${step} true`,
    `${step} false`,
  ])
  const rare = [...all, 'increment number', 'increment string', 'read string', 'read undefined'].filter(
    (what) => (seen.get(what) ?? 0) < 20,
  )
  expect(rare).toEqual([])
}, 60_000)
