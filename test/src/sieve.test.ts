import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeSieve, type Sieve, type SieveNode } from '../../src/sieve.ts'

function node(key: string, bytes = 1): SieveNode {
  return { key, bytes, visited: false, newer: undefined, older: undefined }
}

function keys(sieve: Sieve<SieveNode>): string[] {
  return [...sieve.values()].map(({ key }) => key).toSorted()
}

/** Puts in the letters of `letters`, one after the other. */
function filled(items: number, letters: string): Sieve<SieveNode> {
  const sieve = makeSieve<SieveNode>(items, Infinity)
  for (const letter of letters) sieve.set(node(letter))
  return sieve
}

test('the oldest goes first where nothing was read', () => {
  expect(keys(filled(3, 'abcdef'))).toEqual(['d', 'e', 'f'])
})

test('what was read is spared once, and stays where it is', () => {
  const sieve = filled(3, 'abc')
  sieve.get('a')
  sieve.set(node('d'))
  expect(keys(sieve)).toEqual(['a', 'c', 'd'])
  sieve.set(node('e'))
  expect(keys(sieve)).toEqual(['a', 'd', 'e'])
  sieve.set(node('f'))
  expect(keys(sieve)).toEqual(['a', 'e', 'f'])
  sieve.set(node('g'))
  expect(keys(sieve)).toEqual(['a', 'f', 'g'])
})

test('the example of the paper: the hand goes on where it stopped', () => {
  // Zhang et al., NSDI 2024, figure 1: A, B and G have been visited; H, A, D, I, B and J are asked for.
  const sieve = filled(7, 'GFEDCBA')
  for (const key of 'ABG') sieve.get(key)
  const ask = (key: string): void => void (sieve.get(key) ?? sieve.set(node(key)))
  ask('H')
  expect(keys(sieve).join('')).toBe('ABCDEGH')
  for (const key of 'ADI') ask(key)
  expect(keys(sieve).join('')).toBe('ABCDGHI')
  ask('B')
  ask('J')
  expect(keys(sieve).join('')).toBe('ABDGHIJ')
})

test('a scan of cold keys does not flush the hot ones', () => {
  const sieve = filled(100, 'hot')
  for (let n = 0; n < 10_000; n++) {
    for (const key of 'hot') sieve.get(key)
    sieve.set(node(`cold ${n}`))
  }
  expect(['h', 'o', 't'].map((key) => sieve.peek(key)?.key)).toEqual(['h', 'o', 't'])
})

test('a peek is no read', () => {
  const sieve = filled(2, 'ab')
  sieve.peek('a')
  sieve.set(node('c'))
  expect(keys(sieve)).toEqual(['b', 'c'])
})

test('an entry makes as much room as it needs, and one that never fits takes none', () => {
  const sieve = makeSieve<SieveNode>(10, 100)
  for (const letter of 'abcd') expect(sieve.set(node(letter, 25))).toBe(true)
  expect(sieve.set(node('big', 60))).toBe(true)
  expect([keys(sieve), sieve.bytes()]).toEqual([['big', 'd'], 85])
  expect([sieve.set(node('huge', 101)), sieve.set(node('endless', Infinity))]).toEqual([false, false])
  expect([keys(sieve), sieve.bytes()]).toEqual([['big', 'd'], 85])
  expect(sieve.set(node('full', 100))).toBe(true)
  expect([keys(sieve), sieve.bytes()]).toEqual([['full'], 100])
})

test('a key that no longer fits leaves nothing of its old value', () => {
  const sieve = makeSieve<SieveNode>(10, 100)
  sieve.set(node('k', 10))
  expect(sieve.set(node('k', 101))).toBe(false)
  expect([sieve.get('k'), sieve.size(), sieve.bytes()]).toEqual([undefined, 0, 0])
})

test('cleared, it starts over', () => {
  const sieve = filled(2, 'abc')
  sieve.clear()
  expect([sieve.size(), sieve.bytes(), sieve.get('c')]).toEqual([0, 0, undefined])
  for (const letter of 'xyz') sieve.set(node(letter))
  expect(keys(sieve)).toEqual(['y', 'z'])
})

