import type { AtomicCalls, Hold } from '../../src/ports.ts'
import type { AtomicCase } from './atomic-scene.ts'
import { equal, holds, left } from './check.ts'
import { HOUR, PAST, SHORT } from './scene.ts'
import { numbered } from './texts.ts'

const LOCK = { name: 'p:l', ttl: HOUR }

/** Takes a lock that must be free. */
async function take(calls: AtomicCalls, token: string, lock = LOCK): Promise<Hold> {
  const hold = await calls.acquire({ ...lock, token })
  equal(hold.held, true, `whether ${token} gets the lock`)
  holds(Number.isSafeInteger(hold.fence) && hold.fence > 0, 'a fence must be a safe integer over 0')
  left(hold.left, lock.ttl, 'what is left of the lock')
  return hold
}

/** Expects a lock to be somebody else's. */
async function refused(calls: AtomicCalls, token: string, lock = LOCK): Promise<void> {
  const { held, fence, left: rest } = await calls.acquire({ ...lock, token })
  equal([held, fence], [false, 0], `held and fence of a lock that ${token} may not have`)
  left(rest, HOUR, 'what is left of the other’s lock')
}

/** Locks: one holder at a time, whoever asks and however often. */
export function lockCases(): AtomicCase[] {
  return [...grantCases(), ...endCases(), ...contentionCases()]
}

function grantCases(): AtomicCase[] {
  return [
    {
      name: 'lock: is given to one token at a time',
      run: async ({ a, b }) => {
        await take(a, 'A')
        await refused(b, 'B')
        await take(b, 'B', { ...LOCK, name: 'p:m' })
      },
    },
    {
      name: 'lock: asked for again by its token it is the same grant, and no longer one',
      run: async ({ a, b, pass }) => {
        const first = await take(a, 'A', { ...LOCK, ttl: SHORT })
        const again = await a.acquire({ ...LOCK, token: 'A' })
        equal([again.held, again.fence], [true, first.fence], 'held and fence')
        left(again.left, SHORT, 'what is left of it')
        await pass(PAST)
        await take(b, 'B')
      },
    },
    {
      name: 'lock: each grant has a larger fence, after a release and after its end',
      run: async ({ a, b, pass }) => {
        const fences = [(await take(a, 'A')).fence]
        await a.surrender({ name: LOCK.name, token: 'A' })
        fences.push((await take(b, 'B', { ...LOCK, ttl: SHORT })).fence)
        await pass(PAST)
        fences.push((await take(a, 'A')).fence)
        await a.surrender({ name: LOCK.name, token: 'A' })
        fences.push((await take(a, 'A')).fence)
        const grows = fences.every((fence, at) => at === 0 || fence > fences[at - 1]!)
        holds(grows, `fences must grow: got ${fences.join(', ')}`)
      },
    },
    {
      name: 'lock: it is no value, and a value of its name is no lock',
      run: async ({ a, b }) => {
        await take(a, 'A')
        equal(await b.read({ name: LOCK.name }), {}, 'the value')
        equal((await b.remove({ name: LOCK.name })).removed, false, 'removed')
        const value = { name: LOCK.name, text: '1', ttl: null, op: 'one' }
        equal((await b.add(value)).added, true, 'added')
        equal((await a.surrender({ name: LOCK.name, token: 'A' })).released, true, 'released')
        equal(await a.read({ name: LOCK.name }), { text: '1' }, 'the value')
      },
    },
  ]
}

