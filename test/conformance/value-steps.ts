import type { AtomicCalls } from '../../src/ports.ts'
import type { AtomicCase } from './atomic-scene.ts'
import { equal } from './check.ts'
import { freshId, HOUR, PAST, SHORT } from './scene.ts'
import { numbered } from './texts.ts'

const NAME = 'p:v'
const MOST = Number.MAX_SAFE_INTEGER
/** Longest text that every store takes. */
const LONGEST = 65_536

async function add(calls: AtomicCalls, text: string, ttl: number | null = null): Promise<boolean> {
  return (await calls.add({ name: NAME, text, ttl, op: freshId() })).added
}

async function count(calls: AtomicCalls, by = 1, ttl: number | null = null): Promise<number | undefined> {
  return (await calls.increment({ name: NAME, by, ttl, op: freshId() })).value
}

async function value(calls: AtomicCalls): Promise<string | undefined> {
  return (await calls.read({ name: NAME })).text
}

/** Values that are set if absent, and counters. */
export function valueSteps(): AtomicCase[] {
  return [...addCases(), ...countCases(), ...boundCases(), ...repeatCases()]
}

function addCases(): AtomicCase[] {
  return [
    {
      name: 'add: sets what is absent and leaves what is there',
      run: async ({ a, b }) => {
        equal(await value(a), undefined, 'the value of an empty store')
        equal(await add(a, '"x"'), true, 'added')
        equal(await add(b, '"y"'), false, 'added over it')
        equal([await value(a), await value(b)], ['"x"', '"x"'], 'the value')
      },
    },
    {
      name: 'add: what was removed or is over is absent',
      run: async ({ a, b, pass }) => {
        await add(a, '1', SHORT)
        equal((await b.remove({ name: NAME })).removed, true, 'removed')
        equal((await a.remove({ name: NAME })).removed, false, 'removed again')
        equal(await add(a, '2', SHORT), true, 'added after the removal')
        await pass(PAST)
        equal(await value(b), undefined, 'the value after its end')
        equal((await b.remove({ name: NAME })).removed, false, 'removed after its end')
        equal(await add(b, '3'), true, 'added after its end')
        await pass(PAST)
        equal(await value(a), '3', 'the value that has no end')
      },
    },
    {
      name: 'add: of many at once exactly one sets the value',
      run: async ({ a, b }) => {
        const texts = numbered(30).map((text) => JSON.stringify(text))
        const added = await Promise.all(texts.map(async (text, at) => add(at % 2 ? a : b, text)))
        const first = texts.filter((_, at) => added[at])
        equal(first.length, 1, 'values added')
        equal(await value(a), first[0], 'the value')
      },
    },
    {
      name: 'add: texts come back as they went, up to the longest',
      run: async ({ a, b }) => {
        const texts = ['"\u{1f371} \\n"', 'null', '0.1', '{"a":[1,{}]}', `"${'x'.repeat(LONGEST - 2)}"`]
        for (const [at, text] of texts.entries()) {
          const name = `p:${at}`
          await a.add({ name, text, ttl: null, op: freshId() })
          equal((await b.read({ name })).text, text, 'the text')
        }
      },
    },
  ]
}

function countCases(): AtomicCase[] {
  return [
    {
      name: 'count: what is absent is 0, and the sum is what is there',
      run: async ({ a, b }) => {
        equal(await count(a), 1, 'the first')
        equal(await count(b, 41), 42, 'the second')
        equal(await count(a, -50), -8, 'below 0')
        equal(await count(a, 0), -8, 'nothing added')
        equal(await value(b), '-8', 'the value')
      },
    },
    {
      name: 'count: many at once are all counted, and no two get one number',
      run: async ({ a, b }) => {
        const sums = await Promise.all(numbered(60).map(async (_, at) => count(at % 2 ? a : b)))
        const sorted = sums.toSorted((one, other) => Number(one) - Number(other))
        equal(
          sorted,
          sums.map((_, at) => at + 1),
          'the sums',
        )
        equal(await value(a), '60', 'the value')
      },
    },
    {
      name: 'count: its life counts from the first step, and ends with it',
      run: async ({ a, b, pass }) => {
        await count(a, 1, SHORT)
        equal(await count(b, 1, HOUR), 2, 'the second')
        await pass(PAST)
        equal(await value(a), undefined, 'the value after its end')
        equal(await count(a), 1, 'the first of the next')
        await pass(PAST)
        equal(await count(a, 1, SHORT), 2, 'one that has no end')
      },
    },
    {
      name: 'count: what was added as a number is counted on, and lives as long as it did',
      run: async ({ a, b, pass }) => {
        await add(a, '5', SHORT)
        equal(await count(b, 2, HOUR), 7, 'the sum')
        await pass(PAST)
        equal(await value(a), undefined, 'the value after its end')
      },
    },
  ]
}

