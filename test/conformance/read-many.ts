import { equal, left, present } from './check.ts'
import { coordination, type CoordinationCase, HOUR, PAST, SHORT } from './scene.ts'
import { numbered } from './texts.ts'

type Entries = Awaited<
  ReturnType<Parameters<Parameters<typeof coordination>[1]>[0]['a']['readMany']>
>['entries']

const NAMES = { tags: ['t'], namespaces: ['', 'a'] }

/** Leases of many keys at once: each is given or refused as if it had been asked for alone. */
export function readManyCases(): CoordinationCase[] {
  return [...dueCases(), ...heldCases()]
}

/** What became of each lease. */
function claimsOf(entries: Entries): string[] {
  return entries.map(({ lease, leaseLeft }) => {
    equal(lease !== undefined && leaseLeft !== undefined, false, 'whether a lease is both given and refused')
    return lease ? 'given' : leaseLeft === undefined ? 'neither' : 'refused'
  })
}

function payloadsOf(entries: Entries): (string | undefined)[] {
  return entries.map(({ entry }) => entry?.payload)
}

function dueCases(): CoordinationCase[] {
  return [
    coordination('readMany: leases what is missing or stale, and nothing that is fresh', async ({ a, b }) => {
      await a.set('fresh', 'x')
      await a.set('aged', 'y', { freshFor: 0 })
      await a.set('marked', 'z', { tags: ['t'] })
      await a.drop({ kind: 'tag', name: 't', soft: true })
      await a.set('dead', 'd', { tags: ['u'] })
      await a.drop({ kind: 'tag', name: 'u' })
      const keys = ['marked', 'fresh', 'missing', 'aged', 'dead']
      const { entries, page } = await b.readMany(keys, { token: 'B' })
      equal(payloadsOf(entries), ['z', 'x', undefined, 'y', undefined], 'payloads')
      equal(
        entries.map(({ stale }) => stale),
        [true, false, false, true, false],
        'stale',
      )
      equal(claimsOf(entries), ['given', 'neither', 'given', 'given', 'given'], 'leases')
      for (const { lease } of entries) if (lease) equal(lease.grant, page.head, 'a grant: the head')
      const claims = []
      for (const key of keys) claims.push(await a.claim(key, 'A'))
      equal(claims, ['refused', 'neither', 'refused', 'refused', 'refused'], 'the leases, for another')
    }),
    coordination('readMany: leases nothing where no lease was asked for', async ({ a, b }) => {
      await a.set('aged', 'x', { freshFor: 0 })
      const keys = ['aged', 'missing']
      equal(claimsOf((await b.readMany(keys)).entries), ['neither', 'neither'], 'leases')
      equal(
        claimsOf((await a.readMany(keys, { token: 'A' })).entries),
        ['given', 'given'],
        'leases, after it',
      )
    }),
    coordination('readMany: what is unusable to its read counts as missing there', async ({ a, b }) => {
      for (const key of ['1', '2', '3', '4']) await a.set(key, `value of ${key}`, { version: `v${key}` })
      const wanted = [
        { key: '1', unusable: 'v1' },
        { key: '2', unusable: 'v1' },
        { key: '3', unusable: '*' },
        '4',
      ]
      equal(
        payloadsOf((await b.readMany(wanted)).entries),
        [undefined, 'value of 2', undefined, 'value of 4'],
        'payloads, without a lease',
      )
      const { entries } = await b.readMany(wanted, { token: 'B' })
      equal(payloadsOf(entries), [undefined, 'value of 2', undefined, 'value of 4'], 'payloads')
      equal(claimsOf(entries), ['given', 'neither', 'given', 'neither'], 'leases')
      equal(await a.value('1'), 'value of 1', 'payload for others')
    }),
    coordination('readMany: is no event, with leases or without', async ({ a, b }) => {
      const cursor = await a.head()
      await a.readMany(['1', '2'], { token: 'A' })
      await b.readMany(['1', '2'], { token: 'B' })
      equal(await b.since(cursor), [], 'events')
    }),
    coordination('readMany: brings the page since the caller’s cursor with its leases', async ({ a, b }) => {
      const cursor = await a.head()
      await b.set('k', 'x')
      const { entries, page } = await a.readMany(['k', 'l'], { token: 'A', cursor })
      equal(page, (await a.calls.pull({ cursor })).page, 'page')
      equal(claimsOf(entries), ['neither', 'given'], 'leases')
    }),
    coordination('readMany: leases hundreds of keys', async ({ a, b }) => {
      const keys = numbered(250)
      await b.set(keys[30] ?? '', 'x')
      await b.lease(keys[240] ?? '', 'B')
      const claims = claimsOf((await a.readMany(keys, { token: 'A' })).entries)
      const expected = keys.map((_, at) => (at === 30 ? 'neither' : at === 240 ? 'refused' : 'given'))
      equal(claims, expected, 'leases')
    }),
  ]
}

