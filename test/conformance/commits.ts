import { equal, holds, present } from './check.ts'
import { coordination, type CoordinationCase, freshId, PAST, SHORT, told } from './scene.ts'
import { NAMES as ODD } from './texts.ts'

const NAMES = { tags: ['t'], namespaces: ['', 'a', 'a:b'] }

/** What touches an entry with {@link NAMES} under the key `k`. */
const TOUCHING = [
  { kind: 'key', name: 'k', soft: false },
  { kind: 'key', name: 'k', soft: true },
  { kind: 'tag', name: 't', soft: false },
  { kind: 'tag', name: 't', soft: true },
  { kind: 'namespace', name: '', soft: false },
  { kind: 'namespace', name: 'a', soft: false },
  { kind: 'namespace', name: 'a:b', soft: false },
] as const

/** And what does not. */
const ELSEWHERE = [
  { kind: 'key', name: 'k2', soft: false },
  { kind: 'tag', name: 't2', soft: false },
  { kind: 'tag', name: 'k', soft: false },
  { kind: 'namespace', name: 'ab', soft: false },
  { kind: 'namespace', name: 'a:b:c', soft: false },
] as const

/** Commits: what is stored, what is refused, and where it stands in the order of changes. */
export function commitCases(): CoordinationCase[] {
  return [
    ...placeCases(),
    ...leasedCases(),
    ...TOUCHING.map((event) =>
      coordination(
        `commit: one whose ${nameOf(event)} was invalidated since it began is refused`,
        async ({ a, b }) => {
          const since = await a.head()
          const held = await a.lease('k', 'A', NAMES)
          const late = await b.lease('late', 'B', { namespaces: [] })
          await b.drop(event, { kind: 'key', name: 'unrelated' })
          equal((await a.fill('k', 'old', held, NAMES)).stored, false, 'stored, under a lease')
          equal((await a.free('k', 'old', since, NAMES)).stored, false, 'stored, without one')
          equal(await b.value('k'), undefined, 'payload')
          if (event.kind === 'key') return
          const added = { ...NAMES, namespaces: ['', 'a', 'a:b'] }
          equal(
            (await b.fill('late', 'old', late, added)).stored,
            false,
            'stored, with names the lease did not know',
          )
          equal(await a.value('late'), undefined, 'payload with names the lease did not know')
        },
      ),
    ),
    ...ELSEWHERE.map((event) =>
      coordination(
        `commit: one is stored though the ${event.kind} ${event.name} was invalidated since it began`,
        async ({ a, b }) => {
          const since = await a.head()
          const held = await a.lease('k', 'A', { namespaces: [''] })
          await b.drop(event)
          equal((await a.fill('k', 'x', held, NAMES)).stored, true, 'stored, under a lease')
          equal((await a.free('l', 'y', since, NAMES)).stored, true, 'stored, without one')
          equal([await b.value('k'), await b.value('l')], ['x', 'y'], 'payloads')
        },
      ),
    ),
    ...lostLeaseCases(),
    ...freeCases(),
    ...repeatCases(),
  ]
}

function nameOf({ kind, name, soft }: (typeof TOUCHING)[number]): string {
  return `${kind} "${name}"${soft ? ' (softly)' : ''}`
}

function placeCases(): CoordinationCase[] {
  return [
    coordination(
      'commit: a set is stored at the place of its own event, which its page tells',
      async ({ a, b }) => {
        await b.set('k', 'older')
        const cursor = await a.head()
        const { stored, at, page } = await a.set('k', 'x', { cursor })
        equal([stored, at], [true, cursor.seq + 1], 'stored and at')
        equal(
          page.events,
          [{ seq: cursor.seq + 1, kind: 'key', name: 'k', soft: false }],
          'events of its page',
        )
        equal(await b.since(cursor), ['key k'], 'events told to others')
      },
    ),
    coordination('commit: a free one is an event as well', async ({ a, b }) => {
      const cursor = await a.head()
      const { stored, at, page } = await a.free('k', 'x', cursor, { cursor })
      equal([stored, at, told(page)], [true, cursor.seq + 1, ['key k']], 'stored, at, events of its page')
      equal(await b.value('k'), 'x', 'payload')
    }),
    coordination('commit: a leased one spends no event on what is missing', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      await b.set('l', 'x')
      const { seq } = await b.head()
      const { stored, at, page } = await a.fill('k', 'x', held, { cursor: held.grant })
      equal([stored, at, told(page)], [true, seq, ['key l']], 'stored, at, events of its page')
      equal(await b.value('k'), 'x', 'payload')
    }),
    coordination('commit: a leased one spends no event on what is stale', async ({ a, b }) => {
      await a.set('aged', 'old', { freshFor: 0 })
      await a.set('marked', 'old', { tags: ['t'] })
      await a.drop({ kind: 'tag', name: 't', soft: true })
      const cursor = await a.head()
      for (const key of ['aged', 'marked']) {
        equal((await b.fill(key, 'new', await b.lease(key, 'B'))).stored, true, 'stored')
        equal(await a.value(key), 'new', 'payload')
      }
      equal(await a.since(cursor), [], 'events')
    }),
    coordination('commit: a leased one over what is fresh is an event', async ({ a, b }) => {
      await b.set('k', 'old')
      const held = await a.lease('k', 'A', { unusable: '*' })
      const { stored, at } = await a.fill('k', 'new', held)
      equal([stored, at], [true, held.grant.seq + 1], 'stored and at')
      equal(await b.since(held.grant), ['key k'], 'events')
    }),
    coordination('commit: a refused one has no place and is no event', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      await b.drop({ kind: 'key', name: 'k' })
      const cursor = await b.head()
      const { stored, at, page } = await a.fill('k', 'old', held, { cursor })
      equal([stored, at, page.events], [false, undefined, []], 'stored, at, events')
      equal(await b.since(cursor), [], 'events told to others')
    }),
  ]
}

