import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BentoCache as BunCache } from '../../adapters/bun.ts'
import { BentoCache as CoreCache } from '../../adapters/core.ts'
import { BentoCache as DenoCache } from '../../adapters/deno.ts'
import { BentoCache as FullProcessCache } from '../../adapters/full-process.ts'
import { BentoCache as FullSystemCache } from '../../adapters/full-system.ts'
import { BentoCache as FullVercelCache } from '../../adapters/full-vercel.ts'
import { BentoCache as NodeCache, withRequest } from '../../adapters/node.ts'
import { BentoCache as SystemCache } from '../../adapters/system.ts'
import { BentoCache as VercelCache } from '../../adapters/vercel.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { type BentoCache, bentostore, type Logger, systemRuntime } from '../../src/index.ts'

type Constructor = typeof NodeCache

const processes = { node: NodeCache, deno: DenoCache, bun: BunCache, full: FullProcessCache } as const
const vercel = { vercel: VercelCache, 'full on vercel': FullVercelCache } as const
const unwired = { core: CoreCache, system: SystemCache, 'full on system': FullSystemCache } as const
const all = Object.entries<Constructor>({ ...processes, ...vercel, ...unwired } as Record<
  string,
  Constructor
>)

function open(
  Cache: Constructor,
  options: { logger?: Logger; runtime?: typeof systemRuntime } = {},
): BentoCache {
  const main = bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver())
  return new Cache({ default: 'main', stores: { main }, ...options })
}

/** Has a stale value served, and gives what ends the refresh behind it. */
async function refreshBehind(bento: BentoCache): Promise<(value: string) => void> {
  await bento.set({ key: 'k', value: 'old' })
  await bento.expire({ key: 'k' })
  let finish: (value: string) => void = () => {}
  const made = new Promise<string>((resolve) => (finish = resolve))
  expect(await bento.getOrSet({ key: 'k', factory: () => made })).toBe('old')
  return finish
}

/** Whether a promise has settled by the time everything that needs no time has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(() => setImmediate(resolve, false)))
  return Promise.race([promise.then(() => true as const), later])
}

const CONTEXT = Symbol.for('@vercel/request-context')

/** The platform's own way to name the request that runs now. */
function requestOfVercel(): { readonly handed: Promise<unknown>[] } {
  const handed: Promise<unknown>[] = []
  Reflect.set(globalThis, CONTEXT, {
    get: () => ({ waitUntil: (work: Promise<unknown>) => handed.push(work) }),
  })
  return { handed }
}

let warn = vi.fn()

beforeEach(() => {
  warn = vi.fn()
  vi.spyOn(console, 'warn').mockImplementation(warn)
})

afterEach(() => {
  vi.restoreAllMocks()
  Reflect.deleteProperty(globalThis, CONTEXT)
})

describe('flush', () => {
  it.each(all)('waits for a refresh behind an answer: %s', async (_, Cache) => {
    const bento = open(Cache)
    const finish = await refreshBehind(bento)
    const flushed = bento.flush()
    expect(await isSettled(flushed)).toBe(false)
    finish('new')
    await flushed
    expect(await bento.get({ key: 'k' })).toBe('new')
  })

  it.each(all)('has nothing to wait for when nothing goes on: %s', async (_, Cache) => {
    const bento = open(Cache)
    await bento.getOrSet({ key: 'k', factory: () => 'made' })
    await bento.flush()
    expect(await isSettled(bento.flush())).toBe(true)
  })

  it('waits for what another piece of work began', async () => {
    const bento = open(NodeCache)
    const finish = await refreshBehind(bento)
    const flushed = bento.flush()
    const other = bento.getOrSet({
      key: 'other',
      factory: () => new Promise<string>((r) => setImmediate(r, 'v')),
    })
    finish('new')
    await flushed
    expect(await isSettled(other)).toBe(true)
  })

  it('is not held up by what another cache does', async () => {
    const [mine, other] = [open(NodeCache), open(NodeCache)]
    const finish = await refreshBehind(other)
    expect(await isSettled(mine.flush())).toBe(true)
    finish('new')
    await other.flush()
  })

  it('does not fail when the work does', async () => {
    const bento = open(NodeCache)
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    const factory = (): never => {
      throw new Error('origin is down')
    }
    expect(await bento.getOrSet({ key: 'k', factory })).toBe('old')
    await bento.flush()
  })
})

