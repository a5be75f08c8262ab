import { type Atomics, atomics } from 'ekiben/atomics'
import { equal, holds, present } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { type Bench, failureOf, linearizable, onShared, PATIENT, pause } from './kit.ts'

function of(bench: Bench): Atomics {
  return atomics(linearizable(bench), { prefix: bench.id, timeout: PATIENT })
}

/** Locks, counters and set-if-absent, by the runtime's own timers and randomness. */
export function atomicCases(): RuntimeCase[] {
  return [
    ...onShared('atomics: one of many gets the lock, and the next when it is given back', async (bench) => {
      const [one, other] = [of(bench), of(bench)]
      const lock = present(await one.lock('l'), 'the lock')
      equal(await other.lock('l'), undefined, 'the other’s')
      equal(await lock.release(), true, 'release')
      const next = present(await other.lock('l'), 'the next lock')
      holds(next.fence > lock.fence, 'the fence must grow')
    }),
    ...onShared('atomics: who waits for a lock gets it', async (bench) => {
      const lock = present(await of(bench).lock('l'), 'the lock')
      const waiting = of(bench).lock('l', { wait: '10s' })
      await pause(50)
      await lock.release()
      holds((await waiting) !== undefined, 'it must get the lock')
    }),
    ...onShared('atomics: withLock gives the lock back, whatever becomes of the work', async (bench) => {
      const atoms = of(bench)
      const work = atoms.withLock('l', {}, () => Promise.reject(new Error('mine')))
      equal((await failureOf(work)).message, 'mine', 'the error')
      equal(await atoms.withLock('l', {}, () => 'done'), 'done', 'the next')
    }),
    ...onShared('atomics: counters count every step of many at once', async (bench) => {
      const steps = Array.from({ length: 20 }, () => of(bench).increment('c'))
      const numbers = (await Promise.all(steps)).toSorted((a, b) => a - b)
      equal(
        numbers,
        Array.from({ length: 20 }, (_, at) => at + 1),
        'numbers',
      )
      equal(await of(bench).decrement('c', { by: 5 }), 15, 'after a decrement')
    }),
    ...onShared('atomics: add sets what is absent, once', async (bench) => {
      const asked = await Promise.all(Array.from({ length: 5 }, (_, at) => of(bench).add('a', at)))
      equal(asked.filter(Boolean).length, 1, 'who has set it')
      equal(typeof (await of(bench).get('a')), 'number', 'the value')
      equal([await of(bench).delete('a'), await of(bench).get('a')], [true, undefined], 'deleted')
    }),
    ...onShared('atomics: a lock that is held is a typed error for withLock', async (bench) => {
      present(await of(bench).lock('l'), 'the lock')
      equal((await failureOf(of(bench).withLock('l', {}, () => 1))).code, 'E_LOCK_HELD', 'code')
    }),
  ]
}
