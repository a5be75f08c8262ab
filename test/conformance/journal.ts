import type { Cursor } from '../../src/ports.ts'
import { equal, holds, present } from './check.ts'
import { coordination, type CoordinationCase, freshId, HOUR, told } from './scene.ts'
import { NAMES, numbered } from './texts.ts'

const NONE = { tags: [], namespaces: [''] }

/** Numbers of events that fit many a page or none, and how many are sent at once. */
const MANY = [60, 500, 1500]
const PART = 250

/** Pages: what every reply tells of the changes since a cursor. */
export function journalCases(): CoordinationCase[] {
  return [...pageCases(), ...cursorCases()]
}

function pageCases(): CoordinationCase[] {
  return [
    coordination(
      'journal: without a cursor there is a gap, and its head is a cursor that nothing followed',
      async ({ a, b }) => {
        const { page } = await a.calls.pull({})
        equal(page.events, 'gap', 'events of a pull without a cursor')
        holds(
          Number.isSafeInteger(page.head.seq) && page.head.id !== '',
          'head must have a whole seq and an id',
        )
        equal(await a.since(page.head), [], 'events since the head')
        equal(await b.since(page.head), [], 'events since the head, asked by another isolate')
        equal(await b.head(), page.head, 'head asked by another isolate')
      },
    ),
    coordination('journal: events come whole, in order, each one place further', async ({ a, b }) => {
      const cursor = await a.head()
      await a.set('k', 'x')
      await b.drop({ kind: 'tag', name: 't', soft: true }, { kind: 'namespace', name: 'a:b' })
      await b.drop({ kind: 'key', name: 'l', soft: true }, { kind: 'tag', name: 'u' })
      const { page } = await b.calls.pull({ cursor })
      const at = (place: number): number => cursor.seq + place
      equal(
        page.events,
        [
          { seq: at(1), kind: 'key', name: 'k', soft: false },
          { seq: at(2), kind: 'tag', name: 't', soft: true },
          { seq: at(3), kind: 'namespace', name: 'a:b', soft: false },
          { seq: at(4), kind: 'key', name: 'l', soft: true },
          { seq: at(5), kind: 'tag', name: 'u', soft: false },
        ],
        'events',
      )
      equal(page.head.seq, at(5), 'seq of the head')
      equal(await a.since(page.head), [], 'events since the head')
    }),
    coordination('journal: every reply brings the page since the caller’s cursor', async ({ a, b }) => {
      const { calls } = a
      const cursor = await a.head()
      await b.drop({ kind: 'tag', name: 'news' })
      const replies = {
        read: calls.read({ key: 'k', ...NONE, cursor }),
        readMany: calls.readMany({ reads: [{ key: 'k', ...NONE }], cursor }),
        'readMany of nothing': calls.readMany({ reads: [], cursor }),
        release: calls.release({ key: 'k', token: 'T', cursor }),
        pull: calls.pull({ cursor }),
      }
      for (const [name, reply] of Object.entries(replies)) {
        equal(told((await reply).page), ['tag news'], `events of ${name}`)
      }
      equal(
        told((await a.set('k', 'x', { cursor })).page),
        ['tag news', 'key k'],
        'events of commit, its own among them',
      )
      const events = [{ kind: 'tag', name: 't', soft: false }] as const
      equal(
        told((await calls.invalidate({ events, cursor })).page).slice(-1),
        ['tag t'],
        'last event of invalidate: its own',
      )
      equal(
        told((await calls.take({ key: 'k', ...NONE, cursor })).page).slice(-1),
        ['key k'],
        'last event of take: its own',
      )
    }),
    coordination('journal: reads, leases and releases are no events', async ({ a, b }) => {
      const cursor = await a.head()
      await a.read('k', { tags: ['t'], namespaces: ['', 'a'] })
      await a.lease('k', 'A', { tags: ['t'] })
      await b.claim('k', 'B')
      await a.release('k', 'A')
      await b.calls.readMany({ reads: [{ key: 'k', ...NONE }] })
      equal(await b.since(cursor), [], 'events')
    }),
    coordination('journal: names come back unchanged', async ({ a, b }) => {
      const cursor = await a.head()
      await a.drop(...NAMES.map((name) => ({ kind: 'key', name }) as const))
      await a.drop(...NAMES.map((name) => ({ kind: 'tag', name, soft: true }) as const))
      await a.drop(...NAMES.map((name) => ({ kind: 'namespace', name }) as const))
      const expected = [
        ...NAMES.map((name) => `key ${name}`),
        ...NAMES.map((name) => `tag ${name} soft`),
        ...NAMES.map((name) => `namespace ${name}`),
      ]
      equal(await b.since(cursor), expected, 'events')
    }),
    ...MANY.map((count) =>
      coordination(`journal: a page of ${count} events is whole, or a gap`, async ({ a, b }) => {
        const cursor = await a.head()
        const names = numbered(count)
        for (let at = 0; at < count; at += PART) {
          await a.drop(...names.slice(at, at + PART).map((name) => ({ kind: 'tag', name }) as const))
        }
        const { page } = await b.calls.pull({ cursor })
        equal(page.head.seq, cursor.seq + count, 'seq of the head')
        if (page.events !== 'gap')
          equal(
            told(page),
            names.map((name) => `tag ${name}`),
            'events',
          )
        equal(await b.since(page.head), [], 'events since the head')
      }),
    ),
  ]
}

