import * as devalue from 'devalue'
import { anything, assert, property } from 'fast-check'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { binary, serializer } from '../../src/serializers.ts'
import type { Serializer } from '../../src/index.ts'
import { failureOf, pair } from '../support/pair.ts'
import { STACKS } from '../support/stacks.ts'

const RICH = {
  at: new Date(1_000_000_000_000),
  map: new Map<unknown, unknown>([['a', new Set([1n, 2n])]]),
  none: undefined,
  big: 12_345_678_901_234_567_890n,
  not: Number.NaN,
}
const BYTES = {
  bytes: new Uint8Array([0, 1, 255]),
  buffer: new Uint8Array([7, 8]).buffer,
  list: [new Uint8Array(), { deep: new Uint8Array(10_000).fill(9) }],
  text: '\u0001bytes:Uint8Array:AAAA',
  wide: new Float64Array([1.5, -0]),
  part: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  other: '\u0001x',
  ['__proto__x']: { a: 1 },
}
const JSON_LIKE: Serializer = {
  serialize: (value) => JSON.stringify(value),
  deserialize: (text) => JSON.parse(text) as unknown,
}
const KINDS: readonly (readonly [string, Serializer, unknown])[] = [
  ['devalue', serializer(devalue), RICH],
  ['superjson', serializer(superjson), RICH],
  ['binary', binary(), BYTES],
  ['binary over devalue', binary(serializer(devalue)), { ...BYTES, ...RICH }],
]

describe.each(STACKS)('%s', (_, make) => {
  test.each(KINDS)('%s: a miss, a hit and a second hit give the same', async (__, kind, value) => {
    const { bento } = make({ serializer: kind })
    const asked = { key: 'k', factory: () => value }
    for (let time = 0; time < 3; time++) expect(await bento.getOrSet(asked)).toEqual(value)
    expect(await bento.getOrSet(asked)).not.toBe(value)
    expect(await bento.pull('k')).toEqual(value)
  })
})

test.each(KINDS)('%s: another isolate gets the same', async (_, kind, value) => {
  const { a, b, run } = pair({ serializer: kind })
  await run(a.bento.set({ key: 'k', value }))
  expect(await run(b.bento.get({ key: 'k' }))).toEqual(value)
  expect(await run(b.bento.get({ key: 'k' }))).toEqual(value)
})

test('what JSON makes of bytes and dates is not what they were', async () => {
  const { a, run } = pair()
  await run(a.bento.set({ key: 'k', value: { at: RICH.at, bytes: BYTES.bytes } }))
  expect(await run(a.bento.get({ key: 'k' }))).toEqual({
    at: '2001-09-09T01:46:40.000Z',
    bytes: { 0: 0, 1: 1, 2: 255 },
  })
})

test('devalue keeps what points at itself', async () => {
  const { a, b, run } = pair({ serializer: serializer(devalue) })
  const value: { self?: unknown; n: number } = { n: 1 }
  value.self = value
  await run(a.bento.set({ key: 'k', value }))
  const found = await run(b.bento.get<{ self: unknown; n: number }>({ key: 'k' }))
  expect(found.n).toBe(1)
  expect(found.self).toBe(found)
})

test('binary over devalue keeps what points at itself, and what stands in two places, as one', () => {
  const kind = binary(serializer(devalue))
  const shared = { bytes: new Uint8Array([1]) }
  const value = { list: [shared, shared] as unknown[], self: undefined as unknown }
  value.self = value
  value.list.push(value.list)
  const back = kind.deserialize(kind.serialize(value)) as typeof value
  expect(back.self).toBe(back)
  expect(back.list[0]).toStrictEqual(shared)
  expect(back.list[1]).toBe(back.list[0])
  expect(back.list[2]).toBe(back.list)
})

test('binary over JSON refuses what JSON refuses, and opens boxes as it does', () => {
  const kind = binary()
  const value = { five: Object(5), text: Object('\u0001x'), no: Object(false), dates: [new Date(0)] }
  expect(kind.deserialize(kind.serialize(value))).toEqual(JSON.parse(JSON.stringify(value)))
  const round: { self?: unknown } = {}
  round.self = round
  for (const refused of [round, [Object(1n)]]) expect(() => kind.serialize(refused)).toThrow(TypeError)
})

test('binary changes nothing else, and not what it was given', () => {
  const kind = binary()
  assert(
    property(anything({ maxDepth: 3, withBigInt: false, withDate: false }), (value) => {
      const plain = JSON.stringify({ value })
      expect(JSON.stringify(kind.deserialize(kind.serialize({ value })))).toBe(plain)
    }),
    { numRuns: 300 },
  )
  const given = { bytes: new Uint8Array([1]) }
  kind.serialize(given)
  expect(given.bytes).toBeInstanceOf(Uint8Array)
  const named = JSON.parse('{"__proto__":{"polluted":true}}') as object
  const back = kind.deserialize(kind.serialize(named)) as object
  expect(Object.keys(back)).toEqual(['__proto__'])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test.each([
  ['JSON', binary()],
  ['devalue', binary(serializer(devalue))],
])('bytes of a class of their own come back as what they are made of, over %s', (_, kind) => {
  class Hash extends Uint8Array {}
  const back = kind.deserialize(kind.serialize([Buffer.from([1, 2]), Hash.of(3)]))
  expect(back).toStrictEqual([new Uint8Array([1, 2]), new Uint8Array([3])])
})

test('texts that classes give are texts', () => {
  const kind = binary()
  class Letter {
    readonly text = '\u0001bytes:Uint8Array:AAAA'
    readonly inside = { bytes: new Uint8Array([1]) }
  }
  const back = kind.deserialize(kind.serialize({ letter: new Letter(), told: { toJSON: () => '\u0001x' } }))
  expect(back).toEqual({
    letter: { text: '\u0001bytes:Uint8Array:AAAA', inside: { bytes: new Uint8Array([1]) } },
    told: '\u0001x',
  })
})

test('what is no serializer is refused', () => {
  for (const library of [undefined, {}, { stringify: JSON.stringify }])
    expect(() => serializer(library as never)).toThrow('Invalid serializer')
})

test('one that is asynchronous, or throws, is told what to do', async () => {
  const { a, run } = pair()
  const later = { serialize: async () => 'x', deserialize: (text: string) => text } as never
  const { bento } = pair({ serializer: later }).a
  expect(await failureOf(bento.set({ key: 'k', value: { a: 1 } }))).toMatchObject({ code: 'E_SERIALIZATION' })
  const scene = pair({ serializer: { ...JSON_LIKE, deserialize: async (text: string) => text } })
  await scene.run(scene.a.bento.set({ key: 'k', value: { a: 1 } }))
  expect(await scene.run(scene.b.bento.get({ key: 'k' }))).toBeUndefined()
  expect(await failureOf(run(a.bento.set({ key: 'k', value: 1n })))).toMatchObject({
    code: 'E_SERIALIZATION',
    message: expect.stringContaining('pass a serializer that can'),
  })
})
