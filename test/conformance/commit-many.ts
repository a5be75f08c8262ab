import type { CommitManyReply } from '../../src/ports.ts'
import { equal, present } from './check.ts'
import { coordination, type CoordinationCase, type Draft, draft, freshId, told } from './scene.ts'
import { numbered } from './texts.ts'

const SET = { kind: 'set' } as const

/** Many commits in one step: each is judged as if it had come alone, in the order given. */
export function commitManyCases(): CoordinationCase[] {
  return [...judgedCases(), ...pageCases(), ...repeatCases(), ...atOnceCases()]
}

function storedOf({ commits }: CommitManyReply): boolean[] {
  return commits.map(({ stored }) => stored)
}

function setOf(key: string, payload: string, write?: Parameters<typeof draft>[1]): Draft {
  return draft({ key, payload, mode: SET }, write)
}

function judgedCases(): CoordinationCase[] {
  return [
    coordination('commitMany: each mode is judged by itself, in the order given', async ({ a, b }) => {
      await b.set('over', 'old')
      const first = await a.lease('fill', 'A')
      const over = await a.lease('over', 'A', { unusable: '*' })
      const since = await b.head()
      const reply = await a.commitMany(
        [
          setOf('set', '1'),
          draft({ key: 'fill', payload: '2', mode: { kind: 'lease', ...first } }),
          draft({ key: 'free', payload: '3', mode: { kind: 'free', since } }),
          draft({ key: 'over', payload: '4', mode: { kind: 'lease', ...over } }),
        ],
        since,
      )
      const { seq } = since
      equal(
        reply.commits.map(({ stored, at }) => [stored, at]),
        [
          [true, seq + 1],
          [true, seq + 1],
          [true, seq + 2],
          [true, seq + 3],
        ],
        'stored and at',
      )
      equal(told(reply.page), ['key set', 'key free', 'key over'], 'events of its page')
      equal(reply.page.head.seq, seq + 3, 'seq of its head')
      const { entries } = await b.readMany(['set', 'fill', 'free', 'over'])
      equal(
        entries.map(({ entry }) => entry?.payload),
        ['1', '2', '3', '4'],
        'payloads',
      )
    }),
    coordination('commitMany: each keeps its own version, names and life', async ({ a, b }) => {
      const names = { tags: ['t', 'u'], namespaces: ['', 'a'] }
      await a.commitMany([
        setOf('1', 'one', { ...names, version: 'v1', freshFor: 0 }),
        setOf('2', 'two', { version: 'v2', freshFor: null, staleFor: null }),
      ])
      const [one, two] = (await b.readMany(['1', '2'])).entries
      equal([one?.entry?.version, one?.stale], ['v1', true], 'version and stale of the first')
      equal(one?.entry?.tags.toSorted(), names.tags, 'tags of the first')
      equal([two?.entry?.version, two?.entry?.tags], ['v2', []], 'version and tags of the second')
      equal([two?.stale, two?.staleFor], [false, null], 'stale and staleFor of the second')
      await b.drop({ kind: 'tag', name: 't' })
      equal([await a.value('1'), await a.value('2')], [undefined, 'two'], 'payloads after a tag ended')
    }),
    coordination('commitMany: one that is refused leaves the others as they are', async ({ a, b }) => {
      const keys = ['1', '2', '3', '4']
      const held = new Map<string, Awaited<ReturnType<typeof a.lease>>>()
      for (const key of keys) held.set(key, await a.lease(key, 'A', { tags: [`t${key}`] }))
      const since = await a.head()
      await b.drop({ kind: 'tag', name: 't2' }, { kind: 'key', name: '5' })
      const cursor = await b.head()
      const other = await b.lease('2', 'B')
      const reply = await a.commitMany([
        ...keys.map((key) =>
          draft(
            { key, payload: 'x', mode: { kind: 'lease', ...present(held.get(key), 'a lease') } },
            { tags: [`t${key}`] },
          ),
        ),
        draft({ key: '5', payload: 'x', mode: { kind: 'free', since } }),
        setOf('6', 'x'),
      ])
      equal(storedOf(reply), [true, false, true, true, false, true], 'stored')
      equal([reply.commits[1]?.at, reply.commits[4]?.at], [undefined, undefined], 'at of what is refused')
      equal(await b.since(cursor), ['key 6'], 'events')
      const { entries } = await b.readMany([...keys, '5', '6'])
      equal(
        entries.map(({ entry }) => entry?.payload),
        ['x', undefined, 'x', 'x', undefined, 'x'],
        'payloads',
      )
      equal((await b.fill('2', 'y', other)).stored, true, 'stored, by who holds the lease')
    }),
    coordination('commitMany: a refused one gives its own lease up', async ({ a, b }) => {
      const held = await a.lease('k', 'A')
      await b.drop({ kind: 'tag', name: 't' })
      const mode = { kind: 'lease', ...held } as const
      const reply = await a.commitMany([
        draft({ key: 'k', payload: 'old', mode }, { tags: ['t'] }),
        setOf('l', 'x'),
      ])
      equal(storedOf(reply), [false, true], 'stored')
      equal(await b.claim('k', 'B'), 'given', 'the lease')
    }),
    coordination('commitMany: ends the leases of what it stores', async ({ a, b }) => {
      const [one, two] = [await a.lease('1', 'A'), await a.lease('2', 'A')]
      const since = await b.head()
      const free = draft({ key: '2', payload: 'new', mode: { kind: 'free', since } })
      equal(storedOf(await b.commitMany([setOf('1', 'new'), free])), [true, true], 'stored')
      equal((await a.fill('1', 'old', one)).stored, false, 'stored, by who had the lease of the one')
      equal((await a.fill('2', 'old', two)).stored, false, 'stored, by who had the lease of the other')
      equal([await a.value('1'), await a.value('2')], ['new', 'new'], 'payloads')
    }),
  ]
}

