import { equal, holds, left } from './check.ts'
import { coordination, type CoordinationCase, HOUR, type Isolate, PAST, SHORT } from './scene.ts'
import { numbered } from './texts.ts'

const NAMES = { tags: ['t'], namespaces: ['', 'a', 'a:b'] }

/** What ends a lease on a key with {@link NAMES}: it is free again. */
const ENDS: readonly (readonly [string, (isolate: Isolate) => Promise<unknown>])[] = [
  ['its release', async (isolate) => isolate.release('k', 'A')],
  ['an invalidation of the key', async (isolate) => isolate.drop({ kind: 'key', name: 'k' })],
  ['a soft invalidation of the key', async (isolate) => isolate.drop({ kind: 'key', name: 'k', soft: true })],
  ['an invalidation of a tag', async (isolate) => isolate.drop({ kind: 'tag', name: 't' })],
  ['a soft invalidation of a tag', async (isolate) => isolate.drop({ kind: 'tag', name: 't', soft: true })],
  ['an invalidation of its namespace', async (isolate) => isolate.drop({ kind: 'namespace', name: 'a:b' })],
  ['an invalidation of a namespace above', async (isolate) => isolate.drop({ kind: 'namespace', name: 'a' })],
  ['an invalidation of the root', async (isolate) => isolate.drop({ kind: 'namespace', name: '' })],
  ['a set', async (isolate) => isolate.set('k', 'x', NAMES)],
  ['a take', async (isolate) => isolate.calls.take({ key: 'k', ...NAMES })],
]

/** What does not end it. */
const LEAVES: readonly (readonly [string, (isolate: Isolate) => Promise<unknown>])[] = [
  ['a release by another token', async (isolate) => isolate.release('k', 'B')],
  ['a release of another key', async (isolate) => isolate.release('l', 'A')],
  ['a set of another key', async (isolate) => isolate.set('l', 'x', NAMES)],
  ['an invalidation of another key', async (isolate) => isolate.drop({ kind: 'key', name: 'l' })],
  ['an invalidation of another tag', async (isolate) => isolate.drop({ kind: 'tag', name: 't2' })],
  ['an invalidation of a sibling', async (isolate) => isolate.drop({ kind: 'namespace', name: 'ab' })],
  [
    'an invalidation of a namespace below',
    async (isolate) => isolate.drop({ kind: 'namespace', name: 'a:b:c' }),
  ],
  ['a read without a lease', async (isolate) => isolate.read('k', NAMES)],
]

/** Leases: who may compute a key, and until when. */
export function leaseCases(): CoordinationCase[] {
  return [
    ...grantCases(),
    ...ENDS.map(([name, end]) =>
      coordination(`lease: is free after ${name}`, async ({ a, b }) => {
        await a.lease('k', 'A', NAMES)
        await end(b)
        equal(await b.claim('k', 'B', { ...NAMES, unusable: '*' }), 'given', 'the lease')
        equal(
          await a.claim('k', 'A', { ...NAMES, unusable: '*' }),
          'refused',
          'the lease, for who had it before',
        )
      }),
    ),
    ...LEAVES.map(([name, act]) =>
      coordination(`lease: is still held after ${name}`, async ({ a, b }) => {
        const held = await a.lease('k', 'A', NAMES)
        await act(b)
        equal(await b.claim('k', 'B', NAMES), 'refused', 'the lease')
        equal((await a.lease('k', 'A', NAMES)).grant, held.grant, 'the grant, for who holds it')
        equal((await a.fill('k', 'x', held, NAMES)).stored, true, 'stored')
      }),
    ),
    ...raceCases(),
  ]
}

