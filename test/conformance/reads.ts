import { equal, holds, left, present } from './check.ts'
import { coordination, type CoordinationCase, HOUR, PAST, type Scene, SHORT } from './scene.ts'
import { NAMES, numbered, quoted, VALUES } from './texts.ts'

/** Entries: what a reader gets, and whether it may still be used. */
export function readCases(): CoordinationCase[] {
  return [
    ...entryCases(),
    ...lifeCases(),
    ...touchCases(),
    ...scopeCases(),
    ...unusableCases(),
    ...manyCases(),
  ]
}

function entryCases(): CoordinationCase[] {
  return [
    coordination('read: of nothing brings no entry and nothing stale', async ({ a }) => {
      const { entry, stale, lease, leaseLeft } = await a.read('k')
      equal(
        [entry, stale, lease, leaseLeft],
        [undefined, false, undefined, undefined],
        'entry, stale, lease, leaseLeft',
      )
    }),
    coordination(
      'read: brings the entry with its version, tags and namespaces, to everybody',
      async ({ a, b }) => {
        const names = { tags: ['t', 'u'], namespaces: ['', 'a', 'a:b'] }
        await a.set('k', 'x', { ...names, version: 'v 1' })
        for (const isolate of [a, b]) {
          const { entry, stale, freshFor, staleFor } = await isolate.read('k')
          const { payload, version, tags, namespaces } = present(entry, 'entry')
          equal([payload, version, stale], ['x', 'v 1', false], 'payload, version, stale')
          equal(
            [tags.toSorted(), namespaces.toSorted()],
            [names.tags, names.namespaces],
            'tags and namespaces',
          )
          left(freshFor, HOUR, 'freshFor')
          left(staleFor, 2 * HOUR, 'staleFor')
        }
      },
    ),
    ...VALUES.map(([name, make]) =>
      coordination(`read: a payload comes back unchanged: ${name}`, async ({ a, b }) => {
        await a.set('k', make())
        equal(await b.value('k'), make(), 'payload')
      }),
    ),
    ...NAMES.map((name) =>
      coordination(`read: ${quoted(name)} is a key, tag and namespace as any other`, async ({ a, b }) => {
        const names = { tags: [name], namespaces: ['', name] }
        await a.fill(name, 'x', await a.lease(name, name, names), { ...names, version: name })
        await a.set('plain', 'y')
        const { entry } = await b.read(name, names)
        equal([entry?.payload, entry?.version, entry?.tags], ['x', name, [name]], 'payload, version, tags')
        for (const kind of ['tag', 'namespace', 'key'] as const) {
          await a.set(name, 'x', names)
          equal(await b.drop({ kind, name }), kind === 'key' ? 1 : 0, `existed, of the ${kind}`)
          equal(await a.value(name), undefined, `payload after its ${kind} was invalidated`)
        }
        equal(await a.value('plain'), 'y', 'payload of another entry')
      }),
    ),
  ]
}

