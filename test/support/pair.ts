import assert from 'node:assert/strict'
import type { LedgerOptions } from '../../workers/ledger.ts'
import type { StoreOptions } from '../../src/index.ts'
import { unseal } from '../../src/payload.ts'
import { type Isolate, type World, world } from './world.ts'

/** Two isolates in front of one coordinator, and what a race between them is told with. */
export interface Pair extends World {
  readonly a: Isolate
  readonly b: Isolate
  /** Lets time pass as `work` needs it. */
  run<T>(work: Promise<T>): Promise<T>
  /** The value the coordinator would give a reader; `undefined` if there is none. */
  stored(key: string): unknown
  /** Has `isolate` read a key nobody has, so that it hears the news. */
  hear(isolate: Isolate): Promise<void>
  /** Puts `count` events into the journal that concern nobody. */
  noise(count: number): void
}

export function pair(options: StoreOptions = {}, limits: Pick<LedgerOptions, 'pageLimit'> = {}): Pair {
  const made = world(limits)
  const { clock, ledger } = made
  let asked = 0
  return Object.assign(made, {
    a: made.isolate('a', options),
    b: made.isolate('b', options),
    run: <T>(work: Promise<T>) => clock.run(work),
    stored: (key: string) => storedIn(made, key),
    hear: async (isolate: Isolate) =>
      void (await clock.run(isolate.bento.get({ key: `nobody has ${++asked}` }))),
    noise: (count: number) => {
      const events = Array.from({ length: count }, (_, at) => ({
        kind: 'key' as const,
        name: `noise ${at}`,
        soft: false,
      }))
      ledger.ledger.invalidate({ events })
    },
  })
}

/** What `key` is called in L2. */
export function nameOf(key: string): string {
  return `bentocache:${key}`
}

/** The value the coordinator would give a reader of `key`; `undefined` if there is none, or none that is fresh. */
export function storedIn({ ledger }: Pick<World, 'ledger'>, key: string, only?: 'fresh'): unknown {
  const { entry, stale } = ledger.ledger.read({ key: nameOf(key), tags: [], namespaces: ['bentocache'] })
  const text = entry && !(only && stale) ? unseal(entry.payload)?.text : undefined
  return text === undefined ? undefined : JSON.parse(text)
}

/** A promise that rejects, as a value to compare. */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    (value) => ({ resolved: value }),
    (error: unknown) => error,
  )
}

/** A has `k` in memory, as B wrote it; the journal was heard just now. */
export async function inMemory(scene: Pair, options: object = {}): Promise<void> {
  const { a, b, run } = scene
  await run(b.bento.set({ key: 'k', value: 'old', ...options }))
  assert.equal(await run(a.bento.get({ key: 'k' })), 'old')
  a.story()
}