function endCases(): AtomicCase[] {
  return [
    {
      name: 'lock: who holds it gives it back, once',
      run: async ({ a, b }) => {
        await take(a, 'A')
        equal((await b.surrender({ name: LOCK.name, token: 'B' })).released, false, 'released by another')
        await refused(b, 'B')
        equal((await a.surrender({ name: LOCK.name, token: 'A' })).released, true, 'released')
        equal((await a.surrender({ name: LOCK.name, token: 'A' })).released, false, 'released again')
        await take(b, 'B')
      },
    },
    {
      name: 'lock: ends by itself, and a late release does not end its successor’s',
      run: async ({ a, b, pass }) => {
        await take(a, 'A', { ...LOCK, ttl: SHORT })
        await pass(PAST)
        await take(b, 'B')
        equal((await a.surrender({ name: LOCK.name, token: 'A' })).released, false, 'released')
        equal((await a.extend({ name: LOCK.name, token: 'A', ttl: HOUR })).held, false, 'held')
        await refused(a, 'A')
      },
    },
    {
      name: 'lock: one that ran out is neither released nor prolonged, though nobody has it',
      run: async ({ a, b, pass }) => {
        await take(a, 'A', { ...LOCK, ttl: SHORT })
        await pass(PAST)
        const gone = { held: false, fence: 0, left: 0 }
        equal(await a.extend({ name: LOCK.name, token: 'A', ttl: HOUR }), gone, 'the lock')
        equal((await a.surrender({ name: LOCK.name, token: 'A' })).released, false, 'released')
        await take(b, 'B')
      },
    },
    {
      name: 'lock: is prolonged by its token from now, and keeps its fence',
      run: async ({ a, b, pass }) => {
        const { fence } = await take(a, 'A', { ...LOCK, ttl: SHORT })
        const longer = await a.extend({ name: LOCK.name, token: 'A', ttl: HOUR })
        equal([longer.held, longer.fence], [true, fence], 'held and fence')
        holds(longer.left > SHORT && longer.left <= HOUR, 'what is left must be what was asked for')
        await pass(PAST)
        await refused(b, 'B')
        equal((await a.extend({ name: LOCK.name, token: 'A', ttl: SHORT })).held, true, 'held')
        await pass(PAST)
        await take(b, 'B')
      },
    },
    {
      name: 'lock: asked whose it is without a ttl, it says so and ends when it did',
      run: async ({ a, b, pass }) => {
        const { fence } = await take(a, 'A', { ...LOCK, ttl: SHORT })
        const own = await b.extend({ name: LOCK.name, token: 'A' })
        equal([own.held, own.fence], [true, fence], 'held and fence')
        left(own.left, SHORT, 'what is left of it')
        const other = await b.extend({ name: LOCK.name, token: 'B' })
        equal([other.held, other.fence], [false, 0], 'held and fence, for another token')
        await pass(PAST)
        await take(b, 'B')
      },
    },
  ]
}

function contentionCases(): AtomicCase[] {
  return [
    {
      name: 'lock: of many who ask at once exactly one gets it',
      run: async ({ a, b }) => {
        const tokens = numbered(30)
        const asked = tokens.map(async (token, at) => (at % 2 ? a : b).acquire({ ...LOCK, token }))
        const given = (await Promise.all(asked)).flatMap(({ held }, at) => (held ? [tokens[at]!] : []))
        equal(given.length, 1, 'locks given')
        equal((await a.extend({ name: LOCK.name, token: given[0]! })).held, true, 'held')
      },
    },
    {
      name: 'lock: many at once, one copy of one question each, are one grant',
      run: async ({ a, b }) => {
        const asked = numbered(10).map(async (_, at) => (at % 2 ? a : b).acquire({ ...LOCK, token: 'A' }))
        const all = await Promise.all(asked)
        equal([...new Set(all.map(({ held }) => held))], [true], 'held')
        equal(new Set(all.map(({ fence }) => fence)).size, 1, 'fences')
      },
    },
    {
      name: 'lock: names that look alike are others',
      run: async ({ a }) => {
        for (const name of ['l', 'p', 'p:', 'p:l:', 'p:l:l', 'P:l', 'p:l ', 'p:l\u0000', '{p}:l', 'p%3Al'])
          await take(a, `of ${name}`, { name, ttl: HOUR })
        await take(a, 'A')
      },
    },
  ]
}
