import type { CommitMode } from '../../src/ports.ts'
import { equal, holds, left } from './check.ts'
import {
  coordination,
  type CoordinationCase,
  draft,
  freshId,
  HOUR,
  type Isolate,
  PAST,
  type Scene,
  SHORT,
} from './scene.ts'

const NAMES = { tags: ['t'], namespaces: ['', 'a'] }
const SET: CommitMode = { kind: 'set' }

/** How a commit without a payload begins. The reader of a lease knows no tags: those are the entry's own. */
const LEASED = async (isolate: Isolate): Promise<CommitMode> => ({
  kind: 'lease',
  ...(await isolate.lease('k', 'A', { unusable: '*' })),
})
const FREE = async (isolate: Isolate): Promise<CommitMode> => ({ kind: 'free', since: await isolate.head() })
const BEGINS: readonly (readonly [string, (isolate: Isolate) => Promise<CommitMode>])[] = [
  ['under a lease', LEASED],
  ['free', FREE],
  ['as a set', async () => SET],
]

const SOFTLY = [
  { kind: 'key', name: 'k', soft: true },
  { kind: 'tag', name: 't', soft: true },
] as const

/** What ends an entry `k` with {@link NAMES}. */
const ENDS: readonly (readonly [string, (scene: Scene) => Promise<unknown>])[] = [
  ['was deleted', async ({ b }) => b.drop({ kind: 'key', name: 'k' })],
  ['was taken', async ({ b }) => b.calls.take({ key: 'k', ...NAMES })],
  ['has lost its tag', async ({ b }) => b.drop({ kind: 'tag', name: 't' })],
  ['has lost its namespace', async ({ b }) => b.drop({ kind: 'namespace', name: 'a' })],
  ['has lost the root', async ({ b }) => b.drop({ kind: 'namespace', name: '' })],
]

/** Commits without a payload: what is there stays as it is, and only its life begins anew. */
export function keepCases(): CoordinationCase[] {
  return [...BEGINS.flatMap(([name, begin]) => keptCases(name, begin)), ...softCases(), ...eventCases()]
}

function keptCases(name: string, begin: (isolate: Isolate) => Promise<CommitMode>): CoordinationCase[] {
  return [
    coordination(`keeps: an entry kept ${name} is what it was, with another life`, async ({ a, b, pass }) => {
      await a.set('k', 'x', { ...NAMES, version: 'v', freshFor: SHORT / 2, staleFor: SHORT })
      const write = { freshFor: HOUR / 2, staleFor: HOUR, version: freshId(), tags: ['other'] }
      equal((await a.keep('k', 'v', await begin(a), { ...NAMES, ...write })).stored, true, 'stored')
      await pass(PAST)
      const { entry, stale, freshFor, staleFor } = await b.read('k')
      equal([entry?.payload, entry?.version, stale], ['x', 'v', false], 'payload, version, stale')
      equal(
        [entry?.tags, entry?.namespaces.toSorted()],
        [NAMES.tags, NAMES.namespaces],
        'tags and namespaces',
      )
      left(freshFor, HOUR / 2, 'freshFor')
      left(staleFor, HOUR, 'staleFor')
      await b.drop({ kind: 'tag', name: 'other' })
      equal(await a.value('k'), 'x', 'payload after a tag it does not have was invalidated')
      await b.drop({ kind: 'tag', name: 't' })
      equal(await a.value('k'), undefined, 'payload after its own was')
    }),
    coordination(`keeps: any version is kept ${name} where any will do`, async ({ a, b, pass }) => {
      await a.set('k', 'x', { ...NAMES, version: 'v' })
      equal(
        (await a.keep('k', '*', await begin(a), { ...NAMES, freshFor: SHORT, staleFor: SHORT })).stored,
        true,
        'stored',
      )
      equal((await b.read('k')).entry?.version, 'v', 'version')
      await pass(PAST)
      equal(await b.value('k'), undefined, 'payload past its new life')
    }),
    coordination(`keeps: what has no end can be kept ${name}, and given none`, async ({ a, b }) => {
      await a.set('k', 'x', NAMES)
      await a.keep('k', '*', await begin(a), { ...NAMES, freshFor: null, staleFor: null })
      const { entry, freshFor, staleFor } = await b.read('k')
      equal([entry?.payload, freshFor, staleFor], ['x', null, null], 'payload, freshFor, staleFor')
    }),
    coordination(`keeps: what is not there is not kept ${name}`, async ({ a, b }) => {
      equal((await a.keep('k', '*', await begin(a))).stored, false, 'stored, of any version')
      equal((await a.keep('k', 'v', await begin(a))).stored, false, 'stored, of one')
      equal(await b.value('k'), undefined, 'payload')
    }),
    coordination(`keeps: another version is not kept ${name}, and a lease is given up`, async ({ a, b }) => {
      await a.set('k', 'x', { ...NAMES, version: 'v', freshFor: null, staleFor: null })
      const mode = await begin(a)
      const cursor = await a.head()
      const { stored, at, page } = await a.keep('k', 'w', mode, { ...NAMES, cursor })
      equal([stored, at, page], [false, undefined, { head: cursor, events: [] }], 'stored, at, page')
      const { entry, staleFor } = await b.read('k')
      equal([entry?.payload, staleFor], ['x', null], 'payload and staleFor')
      equal(await b.claim('k', 'B', { unusable: '*' }), 'given', 'the lease')
    }),
    ...ENDS.map(([how, end]) =>
      coordination(`keeps: what ${how} is not kept ${name}`, async (scene) => {
        const { a, b } = scene
        await a.set('k', 'x', { ...NAMES, version: 'v' })
        const before = await begin(a)
        await end(scene)
        for (const mode of [before, await begin(a)]) {
          equal((await a.keep('k', 'v', mode, NAMES)).stored, false, 'stored, of its version')
          equal((await a.keep('k', '*', mode, NAMES)).stored, false, 'stored, of any')
        }
        equal(await b.value('k'), undefined, 'payload')
      }),
    ),
    coordination(`keeps: what has ended is not kept ${name}`, async ({ a, b, pass }) => {
      await a.set('k', 'x', { version: 'v', freshFor: SHORT, staleFor: SHORT })
      await pass(PAST)
      equal((await a.keep('k', 'v', await begin(a))).stored, false, 'stored, of its version')
      equal((await a.keep('k', '*', await begin(a))).stored, false, 'stored, of any')
      equal(await b.value('k'), undefined, 'payload')
    }),
    coordination(`keeps: a repeat of what was kept ${name} gets the first answer`, async ({ a, b }) => {
      await a.set('k', 'x', { ...NAMES, version: 'v' })
      const mode = await begin(a)
      const op = freshId()
      const first = await a.keep('k', 'v', mode, { ...NAMES, op })
      await b.drop({ kind: 'key', name: 'k' })
      const cursor = await b.head()
      const repeat = await a.keep('k', 'v', mode, { ...NAMES, op, cursor })
      equal([repeat.stored, repeat.at, repeat.page.events], [true, first.at, []], 'stored, at, events')
      equal(await b.value('k'), undefined, 'payload of what was deleted in between')
    }),
  ]
}

