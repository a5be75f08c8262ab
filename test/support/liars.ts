import type { AtomicCalls, CacheDriver, Coordination, Cursor } from '../../src/ports.ts'
import { LIARS_OF_MANY } from './liars-of-many.ts'
import type { Open, OpenedStore } from '../conformance/index.ts'
import { ledgerStore, pushingStore } from './conformance-stores.ts'

/** A driver that never throws and answers as if all were well. */
export interface Liar {
  /** Words in the names of the cases that must find it out: each of them must stand in one that fails. */
  readonly found: readonly string[]
  readonly open: Open<OpenedStore>
}

export type Lie<Subject> = (honest: Subject) => Partial<Subject>

/** A driver over the real ledger that only keeps values, some methods of which lie. */
function lying(lie: Lie<CacheDriver>): Open<OpenedStore> {
  const corrupt = (honest: CacheDriver): CacheDriver => {
    const { coordination: _coordination, ...plain } = honest
    return { ...plain, namespace: (name) => corrupt(honest.namespace(name)), ...lie(honest) }
  }
  return () => {
    const store = ledgerStore()
    return { ...store, connect: (prefix) => corrupt(store.connect(prefix)) }
  }
}

/** The same for its coordination. State that all its clients share is made by the first call. */
function coordinating(make: () => Lie<Coordination>, openHonest = ledgerStore): Open<OpenedStore> {
  return () => {
    const store = openHonest()
    const lie = make()
    return {
      ...store,
      connect: (prefix) => {
        const driver = store.connect(prefix)
        const honest = driver.coordination!
        return { ...driver, coordination: { ...honest, ...lie(honest) } }
      },
    }
  }
}

/** The same for its locks and atomic values. */
function stepping(make: () => Lie<AtomicCalls>): Open<OpenedStore> {
  return () => {
    const store = ledgerStore()
    const lie = make()
    return {
      ...store,
      connect: (prefix) => {
        const driver = store.connect(prefix)
        const honest = driver.atomics!
        return { ...driver, atomics: { ...honest, ...lie(honest) } }
      },
    }
  }
}

/** Clears by the text a key begins with, as a careless pattern does: it keeps its own list of keys. */
function clearsByText(): Open<OpenedStore> {
  return () => {
    const store = ledgerStore()
    const root = store.connect('')
    const keys = new Set<string>()
    const driverOf = (path: string): CacheDriver => {
      const inPath = (key: string): string => (path === '' ? key : `${path}:${key}`)
      const honest = path === '' ? root : store.connect(path)
      return {
        ...honest,
        namespace: (name) => driverOf(inPath(name)),
        set: async (key, value, ttl) => {
          keys.add(inPath(key))
          return root.set(inPath(key), value, ttl)
        },
        get: (key) => root.get(inPath(key)),
        pull: (key) => root.pull(inPath(key)),
        delete: (key) => root.delete(inPath(key)),
        deleteMany: (named) => root.deleteMany(named.map(inPath)),
        clear: async () => {
          await root.deleteMany([...keys].filter((key) => key.startsWith(path)))
        },
      }
    }
    return { ...store, connect: driverOf }
  }
}

/** Commits are stored whatever happened since they began: as sets that nobody is told of. */
const commitsOverInvalidations: Lie<Coordination> = (honest) => ({
  commit: async (request) => {
    const reply = await honest.commit(request)
    if (reply.stored) return reply
    return honest.commit({ ...request, op: `${request.op} again`, mode: { kind: 'set' } })
  },
})

/** A tag that is not there has the epoch 0, and invalidating one takes its epoch away: nothing has changed. */
function epochsFromZero(): Lie<Coordination> {
  return (honest) => ({
    invalidate: (request) =>
      honest.invalidate({
        ...request,
        events: request.events.filter(({ kind, soft }) => kind !== 'tag' || soft),
      }),
  })
}

/** Every lease is given: the second one of a key too. */
function givesTwoLeases(): Lie<Coordination> {
  return (honest) => ({
    read: async (request) => {
      const { leaseLeft, ...reply } = await honest.read(request)
      return leaseLeft === undefined ? reply : { ...reply, lease: { grant: reply.page.head } }
    },
  })
}

/** Pages that skip an event in the middle, or end too early. */
const withHole: Lie<Coordination> = (honest) => ({
  pull: async (request) => {
    const { page } = await honest.pull(request)
    const holed = (at: number, count: number): boolean => count < 3 || at !== Math.floor(count / 2)
    return page.events === 'gap'
      ? { page }
      : { page: { ...page, events: page.events.filter((_, at, { length }) => holed(at, length)) } }
  },
})