/** Counts how often the hand looks at an entry. */
function counted(key: string, count: { looks: number }): SieveNode {
  let visited = false
  return {
    key,
    bytes: 1,
    newer: undefined,
    older: undefined,
    get visited() {
      count.looks++
      return visited
    },
    set visited(read) {
      visited = read
    },
  }
}

describe('cost', () => {
  test.each([100, 10_000, 50_000])('one look per eviction where nothing is read, of %i', (size) => {
    const count = { looks: 0 }
    const sieve = makeSieve<SieveNode>(size, Infinity)
    for (let n = 0; n < size * 2; n++) sieve.set(counted(`k${n}`, count))
    expect([sieve.size(), count.looks]).toEqual([size, size])
  })

  test.each([100, 10_000])('as many looks as there were reads, of %i', (size) => {
    const count = { looks: 0 }
    const sieve = makeSieve<SieveNode>(size, Infinity)
    for (let n = 0; n < size; n++) sieve.set(counted(`k${n}`, count))
    for (let n = 0; n < size; n++) sieve.get(`k${n}`)
    const evictions = size * 3
    for (let n = 0; n < evictions; n++) sieve.set(counted(`l${n}`, count))
    expect(count.looks).toBeLessThanOrEqual(evictions + size)
  })

  test('a hit and a deletion look at nobody else', () => {
    const count = { looks: 0 }
    const sieve = makeSieve<SieveNode>(1000, Infinity)
    for (let n = 0; n < 1000; n++) sieve.set(counted(`k${n}`, count))
    for (let n = 0; n < 1000; n += 2) {
      sieve.get(`k${n}`)
      sieve.delete(`k${n}`)
    }
    expect([sieve.size(), count.looks]).toEqual([500, 0])
  })
})

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constant('set' as const), fc.nat(12), fc.integer({ min: 1, max: 40 })),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('get' as const), fc.nat(12), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), fc.nat(12), fc.constant(0)) },
)

/** SIEVE as the paper has it, over an array: newest first, the hand an index counted from the old end. */
function model(maxItems: number, maxBytes: number) {
  const queue: { key: string; bytes: number; visited: boolean }[] = []
  let hand: string | undefined
  const remove = (key: string): void => {
    const at = queue.findIndex((item) => item.key === key)
    if (at < 0) return
    if (hand === key) hand = queue[at - 1]?.key
    queue.splice(at, 1)
  }
  const evict = (): void => {
    let at = hand === undefined ? queue.length - 1 : queue.findIndex(({ key }) => key === hand)
    while (queue[at]?.visited) {
      ;(queue[at] as { visited: boolean }).visited = false
      at = at === 0 ? queue.length - 1 : at - 1
    }
    const victim = queue[at]?.key as string
    hand = queue[at - 1]?.key
    queue.splice(at, 1)
    if (hand === victim) hand = undefined
  }
  const total = (): number => queue.reduce((sum, { bytes }) => sum + bytes, 0)
  return {
    keys: () => queue.map(({ key }) => key).toSorted(),
    total,
    get: (key: string) => {
      const item = queue.find((other) => other.key === key)
      if (item) item.visited = true
    },
    delete: remove,
    set: (key: string, bytes: number) => {
      remove(key)
      if (bytes > maxBytes) return
      while (queue.length >= maxItems || total() + bytes > maxBytes) evict()
      queue.unshift({ key, bytes, visited: false })
    },
  }
}

test('whatever is done to it, it holds what the paper says, within its bounds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const sieve = makeSieve<SieveNode>(6, 100)
      const expected = model(6, 100)
      for (const [name, n, bytes] of steps) {
        const key = `k${n}`
        if (name === 'set') {
          sieve.set(node(key, bytes))
          expected.set(key, bytes)
        } else {
          sieve[name](key)
          expected[name](key)
        }
        expect([keys(sieve), sieve.bytes()]).toEqual([expected.keys(), expected.total()])
        expect(sieve.size()).toBeLessThanOrEqual(6)
        expect(sieve.bytes()).toBeLessThanOrEqual(100)
      }
    }),
    { numRuns: 300, seed: 42 },
  )
})
