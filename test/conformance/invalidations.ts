import { equal } from './check.ts'
import { coordination, type CoordinationCase } from './scene.ts'
import { numbered } from './texts.ts'

const NONE = { tags: [], namespaces: [''] }

/** What invalidations and takes answer, and that repeating them is harmless. */
export function invalidationCases(): CoordinationCase[] {
  return [
    coordination('invalidate: counts the keys named that held an entry', async ({ a, b }) => {
      for (const key of ['1', '2', '3']) await a.set(key, 'x', { tags: ['t'] })
      const key = (name: string, soft = false) => ({ kind: 'key', name, soft }) as const
      equal(await b.drop(key('1', true), key('missing')), 1, 'existed, softly')
      equal(await b.drop(key('1'), key('2'), key('missing')), 2, 'existed')
      equal(await b.drop(key('1'), key('2')), 0, 'existed, again')
      equal(
        await b.drop({ kind: 'tag', name: 't' }, { kind: 'namespace', name: '' }),
        0,
        'existed, of a tag and a namespace',
      )
      equal(await b.drop(key('3')), 0, 'existed, of what its tag has ended')
    }),
    coordination('invalidate: can be repeated, and of nothing does nothing', async ({ a, b }) => {
      await a.set('k', 'x', { tags: ['t'] })
      const cursor = await a.head()
      equal(await b.drop(), 0, 'existed')
      equal(await b.since(cursor), [], 'events')
      for (let turn = 0; turn < 2; turn++) {
        await b.drop({ kind: 'tag', name: 't', soft: true })
        equal((await a.read('k')).stale, true, 'stale after a soft invalidation')
      }
      for (let turn = 0; turn < 2; turn++) {
        await b.drop({ kind: 'tag', name: 't' })
        equal(await a.value('k'), undefined, 'payload')
      }
    }),
    coordination(
      'invalidate: hard after soft ends, soft after hard does not bring back',
      async ({ a, b }) => {
        for (const key of ['1', '2']) await a.set(key, 'x', { tags: [`t${key}`] })
        await b.drop({ kind: 'tag', name: 't1', soft: true }, { kind: 'key', name: '2', soft: true })
        await b.drop({ kind: 'tag', name: 't1' }, { kind: 'key', name: '2' })
        await b.drop({ kind: 'tag', name: 't1', soft: true }, { kind: 'key', name: '2', soft: true })
        equal([await a.value('1'), await a.value('2')], [undefined, undefined], 'payloads')
      },
    ),
    coordination('invalidate: a namespace has no soft form', async ({ a, b }) => {
      await a.set('k', 'x', { namespaces: ['', 'a'] })
      const cursor = await a.head()
      await b.drop({ kind: 'namespace', name: 'a', soft: true })
      equal(await a.value('k'), undefined, 'payload')
      equal(await b.since(cursor), ['namespace a'], 'events, all of them hard')
    }),
    coordination('invalidate: takes hundreds of events of every kind in one step', async ({ a, b }) => {
      const names = numbered(500)
      await Promise.all(names.slice(0, 60).map(async (name) => a.set(name, 'x', { tags: [`of ${name}`] })))
      const cursor = await a.head()
      equal(await b.drop(...names.map((name) => ({ kind: 'key', name }) as const)), 60, 'existed')
      await b.drop(...names.map((name) => ({ kind: 'tag', name: `of ${name}`, soft: true }) as const))
      const events = await b.since(cursor)
      const expected = [...names.map((name) => `key ${name}`), ...names.map((name) => `tag of ${name} soft`)]
      if (events !== 'gap') equal(events, expected, 'events')
      equal(await a.value(names[59] ?? ''), undefined, 'payload')
    }),
    coordination('take: gives the entry and ends it', async ({ a, b }) => {
      await a.set('k', 'x', { tags: ['t'], version: 'v' })
      await a.set('l', 'y')
      const { entry } = await b.calls.take({ key: 'k', ...NONE })
      equal([entry?.payload, entry?.version, entry?.tags], ['x', 'v', ['t']], 'payload, version, tags')
      equal((await b.calls.take({ key: 'k', ...NONE })).entry, undefined, 'entry of a second take')
      equal([await a.value('k'), await a.value('l')], [undefined, 'y'], 'payloads')
    }),
    coordination('take: gives what is stale, says so, and nothing that is dead', async ({ a, b }) => {
      await a.set('stale', 'x', { freshFor: 0 })
      await a.set('dead', 'y', { tags: ['t'] })
      await a.drop({ kind: 'tag', name: 't' })
      const { entry, stale } = await b.calls.take({ key: 'stale', ...NONE })
      equal([entry?.payload, stale], ['x', true], 'payload and stale')
      equal((await b.calls.take({ key: 'dead', ...NONE })).entry, undefined, 'entry')
    }),
    coordination('take: of many at once exactly one gets the entry', async ({ a, b }) => {
      for (const key of numbered(5)) {
        await a.set(key, 'x')
        const takes = numbered(20).map(async (_, index) => (index % 2 ? a : b).calls.take({ key, ...NONE }))
        const taken = (await Promise.all(takes)).filter(({ entry }) => entry !== undefined)
        equal(taken.length, 1, 'entries given')
      }
    }),
  ]
}
