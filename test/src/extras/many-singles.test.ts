import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { PayloadCodec } from '../../../src/codecs/index.ts'
import { getMany, getOrSetMany, type SomeFailedError } from '../../../src/extras/many.ts'
import type { FactoryContext } from '../../../src/index.ts'
import { nameOf, type Pair, pair } from '../../support/pair.ts'

const NAMES = ['a', 'b', 'c', 'ns:d', 'e', 'f'] as const
const STATES = [
  'missing',
  'in L1',
  'in L2',
  'expired in L1',
  'expired in L2',
  'stale',
  'dead',
  'deleted',
  'unreadable',
] as const
const RESULTS = ['value', 'skip', 'undefined', 'short', 'tagged'] as const

const each = <T extends string>(values: readonly T[]) =>
  fc.array(fc.constantFrom(...values), { minLength: NAMES.length, maxLength: NAMES.length })

const scenes = fc.record({
  states: each(STATES),
  results: each(RESULTS),
  keys: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 9 }),
  fails: fc.boolean(),
  slow: fc.constantFrom(0, 30, 400),
  options: fc.record({
    grace: fc.constantFrom<(string | false)[]>(false, '1h'),
    timeout: fc.constantFrom(0, 50, null),
    hardTimeout: fc.constantFrom(undefined, 200),
    forceFresh: fc.boolean(),
    tags: fc.constantFrom<string[][]>([], ['t']),
    skipL2Write: fc.boolean(),
    l1Ttl: fc.constantFrom(undefined, 20_000),
  }),
  sealed: fc.boolean(),
  again: fc.boolean(),
})
type Scene = typeof scenes extends fc.Arbitrary<infer S> ? S : never

const sealing: PayloadCodec = {
  seal: async (payload) => `x${payload}`,
  open: async (stored) => (stored.startsWith('x') ? stored.slice(1) : undefined),
}

/** Brings each key into its state. */
async function prepare({ a, b, run, clock, ledger, hear }: Pair, { states }: Scene): Promise<void> {
  const are = (...wanted: string[]) => NAMES.filter((_, at) => wanted.includes(states[at] as string))
  const write = async (keys: readonly string[], options: object): Promise<void> => {
    for (const key of keys) await run(b.bento.set({ key, value: `old ${key}`, ...options }))
  }
  const remember = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await run(a.bento.get({ key }))
  }
  // The first page is a gap: of several first reads at a time only one would be kept.
  await hear(a)
  await hear(b)
  await write(are('dead'), { ttl: '10s', grace: false })
  await write(are('expired in L1', 'expired in L2', 'deleted'), { ttl: '10s', grace: '1h' })
  await remember(are('expired in L1'))
  await clock.advance(11_000)
  await write(are('in L1', 'in L2', 'stale', 'unreadable'), { grace: '1h' })
  await remember(are('in L1'))
  for (const key of are('stale')) await run(b.bento.expire({ key }))
  for (const key of are('deleted')) await run(b.bento.delete({ key }))
  for (const key of are('unreadable'))
    ledger.sql.exec("UPDATE entries SET payload = '?' WHERE key = ?", nameOf(key))
}

/** Makes the value of a key, or none, as the scene has it. */
function make({ results }: Scene, key: string, ctx: FactoryContext): unknown {
  const result = results[(NAMES as readonly string[]).indexOf(key)]
  if (result === 'skip') return ctx.skip()
  if (result === 'undefined') return undefined
  if (result === 'short') ctx.setOptions({ ttl: 5000, grace: false })
  if (result === 'tagged') ctx.setTags(['late'])
  return `new ${key}`
}

type Ask = (stage: Pair, scene: Scene, work: (...keys: string[]) => Promise<void>) => Promise<unknown[]>

const codeOf = (error: unknown): unknown => ({ error: (error as { code?: string }).code })