function leasedCases(): CoordinationCase[] {
  return [
    coordination('commit: a set ends the lease, and its late holder does not bury it', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      await b.set('k', 'new')
      equal((await a.fill('k', 'old', held)).stored, false, 'stored')
      equal(await a.value('k'), 'new', 'payload')
    }),
    coordination('commit: a free one ends the lease as a set does', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      equal((await b.free('k', 'new', await b.head())).stored, true, 'stored, without a lease')
      equal((await a.fill('k', 'old', held)).stored, false, 'stored, under the lease')
      equal(await a.value('k'), 'new', 'payload')
    }),
    coordination('commit: a take refuses what was begun before it', async ({ a, b }) => {
      await a.set('k', 'older', { freshFor: 0 })
      const held = await a.lease('k', 'A')
      equal(
        (await b.calls.take({ key: 'k', tags: [], namespaces: [''] })).entry?.payload,
        'older',
        'payload taken',
      )
      equal((await a.fill('k', 'old', held)).stored, false, 'stored')
      equal(await a.value('k'), undefined, 'payload')
    }),
    coordination(
      'commit: a tag the lease did not know is no obstacle if nobody touched it since',
      async ({ a, b }) => {
        await b.drop({ kind: 'tag', name: 't' })
        const held = await a.lease('k', 'A')
        await b.drop({ kind: 'tag', name: 'other' })
        equal((await a.fill('k', 'x', held, { tags: ['t'] })).stored, true, 'stored')
        await b.drop({ kind: 'tag', name: 't' })
        equal(await b.value('k'), undefined, 'payload after the tag was invalidated')
      },
    ),
    coordination(
      'commit: odd tags the lease did not know are looked for in the journal',
      async ({ a, b }) => {
        for (const [index, tag] of ODD.entries()) {
          const key = `k${index}`
          const held = await a.lease(key, 'A')
          await b.drop({ kind: 'tag', name: tag })
          equal(
            (await a.fill(key, 'x', held, { tags: [tag] })).stored,
            false,
            `stored, with the tag ${JSON.stringify(tag)}`,
          )
        }
      },
    ),
    coordination(
      'commit: a refused one gives its own lease up, and leaves another’s alone',
      async ({ a, b }) => {
        const first = await a.lease('k', 'A')
        await b.drop({ kind: 'tag', name: 't' })
        equal(await b.claim('k', 'B'), 'refused', 'the lease, before')
        equal((await a.fill('k', 'old', first, { tags: ['t'] })).stored, false, 'stored')
        const second = await b.lease('k', 'B')
        equal((await a.fill('k', 'old', first, { tags: ['t'] })).stored, false, 'stored, a second time')
        equal(await a.claim('k', 'A'), 'refused', 'the lease of another')
        equal((await b.fill('k', 'new', second)).stored, true, 'stored, by who holds the lease')
      },
    ),
  ]
}