function boundCases(): AtomicCase[] {
  return [
    {
      name: 'count: what is no whole number is refused and stays',
      run: async ({ a, b }) => {
        for (const text of ['"x"', '1.5', '"5"', 'null', 'true', '1e3', '[]', `${MOST}0`]) {
          await a.remove({ name: NAME })
          await add(a, text)
          const reply = await b.increment({ name: NAME, by: 1, ttl: null, op: freshId() })
          equal(reply, { refused: 'type' }, `the answer over ${text}`)
          equal(await value(a), text, 'the value')
        }
      },
    },
    {
      name: 'count: what would be no safe integer is refused, and the number stays',
      run: async ({ a, b }) => {
        for (const sign of [1, -1]) {
          await a.remove({ name: NAME })
          equal(await count(a, sign * (MOST - 1)), sign * (MOST - 1), 'one below the largest')
          equal(await count(b, sign), sign * MOST, 'the largest')
          const reply = await b.increment({ name: NAME, by: sign, ttl: null, op: freshId() })
          equal(reply, { refused: 'range' }, 'the answer beyond it')
          equal(await value(a), String(sign * MOST), 'the value')
        }
      },
    },
  ]
}

function repeatCases(): AtomicCase[] {
  return [
    {
      name: 'repeat: one step sent many times at once is counted once',
      run: async ({ a, b }) => {
        const step = { name: NAME, by: 5, ttl: null, op: freshId() }
        const sums = await Promise.all(numbered(10).map(async (_, at) => (at % 2 ? a : b).increment(step)))
        equal([...new Set(sums.map((sum) => sum.value))], [5], 'the sums')
        equal(await value(a), '5', 'the value')
      },
    },
    {
      name: 'repeat: a late copy is answered as the first was, whatever came since, and changes nothing',
      run: async ({ a, b }) => {
        const step = { name: NAME, by: 5, ttl: null, op: freshId() }
        await a.increment(step)
        await count(b)
        equal(await b.increment(step), { value: 5 }, 'the answer to the copy')
        equal(await value(a), '6', 'the value')
        await b.remove({ name: NAME })
        equal(await a.increment(step), { value: 5 }, 'the answer to the copy after a removal')
        equal(await value(a), undefined, 'the value')
      },
    },
    {
      name: 'repeat: a value added once is not added again by a late copy',
      run: async ({ a, b }) => {
        const step = { name: NAME, text: '1', ttl: null, op: freshId() }
        equal((await a.add(step)).added, true, 'added')
        equal((await b.add(step)).added, true, 'the answer to the copy')
        await b.remove({ name: NAME })
        equal((await a.add(step)).added, true, 'the answer to the copy after a removal')
        equal(await value(a), undefined, 'the value')
      },
    },
    {
      name: 'repeat: an op is one of its name and of its kind of step alone',
      run: async ({ a }) => {
        const op = freshId()
        equal((await a.increment({ name: NAME, by: 1, ttl: null, op })).value, 1, 'the sum')
        equal((await a.increment({ name: `${NAME}:w`, by: 2, ttl: null, op })).value, 2, 'another sum')
        equal((await a.add({ name: NAME, text: '9', ttl: null, op })).added, false, 'added')
        // Joined without care, these two would be one.
        equal((await a.increment({ name: 'b:c', by: 3, ttl: null, op: 'a' })).value, 3, 'one of two')
        equal((await a.increment({ name: 'c', by: 4, ttl: null, op: 'a:b' })).value, 4, 'the other')
      },
    },
  ]
}
