import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { object, string as text } from 'valibot'
import { z } from 'zod'
import { codecs, compression, encryption, type PayloadCodec } from '../../../src/codecs/index.ts'
import { getEntry, getOrSetEntry } from '../../../src/extras/entry.ts'
import { getMany, setMany } from '../../../src/extras/many.ts'
import { seal, unseal } from '../../../src/payload.ts'
import type { ManualClock } from '../../support/clock.ts'
import { failureOf, pair, type Pair } from '../../support/pair.ts'
import { gate, world } from '../../support/world.ts'

const SECRET = Buffer.alloc(32, 7).toString('base64')
const both = () => codecs(compression(), encryption({ keys: [{ id: 'k1', secret: SECRET }] }))
const LONG = { text: 'ekiben '.repeat(500), canary: 'the canary' }

/** Waits for what takes real time, as the platform's codecs do, while none passes on the scene's clock. */
async function real<T>({ clock }: { readonly clock: ManualClock }, work: Promise<T>): Promise<T> {
  const state = { done: false }
  const end = (): void => void (state.done = true)
  work.then(end, end)
  while (!state.done) {
    await new Promise((resolve) => void setTimeout(resolve, 1))
    await clock.advance(0)
  }
  return work
}

/** What stands in L2 under a key, as it is. */
function stored({ ledger }: Pair, key: string): string | undefined {
  return ledger.ledger.read({ key: `bentocache:${key}`, tags: [], namespaces: ['bentocache'] }).entry?.payload
}