function lifeCases(): CoordinationCase[] {
  return [
    coordination('read: an entry is fresh, then stale, then gone', async ({ a, b, pass }) => {
      await a.set('stale', 'x', { freshFor: SHORT, staleFor: HOUR })
      await a.set('gone', 'y', { freshFor: SHORT / 2, staleFor: SHORT })
      await a.set('fresh', 'z', { freshFor: HOUR, staleFor: 2 * HOUR })
      await pass(PAST)
      const stale = await b.read('stale')
      equal([stale.entry?.payload, stale.stale], ['x', true], 'payload and stale, past its fresh time')
      holds((stale.freshFor ?? 1) <= 0, `freshFor of what is stale must be 0 or less`)
      left(stale.staleFor, HOUR - SHORT, 'staleFor of what is stale')
      const gone = await b.read('gone')
      equal([gone.entry, gone.stale], [undefined, false], 'entry and stale, past its stale time')
      equal(
        (await b.calls.take({ key: 'gone', tags: [], namespaces: [''] })).entry,
        undefined,
        'entry of a take',
      )
      const fresh = await b.read('fresh')
      equal([fresh.entry?.payload, fresh.stale], ['z', false], 'payload and stale, within its fresh time')
      left(fresh.freshFor, HOUR - SHORT, 'freshFor')
      equal(await b.drop({ kind: 'key', name: 'gone' }), 0, 'existed, of what is gone')
    }),
    coordination(
      'read: an entry without an end is fresh for ever, and so says its reply',
      async ({ a, b, pass }) => {
        await a.set('k', 'x', { freshFor: SHORT, staleFor: SHORT })
        await a.set('k', 'y', { freshFor: null, staleFor: null })
        await a.set('half', 'z', { freshFor: SHORT, staleFor: null })
        await pass(PAST)
        const { entry, stale, freshFor, staleFor } = await b.read('k')
        equal(
          [entry?.payload, stale, freshFor, staleFor],
          ['y', false, null, null],
          'payload, stale, freshFor, staleFor',
        )
        const half = await b.read('half')
        equal(
          [half.entry?.payload, half.stale, half.staleFor],
          ['z', true, null],
          'payload, stale, staleFor of what stays stale for ever',
        )
      },
    ),
    coordination('read: lives may have fractions and be very long', async ({ a, b }) => {
      const long = 1000 * 365.25 * 86_400_000
      equal((await a.set('k', 'x', { freshFor: 60_000.5, staleFor: 120_000.25 })).stored, true, 'stored')
      equal(
        (await a.set('long', 'y', { freshFor: long, staleFor: long })).stored,
        true,
        'stored for a thousand years',
      )
      equal([await b.value('k'), await b.value('long')], ['x', 'y'], 'payloads')
      equal(await b.claim('l', 'B', { ttl: 60_000.5 }), 'given', 'a lease with fractions of a millisecond')
    }),
    coordination('read: what is committed stale is stale, and dead is dead', async ({ a, b }) => {
      await a.set('stale', 'x', { freshFor: 0, staleFor: HOUR })
      await a.set('dead', 'y')
      await a.set('dead', 'z', { freshFor: 0, staleFor: 0 })
      const { entry, stale } = await b.read('stale')
      equal([entry?.payload, stale], ['x', true], 'payload and stale of what has no fresh time')
      equal(await b.value('dead'), undefined, 'payload of what has no time')
    }),
  ]
}

/** Every event, and whether the entry below lives on after it. */
const TAGGED = { tags: ['t', 'u'], namespaces: ['', 'a', 'a:b'] }
const TOUCHES = [
  [{ kind: 'key', name: 'k', soft: false }, 'gone'],
  [{ kind: 'key', name: 'k', soft: true }, 'stale'],
  [{ kind: 'tag', name: 'u', soft: false }, 'gone'],
  [{ kind: 'tag', name: 'u', soft: true }, 'stale'],
  [{ kind: 'namespace', name: '', soft: false }, 'gone'],
  [{ kind: 'namespace', name: 'a', soft: false }, 'gone'],
  [{ kind: 'namespace', name: 'a:b', soft: false }, 'gone'],
  [{ kind: 'key', name: 'k2', soft: false }, 'fresh'],
  [{ kind: 'key', name: 't', soft: false }, 'fresh'],
  [{ kind: 'tag', name: 'k', soft: false }, 'fresh'],
  [{ kind: 'tag', name: 't2', soft: false }, 'fresh'],
  [{ kind: 'tag', name: 'a', soft: false }, 'fresh'],
  [{ kind: 'tag', name: 't,u', soft: false }, 'fresh'],
  [{ kind: 'namespace', name: 'ab', soft: false }, 'fresh'],
  [{ kind: 'namespace', name: 'a:bc', soft: false }, 'fresh'],
  [{ kind: 'namespace', name: 'a:b:c', soft: false }, 'fresh'],
  [{ kind: 'namespace', name: 'b', soft: false }, 'fresh'],
  [{ kind: 'namespace', name: 't', soft: false }, 'fresh'],
] as const