function lostLeaseCases(): CoordinationCase[] {
  return [
    coordination(
      'commit: whose lease ended with a delete is refused, and the next holder’s stored',
      async ({ a, b }) => {
        const first = await a.lease('k', 'A')
        await b.drop({ kind: 'key', name: 'k' })
        const second = await b.lease('k', 'B')
        equal((await a.fill('k', 'old', first)).stored, false, 'stored, by the first holder')
        const { stored, at } = await b.fill('k', 'new', second)
        equal([stored, at], [true, second.grant.seq], 'stored and at, of the second holder')
        equal(await a.value('k'), 'new', 'payload')
      },
    ),
    coordination(
      'commit: a token granted again does not bless what was begun under its first grant',
      async ({ a, b }) => {
        const first = await a.lease('k', 'T')
        await b.drop({ kind: 'key', name: 'k' })
        const copy = await a.lease('k', 'T')
        holds(copy.grant.seq > first.grant.seq, 'the second grant must be a later place')
        equal((await a.fill('k', 'old', first)).stored, false, 'stored')
        equal(await b.value('k'), undefined, 'payload')
      },
    ),
    coordination(
      'commit: one whose lease merely ran out is judged by the journal',
      async ({ a, b, pass }) => {
        const slow = await a.lease('slow', 'A', { ...NAMES, ttl: SHORT })
        const touched = await a.lease('touched', 'A', { ...NAMES, ttl: SHORT })
        const taken = await a.lease('taken', 'A', { ttl: SHORT })
        await pass(PAST)
        const second = await b.lease('taken', 'B')
        await b.drop({ kind: 'key', name: 'touched' }, { kind: 'namespace', name: 'ab' })
        const cursor = await b.head()
        equal((await a.fill('slow', 'x', slow, NAMES)).stored, true, 'stored, with nothing in between')
        equal(
          (await a.fill('touched', 'old', touched, NAMES)).stored,
          false,
          'stored, with its key invalidated in between',
        )
        equal(
          (await a.fill('taken', 'slow', taken)).stored,
          true,
          'stored, with the lease taken over by another',
        )
        equal(
          (await b.fill('taken', 'second', second)).stored,
          false,
          'stored, by who had taken over, after that',
        )
        equal(await b.since(cursor), ['key slow', 'key taken'], 'events: what needs no lease tells of itself')
        equal(
          [await b.value('slow'), await b.value('touched'), await b.value('taken')],
          ['x', undefined, 'slow'],
          'payloads',
        )
      },
    ),
    coordination('commit: a set is stored whatever happened, with the names of now', async ({ a, b }) => {
      await a.lease('k', 'A', NAMES)
      await b.drop(...TOUCHING)
      equal((await b.set('k', 'x', NAMES)).stored, true, 'stored')
      equal(await a.value('k'), 'x', 'payload')
    }),
  ]
}

function freeCases(): CoordinationCase[] {
  return [
    coordination('commit: a free one over a later set is refused', async ({ a, b }) => {
      const since = await a.head()
      await b.set('k', 'new')
      equal((await a.free('k', 'old', since)).stored, false, 'stored')
      equal(await b.value('k'), 'new', 'payload')
      equal((await a.free('k', 'newer', await a.head())).stored, true, 'stored, since the set')
      equal(await b.value('k'), 'newer', 'payload')
    }),
    coordination('commit: a free one since a cursor nobody knows is refused', async ({ a }) => {
      const { seq, id } = await a.head()
      for (const since of [
        { seq, id: freshId() },
        { seq: seq + 1, id },
        { seq: 0, id: '0' },
      ]) {
        equal((await a.free('k', 'x', since)).stored, false, 'stored')
      }
      equal(await a.value('k'), undefined, 'payload')
    }),
    coordination('commit: a leased one that never had a lease is judged as a free one', async ({ a, b }) => {
      const { seq } = await a.head()
      const made = { token: 'never', grant: { seq, id: freshId() } }
      equal((await a.fill('k', 'x', made)).stored, false, 'stored')
      equal(await b.value('k'), undefined, 'payload')
    }),
  ]
}

function repeatCases(): CoordinationCase[] {
  return [
    coordination('commit: a repeated set gets the first answer and is not done again', async ({ a, b }) => {
      const op = freshId()
      const first = await a.set('k', 'x', { op, version: 'v1' })
      await b.drop({ kind: 'key', name: 'k' })
      const cursor = await b.head()
      const repeat = await a.set('k', 'x', { op, version: 'v1', cursor })
      equal([repeat.stored, repeat.at, repeat.page.events], [true, first.at, []], 'stored, at, events')
      equal(await b.value('k'), undefined, 'payload of what was deleted in between')
    }),
    coordination('commit: a repeated one does not bury a newer', async ({ a, b }) => {
      const op = freshId()
      await a.set('k', 'old', { op })
      await b.set('k', 'new')
      equal((await a.set('k', 'old', { op })).stored, true, 'stored')
      equal(await b.value('k'), 'new', 'payload')
    }),
    coordination('commit: a repeated leased or free one gets the first answer', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      const [leased, free] = [freshId(), freshId()]
      const first = await a.fill('k', 'x', held, { op: leased })
      const since = await a.head()
      const second = await a.free('l', 'y', since, { op: free })
      await b.drop({ kind: 'key', name: 'k' }, { kind: 'key', name: 'l' })
      equal(
        await again(a.fill('k', 'x', held, { op: leased })),
        [true, first.at],
        'stored and at, of the leased one',
      )
      equal(
        await again(a.free('l', 'y', since, { op: free })),
        [true, second.at],
        'stored and at, of the free one',
      )
      equal(
        [await b.value('k'), await b.value('l')],
        [undefined, undefined],
        'payloads of what was deleted in between',
      )
    }),
    coordination('commit: the same write under another operation is another write', async ({ a, b }) => {
      const first = await a.set('k', 'x', { version: 'v' })
      const second = await a.set('k', 'x', { version: 'v' })
      holds(present(second.at, 'at') > present(first.at, 'at'), 'the second must stand after the first')
      equal(await b.value('k'), 'x', 'payload')
    }),
  ]
}

async function again(reply: Promise<{ stored: boolean; at?: number | undefined }>): Promise<unknown[]> {
  const { stored, at } = await reply
  return [stored, at]
}