function heldCases(): CoordinationCase[] {
  return [
    coordination('readMany: is refused leases that others hold, and told how long', async ({ a, b }) => {
      await a.set('stale', 'x', { freshFor: 0 })
      await a.lease('stale', 'A')
      await a.lease('held', 'A', { ttl: HOUR / 2 })
      const { entries } = await b.readMany(['held', 'free', 'stale'], { token: 'B' })
      equal(claimsOf(entries), ['refused', 'given', 'refused'], 'leases')
      equal(payloadsOf(entries), [undefined, undefined, 'x'], 'payloads')
      left(entries[0]?.leaseLeft, HOUR / 2, 'leaseLeft of the one')
      left(entries[2]?.leaseLeft, HOUR, 'leaseLeft of the other')
      equal(await a.claim('free', 'A'), 'refused', 'the lease that was given, for another')
    }),
    coordination('readMany: repeated with its token gets the same grants', async ({ a, b }) => {
      const first = await a.readMany(['1', '2'], { token: 'A' })
      await b.set('other', 'x')
      const { entries, page } = await a.readMany(['2', '3', '1', '2'], { token: 'A' })
      const grants = entries.map(({ lease }) => lease?.grant)
      const [one, two] = first.entries.map(({ lease }) => present(lease, 'the lease').grant)
      equal(grants, [two, page.head, one, two], 'grants')
      equal((await b.lease('1', 'A')).grant, one, 'the grant, for a read with the same token')
    }),
    coordination('readMany: a key named twice is leased once', async ({ a, b }) => {
      const { entries } = await a.readMany(['k', 'k'], { token: 'A' })
      equal(claimsOf(entries), ['given', 'given'], 'leases')
      equal(entries[0]?.lease, entries[1]?.lease, 'the grants')
      await a.release('k', 'A')
      equal(await b.claim('k', 'B'), 'given', 'the lease, after one release')
    }),
    coordination('readMany: its leases are as good as any', async ({ a, b }) => {
      const wanted = ['1', '2', '3', '4'].map((key) => ({ key, ...NAMES }))
      const { entries } = await a.readMany(wanted, { token: 'A' })
      const [one, two, three, four] = entries.map(({ lease }) => ({
        token: 'A',
        grant: present(lease, 'the lease').grant,
      }))
      equal((await a.fill('1', 'x', present(one, 'a lease'), NAMES)).stored, true, 'stored')
      await b.drop({ kind: 'key', name: '2' })
      equal((await a.fill('2', 'x', present(two, 'a lease'), NAMES)).stored, false, 'stored, after a delete')
      await b.drop({ kind: 'tag', name: 't' })
      equal(await b.claim('3', 'B'), 'given', 'the lease whose tag was invalidated')
      equal((await a.fill('3', 'x', present(three, 'a lease'), NAMES)).stored, false, 'stored, then')
      await b.drop({ kind: 'namespace', name: 'a' })
      equal((await a.fill('4', 'x', present(four, 'a lease'), NAMES)).stored, false, 'stored, after a clear')
    }),
    coordination('readMany: its leases end with their time', async ({ a, b, pass }) => {
      await a.readMany(['1', '2'], { token: 'A', ttl: SHORT })
      await pass(PAST)
      equal(claimsOf((await b.readMany(['1', '2'], { token: 'B' })).entries), ['given', 'given'], 'leases')
      equal(claimsOf((await a.readMany(['1'], { token: 'A' })).entries), ['refused'], 'lease, of who had it')
    }),
    coordination('readMany: of many at once exactly one gets each lease', async ({ a, b }) => {
      const keys = numbered(5)
      const replies = await Promise.all(
        numbered(12, 'token ').map(async (token, at) => (at % 2 ? a : b).readMany(keys, { token })),
      )
      for (const [at] of keys.entries()) {
        const claims = replies.map(({ entries }) => claimsOf(entries)[at])
        equal(claims.filter((claim) => claim === 'given').length, 1, 'leases given')
        equal(claims.filter((claim) => claim === 'refused').length, 11, 'leases refused')
      }
    }),
  ]
}
