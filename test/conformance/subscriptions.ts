import type { Cursor, JournalEvent, Push, Subscriber, Subscription } from '../../src/ports.ts'
import { equal, holds } from './check.ts'
import { coordination, type CoordinationCase, draft, type Isolate } from './scene.ts'
import { numbered } from './texts.ts'

/** How long news may take to arrive, and how often they are looked for. */
const PATIENCE = 10_000
const LOOK = 10

interface Ear {
  readonly subscription: Subscription
  readonly pushes: (Push | undefined)[]
  readonly ends: unknown[]
  opens: number
}

/** What a subscription tells. Nothing that is promised rests on it, but what it says must be so. */
export function subscriptionCases(): CoordinationCase[] {
  return [
    coordination(
      'subscribe: tells each event once, in order, each push following the one before',
      async ({ a, b }) => {
        const ear = await listen(a)
        try {
          const start = await a.head()
          const names = numbered(20)
          for (const name of names) await b.drop({ kind: 'tag', name })
          await a.set('k', 'x')
          const end = await b.head()
          await until(() => reached(ear, end) || ear.pushes.includes(undefined), 'news of all events')
          // News without a page say that something happened, and no more.
          if (!ear.pushes.includes(undefined))
            equal(eventsOf(ear, start), [...names, 'k'], 'names of the events told')
          equal(ear.ends, [], 'ends')
        } finally {
          ear.subscription.close()
        }
      },
    ),
    coordination('subscribe: tells of bursts, and of many events at once', async ({ a, b }) => {
      const ear = await listen(a)
      try {
        const start = await a.head()
        await Promise.all(numbered(10).map(async (key, index) => (index % 2 ? a : b).set(key, 'x')))
        await b.drop(...numbered(50, 'many ').map((name) => ({ kind: 'tag', name }) as const))
        await b.commitMany(
          numbered(5, 'stored ').map((key) => draft({ key, payload: 'x', mode: { kind: 'set' } })),
        )
        const end = await b.head()
        await until(() => reached(ear, end) || ear.pushes.includes(undefined), 'news of all events')
        if (!ear.pushes.includes(undefined)) equal(eventsOf(ear, start).length, 65, 'number of events told')
      } finally {
        ear.subscription.close()
      }
    }),
    coordination('subscribe: a closed one is told nothing more, and others go on', async ({ a, b }) => {
      const [closed, open] = [await listen(a), await listen(b)]
      try {
        closed.subscription.close()
        closed.subscription.close()
        const heard = closed.pushes.length
        await a.drop({ kind: 'tag', name: 't' })
        const end = await a.head()
        await until(() => reached(open, end) || open.pushes.includes(undefined), 'news told to the other')
        equal(
          [closed.pushes.length, closed.ends, closed.opens],
          [heard, [], 1],
          'pushes, ends and opens of the closed one',
        )
      } finally {
        open.subscription.close()
      }
    }),
  ]
}

/** Opens a subscription and waits for it to stand. */
async function listen({ calls }: Isolate): Promise<Ear> {
  const pushes: (Push | undefined)[] = []
  const ends: unknown[] = []
  const told = { opens: 0 }
  const subscriber: Subscriber = {
    onOpen: () => void told.opens++,
    onAlive: () => {},
    onPush: (push) => void pushes.push(push),
    onEnd: (error) => void ends.push(error),
  }
  const subscription = calls.subscribe?.(subscriber)
  if (!subscription) throw new Error('subscribe gave no subscription')
  const ear = Object.assign(told, { subscription, pushes, ends })
  try {
    await until(() => told.opens > 0, 'onOpen')
  } catch (error) {
    subscription.close()
    throw error
  }
  return ear
}

function reached({ pushes }: Ear, end: Cursor): boolean {
  return pushes.some((push) => push !== undefined && push.page.head.seq >= end.seq)
}

/** Names of the events after `start`, checking that the pushes are one chain. */
function eventsOf({ pushes }: Ear, start: Cursor): string[] {
  const events: JournalEvent[] = []
  let last: Cursor | undefined
  for (const push of pushes) {
    if (!push) continue
    const { after, page } = push
    if (last) equal(after, last, 'after of a push: the head of the one before')
    holds(page.events !== 'gap', 'a push must name its events')
    if (page.events === 'gap') continue
    equal(
      page.events.map(({ seq }) => seq),
      page.events.map((_, index) => after.seq + 1 + index),
      'places of a push',
    )
    equal(page.head.seq, after.seq + page.events.length, 'seq of the head of a push')
    events.push(...page.events)
    last = page.head
  }
  return events.filter(({ seq }) => seq > start.seq).map(({ name }) => name)
}

async function until(reachedYet: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !reachedYet(); waited += LOOK) {
    holds(waited < PATIENCE, `${what} did not come within ${PATIENCE} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