function softCases(): CoordinationCase[] {
  return SOFTLY.flatMap((end) => [
    ...BEGINS.map(([name, begin], index) => {
      const fresh = index < 2
      return coordination(
        `keeps: what its ${end.kind} made stale is ${fresh ? 'fresh again' : 'as stale as before'} when it is kept ${name}`,
        async ({ a, b }) => {
          await a.set('k', 'x', { ...NAMES, version: 'v' })
          await b.drop(end)
          equal((await a.keep('k', 'v', await begin(a), NAMES)).stored, true, 'stored')
          const { entry, stale, freshFor } = await b.read('k')
          equal([entry?.payload, stale], ['x', !fresh], 'payload and stale')
          left(freshFor, HOUR, 'freshFor')
          await b.drop({ ...end, soft: false })
          equal(await a.value('k'), undefined, 'payload after it was invalidated for good')
        },
      )
    }),
    ...BEGINS.slice(0, 2).map(([name, begin]) =>
      coordination(
        `keeps: what its ${end.kind} makes stale after that began is not kept ${name}`,
        async ({ a, b }) => {
          await a.set('k', 'x', { ...NAMES, version: 'v' })
          const mode = await begin(a)
          await b.drop(end)
          equal((await a.keep('k', 'v', mode, { namespaces: NAMES.namespaces })).stored, false, 'stored')
          const { entry, stale } = await b.read('k')
          equal([entry?.payload, stale], ['x', true], 'payload and stale')
        },
      ),
    ),
  ])
}

