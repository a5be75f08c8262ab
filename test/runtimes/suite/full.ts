import { explain } from 'ekiben/explain'
import { BentoCache, bentostore, type ExtraStoreOptions, type FullBentoCache } from 'ekiben/full'
import { memo } from 'ekiben/memo'
import { getMany } from 'ekiben/many'
import { cacheStatus } from 'ekiben/cache-status'
import { wrap } from 'ekiben/wrap'
import { equal, holds, left } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { type Bench, failureOf, layersOf, onEach, PATIENT, pause } from './kit.ts'

function full(bench: Bench, options: ExtraStoreOptions = {}): FullBentoCache {
  const store = layersOf(
    bench,
    bench.stack,
    bentostore({ prefix: bench.id, awaitWrites: true, l2Timeout: PATIENT, ...options }),
  )
  return new BentoCache({ default: 'main', stores: { main: store }, advice: false })
}

/** What `ekiben/full` has as methods, and the modules it is made of as functions. */
export function fullCases(): RuntimeCase[] {
  return [...manyCases(), ...entryCases(), ...answerCases(), ...helperCases()]
}

function manyCases(): RuntimeCase[] {
  return [
    ...onEach('full: many keys are written, read and made at once', async (bench) => {
      const bento = full(bench)
      const entries = ['a', 'b'].map((key) => ({ key, value: key.toUpperCase() }))
      equal(await bento.setMany({ entries }), true, 'setMany')
      equal(await bento.getMany({ keys: ['b', 'none', 'a'] }), ['B', undefined, 'A'], 'getMany')
      const asked: string[][] = []
      const factory = (keys: string[]): Record<string, string> => {
        asked.push(keys)
        return Object.fromEntries(keys.map((key) => [key, `made ${key}`]))
      }
      const values = await bento.getOrSetMany({ keys: ['a', 'c', 'd'], factory })
      equal([values, asked], [['A', 'made c', 'made d'], [['c', 'd']]], 'values, and what was asked for')
    }),
    ...onEach('full: one factory call for the misses of many who ask at once', async (bench) => {
      const bento = full(bench)
      let calls = 0
      const factory = async (keys: string[]): Promise<string[]> => {
        calls++
        await pause(30)
        return keys
      }
      const keys = ['a', 'b', 'c']
      const asked = await Promise.all(Array.from({ length: 5 }, () => bento.getOrSetMany({ keys, factory })))
      equal([asked, calls], [asked.map(() => keys), 1], 'values and calls')
    }),
    ...onEach('full: what fails for some keys is told, with the values of the others', async (bench) => {
      const bento = full(bench)
      await bento.set({ key: 'a', value: 1 })
      const factory = (): never => {
        throw new Error('down')
      }
      const error = await failureOf(bento.getOrSetMany({ keys: ['a', 'b'], factory }))
      equal(error.code, 'E_SOME_FAILED', 'code')
      equal([...(error as unknown as { values: Map<string, unknown> }).values], [['a', 1]], 'values')
    }),
    ...onEach('full: getMany of its own module reads what the method has written', async (bench) => {
      const bento = full(bench)
      await bento.setMany({ entries: [{ key: 'a', value: 1 }] })
      equal(await getMany(bento, { keys: ['a', 'b'], defaultValue: 0 }), [1, 0], 'values')
    }),
  ]
}

function entryCases(): RuntimeCase[] {
  return [
    ...onEach('full: an entry says where it comes from, why, and for how long', async (bench) => {
      const bento = full(bench, { ttl: '1m', grace: '1h' })
      const options = { key: 'k', tags: ['t'], factory: () => 'made' }
      const miss = await bento.getOrSetEntry(options)
      equal([miss.value, miss.tier, miss.reason, miss.stale], ['made', 'factory', 'miss', false], 'the miss')
      left(miss.freshFor, 60_000, 'freshFor')
      const hit = await bento.getOrSetEntry(options)
      equal([hit.value, hit.tier, hit.reason, hit.tags], ['made', 'l1', 'hit', ['t']], 'the hit')
      equal((await bento.getEntry({ key: 'k' }))?.reason, 'hit', 'getEntry')
      left(await bento.remainingTtl({ key: 'k' }), 60_000, 'remainingTtl')
      holds(cacheStatus(hit).startsWith('ekiben; hit; ttl='), `Cache-Status: ${cacheStatus(hit)}`)
    }),
    ...onEach('full: touch begins a life anew', async (bench) => {
      const bento = full(bench)
      await bento.set({ key: 'k', value: 'kept', ttl: 5000 })
      equal(await bento.touch({ key: 'k', ttl: '1h' }), true, 'touch')
      const remaining = (await bento.remainingTtl({ key: 'k' })) ?? 0
      holds(remaining > 5000, `it has ${remaining} ms left`)
      equal(await bento.touch({ key: 'none', ttl: '1h' }), false, 'touch of nothing')
    }),
    ...onEach('full: what the origin has not changed is kept', async (bench) => {
      const bento = full(bench, { grace: '1h', timeout: null })
      const told: (string | undefined)[] = []
      const ask = (): Promise<string> =>
        bento.getOrSet<string>({
          key: 'k',
          ttl: 60,
          factory: (ctx) => {
            told.push(ctx.etag)
            if (ctx.etag === '"1"') return ctx.notModified()
            return ctx.modified('whole', { etag: '"1"' })
          },
        })
      equal(await ask(), 'whole', 'the first')
      await pause(120)
      equal(await ask(), 'whole', 'the second')
      equal(told, [undefined, '"1"'], 'what the origin was told')
    }),
  ]
}