function touchCases(): CoordinationCase[] {
  const eventName = ({ kind, name, soft }: { kind: string; name: string; soft: boolean }): string =>
    `the ${kind} ${quoted(name)}${soft ? ', softly,' : ''}`
  return [
    ...TOUCHES.map(([event, then]) =>
      coordination(
        `read: invalidating ${eventName(event)} leaves an entry in a:b with the tags t and u ${then}`,
        async ({ a, b }) => {
          await a.set('k', 'x', TAGGED)
          await b.drop(event)
          equal(await judged({ a, b }), then, 'the entry')
          await a.set('k', 'y', TAGGED)
          equal(await judged({ a, b }), 'fresh', 'an entry set after it')
        },
      ),
    ),
    coordination('read: what was invalidated stays so, whatever is written after it', async ({ a, b }) => {
      const names = { tags: ['t'], namespaces: ['', 'a'] }
      for (const kind of ['tag', 'namespace'] as const) {
        for (const key of ['1', '2']) await a.set(key, 'old', names)
        await b.drop({ kind, name: kind === 'tag' ? 't' : 'a' })
        await a.set('2', 'new', names)
        await a.read('3', { ...names, token: 'T' })
        await b.set('4', 'new', names)
        equal(
          [await b.value('1'), await b.value('2'), await b.value('4')],
          [undefined, 'new', 'new'],
          `payloads after a ${kind}`,
        )
        await b.drop({ kind, name: kind === 'tag' ? 't' : 'a' })
        equal(
          [await b.value('1'), await b.value('2'), await b.value('4')],
          [undefined, undefined, undefined],
          `payloads after a second ${kind}`,
        )
      }
    }),
  ]
}

async function judged({ a, b }: Pick<Scene, 'a' | 'b'>): Promise<'fresh' | 'stale' | 'gone'> {
  const verdicts = await Promise.all([a, b].map(async (isolate) => isolate.read('k')))
  const [one, other] = verdicts.map(({ entry, stale }) => (entry ? (stale ? 'stale' : 'fresh') : 'gone'))
  equal(other, one, 'the verdict another isolate gets')
  return one ?? 'gone'
}

function scopeCases(): CoordinationCase[] {
  return [
    coordination(
      'read: an entry is there for readers above it, and not for those below',
      async ({ a, b }) => {
        await a.set('a:b:k', 'x', { namespaces: ['', 'a'] })
        for (const namespaces of [[], [''], ['a'], ['', 'a']]) {
          equal(
            await b.value('a:b:k', { namespaces }),
            'x',
            `payload for a reader in ${JSON.stringify(namespaces)}`,
          )
        }
        for (const namespaces of [['', 'a', 'a:b'], ['a:b'], ['', 'b']]) {
          equal(
            await b.value('a:b:k', { namespaces }),
            undefined,
            `payload for a reader in ${JSON.stringify(namespaces)}`,
          )
        }
      },
    ),
    coordination('read: the tags a reader knows do not matter', async ({ a, b }) => {
      await a.set('k', 'x', { tags: ['t'] })
      equal(await b.value('k', { tags: ['other', 'u'] }), 'x', 'payload')
      await b.drop({ kind: 'tag', name: 'other' })
      equal(await b.value('k', { tags: ['other', 'u'] }), 'x', 'payload after one of them was invalidated')
    }),
    coordination('read: a set over an entry gives it the new tags and takes the old', async ({ a, b }) => {
      await a.set('k', 'x', { tags: ['old', 'both'] })
      await a.set('k', 'y', { tags: ['new', 'both'] })
      await b.drop({ kind: 'tag', name: 'old' })
      equal(await b.value('k'), 'y', 'payload after the old tag was invalidated')
      await b.drop({ kind: 'tag', name: 'new' })
      equal(await b.value('k'), undefined, 'payload after the new tag was invalidated')
    }),
  ]
}