function eventCases(): CoordinationCase[] {
  return [
    coordination('keeps: as a set it is an event and leaves the lease to who computes', async ({ a, b }) => {
      await a.set('k', 'x')
      const held = await b.lease('k', 'B', { unusable: '*' })
      const cursor = await a.head()
      const { stored, at, page } = await a.keep('k', '*', SET, { cursor })
      equal(
        [stored, at, page.events],
        [true, cursor.seq + 1, [eventAt(cursor.seq + 1)]],
        'stored, at, events',
      )
      equal(await b.since(cursor), ['key k'], 'events told to others')
      equal(await a.claim('k', 'A', { unusable: '*' }), 'refused', 'the lease, which goes on')
      const before = await a.head()
      equal((await b.fill('k', 'new', held)).stored, true, 'stored, by who has the lease')
      equal(await a.value('k'), 'new', 'payload')
      equal(await a.since(before), ['key k'], 'events, of what took the place of what was fresh')
    }),
    coordination('keeps: as a set it leaves a lease that was ended where it is', async ({ a, b }) => {
      await a.set('k', 'x')
      const held = await b.lease('k', 'B', { unusable: '*' })
      await a.drop({ kind: 'key', name: 'k', soft: true })
      equal((await a.keep('k', '*', SET)).stored, true, 'stored')
      equal((await b.fill('k', 'old', held)).stored, false, 'stored, by who had the lease')
    }),
    coordination('keeps: freely it is an event and ends the lease', async ({ a, b }) => {
      await a.set('k', 'x')
      const held = await b.lease('k', 'B', { unusable: '*' })
      const cursor = await a.head()
      const { at, page } = await a.keep('k', '*', await FREE(a), { cursor })
      equal([at, page.events], [cursor.seq + 1, [eventAt(cursor.seq + 1)]], 'at and events')
      equal((await b.fill('k', 'old', held)).stored, false, 'stored, by who had the lease')
    }),
    coordination('keeps: under a lease it is an event over what is fresh alone', async ({ a, b }) => {
      await a.set('k', 'x', { freshFor: 0 })
      const cursor = await a.head()
      const aged = await a.keep('k', '*', await LEASED(a), { cursor })
      equal(
        [aged.stored, aged.at, aged.page.events],
        [true, cursor.seq, []],
        'stored, at, events over what is stale',
      )
      equal(await b.claim('k', 'B'), 'neither', 'a lease on what is fresh again')
      const over = await a.keep('k', '*', await LEASED(a), { cursor })
      equal([over.stored, over.at], [true, cursor.seq + 1], 'stored and at over what is fresh')
      equal(await b.since(cursor), ['key k'], 'events')
      equal(await b.claim('k', 'B', { unusable: '*' }), 'given', 'the lease, which ended with it')
    }),
    coordination('keeps: nothing is kept by who was overtaken by a set', async ({ a, b }) => {
      await a.set('k', 'old', { version: 'v', freshFor: 0 })
      const [leased, free] = [await LEASED(a), await FREE(a)]
      await b.set('k', 'new')
      for (const mode of [leased, free]) {
        for (const keeps of ['v', '*']) {
          equal((await a.keep('k', keeps, mode)).stored, false, `stored, ${mode.kind}, ${keeps}`)
        }
      }
      equal((await a.keep('k', 'v', SET)).stored, false, 'stored, as a set')
      equal(await b.value('k'), 'new', 'payload')
    }),
    coordination('keeps: under a lease that ran out it is judged by the journal', async ({ a, b, pass }) => {
      for (const key of ['1', '2']) await a.set(key, 'x', { freshFor: 0 })
      const [one, two] = [await a.lease('1', 'A', { ttl: SHORT }), await a.lease('2', 'A', { ttl: SHORT })]
      await pass(PAST)
      await b.drop({ kind: 'key', name: '2', soft: true })
      equal(
        (await a.keep('1', '*', { kind: 'lease', ...one })).stored,
        true,
        'stored, with nothing in between',
      )
      equal(
        (await a.keep('2', '*', { kind: 'lease', ...two })).stored,
        false,
        'stored, with an event in between',
      )
      equal([(await b.read('1')).stale, (await b.read('2')).stale], [false, true], 'stale')
    }),
    coordination('keeps: many may be kept and stored in one step', async ({ a, b }) => {
      await a.set('1', 'one', { version: 'v', freshFor: 0 })
      await a.set('2', 'two', { tags: ['t'] })
      await a.drop({ kind: 'tag', name: 't', soft: true })
      const cursor = await a.head()
      const { commits, page } = await a.commitMany(
        [
          draft({ key: '1', keeps: 'v', mode: { kind: 'free', since: cursor } }),
          draft({ key: '2', keeps: '*', mode: SET }),
          draft({ key: '3', keeps: '*', mode: SET }),
          draft({ key: '4', payload: 'four', mode: SET }),
        ],
        cursor,
      )
      equal(
        commits.map(({ stored }) => stored),
        [true, true, false, true],
        'stored',
      )
      holds(page.events !== 'gap' && page.events.length === 3, 'the page must have an event for each stored')
      const { entries } = await b.readMany(['1', '2', '3', '4'])
      equal(
        entries.map(({ entry, stale }) => [entry?.payload, stale]),
        [
          ['one', false],
          ['two', true],
          [undefined, false],
          ['four', false],
        ],
        'payloads and stale',
      )
    }),
  ]
}

function eventAt(seq: number): object {
  return { seq, kind: 'key', name: 'k', soft: false }
}