function pageCases(): CoordinationCase[] {
  return [
    coordination('commitMany: of nothing brings the page and nothing else', async ({ a, b }) => {
      const cursor = await a.head()
      await b.set('k', 'x')
      equal(await a.commitMany([], cursor), { commits: [], ...(await a.calls.pull({ cursor })) }, 'reply')
    }),
    coordination(
      'commitMany: tells what happened since the cursor, its own events last',
      async ({ a, b }) => {
        const cursor = await a.head()
        await b.drop({ kind: 'tag', name: 'news', soft: true })
        const { page, commits } = await a.commitMany([setOf('1', 'x'), setOf('2', 'x')], cursor)
        equal(told(page), ['tag news soft', 'key 1', 'key 2'], 'events')
        equal(
          commits.map(({ at }) => at),
          [cursor.seq + 2, cursor.seq + 3],
          'at',
        )
        equal(await b.since(cursor), ['tag news soft', 'key 1', 'key 2'], 'events told to others')
        const { seq } = page.head
        const forged = await a.commitMany([setOf('3', 'x')], { seq, id: freshId() })
        equal(
          [forged.page.events, forged.commits[0]?.at],
          ['gap', seq + 1],
          'events since a forged cursor, and at',
        )
        equal((await a.commitMany([setOf('4', 'x')])).page, { head: await b.head(), events: 'gap' }, 'page')
      },
    ),
    coordination('commitMany: stores hundreds, each at a place of its own', async ({ a, b }) => {
      const cursor = await a.head()
      const keys = numbered(250)
      const reply = await a.commitMany(
        keys.map((key) => setOf(key, `value of ${key}`)),
        cursor,
      )
      equal(
        reply.commits.map(({ stored, at }) => [stored, at]),
        keys.map((_, index) => [true, cursor.seq + 1 + index]),
        'stored and at',
      )
      const events = keys.map((key) => `key ${key}`)
      if (reply.page.events !== 'gap') equal(told(reply.page), events, 'events of its page')
      equal(reply.page.head.seq, cursor.seq + keys.length, 'seq of its head')
      equal(await b.since(cursor), events, 'events')
      const { entries } = await b.readMany(keys)
      equal(
        entries.map(({ entry }) => entry?.payload),
        keys.map((key) => `value of ${key}`),
        'payloads',
      )
    }),
  ]
}