function cursorCases(): CoordinationCase[] {
  const forged: readonly (readonly [string, (head: Cursor) => unknown])[] = [
    ['of the right place and another id', ({ seq }) => ({ seq, id: freshId() })],
    ['of a place yet to come', ({ seq, id }) => ({ seq: seq + 1, id })],
    ['of an earlier place and a later id', ({ seq, id }) => ({ seq: seq - 1, id })],
    ['of place 0', () => ({ seq: 0, id: '' })],
    ['of place 0 and the id 0', () => ({ seq: 0, id: '0' })],
    ['of a negative place', ({ id }) => ({ seq: -1, id })],
    ['of a place that is no whole number', ({ seq, id }) => ({ seq: seq + 0.5, id })],
  ]
  return [
    ...forged.map(([name, forge]) =>
      coordination(`journal: a cursor ${name} is a gap`, async ({ a }) => {
        await a.set('k', 'x')
        await a.set('l', 'x')
        const head = await a.head()
        const { page } = await a.calls.pull({ cursor: forge(head) as Cursor })
        equal(page, { head, events: 'gap' }, 'page')
      }),
    ),
    {
      name: 'journal: a cursor of another life of the journal is a gap, though its place is there again',
      run: async (open) => {
        const before = await open()
        for (const key of ['1', '2', '3']) await before.a.set(key, 'x')
        const cursor = await before.a.head()
        const { a } = await open()
        const birth = await a.head()
        equal(birth.id === cursor.id, false, 'whether two journals begin with the same id')
        for (let seq = birth.seq; seq < cursor.seq + 2; seq++) await a.set('k', 'x')
        equal(await a.since(cursor), 'gap', 'events since a cursor of the journal before')
        const since = present((await a.free('l', 'x', cursor)).stored, 'stored')
        equal(since, false, 'whether a commit since such a cursor is stored')
      },
    },
    coordination('journal: ids of events are all different', async ({ a }) => {
      const ids = new Set<string>()
      for (const key of numbered(20)) {
        ids.add((await a.set(key, 'x', { staleFor: HOUR })).page.head.id)
      }
      equal(ids.size, 20, 'different ids')
    }),
    coordination('journal: from each cursor just what followed it is told', async ({ a, b }) => {
      const cursors = [await a.head()]
      const keys = numbered(12)
      for (const key of keys) cursors.push((await (cursors.length % 2 ? a : b).set(key, 'x')).page.head)
      for (const [index, cursor] of cursors.entries()) {
        equal(
          await b.since(cursor),
          keys.slice(index).map((key) => `key ${key}`),
          `events since the cursor ${index}`,
        )
      }
    }),
  ]
}