function grantCases(): CoordinationCase[] {
  return [
    coordination('lease: is given to one, and others are told how long it lasts', async ({ a, b }) => {
      await a.lease('k', 'A', { ttl: HOUR })
      const { lease, leaseLeft, entry } = await b.read('k', { token: 'B' })
      equal([lease, entry], [undefined, undefined], 'lease and entry')
      left(leaseLeft, HOUR, 'leaseLeft')
      equal(await b.claim('l', 'B'), 'given', 'the lease of another key')
    }),
    coordination('lease: the same token gets the same grant again', async ({ a, b }) => {
      const { grant } = await a.lease('k', 'A')
      await b.drop({ kind: 'key', name: 'l' })
      equal((await b.lease('k', 'A')).grant, grant, 'the grant')
    }),
    coordination('lease: its grant is where the journal stands', async ({ a }) => {
      await a.set('l', 'x')
      const head = await a.head()
      equal((await a.lease('k', 'A')).grant, head, 'the grant')
    }),
    coordination('lease: none is given that was not asked for, or is not due', async ({ a, b }) => {
      await a.read('k')
      equal(await b.claim('k', 'B'), 'given', 'the lease after a read that asked for none')
      await a.set('fresh', 'x')
      equal(await b.claim('fresh', 'B'), 'neither', 'a lease on a fresh entry')
      await b.calls.readMany({ reads: [{ key: 'many', tags: [], namespaces: [''] }] })
      equal(await a.claim('many', 'A'), 'given', 'the lease after a readMany')
    }),
    coordination('lease: one on a stale entry comes with the entry', async ({ a, b }) => {
      await a.set('k', 'x', { freshFor: 0 })
      const given = await a.read('k', { token: 'A' })
      equal(
        [given.entry?.payload, given.stale, given.lease !== undefined],
        ['x', true, true],
        'payload, stale, lease',
      )
      const refused = await b.read('k', { token: 'B' })
      equal(
        [refused.entry?.payload, refused.stale, refused.lease],
        ['x', true, undefined],
        'payload, stale, lease of another',
      )
      left(refused.leaseLeft, HOUR, 'leaseLeft')
    }),
    coordination('lease: one on an entry made stale by a tag is due', async ({ a, b }) => {
      await a.set('k', 'x', { tags: ['t'] })
      await b.drop({ kind: 'tag', name: 't', soft: true })
      equal(await a.claim('k', 'A', { tags: ['t'] }), 'given', 'the lease')
      equal(await b.claim('k', 'B', { tags: ['t'] }), 'refused', 'the lease, for another')
    }),
    coordination('lease: is free when its time is over', async ({ a, b, pass }) => {
      const first = await a.lease('k', 'A', { ttl: SHORT })
      await a.lease('long', 'A', { ttl: HOUR })
      await pass(PAST)
      equal(await b.claim('k', 'B'), 'given', 'the lease')
      equal(await a.claim('k', 'A'), 'refused', 'the lease, for who had it before')
      equal(await b.claim('long', 'B'), 'refused', 'a lease that lasts longer')
      equal((await b.lease('k', 'B')).grant, first.grant, 'the grant, since nothing happened')
    }),
    coordination('lease: is free after a commit, when the entry is due again', async ({ a, b }) => {
      await a.fill('k', 'x', await a.lease('k', 'A'), { freshFor: 0 })
      equal(await b.claim('k', 'B'), 'given', 'the lease')
    }),
    coordination('lease: a release can be repeated and come late', async ({ a, b }) => {
      await a.lease('k', 'A')
      await a.release('k', 'A')
      await a.release('k', 'A')
      await b.lease('k', 'B')
      await a.release('k', 'A')
      equal(await a.claim('k', 'A'), 'refused', 'the lease another has taken')
    }),
  ]
}

function raceCases(): CoordinationCase[] {
  return [
    coordination('lease: of many that miss at once exactly one gets it', async ({ a, b }) => {
      for (const key of ['1', '2', '3', '4', '5']) {
        const claims = await Promise.all(
          numbered(24, 'token ').map(async (token, index) => (index % 2 ? a : b).claim(key, token)),
        )
        equal(claims.filter((claim) => claim === 'given').length, 1, 'leases given')
        equal(claims.filter((claim) => claim === 'refused').length, 23, 'leases refused')
      }
    }),
    coordination('lease: one that many release and want again is never held twice', async ({ a, b }) => {
      const holders = new Set<string>()
      const work = async (isolate: Isolate, token: string): Promise<void> => {
        for (let turn = 0; turn < 5; turn++) {
          if ((await isolate.claim('k', token)) !== 'given') continue
          holders.add(token)
          holds(holders.size === 1, 'two isolates hold the lease of one key at once')
          await isolate.read('l')
          holders.delete(token)
          await isolate.release('k', token)
        }
      }
      await Promise.all(numbered(6).map(async (token, index) => work(index % 2 ? a : b, token)))
    }),
  ]
}