describe('a request that has a waitUntil', () => {
  const aware = Object.entries<Constructor>({ ...processes, ...vercel } as Record<string, Constructor>)

  it.each(aware)('on Vercel gets the work behind its own answer: %s', async (_, Cache) => {
    const bento = open(Cache)
    const first = requestOfVercel()
    const finish = await refreshBehind(bento)
    const second = requestOfVercel()
    await bento.getOrSet({ key: 'other', factory: () => 'made' })
    expect(second.handed.length).toBeGreaterThan(0)
    expect(first.handed.length).toBeGreaterThan(0)
    // A process may be told to end while its requests wait; an instance of the edge never is.
    expect(await isSettled(bento.flush())).toBe(!Object.values(processes).includes(Cache))
    finish('new')
    await Promise.all(first.handed)
    expect(await bento.get({ key: 'k' })).toBe('new')
    expect(warn).not.toHaveBeenCalled()
  })

  it.each(Object.entries<Constructor>(processes as unknown as Record<string, Constructor>))(
    'given by withRequest gets it, and no other: %s',
    async (_, Cache) => {
      const bento = open(Cache)
      const handed: Record<string, Promise<unknown>[]> = { a: [], b: [] }
      const request = (name: 'a' | 'b') =>
        withRequest({ waitUntil: (work) => void handed[name]?.push(work) }, async () => {
          await Promise.resolve()
          return bento.getOrSet({ key: name, factory: async () => name })
        })
      expect(await Promise.all([request('a'), request('b')])).toEqual(['a', 'b'])
      const counts = (): unknown[] => [handed['a']?.length, handed['b']?.length]
      const [before] = counts()
      expect(before).toBeGreaterThan(0)
      // The same work for the same call, each with its own request.
      expect(counts()).toEqual([before, before])
      await bento.getOrSet({ key: 'c', factory: () => 'outside' })
      expect(counts()).toEqual([before, before])
    },
  )

  it.each(Object.entries<Constructor>(processes as unknown as Record<string, Constructor>))(
    'given by withRequest may be over, or forget: flush waits too: %s',
    async (_, Cache) => {
      const bento = open(Cache)
      const finish = await withRequest({ waitUntil: () => {} }, () => refreshBehind(bento))
      const flushed = bento.flush()
      expect(await isSettled(flushed)).toBe(false)
      finish('new')
      await flushed
      expect(await bento.get({ key: 'k' })).toBe('new')
    },
  )

  it('given by withRequest comes before that of the platform', async () => {
    const bento = open(NodeCache)
    const { handed } = requestOfVercel()
    const own: Promise<unknown>[] = []
    await withRequest({ waitUntil: (work) => void own.push(work) }, () =>
      bento.getOrSet({ key: 'k', factory: () => 'made' }),
    )
    expect(own.length).toBeGreaterThan(0)
    expect(handed).toEqual([])
  })

  it.each(all)('given to bind gets it: %s', async (_, Cache) => {
    const bento = open(Cache)
    const handed: Promise<unknown>[] = []
    const finish = await refreshBehind(bento.bind({ waitUntil: (work) => void handed.push(work) }))
    expect(handed.length).toBeGreaterThan(0)
    finish('new')
    await Promise.all(handed)
    expect(await bento.get({ key: 'k' })).toBe('new')
  })

  it('without one of its own on Vercel is as good as none', async () => {
    const bento = open(NodeCache)
    Reflect.set(globalThis, CONTEXT, { get: () => ({}) })
    const finish = await refreshBehind(bento)
    expect(await isSettled(bento.flush())).toBe(false)
    finish('new')
    await bento.flush()
  })

  it('that refuses work loses none of it', async () => {
    const bento = open(VercelCache)
    const context = { get: () => ({ waitUntil: () => expect.fail('after the end') }) }
    Reflect.set(globalThis, CONTEXT, context)
    const finish = await refreshBehind(bento)
    finish('new')
    await bento.flush()
    expect(await bento.get({ key: 'k' })).toBe('new')
  })
})

describe('where nobody keeps the runtime alive', () => {
  const told = Object.entries<Constructor>({ ...unwired, ...vercel } as Record<string, Constructor>)

  it.each(told)('that is said once, on the console: %s', async (_, Cache) => {
    const bento = open(Cache)
    expect(warn).not.toHaveBeenCalled()
    for (const key of ['a', 'b', 'c']) await bento.getOrSet({ key, factory: () => key })
    expect(warn).toHaveBeenCalledOnce()
    expect(warn.mock.calls[0]?.[0]).toMatch(/^ekiben: .*bento\.bind\(ctx\).*bento\.flush\(\)/s)
  })

  it.each(told)('it is said to the logger instead, where one is given: %s', async (_, Cache) => {
    const logger = { debug: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const bento = open(Cache, { logger })
    for (const key of ['a', 'b']) await bento.getOrSet({ key, factory: () => key })
    const lines = logger.warn.mock.calls.filter(([, message]) => String(message).includes('bento.flush()'))
    expect(lines).toHaveLength(1)
    expect(warn).not.toHaveBeenCalled()
  })

  it.each(told)('a logger that fails costs no request: %s', async (_, Cache) => {
    const fails = (): never => expect.fail('the disk is full')
    const bento = open(Cache, { logger: { debug: fails, warn: fails, error: fails } })
    expect(await bento.getOrSet({ key: 'k', factory: () => 'made' })).toBe('made')
  })

  it.each(told)('it is not said to who brings a runtime: %s', async (_, Cache) => {
    const bento = open(Cache, { runtime: systemRuntime })
    await bento.getOrSet({ key: 'k', factory: () => 'made' })
    await bento.flush()
    expect(warn).not.toHaveBeenCalled()
  })

  it.each(Object.entries<Constructor>(processes as unknown as Record<string, Constructor>))(
    'there is nothing to say of a process: %s',
    async (_, Cache) => {
      await open(Cache).getOrSet({ key: 'k', factory: () => 'made' })
      expect(warn).not.toHaveBeenCalled()
    },
  )
})