describe('a codec', () => {
  test('changes what L2 holds, and nothing that anybody sees', async () => {
    const scene = pair({ ttl: '1m', awaitWrites: true, codec: both() })
    const { a, b, calls } = scene
    await real(
      scene,
      getOrSetEntry(a.bento, {
        key: 'k',
        tags: ['t'],
        factory: (ctx) => ctx.modified(LONG, { etag: '"e"' }),
      }),
    )
    const payload = stored(scene, 'k')!
    expect(payload.length).toBeLessThan(1000)
    expect(Buffer.from(payload.split('\n')[1]!, 'base64').toString('latin1') + payload).not.toMatch(
      /canary|"e"/,
    )
    const before = calls()
    expect(await real(scene, getEntry(b.bento, { key: 'k' }))).toMatchObject({
      value: LONG,
      tier: 'l2',
      etag: '"e"',
      tags: ['t'],
    })
    expect(calls()).toBe(before + 1)
    expect(await real(scene, b.bento.pull('k'))).toEqual(LONG)
  })

  test('many go in one call', async () => {
    const scene = pair({ ttl: '1m', awaitWrites: true, codec: both() })
    const { a, b, calls } = scene
    const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
    expect(
      await real(scene, setMany(a.bento, { entries: keys.map((key) => ({ key, value: { ...LONG, key } })) })),
    ).toBe(true)
    expect(calls()).toBe(1)
    expect(await real(scene, getMany(b.bento, { keys }))).toEqual(keys.map((key) => ({ ...LONG, key })))
    expect(calls()).toBe(2)
  })

  test('what cannot be opened is missing, told to L2, and made anew once', async () => {
    const scene = pair({ ttl: '1m', awaitWrites: true, codec: both() })
    const { a, b, ledger } = scene
    await real(scene, a.bento.set({ key: 'k', value: 'v' }))
    ledger.sql.exec("UPDATE entries SET payload = replace(payload, 'b;', 'b;x')")
    const factory = vi.fn(() => 'made anew')
    expect(await real(scene, b.bento.getOrSet({ key: 'k', factory }))).toBe('made anew')
    expect(b.steps.map(({ type }) => type)).toContain('unusable')
    expect(await real(scene, pairOf(scene, 'c').bento.getOrSet({ key: 'k', factory }))).toBe('made anew')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('an entry that was moved to another key is missing', async () => {
    const scene = pair({ ttl: '1m', awaitWrites: true, codec: both() })
    const { a, b, ledger } = scene
    await real(scene, a.bento.set({ key: 'mine', value: 'secret' }))
    await real(scene, a.bento.set({ key: 'yours', value: 'harmless' }))
    ledger.sql.exec(
      "UPDATE entries SET payload = (SELECT payload FROM entries WHERE key LIKE '%mine') WHERE key LIKE '%yours'",
    )
    expect(await real(scene, b.bento.get({ key: 'yours' }))).toBeUndefined()
    expect(await real(scene, b.bento.get({ key: 'mine' }))).toBe('secret')
  })

  test('a parent reads its child’s entry', async () => {
    const scene = pair({ ttl: '1m', awaitWrites: true, codec: both() })
    const { a, b } = scene
    await real(scene, a.bento.namespace('users').set({ key: 'k', value: LONG }))
    expect(await real(scene, b.bento.get({ key: 'users:k' }))).toEqual(LONG)
    expect(await real(scene, b.bento.namespace('users').get({ key: 'k' }))).toEqual(LONG)
  })

  test('an invalidation that comes while it opens wins in memory', async () => {
    const opening = gate<string>()
    const slow: PayloadCodec = { seal: (payload) => payload, open: () => opening.promise }
    const scene = world()
    const a = scene.isolate('a', { ttl: '1m' })
    const b = scene.isolate('b', { ttl: '1m', codec: slow })
    await scene.clock.run(a.bento.set({ key: 'k', value: 'old' }))
    const asked = b.bento.get({ key: 'k' })
    await scene.clock.settle()
    await scene.clock.run(b.bento.delete({ key: 'k' }))
    opening.open(seal({ created: 1, text: '"old"' }))
    await scene.clock.run(asked)
    expect(await scene.clock.run(getEntry(b.bento, { key: 'k' }))).toBeUndefined()
  })

  test('one that hangs costs l2Timeout, and the factory runs', async () => {
    const hanging: PayloadCodec = { seal: () => gate<string>().promise, open: () => gate<string>().promise }
    const made = world()
    const plain = made.isolate('plain', { ttl: '1m' })
    const { bento, steps } = made.isolate('hanging', { ttl: '1m', codec: hanging, l2Timeout: 200 })
    await made.clock.run(plain.bento.set({ key: 'k', value: 'v' }))
    const begun = made.clock.elapsed()
    expect(await made.clock.run(bento.getOrSet({ key: 'k', factory: () => 'made' }))).toBe('made')
    expect(made.clock.elapsed() - begun).toBeLessThanOrEqual(600)
    await made.clock.advance(1000)
    expect(steps.map(({ type }) => type)).toContain('unsealed')
    expect(await made.clock.run(bento.set({ key: 'l', value: 'v' }))).toBe(true)
  })

  test('one that throws at once is as one that rejects', async () => {
    const throwing: PayloadCodec = {
      seal: () => {
        throw new Error('the canary')
      },
      open: () => {
        throw new Error('the canary')
      },
    }
    const { a, run } = pair({ ttl: '1m', codec: throwing })
    expect(await run(a.bento.set({ key: 'k', value: 'v' }))).toBe(true)
    expect(await run(a.bento.getOrSet({ key: 'l', factory: () => 'v' }))).toBe('v')
    expect(a.steps.filter(({ type }) => type === 'unsealed')).toHaveLength(2)
    expect(JSON.stringify(a.steps)).not.toContain('canary')
  })

  test('one that fails to seal keeps the value out of L2, and the old one from being served', async () => {
    const failing: PayloadCodec = { seal: () => Promise.reject(new Error('no')), open: (payload) => payload }
    const made = world()
    const plain = made.isolate('plain', { ttl: '1m' })
    const { bento } = made.isolate('failing', { ttl: '1m', codec: failing })
    await made.clock.run(plain.bento.set({ key: 'k', value: 'old' }))
    expect(await made.clock.run(bento.set({ key: 'k', value: 'new' }))).toBe(true)
    expect(await made.clock.run(bento.get({ key: 'k' }))).toBe('new')
    expect(await made.clock.run(made.isolate('third').bento.get({ key: 'k' }))).toBeUndefined()
  })

  test('a secret that is none is the caller’s to know', async () => {
    const bad = codecs(encryption({ keys: [{ id: 'k', secret: 'c2hvcnQ=' }] }))
    const { a, run } = pair({ ttl: '1m', codec: bad })
    await expect(run(a.bento.set({ key: 'k', value: 1 }))).rejects.toMatchObject({ code: 'E_INVALID_OPTION' })
  })

  test.each([
    ['who waits for the write is told', true],
    ['who does not finds it among the steps', false],
  ])('a secret that is none is never told as written: %s', async (_, awaitWrites) => {
    const bad = codecs(encryption({ keys: [{ id: 'k', secret: 'c2hvcnQ=' }] }))
    const { a, run, clock } = pair({ ttl: '1m', codec: bad, awaitWrites })
    const told = await failureOf(run(a.bento.getOrSet({ key: 'k', factory: () => 'v' })))
    expect(told).toMatchObject(awaitWrites ? { code: 'E_INVALID_OPTION' } : { resolved: 'v' })
    await clock.settle()
    const types = a.steps.map(({ type }) => type)
    expect(types).toContain('unsealed')
    expect(types).not.toContain('written')
    expect(await run(a.bento.get({ key: 'k' }))).toBe('v')
  })

  test('no expired value is given for a new one that could not be sealed', async () => {
    const bad = codecs(encryption({ keys: [{ id: 'k', secret: 'c2hvcnQ=' }], acceptPlain: true }))
    const made = world()
    const plain = made.isolate('plain', { ttl: '1s', grace: '1h' })
    const { bento } = made.isolate('bad', { ttl: '1s', grace: '1h', codec: bad, awaitWrites: true })
    await made.clock.run(plain.bento.set({ key: 'k', value: 'old' }))
    expect(await made.clock.run(bento.get({ key: 'k' }))).toBe('old')
    await made.clock.advance(2000)
    const told = await failureOf(
      made.clock.run(bento.getOrSet({ key: 'k', timeout: '1s', factory: () => 'new' })),
    )
    expect(told).toMatchObject({ code: 'E_INVALID_OPTION' })
    expect(await made.clock.run(bento.get({ key: 'k' }))).toBe('new')
  })

  test('what is none is refused when the store is built', async () => {
    for (const [options, message] of [
      [{ codec: {} }, 'Invalid codec'],
      [{ codec: 'gzip' }, 'Invalid codec'],
      [{ schemaVersion: {} }, 'Invalid schemaVersion'],
    ] as const) {
      const { bento } = world().isolate('one', options as object)
      await expect(bento.get({ key: 'k' })).rejects.toThrow(message)
    }
  })
})

describe('a schema version', () => {
  test('what was written under another, or none, is missing, and made once', async () => {
    const made = world()
    const versions = [undefined, 1, 2, '2'].map((schemaVersion, at) =>
      made.isolate(`i${at}`, { ttl: '1m', schemaVersion }),
    )
    for (const [at, { bento }] of versions.entries()) {
      const factory = vi.fn(() => `by ${at}`)
      expect(await made.clock.run(bento.getOrSet({ key: 'k', factory }))).toBe(`by ${at}`)
      await made.clock.settle()
      const again = made.isolate(`again ${at}`, { ttl: '1m', schemaVersion: [undefined, 1, 2, '2'][at] })
      expect(await made.clock.run(again.bento.getOrSet({ key: 'k', factory }))).toBe(`by ${at}`)
      expect(factory).toHaveBeenCalledTimes(1)
    }
  })
})

describe('a schema', () => {
  const User = z.object({ name: z.string() })
  const SCHEMAS = [
    ['zod', User],
    ['valibot', object({ name: text() })],
    ['one that takes its time', z.object({ name: z.string().refine(async () => true) })],
  ] as const

  test.each(SCHEMAS)('%s: what does not fit is made anew, what fits is given', async (_, schema) => {
    const { a, b, run } = pair({ ttl: '1m' })
    await run(a.bento.set({ key: 'bad', value: { nom: 'Mei' } }))
    await run(a.bento.set({ key: 'good', value: { name: 'Mei', more: 1 } }))
    const factory = vi.fn(() => ({ name: 'made' }))
    expect(await run(b.bento.getOrSet({ key: 'bad', schema, factory }))).toEqual({ name: 'made' })
    expect(await run(b.bento.getOrSet({ key: 'good', schema, factory }))).toEqual({ name: 'Mei', more: 1 })
    expect(factory).toHaveBeenCalledTimes(1)
    expect(b.steps.filter(({ type }) => type === 'unusable')).toHaveLength(1)
    expect(await run(getMany(b.bento, { keys: ['good'], schema }))).toEqual([{ name: 'Mei', more: 1 }])
  })

  test('it judges, it does not change: a hit gives what was written', async () => {
    const { a, b, run } = pair({ ttl: '1m' })
    const schema = z.object({ name: z.string().transform((name): string => name.toUpperCase()) })
    await run(a.bento.set({ key: 'k', value: { name: 'Mei' } }))
    expect(await run(b.bento.get({ key: 'k', schema }))).toEqual({ name: 'Mei' })
    expect(await run(b.bento.get({ key: 'k', schema }))).toEqual({ name: 'Mei' })
  })

  test('it judges for the call that bears it, and nothing that another has brought into memory', async () => {
    const { a, b, run } = pair({ ttl: '1m' })
    await run(a.bento.set({ key: 'k', value: { nom: 'Mei' } }))
    await run(b.bento.get({ key: 'k' }))
    expect(await run(b.bento.get({ key: 'k', schema: User }))).toEqual({ nom: 'Mei' })
  })

  test('one that throws or hangs fits nothing, and harms nobody', async () => {
    const { a, b, run } = pair({ ttl: '1m', l2Timeout: 100 })
    await run(a.bento.set({ key: 'k', value: 1 }))
    const standard = (validate: () => never) =>
      ({ '~standard': { version: 1, vendor: 'test', validate } }) as const
    const throwing = standard(() => {
      throw new Error('no')
    })
    const hanging = standard(() => gate().promise as never)
    // As good as a promise to whoever awaits it, and none by its class.
    const soon: object = {}
    const give = (resolve: (result: object) => void): void => resolve({ issues: ['no'] })
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what is tried here
    Reflect.defineProperty(soon, 'then', { value: give })
    const thenable = standard(() => soon as never)
    expect(await run(b.bento.get({ key: 'k', schema: thenable }))).toBeUndefined()
    expect(await run(b.bento.get({ key: 'k', schema: throwing }))).toBeUndefined()
    expect(await run(b.bento.get({ key: 'k', schema: hanging }))).toBeUndefined()
  })

  test('what is none is refused', async () => {
    const { a, run } = pair()
    const failure = await failureOf(run(a.bento.get({ key: 'k', schema: { parse: () => 1 } as never })))
    expect(failure).toMatchObject({ code: 'E_INVALID_OPTION', option: 'schema' })
  })
})

describe('forms on the wire, read for ever', () => {
  const wire = (name: string): string => readFileSync(new URL(`../../wire/${name}`, import.meta.url), 'utf8')
  const place = { key: 'bentocache:k', namespace: 'bentocache' }
  const inner = {
    created: 1_000_000_000_000,
    key: undefined,
    schema: 3,
    notes: { nothing: undefined, cost: 12, ttl: 60_000, etag: '"1"', lastModified: undefined },
    text: JSON.stringify({ text: 'ekiben '.repeat(300) }),
  }

  test('with notes and a schema version', () => {
    expect(unseal(wire('payload-v1-notes.txt'))).toEqual(inner)
    expect(seal(inner)).toBe(wire('payload-v1-notes.txt'))
  })

  test.each(['gzip', 'deflate', 'deflate-raw'])('compressed by %s', async (format) => {
    const opened = await codecs(compression()).open(wire(`payload-v1-${format}.txt`), place)
    expect(opened && unseal(opened)).toEqual(inner)
  })

  test('compressed and encrypted', async () => {
    const opened = await both().open(wire('payload-v1-gzip-aes-gcm.txt'), place)
    expect(opened && unseal(opened)).toEqual(inner)
  })
})

/** One isolate more of a scene. */
function pairOf(scene: Pair, name: string) {
  return scene.isolate(name, { ttl: '1m', awaitWrites: true, codec: both() })
}