function repeatCases(): CoordinationCase[] {
  return [
    coordination('commitMany: repeated gets the first answers and is not done again', async ({ a, b }) => {
      const held = await a.lease('2', 'A')
      const since = await a.head()
      const commits = [
        setOf('1', 'x'),
        draft({ key: '2', payload: 'x', mode: { kind: 'lease', ...held } }),
        draft({ key: '3', payload: 'x', mode: { kind: 'free', since } }),
      ]
      const first = await a.commitMany(commits)
      await b.drop(...['1', '2'].map((name) => ({ kind: 'key', name }) as const))
      await b.set('3', 'new')
      const cursor = await b.head()
      const repeat = await a.commitMany(commits, cursor)
      equal(
        repeat.commits.map(({ stored, at }) => [stored, at]),
        first.commits.map(({ at }) => [true, at]),
        'stored and at',
      )
      equal(repeat.page.events, [], 'events')
      equal(
        [await b.value('1'), await b.value('2'), await b.value('3')],
        [undefined, undefined, 'new'],
        'payloads of what was changed in between',
      )
    }),
    coordination(
      'commitMany: knows the operations of single commits, and they know its own',
      async ({ a, b }) => {
        const [one, two] = [setOf('1', 'x'), setOf('2', 'x')]
        const first = await a.calls.commit(one)
        await b.drop({ kind: 'key', name: '1' })
        const many = await a.commitMany([one, two])
        equal(
          many.commits.map(({ stored, at }) => [stored, at]),
          [
            [true, first.at],
            [true, present(first.at, 'at') + 2],
          ],
          'stored and at',
        )
        await b.drop({ kind: 'key', name: '2' })
        const again = await a.calls.commit(two)
        equal([again.stored, again.at], [true, many.commits[1]?.at], 'stored and at of a single repeat')
        equal([await b.value('1'), await b.value('2')], [undefined, undefined], 'payloads')
      },
    ),
  ]
}

function atOnceCases(): CoordinationCase[] {
  return [
    coordination('commitMany: is one step: of free ones at once all of one are stored', async ({ a, b }) => {
      const since = await a.head()
      const keys = numbered(4)
      const batches = numbered(10).map((payload, index) =>
        // In either order: a step that others can come between would store a part of several.
        (index % 2 ? keys : keys.toReversed()).map((key) =>
          draft({ key, payload, mode: { kind: 'free', since } }),
        ),
      )
      const replies = await Promise.all(
        batches.map(async (commits, index) => (index % 2 ? a : b).commitMany(commits)),
      )
      const all = replies.flatMap((reply, index) => (storedOf(reply).every(Boolean) ? [`n${index}`] : []))
      const some = replies.filter((reply) => storedOf(reply).some(Boolean))
      equal([all.length, some.length], [1, 1], 'how many were stored whole, and at all')
      const { entries } = await a.readMany(keys)
      equal(
        entries.map(({ entry }) => entry?.payload),
        keys.map(() => all[0]),
        'payloads',
      )
    }),
    coordination('commitMany: sent many times at once is done once', async ({ a, b }) => {
      const cursor = await a.head()
      const commits = ['1', '2', '3'].map((key) => setOf(key, 'x'))
      const replies = await Promise.all(
        numbered(8).map(async (_, index) => (index % 2 ? a : b).commitMany(commits)),
      )
      for (const reply of replies) {
        equal(
          reply.commits.map(({ stored, at }) => [stored, at]),
          commits.map((_, index) => [true, cursor.seq + 1 + index]),
          'stored and at',
        )
      }
      equal(await a.since(cursor), ['key 1', 'key 2', 'key 3'], 'events')
    }),
  ]
}
