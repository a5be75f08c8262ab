import { redisAtomics } from '../../drivers/redis-protocol/atomics.ts'
import { redisCoordination } from '../../drivers/redis-protocol/coordination.ts'
import { type Evaluate, makeEvaluate, type Send } from '../../drivers/redis-protocol/evaluate.ts'
import { nameKeys } from '../../drivers/redis-protocol/names.ts'
import type { AtomicCalls, Coordination } from '../../src/ports.ts'

/**
 * The scripts in a real Redis, on a clock of the test's: Redis has no way to let time pass, so what a script is told of
 * the time is replaced in its text. Keys still expire by Redis's own clock, hence after the entries in them.
 */
export function manualRedis(send: Send, now: () => number, prefix = ''): Coordination {
  return redisCoordination(onClock(send, now), nameKeys(prefix, false))
}

/** The same for locks and atomic values. */
export function manualAtomics(send: Send, now: () => number, prefix = ''): AtomicCalls {
  return redisAtomics(onClock(send, now), { prefix })
}

function onClock(send: Send, now: () => number): Evaluate {
  const evaluate = makeEvaluate(send, { locking: false, replicas: true })
  let calls = 0
  return (script, keys, args) => {
    const ms = now()
    // The microseconds count on: no two calls are at the same instant, as none are in Redis.
    const time = `{ '${Math.floor(ms / 1000)}', '${(ms % 1000) * 1000 + (++calls % 1000)}' }`
    const text = script.text.replaceAll(`redis.call('TIME')`, time)
    // Under a name of its own each, so that no digest of another instant's is taken.
    return evaluate({ ...script, name: `${script.name} ${calls}`, text }, keys, args)
  }
}
