import type { CommitRequest, Coordination } from '../../src/ports.ts'
import type { BusDriver } from '../../src/store.ts'
import { atomicCases } from './atomic-cases.ts'
import { atomicCaseOver } from './atomic-scene.ts'
import { equal, present } from './check.ts'
import type { ConformanceCase, OpenedBus } from './conformance-case.ts'
import { coordinationCases } from './coordination-cases.ts'
import { type PlainStore, plainStore } from './plain-store.ts'
import { caseOver, freshId, HOUR, told } from './scene.ts'

type BusCase = ConformanceCase<OpenedBus>

const NONE = { tags: [], namespaces: [''] }

/**
 * All that must hold for a bus driver: with a store that only keeps values it coordinates as a driver's own
 * `coordination` does, and with L1 alone it tells what happened and keeps nothing. One with
 * `atomics` also keeps locks and counters. Of `bus` only `coordinate` is called, to see whether it can be subscribed to.
 *
 * @example
 * ```ts
 * import { busCases, type OpenedBus } from 'ekiben/conformance'
 * import type { BusDriver, CreateDriverResult } from 'ekiben'
 *
 * async function check(bus: CreateDriverResult<BusDriver>, pass: OpenedBus['pass']): Promise<void> {
 *   const connect = (): BusDriver => bus.factory({})
 *   for (const { run } of busCases(connect())) await run(() => ({ connect, pass }))
 * }
 * ```
 */
export function busCases(bus: Pick<BusDriver, 'coordinate' | 'atomics'>): BusCase[] {
  const { subscribe } = bus.coordinate(plainStore().driver)
  const offer = subscribe ? { subscribe } : {}
  return [
    ...coordinationCases(offer).map((each) => caseOver<OpenedBus>(each, overValues)),
    ...bodyCases(),
    ...journalOnlyCases(),
    ...(bus.atomics ? atomicCases() : []).map((each) =>
      atomicCaseOver<OpenedBus>(each, (opened) => present(opened.connect().atomics, 'atomics of the bus')),
    ),
  ]
}

/** Isolates that share the coordinator and one store of values. */
function overValues(opened: OpenedBus): () => Coordination {
  const { driver } = plainStore()
  return () => opened.connect().coordinate(driver)
}

interface Stage {
  readonly a: Coordination
  readonly b: Coordination
  readonly values: PlainStore
}

function busCase(name: string, keepsValues: boolean, run: (stage: Stage) => Promise<void>): BusCase {
  return {
    name,
    run: async (open) => {
      const opened = await open()
      const values = plainStore()
      const connect = (): Coordination => opened.connect().coordinate(keepsValues ? values.driver : undefined)
      try {
        await run({ a: connect(), b: connect(), values })
      } finally {
        await opened.close?.()
      }
    },
  }
}

async function set(
  coordination: Coordination,
  key: string,
  payload: string,
): ReturnType<Coordination['commit']> {
  return coordination.commit({ ...commitOf(key, payload), mode: { kind: 'set' } })
}

function commitOf(key: string, payload: string | undefined): Omit<CommitRequest, 'mode'> {
  return { op: freshId(), version: freshId(), freshFor: HOUR, staleFor: HOUR, key, payload, ...NONE }
}

function commitSet(key: string): CommitRequest {
  return { ...commitOf(key, 'x'), mode: { kind: 'set' } }
}

