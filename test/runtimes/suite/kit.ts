import {
  BentoCache,
  type BentoStore,
  bentostore,
  type CacheDriver,
  type CreateDriverResult,
  type Logger,
  type Step,
  type StoreOptions,
} from 'ekiben'
import type { AtomicDriver } from 'ekiben/atomics'
import { durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashDriver } from 'ekiben/drivers/upstash'
import type { Place, RuntimeCase, World } from '../world.ts'

/** Where values lie: in memory alone, or also in a store that others share. */
export type Stack = 'memory' | 'redis' | 'object'

const STACKS: readonly Stack[] = ['memory', 'redis', 'object']
const SHARED: readonly Stack[] = ['redis', 'object']

/** What a case over a stack works with. */
export interface Bench extends Place {
  readonly stack: Stack
  /** Makes a cache with a memory of its own: another one of it is another isolate's. */
  cache(options?: StoreOptions, more?: { readonly logger?: Logger }): Made
}

export interface Made {
  readonly bento: BentoCache<{ main: BentoStore }>
  /** What it told. */
  readonly steps: readonly Step[]
}

/** Longer than a store on this machine can take, however busy it is: what is asked here is no matter of speed. */
export const PATIENT = 10_000

type Run = (bench: Bench) => Promise<void>

/** A case on each stack. */
export function onEach(name: string, run: Run): RuntimeCase[] {
  return STACKS.map((stack) => on(stack, name, run))
}

/** A case on each stack that isolates share. */
export function onShared(name: string, run: Run): RuntimeCase[] {
  return SHARED.map((stack) => on(stack, name, run))
}

function on(stack: Stack, name: string, run: Run): RuntimeCase {
  return {
    name: `${stack}: ${name}`,
    run: (place) =>
      run({ ...place, stack, cache: (options, more) => makeCache(place, stack, { ...options }, more) }),
  }
}

function makeCache(place: Place, stack: Stack, options: StoreOptions, more: object = {}): Made {
  const store = layersOf(place, stack, bentostore({ prefix: place.id, l2Timeout: PATIENT, ...options }))
  const bento = new BentoCache({ default: 'main', stores: { main: store }, ...more })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  return { bento, steps }
}

/** Memory, and the store behind it. */
export function layersOf(place: Place, stack: Stack, store: BentoStore): BentoStore {
  store.useL1Layer(memoryDriver())
  if (stack !== 'memory') store.useL2Layer(driverOf(place, stack))
  return store
}

function driverOf(place: Place, stack: 'redis' | 'object'): CreateDriverResult<AtomicDriver> {
  const { coordinator, secret } = place.world.servers
  return stack === 'redis'
    ? upstashDriver(redisOptions(place))
    : durableObjectHttpDriver({ url: coordinator, token: secret, name: place.id })
}

/** The driver of a shared stack itself, for a look at what the cache has written, and for what is foreign to it. */
export function rawDriver(bench: Bench): CacheDriver {
  return linearizable(bench).factory({ prefix: bench.id })
}

/** The same as it is handed to a store. */
export function linearizable({ stack, ...place }: Bench): CreateDriverResult<AtomicDriver> {
  if (stack === 'memory') throw new Error('memory is shared with nobody')
  return driverOf(place, stack)
}

export function redisOptions({ gateway, world }: Place): { url: string; token: string } {
  return { url: gateway, token: world.servers.token }
}

/**
 * Servers close connections that were idle for some seconds. Who uses one at this very moment loses the request, and Bun
 * does not repeat it (https://github.com/oven-sh/bun/issues/3801). A cache takes that for a miss; what must not fail
 * keeps no connection. The word says so to Bun alone.
 */
export const onceOnly: typeof fetch = (url, init) => fetch(url, { ...init, keepalive: false })

/** Empties what conformance needs empty. */
export async function emptyDatabase(place: Place): Promise<void> {
  const { url, token } = redisOptions(place)
  const response = await onceOnly(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(['FLUSHDB']),
  })
  if (!response.ok)
    throw new Error(`the database was not emptied: ${response.status} ${await response.text()}`)
  await response.text()
}

/** Says what happens from now on to requests of the faulty gateway that hold a text. */
export async function tellControl({ servers }: World, mark: string, fault?: object): Promise<void> {
  const response = await onceOnly(servers.control, { method: 'POST', body: JSON.stringify({ mark, fault }) })
  if (!response.ok) throw new Error(`the fault was not taken: ${response.status}`)
  await response.text()
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Looks until it is so. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const end = performance.now() + ms
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`it was not so within ${ms} ms: ${what}`)
    await pause(10)
  }
}

/** What a promise was rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string; cause?: unknown }> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    if (error instanceof Error) return error
    throw new Error(`it was rejected with what is no error: ${String(error)}`, { cause: error })
  }
  throw new Error(`it was not rejected, but gave ${JSON.stringify(value)}`)
}