/** A cursor is taken for a place: another life of the journal, with as many events, passes for the same. */
function believesPlaces(): Lie<Coordination> {
  return (honest) => {
    const known = new Map<number, Cursor>()
    return {
      pull: async ({ cursor }) => {
        const { head } = (await honest.pull({})).page
        known.set(head.seq, head)
        const named = cursor && known.get(cursor.seq)
        return honest.pull(cursor ? { cursor: named ?? cursor } : {})
      },
    }
  }
}

/** Each repeat of an operation is done again. */
function forgetsOperations(): Lie<Coordination> {
  let count = 0
  return (honest) => ({ commit: (request) => honest.commit({ ...request, op: `op ${++count}` }) })
}

/** Reading and deleting are two steps. */
const takesTwice: Lie<Coordination> = (honest) => ({
  take: async (request) => {
    const reply = await honest.read(request)
    const { page } = await honest.invalidate({
      events: [{ kind: 'key', name: request.key, soft: false }],
      cursor: request.cursor,
    })
    return { ...reply, page }
  },
})

/** To invalidate `ab` is to invalidate all that its text begins with, `a` among it. */
const matchesNamespacesByText: Lie<Coordination> = (honest) => ({
  invalidate: (request) =>
    honest.invalidate({
      ...request,
      events: request.events.map((event) =>
        event.kind === 'namespace' && /^a\w/.test(event.name) ? { ...event, name: 'a' } : event,
      ),
    }),
})

/** The third push is left out, and nobody would know but for the chain. */
const losesPush: Lie<Coordination> = (honest) => ({
  subscribe: (subscriber) => {
    let count = 0
    return honest.subscribe!({
      onOpen: () => subscriber.onOpen(),
      onAlive: (within) => subscriber.onAlive(within),
      onEnd: (error) => subscriber.onEnd(error),
      onPush: (push) => {
        if (++count !== 3) subscriber.onPush(push)
      },
    })
  },
})

/** A release asks for no token: whoever comes late frees what is another's by now. */
function releasesAnybodys(): Lie<AtomicCalls> {
  const tokens = new Map<string, string>()
  return (honest) => ({
    acquire: async (request) => {
      const hold = await honest.acquire(request)
      if (hold.held) tokens.set(request.name, request.token)
      return hold
    },
    surrender: ({ name, token }) => honest.surrender({ name, token: tokens.get(name) ?? token }),
  })
}

/** Counts by reading and writing: what comes in between is lost. */
const countsInTwoSteps: Lie<AtomicCalls> = (honest) => ({
  increment: async ({ name, by, ttl, op }) => {
    const { text = '0' } = await honest.read({ name })
    const value = Number(text) + by
    await honest.remove({ name })
    await honest.add({ name, text: String(value), ttl, op })
    return { value }
  },
})

