import { equal, holds, present } from './check.ts'
import { coordination, type CoordinationCase, told } from './scene.ts'
import { numbered } from './texts.ts'

/** Many calls at once: each is one atomic step, and all stand in one order. */
export function raceCases(): CoordinationCase[] {
  return [
    coordination(
      'order: sets of one key at once all get places of their own, and the last is what is there',
      async ({ a, b }) => {
        const cursor = await a.head()
        const texts = numbered(40)
        const replies = await Promise.all(
          texts.map(async (text, index) => (index % 2 ? a : b).set('k', text)),
        )
        const places = replies.map(({ at }) => present(at, 'at'))
        const expected = texts.map((_, index) => cursor.seq + 1 + index)
        equal(
          places.toSorted((one, other) => one - other),
          expected,
          'places',
        )
        equal(
          await a.since(cursor),
          texts.map(() => 'key k'),
          'events',
        )
        equal(await b.value('k'), texts[places.indexOf(Math.max(...places))], 'payload')
      },
    ),
    coordination('order: every reply’s page is a part of one and the same journal', async ({ a, b }) => {
      const cursor = await a.head()
      const replies = await Promise.all(
        numbered(30).map(async (key, index) => (index % 2 ? a : b).set(key, 'x', { cursor })),
      )
      const whole = await a.since(cursor)
      equal(whole.length, 30, 'number of events')
      for (const { page, at } of replies) {
        const events = told(page)
        equal(events, whole.slice(0, events.length), 'events of a reply')
        equal(page.head.seq, cursor.seq + events.length, 'seq of its head')
        holds(present(at, 'at') <= page.head.seq, 'the page of a reply must reach its own place')
      }
    }),
    coordination('order: of free commits since one place exactly one is stored', async ({ a, b }) => {
      const since = await a.head()
      const texts = numbered(20)
      const replies = await Promise.all(
        texts.map(async (text, index) => (index % 2 ? a : b).free('k', text, since)),
      )
      const stored = replies.flatMap((reply, index) => (reply.stored ? [texts[index]] : []))
      equal(stored.length, 1, 'commits stored')
      equal(await a.value('k'), stored[0], 'payload')
    }),
    coordination(
      'order: a commit and an invalidation at once never leave the old value',
      async ({ a, b }) => {
        await Promise.all(
          numbered(24).map(async (key, index) => {
            const names = { tags: [`t${index}`], namespaces: ['', `n${index}`] }
            const held = await a.lease(key, 'A', names)
            const kind = (['key', 'tag', 'namespace'] as const)[index % 3] ?? 'key'
            const name = { key, tag: `t${index}`, namespace: `n${index}` }[kind]
            const commit = async (): Promise<unknown> => a.fill(key, 'old', held, names)
            const drop = async (): Promise<unknown> => b.drop({ kind, name })
            const work = index % 2 ? [commit, drop] : [drop, commit]
            await Promise.all(work.map(async (run) => run()))
            equal(await b.value(key), undefined, `payload after a commit and its ${kind} invalidated`)
          }),
        )
      },
    ),
    coordination('order: one operation sent many times at once is one write', async ({ a, b }) => {
      const cursor = await a.head()
      const write = { op: `op ${cursor.id}`, version: 'v' }
      const replies = await Promise.all(
        numbered(10).map(async (_, index) => (index % 2 ? a : b).set('k', 'x', write)),
      )
      equal(
        replies.map(({ stored, at }) => [stored, at]),
        replies.map(() => [true, cursor.seq + 1]),
        'stored and at',
      )
      equal(await a.since(cursor), ['key k'], 'events')
    }),
  ]
}