const together: Ask = ({ a }, scene, work) =>
  getOrSetMany<unknown>(a.bento, {
    keys: scene.keys,
    ...scene.options,
    factory: async (keys, ctx) => {
      await work(...keys)
      return new Map(keys.map((key) => [key, make(scene, key, ctx.of(key))]))
    },
  }).catch(({ errors, values }: SomeFailedError) =>
    scene.keys.map((key) => (errors.has(key) ? codeOf(errors.get(key)) : values.get(key))),
  )

const oneByOne: Ask = async ({ a }, scene, work) => {
  const ask = (key: string): Promise<unknown> =>
    a.bento.getOrSet<unknown>({
      key,
      ...scene.options,
      factory: async (ctx) => {
        await work(key)
        const value = make(scene, key, ctx)
        return value === undefined ? ctx.skip() : value
      },
    })
  // A key that is named twice is one.
  const asked = new Map([...new Set(scene.keys)].map((key) => [key, ask(key).catch(codeOf)]))
  return Promise.all(scene.keys.map(async (key) => asked.get(key)))
}

/** All that can be told of a scene from outside: what is answered, what was made, and what both isolates have later. */
async function play(scene: Scene, ask: Ask): Promise<unknown> {
  const stage = pair({ ttl: '1m', ...(scene.sealed ? { codec: sealing } : {}) })
  const { a, b, run, clock } = stage
  await prepare(stage, scene)
  const made: string[] = []
  const work = async (...keys: string[]): Promise<void> => {
    made.push(...keys)
    if (scene.slow > 0) await new Promise<void>((resolve) => void clock.setTimer(resolve, scene.slow))
    if (scene.fails) throw new Error('down')
  }
  const answers: unknown[] = []
  for (let times = scene.again ? 2 : 1; times > 0; times--) {
    answers.push(await run(ask(stage, scene, work)))
    await clock.advance(1000)
  }
  const look = async (ms: number): Promise<void> => {
    await clock.advance(ms)
    for (const { bento } of [a, b])
      for (const grace of [false, '1h'] as const)
        answers.push(await run(getMany(bento, { keys: [...NAMES], grace })))
  }
  await look(1000)
  await run(b.bento.deleteByTag({ tags: ['late'] }))
  await look(3000)
  await look(60_000)
  return { answers, made: made.toSorted() }
}

test('getOrSetMany gives, makes and keeps what getOrSet of each key does', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      expect(await play(scene, together)).toEqual(await play(scene, oneByOne))
    }),
    { numRuns: 100 },
  )
})

describe('round trips', () => {
  const keysOf = (name: string): string[] => Array.from({ length: 10 }, (_, at) => `${name}${at}`)
  const madeOf = (keys: string[]): string[] => keys.map((key) => `made ${key}`)

  test('what is in memory, in L2 and nowhere takes one read and one write together', async () => {
    const { a, b, run, clock, ledger, calls } = pair({ ttl: '1m' })
    const [memory, shared, missing] = [keysOf('m'), keysOf('s'), keysOf('x')]
    const factory = vi.fn(madeOf)
    await run(getOrSetMany(a.bento, { keys: memory, factory }))
    await run(getOrSetMany(b.bento, { keys: shared, factory }))
    await clock.advance(10)
    factory.mockClear()
    const keys = [...missing, ...memory, ...shared].toSorted()
    const before = calls()
    expect(await run(getOrSetMany(a.bento, { keys, factory }))).toEqual(madeOf(keys))
    await clock.advance(10)
    expect(calls() - before).toBe(2)
    expect(factory.mock.calls.map(([asked]) => asked)).toEqual([missing])
    expect(ledger.calls).toMatchObject({ read: 0, commit: 0, release: 0, pull: 0 })
  })

  test('what is all in L2 takes one read', async () => {
    const { a, b, run, clock, calls } = pair({ ttl: '1m' })
    const keys = keysOf('k')
    await run(getOrSetMany(b.bento, { keys, factory: madeOf }))
    await clock.advance(10)
    const before = calls()
    expect(await run(getOrSetMany(a.bento, { keys, factory: madeOf }))).toEqual(madeOf(keys))
    await clock.advance(10)
    expect(calls() - before).toBe(1)
  })
})