function answerCases(): RuntimeCase[] {
  return [
    ...onEach('full: that there is nothing is remembered', async (bench) => {
      const bento = full(bench)
      let runs = 0
      const ask = (): Promise<unknown> =>
        bento.getOrSet<string | undefined>({ key: 'k', factory: (ctx) => (runs++, ctx.notFound('1m')) })
      equal([await ask(), await ask(), runs], [undefined, undefined, 1], 'answers and runs')
      equal(await bento.has({ key: 'k' }), false, 'whether it is there')
    }),
    ...onEach('full: a failure is remembered for errorTtl, and a default hides it', async (bench) => {
      const bento = full(bench)
      let runs = 0
      const factory = (): never => {
        runs++
        throw new Error('down')
      }
      const ask = (): Promise<Error> => failureOf(bento.getOrSet({ key: 'k', errorTtl: '1m', factory }))
      await ask()
      await ask()
      equal(runs, 1, 'runs')
      equal(
        await bento.getOrSet<string>({ key: 'l', defaultValue: 'default', factory }),
        'default',
        'the default',
      )
    }),
    ...onEach('full: onlyIfCached runs nothing, noStore keeps nothing', async (bench) => {
      const bento = full(bench)
      const factory = (): string => 'made'
      const options = { key: 'k', factory }
      equal(
        await bento.getOrSet<string | undefined>({ ...options, onlyIfCached: true }),
        undefined,
        'onlyIfCached',
      )
      equal(await bento.getOrSet({ ...options, noStore: true }), 'made', 'noStore')
      equal(await bento.has({ key: 'k' }), false, 'whether it is there')
    }),
    ...onEach('full: an eager refresh brings the next value before the end', async (bench) => {
      const bento = full(bench, { eagerRefresh: 0.01 })
      let runs = 0
      const ask = (): Promise<number> => bento.getOrSet({ key: 'k', ttl: '3s', factory: () => ++runs })
      equal(await ask(), 1, 'the first')
      await pause(60)
      equal(await ask(), 1, 'the one that begins the refresh')
      const end = performance.now() + 2500
      while ((await ask()) < 2) {
        holds(performance.now() < end, 'the next value must be there before the end')
        await pause(10)
      }
    }),
  ]
}

function helperCases(): RuntimeCase[] {
  return [
    ...onEach('full: a wrapped function runs once for the same arguments', async (bench) => {
      const bento = full(bench)
      const runs: unknown[] = []
      const load = async (id: number, options: object): Promise<object> => {
        runs.push([id, options])
        return { id, options }
      }
      const wrapped = bento.wrap(load, { name: 'load' })
      equal(
        await wrapped(1, { a: 1, b: new Date(0) }),
        { id: 1, options: { a: 1, b: '1970-01-01T00:00:00.000Z' } },
        '1',
      )
      await wrapped(1, { b: new Date(0), a: 1 })
      await wrapped(2, {})
      equal(runs.length, 2, 'runs')
      await wrapped.delete(2, {})
      await wrapped(2, {})
      equal(runs.length, 3, 'runs after the delete')
      const other = wrap(bento, load, { name: 'load' })
      equal(await other.keyFor(2, {}), await wrapped.keyFor(2, {}), 'keys')
    }),
    ...onEach('full: a memo reads each key once', async (bench) => {
      const bento = full(bench)
      await bento.set({ key: 'k', value: 'old' })
      const seen = memo(bento)
      equal(await seen.get({ key: 'k' }), 'old', 'the first')
      await bento.set({ key: 'k', value: 'new' })
      equal(
        [await seen.get({ key: 'k' }), await bento.get({ key: 'k' })],
        ['old', 'new'],
        'remembered, and not',
      )
      await seen.set({ key: 'k', value: 'own' })
      equal(await seen.get({ key: 'k' }), 'own', 'after a write of its own')
    }),
    ...onEach('full: explain says what would be done, and no value', async (bench) => {
      const bento = full(bench)
      equal((await bento.explain({ key: 'k' })).next, 'run the factory', 'before')
      await bento.set({ key: 'k', value: 'a-secret-value' })
      const told = await explain(bento, { key: 'k' })
      equal([told.next, told.name], ['give l1', `${bench.id}:k`], 'after')
      holds(!JSON.stringify(told).includes('secret'), 'no value may appear')
    }),
    ...onEach('full: a namespace, a bound cache and a named store can do the same', async (bench) => {
      const bento = full(bench)
      const works: Promise<unknown>[] = []
      const views = [
        bento.namespace('n'),
        bento.bind({ waitUntil: (work) => void works.push(work) }, { memo: true }),
        bento.use('main'),
      ]
      for (const view of views) {
        const { value, tier } = await view.getOrSetEntry({ key: 'own', forceFresh: true, factory: () => 1 })
        equal([value, tier], [1, 'factory'], 'value and tier')
      }
      await Promise.all(works)
    }),
  ]
}