/** The drivers, each of which the suite must find out. */
export const LIARS: Readonly<Record<string, Liar>> = {
  'set says true and drops the ttl': {
    found: ['life: ends when its milliseconds are over', 'prune: takes what has ended'],
    open: lying((honest) => ({ set: (key, value) => honest.set(key, value) })),
  },
  'set counts its ttl in seconds': {
    found: ['life: ends when its milliseconds are over'],
    open: lying((honest) => ({ set: (key, value, ttl) => honest.set(key, value, ttl && ttl * 1000) })),
  },
  'delete says true and keeps': {
    found: ['delete: tells whether something was there, and ends it', 'keys: "a b" is a key'],
    open: lying((honest) => ({ delete: async (key) => (await honest.get(key)) !== undefined })),
  },
  'deleteMany stops after a hundred keys': {
    found: ['deleteMany: takes a thousand keys'],
    open: lying((honest) => ({ deleteMany: (keys) => honest.deleteMany(keys.slice(0, 100)) })),
  },
  'get parses what looks like a number': {
    found: ['values: "007"', 'values: "1e3"'],
    open: lying((honest) => ({
      get: async (key) => {
        const text = await honest.get(key)
        return text && Number.isFinite(Number(text)) && text.trim() === text ? String(Number(text)) : text
      },
    })),
  },
  'get answers null for a miss': {
    found: ['values: what was never set is undefined'],
    open: lying((honest) => ({ get: async (key) => (await honest.get(key)) ?? (null as never) })),
  },
  'clear matches by the text of the prefix': {
    found: ['clear: below "user" leaves "user2" alone', 'namespaces: clearing one takes those below'],
    open: clearsByText(),
  },
  'states a limit it does not keep': {
    found: ['limits: a value of 1900000 bytes of ASCII works'],
    open: lying((honest) => ({
      set: async (key, value, ttl) => value.length > 1_000_000 || honest.set(key, value, ttl),
    })),
  },
  'two hold one lease': {
    found: ['lease: is given to one', 'lease: of many that miss at once exactly one gets it'],
    open: coordinating(() => givesTwoLeases()),
  },
  'a commit is stored over an invalidation': {
    found: [
      'commit: one whose key "k" was invalidated since it began is refused',
      'commit: one whose tag "t" was invalidated since it began is refused',
      'commit: a free one over a later set is refused',
      'order: a commit and an invalidation at once',
    ],
    open: coordinating(() => commitsOverInvalidations),
  },
  'a page has a hole': {
    found: ['journal: events come whole, in order', 'journal: a page of 500 events'],
    open: coordinating(() => withHole),
  },
  'a cursor is only a place': {
    found: ['journal: a cursor of the right place and another id is a gap'],
    open: coordinating(believesPlaces),
  },
  'a missing epoch is 0': {
    found: ['read: invalidating the tag "u" leaves an entry', 'read: what was invalidated stays so'],
    open: coordinating(() => epochsFromZero()),
  },
  'a repeated operation is done again': {
    found: ['commit: a repeated set gets the first answer', 'order: one operation sent many times at once'],
    open: coordinating(forgetsOperations),
  },
  'take is two steps': {
    found: ['take: of many at once exactly one gets the entry'],
    open: coordinating(() => takesTwice),
  },
  'a release releases nothing': {
    found: ['lease: is free after its release', 'lease: a release can be repeated and come late'],
    open: coordinating(() => (honest) => ({ release: ({ cursor }) => honest.pull({ cursor }) })),
  },
  'a namespace is matched by its text': {
    found: [
      'read: invalidating the namespace "ab" leaves an entry in a:b',
      'lease: is still held after an invalidation of a sibling',
    ],
    open: coordinating(() => matchesNamespacesByText),
  },
  'two hold one lock': {
    found: ['lock: is given to one token at a time', 'lock: of many who ask at once exactly one gets it'],
    open: stepping(() => (honest) => ({
      acquire: async (request) => ({ ...(await honest.acquire(request)), held: true, fence: 1 }),
    })),
  },
  'a lock is released whoever asks': {
    found: ['lock: who holds it gives it back, once', 'lock: ends by itself, and a late release'],
    open: stepping(releasesAnybodys),
  },
  'fences do not grow': {
    found: ['lock: each grant has a larger fence'],
    open: stepping(() => (honest) => ({
      acquire: async (request) => {
        const hold = await honest.acquire(request)
        return hold.held ? { ...hold, fence: 1 } : hold
      },
    })),
  },
  'asking again for a lock prolongs it': {
    found: ['lock: asked for again by its token it is the same grant, and no longer one'],
    open: stepping(() => (honest) => ({
      acquire: async (request) => {
        const hold = await honest.acquire(request)
        return hold.held ? honest.extend(request) : hold
      },
    })),
  },
  'a counter is read, then written': {
    found: ['count: many at once are all counted', 'count: its life counts from the first step'],
    open: stepping(() => countsInTwoSteps),
  },
  'a repeated step is done again': {
    found: ['repeat: one step sent many times at once', 'repeat: a value added once is not added again'],
    open: stepping(() => {
      let count = 0
      return (honest) => ({
        add: (request) => honest.add({ ...request, op: `op ${++count}` }),
        increment: (request) => honest.increment({ ...request, op: `op ${++count}` }),
      })
    }),
  },
  'add says true and overwrites': {
    found: ['add: sets what is absent and leaves what is there'],
    open: stepping(() => (honest) => ({
      add: async (request) => {
        await honest.remove(request)
        return honest.add(request)
      },
    })),
  },
  'a push is lost': {
    found: ['subscribe: tells each event once, in order'],
    open: coordinating(() => losesPush, pushingStore),
  },
  ...Object.fromEntries(
    Object.entries(LIARS_OF_MANY).map(([name, { found, make }]) => [
      name,
      { found, open: coordinating(make) },
    ]),
  ),
}