function unusableCases(): CoordinationCase[] {
  return [
    coordination('read: an unusable version counts as missing, another does not', async ({ a, b }) => {
      await a.set('k', 'x', { version: 'v1' })
      equal((await b.read('k', { unusable: 'v1' })).entry, undefined, 'entry when its version is unusable')
      equal(
        (await b.read('k', { unusable: 'v2' })).entry?.payload,
        'x',
        'payload when another version is unusable',
      )
      equal((await b.read('k', { unusable: '*' })).entry, undefined, 'entry when any version is unusable')
      equal(await b.value('k'), 'x', 'payload for others')
    }),
    coordination('read: with an unusable version a lease is due', async ({ a, b }) => {
      await a.set('k', 'x', { version: 'v1' })
      equal(await b.claim('k', 'B'), 'neither', 'a lease on a fresh entry')
      equal(
        await b.claim('k', 'B', { unusable: 'v2' }),
        'neither',
        'a lease on a fresh entry of another version',
      )
      equal(await b.claim('k', 'B', { unusable: 'v1' }), 'given', 'a lease on an unusable version')
      equal(await a.claim('k', 'A', { unusable: '*' }), 'refused', 'a lease another holds')
    }),
  ]
}

function manyCases(): CoordinationCase[] {
  return [
    coordination('readMany: gives entries in order, misses and repeats among them', async ({ a, b }) => {
      await a.set('1', 'one', { tags: ['t'] })
      await a.set('2', 'two', { freshFor: 0 })
      await a.set('3', 'three', { namespaces: ['', 'a'] })
      const reads = ['2', 'missing', '1', '3', '2', '__proto__'].map((key) => ({
        key,
        tags: [],
        namespaces: [''],
      }))
      const { entries } = await b.calls.readMany({
        reads: [...reads, { key: '1', tags: [], namespaces: ['', 'a'] }],
      })
      equal(
        entries.map(({ entry }) => entry?.payload),
        ['two', undefined, 'one', 'three', 'two', undefined, undefined],
        'payloads',
      )
      equal(
        entries.map(({ stale }) => stale),
        [true, false, false, false, true, false, false],
        'stale',
      )
      equal(entries[2]?.entry?.tags, ['t'], 'tags')
      left(entries[2]?.freshFor, HOUR, 'freshFor')
    }),
    coordination('readMany: of nothing is nothing, and of hundreds all', async ({ a, b }) => {
      equal((await a.calls.readMany({ reads: [] })).entries, [], 'entries')
      const keys = numbered(300)
      await Promise.all(keys.map(async (key) => a.set(key, `value of ${key}`, { tags: [key] })))
      await a.drop({ kind: 'tag', name: keys[7] ?? '' })
      const { entries } = await b.calls.readMany({
        reads: keys.map((key) => ({ key, tags: [], namespaces: [''] })),
      })
      const expected = keys.map((key, index) => (index === 7 ? undefined : `value of ${key}`))
      equal(
        entries.map(({ entry }) => entry?.payload),
        expected,
        'payloads',
      )
    }),
    ...[100, 500].map((count) =>
      coordination(`read: an entry may have ${count} tags`, async ({ a, b }) => {
        const tags = numbered(count, 'tag ')
        const held = await a.lease('k', 'A', { tags })
        equal((await a.fill('k', 'x', held, { tags })).stored, true, 'stored')
        equal((await b.read('k', { tags })).entry?.tags.length, count, 'number of tags')
        await b.drop({ kind: 'tag', name: tags.at(-1) ?? '', soft: true })
        equal((await a.read('k')).stale, true, 'stale after the last tag was invalidated softly')
        await b.drop(...tags.map((name) => ({ kind: 'tag', name }) as const))
        equal(await a.value('k'), undefined, 'payload after all were invalidated')
      }),
    ),
  ]
}
