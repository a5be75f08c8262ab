import type { AtomicDriver } from '../../src/atomic-calls.ts'
import { busCoordination } from '../../src/bus-coordination.ts'
import { type ChunkLimits, chunkedCalls } from '../../src/chunked-calls.ts'
import { coordinatedDriver } from '../../src/coordinated-driver.ts'
import { InvalidOptionError } from '../../src/errors.ts'
import type { ConnectL2 } from '../../src/l2.ts'
import type { Coordination, CoordinationCalls, CreateDriverResult, Limits } from '../../src/ports.ts'
import type { AtomicBusDriver } from '../../src/store.ts'
import { trimColons } from '../../src/trim-colons.ts'
import { type AskAtomic, objectAtomics } from './object-atomics.ts'

/** Which object, and what lies in front of its keys. */
export interface DurableObjectOptions {
  /** Name of the object. Caches with the same name share entries and journal. @default 'ekiben' */
  readonly name?: string | undefined
  /** Put before every key and namespace. @default the store's, which is `'bentocache'` */
  readonly prefix?: string | undefined
}

/** A way to an object. */
export interface ObjectLink {
  readonly calls: CoordinationCalls
  readonly atomic: AskAtomic
  readonly subscribe?: NonNullable<Coordination['subscribe']>
  readonly prune?: () => Promise<void>
}

/** By this the core sees that the L2 and the bus of a store are one thing. */
const KIND = 'durable-object'

/**
 * A row of SQLite in a Durable Object holds 2 MB: https://developers.cloudflare.com/durable-objects/platform/limits/.
 * The rest of the row is left to the key, the version and the epochs of tags.
 */
const LIMITS: Limits = { maxKeyBytes: 2048, maxValueBytes: 1_900_000 }

/**
 * An RPC call carries 32 MiB each way: https://developers.cloudflare.com/workers/runtime-apis/rpc/. Names of 1,000
 * keys are 2 MB at most, and 200 values fit with 160 kB each. Over HTTP a request ends at 12 MB, and a character may
 * need six bytes in JSON: values that are written at once are no longer together than a single one may be.
 */
const IN_ONE_CALL: ChunkLimits = { reads: 200, events: 1_000, commits: 200, characters: 1_900_000 }

/** The driver of an object. */
export function objectStore(
  options: DurableObjectOptions,
  link: ObjectLink,
  connect: ConnectL2,
): CreateDriverResult<AtomicDriver> {
  const coordination = coordinationOf(link)
  return {
    options: shown(options),
    connect,
    factory: ({ prefix = '' }) =>
      coordinatedDriver(
        {
          coordination,
          atomics: objectAtomics(link.atomic),
          limits: LIMITS,
          ...(link.prune && { prune: link.prune }),
          // There is no connection to close.
          disconnect: async () => {},
        },
        trimColons(options.prefix ?? prefix),
      ),
  }
}

/** The bus of an object. */
export function objectBus(
  options: DurableObjectOptions,
  link: ObjectLink,
  connect: ConnectL2,
): CreateDriverResult<AtomicBusDriver> {
  const coordination = coordinationOf(link)
  const bus: AtomicBusDriver = {
    coordinate: (values) => busCoordination(coordination, values),
    atomics: objectAtomics(link.atomic),
    disconnect: async () => {},
  }
  return { options: shown(options), connect, factory: () => bus }
}

function coordinationOf({ calls, subscribe }: ObjectLink): Coordination {
  return { kind: KIND, ...chunkedCalls(calls, IN_ONE_CALL), ...(subscribe && { subscribe }) }
}

/** What a driver tells of its options. A token is no part of that. */
function shown({ name, prefix }: DurableObjectOptions): Readonly<Record<string, unknown>> {
  return { name, prefix }
}

/**
 * The name of the object.
 *
 * @throws {@link InvalidOptionError}
 */
export function checkNames({ name = 'ekiben', prefix }: DurableObjectOptions): string {
  checkText(name, 'name', 'a non-empty text')
  if (name === '')
    throw new InvalidOptionError({ option: 'name', received: 'an empty text', allowed: 'a non-empty text' })
  checkText(prefix, 'prefix', 'a text')
  return name
}

export function checkText(text: unknown, option: string, allowed: string): void {
  if (text === undefined || typeof text === 'string') return
  throw new InvalidOptionError({ option, received: typeof text, allowed })
}