function bodyCases(): BusCase[] {
  return [
    busCase('bus: values lie in the store of values', true, async ({ a, b, values }) => {
      equal((await set(a, 'k', 'x')).stored, true, 'stored')
      equal([...values.texts.values()], ['x'], 'texts in the store')
      equal((await b.read({ key: 'k', ...NONE })).entry?.payload, 'x', 'payload')
    }),
    busCase(
      'bus: a value the store has lost is missing, and a lease on it is due',
      true,
      async ({ a, b, values }) => {
        await set(a, 'k', 'x')
        values.texts.clear()
        equal((await b.read({ key: 'k', ...NONE })).entry, undefined, 'entry')
        const { entry, lease } = await b.read({ key: 'k', ...NONE, lease: { token: 'B', ttl: HOUR } })
        equal([entry, lease !== undefined], [undefined, true], 'entry and lease')
        const { entries } = await b.readMany({ reads: [{ key: 'k', ...NONE }] })
        equal(entries[0]?.entry, undefined, 'entry of readMany')
      },
    ),
    busCase(
      'bus: of many values those the store has lost are missing, and a lease on them is due',
      true,
      async ({ a, b, values }) => {
        for (const key of ['lost', 'there', 'held']) await set(a, key, key)
        for (const [key, text] of values.texts) if (text !== 'there') values.texts.delete(key)
        await a.read({ key: 'held', ...NONE, unusable: '*', lease: { token: 'A', ttl: HOUR } })
        const reads = ['lost', 'there', 'none', 'held'].map((key) => ({ key, ...NONE }))
        const { entries } = await b.readMany({ reads, lease: { token: 'B', ttl: HOUR } })
        equal(
          entries.map(({ entry, stale }) => [entry?.payload, stale]),
          [
            [undefined, false],
            ['there', false],
            [undefined, false],
            [undefined, false],
          ],
          'payloads and stale',
        )
        equal(
          entries.map(({ lease, leaseLeft }) => [lease !== undefined, leaseLeft !== undefined]),
          [
            [true, false],
            [false, false],
            [true, false],
            [false, true],
          ],
          'leases given and refused',
        )
      },
    ),
    busCase('bus: many values lie in the store of values', true, async ({ a, b, values }) => {
      const commits = ['1', '2'].map((key) => ({ ...commitOf(key, key), mode: { kind: 'set' } as const }))
      const stored = (await a.commitMany({ commits })).commits.map((outcome) => outcome.stored)
      equal(
        [stored, [...values.texts.values()]],
        [
          [true, true],
          ['1', '2'],
        ],
        'stored, and texts in the store',
      )
      const { entries } = await b.readMany({ reads: ['1', '2'].map((key) => ({ key, ...NONE })) })
      equal(
        entries.map(({ entry }) => entry?.payload),
        ['1', '2'],
        'payloads',
      )
    }),
    busCase(
      'bus: a value the store has lost is not kept, and its lease is free',
      true,
      async ({ a, b, values }) => {
        for (const keeps of ['v', '*']) {
          await a.commit({ ...commitOf('k', 'x'), version: 'v', mode: { kind: 'set' } })
          const { lease } = await a.read({
            key: 'k',
            ...NONE,
            unusable: '*',
            lease: { token: 'A', ttl: HOUR },
          })
          values.texts.clear()
          const { page } = await b.pull({})
          const mode = { kind: 'lease', token: 'A', grant: lease?.grant ?? page.head } as const
          const kept = { ...commitOf('k', undefined), keeps, mode, cursor: page.head }
          equal(await a.commit(kept), { stored: false, page: { head: page.head, events: [] } }, 'reply')
          const many = await a.commitMany({ commits: [{ ...kept, mode: { kind: 'set' } }, commitSet('l')] })
          equal(
            many.commits.map(({ stored }) => stored),
            [false, true],
            'stored, of many',
          )
          const after = await b.read({ key: 'k', ...NONE, unusable: '*', lease: { token: 'B', ttl: HOUR } })
          equal(after.lease !== undefined, true, 'the lease')
        }
      },
    ),
    busCase('bus: a refused value is never read, though the store may hold it', true, async ({ a, b }) => {
      const { lease } = await a.read({ key: 'k', ...NONE, lease: { token: 'A', ttl: HOUR } })
      await b.invalidate({ events: [{ kind: 'key', name: 'k', soft: false }] })
      const { page } = await b.pull({})
      const mode = { kind: 'lease', token: 'A', grant: lease?.grant ?? page.head } as const
      equal((await a.commit({ ...commitOf('k', 'old'), mode })).stored, false, 'stored')
      equal((await b.read({ key: 'k', ...NONE })).entry, undefined, 'entry')
    }),
    busCase('bus: an older value that the store still holds is not read', true, async ({ a, b, values }) => {
      await set(a, 'k', 'old')
      const held = new Map(values.texts)
      await set(a, 'k', 'new')
      for (const [key, text] of held) values.texts.set(key, text)
      equal((await b.read({ key: 'k', ...NONE })).entry?.payload, 'new', 'payload')
    }),
  ]
}

function journalOnlyCases(): BusCase[] {
  return [
    busCase('bus: with L1 alone a read brings the news and nothing else', false, async ({ a, b }) => {
      const { head } = (await a.pull({})).page
      await b.invalidate({ events: [{ kind: 'tag', name: 't', soft: true }] })
      const read = await a.read({ key: 'k', ...NONE, lease: { token: 'A', ttl: HOUR }, cursor: head })
      equal(
        [read.entry, read.stale, told(read.page)],
        [undefined, false, ['tag t soft']],
        'entry, stale, events',
      )
      const many = await a.readMany({
        reads: [
          { key: 'k', ...NONE },
          { key: 'l', ...NONE },
        ],
        cursor: head,
      })
      equal(
        many.entries.map(({ entry }) => entry),
        [undefined, undefined],
        'entries of readMany',
      )
      equal(told(many.page), ['tag t soft'], 'events of readMany')
    }),
    busCase('bus: with L1 alone nothing is kept', false, async ({ a, b }) => {
      await set(a, 'k', 'x')
      equal((await b.read({ key: 'k', ...NONE })).entry, undefined, 'entry')
      const { head } = (await a.pull({})).page
      await b.invalidate({ events: [{ kind: 'tag', name: 't', soft: false }] })
      const kept = { ...commitSet('l'), payload: undefined, keeps: '*' }
      const many = await a.commitMany({ commits: [commitSet('k'), kept], cursor: head })
      equal([many.commits, told(many.page)], [[{ stored: false }, { stored: false }], ['tag t']], 'of many')
      const reads = [{ key: 'k', ...NONE }]
      const { entries } = await a.readMany({ reads, lease: { token: 'A', ttl: HOUR } })
      equal([entries[0]?.entry, entries[0]?.lease], [undefined, undefined], 'entry and lease of readMany')
    }),
    busCase('bus: with L1 alone invalidations and takes are told to all', false, async ({ a, b }) => {
      const { head } = (await a.pull({})).page
      const { page } = await b.invalidate({ events: [{ kind: 'key', name: 'k', soft: false }], cursor: head })
      equal(told(page), ['key k'], 'events of the reply')
      await b.take({ key: 'l', ...NONE })
      equal(told((await a.pull({ cursor: head })).page), ['key k', 'key l'], 'events told to the other')
    }),
  ]
}
