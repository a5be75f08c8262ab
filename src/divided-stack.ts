import type { DivideStack, StackConfig } from './build-stack.ts'
import { inChunks } from './chunks.ts'
import type { Entry } from './entry.ts'
import { InvalidOptionError } from './errors.ts'
import { invalidate } from './invalidate.ts'
import type { Invalidated, L2 } from './l2.ts'
import type { CreateDriverResult, Invalidation, L1CacheDriver } from './ports.ts'
import type { Sieve } from './sieve.ts'
import { shardOf } from './shard-of.ts'
import { shardedDriver } from './sharded-driver.ts'
import type { Call, Operation, Stack } from './stack.ts'
import type { StoreEntry } from './store.ts'
import type { Step, Trace } from './trace.ts'

/**
 * Makes one store of shards: each a stack of its own, with its own journal, flights and guard, all over one memory.
 * What concerns one key is done by the shard of the key, what concerns a namespace by the shard that has it, and what
 * concerns all by all of them. For authors of drivers: `inShards` hands it over.
 *
 * @throws {@link InvalidOptionError} when L2 and bus are not divided alike.
 */
export const divideStack: DivideStack = (config, build) => {
  const { entry, trace } = config
  const count = countOf(entry)
  const memory = entry.l1 && sharedMemory(entry.l1)
  const [l2, bus] = [shared(entry.l2), shared(entry.bus)]
  const stacks: Stack[] = []
  for (let index = 0; index < count; index++) {
    const own = (key: string): boolean => shardOf(key, count) === index
    stacks.push(
      build({
        ...config,
        trace: index === 0 ? trace : quietly(trace, () => stacks[0]),
        entry: { options: entry.options, l1: memory?.(own), l2: l2(index), bus: bus(index) },
      }),
    )
  }
  const first = stacks[0] as Stack
  // Switched off: nothing is kept in any of them.
  if (!first.l2) return first
  if (!entry.l2?.shards && first.driver?.coordination) throw apart(1, count)
  return front(config, stacks, first)
}

/** What the cache holds: it knows the shard of each key, and acts for all where all are meant. */
function front({ entry, trace }: StackConfig, stacks: readonly Stack[], first: Stack): Stack {
  const shard = (id: string): Stack => stacks[shardOf(id, stacks.length)] as Stack
  const drivers = stacks.flatMap(({ driver }) => driver ?? [])
  return {
    ...first,
    trace,
    shard,
    disconnect: async () => void (await Promise.all(stacks.map(async (stack) => stack.disconnect()))),
    driver: entry.l2?.shards ? shardedDriver(drivers) : first.driver,
    // The entries lie in one memory, so any shard deletes and marks them; but each knows only its own to clear.
    l1: first.l1 && { ...first.l1, clear: () => stacks.forEach(({ l1 }) => l1?.clear()) },
    flights: {
      ...first.flights,
      size: () => stacks.reduce((sum, { flights }) => sum + flights.size(), 0),
      detachTouched: (events) => stacks.forEach(({ flights }) => flights.detachTouched(events)),
    },
    l2: frontL2({ stacks, shard, prefix: first.root.l2Key('').length }),
  }
}

interface Shards {
  readonly stacks: readonly Stack[]
  readonly shard: (id: string) => Stack
  /** Length of what stands before a key's `id` in its full name. */
  readonly prefix: number
}

function frontL2(shards: Shards): L2 {
  const { stacks, shard } = shards
  const of = (call: Call): L2 => shard(call.id).l2 as L2
  return {
    // Told from by its beginning, which hashing may cut: it is made to fit on the way into its shard.
    key: (name) => name,
    invalidate: (operation, events) => invalidateShards(shards, operation, events),
    read: (call, options) => of(call).read(call, options),
    awaitLease: (call, flight, start) => of(call).awaitLease(call, flight, start),
    commit: (call, draft, mode) => of(call).commit(call, draft, mode),
    release: (call, token) => of(call).release(call, token),
    take: (call) => of(call).take(call),
    // Each operation on many keys goes to the shards of its keys, by their own stacks.
    ask: () => Promise.reject(new TypeError('a divided store is asked shard by shard')),
    retry: () => {},
    pollIfDue: (runtime, now) => stacks.forEach(({ l2 }) => l2?.pollIfDue(runtime, now)),
    pull: (runtime) => inChunks(stacks, 1, async ([stack]) => stack?.l2?.pull(runtime)),
  }
}

/** One call to each shard that is concerned, acknowledged when all are. A shard that is not tries again by itself. */
async function invalidateShards(
  shards: Shards,
  operation: Operation,
  events: readonly Invalidation[],
): Promise<Invalidated | undefined> {
  const told = new Set<string>()
  const outcomes = await inChunks([...partsOf(shards, operation, events)], 1, ([part]) =>
    invalidateShard(operation, part as Part, told),
  )
  // Not before all have been told: what fails for one shard is no reason to leave another in the dark.
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error
  const replies = outcomes.map((outcome) => ('reply' in outcome ? outcome.reply : undefined))
  return replies.every(Boolean) ? replies[0] : undefined
}

type Part = readonly [Stack, readonly Invalidation[]]
type Outcome = { readonly reply: Invalidated | undefined } | { readonly error: unknown }

function partsOf(
  { stacks, shard, prefix }: Shards,
  { scope }: Operation,
  events: readonly Invalidation[],
): Map<Stack, Invalidation[]> {
  const parts = new Map<Stack, Invalidation[]>()
  // Tags and namespaces are those of the operation's scope, and the root's are in every shard.
  const ofScope = scope.path === '' ? stacks : [shard(scope.path)]
  for (const event of events) {
    for (const stack of event.kind === 'key' ? [shard(event.name.slice(prefix))] : ofScope) {
      const part = parts.get(stack)
      if (part) part.push(event)
      else parts.set(stack, [event])
    }
  }
  return parts
}

async function invalidateShard(
  operation: Operation,
  [stack, events]: Part,
  told: Set<string>,
): Promise<Outcome> {
  const l2 = stack.l2 as L2
  const fitting = events.map(async (event) =>
    event.kind === 'key' ? { ...event, name: await l2.key(event.name) } : event,
  )
  try {
    const own = { ...operation, stack: { ...stack, trace: once(stack.trace, told) } }
    return { reply: await invalidate(own, await Promise.all(fitting)) }
  } catch (error) {
    return { error }
  }
}

/** A name that several shards did not acknowledge is told once. */
function once(trace: Trace, told: Set<string>): Trace {
  return {
    ...trace,
    tell: (step) => {
      if (step.type !== 'unacknowledged') return trace.tell(step)
      const names = step.names.filter((name) => !told.has(name))
      for (const name of names) told.add(name)
      if (names.length > 0) trace.tell({ ...step, names })
    },
  }
}

/** Every shard hears when the root is cleared; the first one says so. */
function quietly(trace: Trace, first: () => Stack | undefined): Trace {
  const known = (step: Step): boolean =>
    step.type === 'received' && step.message.type === 'clear' && step.name === first()?.root.everything.name
  return { ...trace, tell: (step) => void (known(step) || trace.tell(step)) }
}

/** What a layer gives each shard: its own part; where the layer is not divided, one driver to all. */
function shared<Driver extends object>(
  layer: CreateDriverResult<Driver> | undefined,
): (index: number) => CreateDriverResult<Driver> | undefined {
  if (!layer || layer.shards) return (index) => layer?.shards?.[index]
  const made = new Map<string | undefined, Driver>()
  const factory: typeof layer.factory = (config) => {
    const present = made.get(config.prefix)
    if (present) return borrowed(present)
    const driver = layer.factory(config)
    made.set(config.prefix, driver)
    return driver
  }
  return () => ({ ...layer, factory })
}

/** A driver in the hands of those who must not close it: the first shard does. */
function borrowed<Driver extends object>(driver: Driver): Driver {
  const get = (_: object, name: string | symbol): unknown => {
    if (name === 'disconnect') return () => {}
    // Called on its owner: what is private to a class is not to be had through another object.
    const value: unknown = Reflect.get(driver, name)
    return typeof value === 'function' ? (value.bind(driver) as unknown) : value
  }
  return new Proxy({}, { get, has: (_, name) => name in driver }) as Driver
}

/** One memory for all shards, of which each clears its own entries: a gap in one journal says nothing of the others. */
function sharedMemory(
  layer: CreateDriverResult<L1CacheDriver>,
): (own: (key: string) => boolean) => CreateDriverResult<L1CacheDriver> {
  let driver: L1CacheDriver | undefined
  return (own) => ({
    ...layer,
    factory: (config) => {
      driver ??= layer.factory(config)
      const { tier } = driver
      // What has no memory is refused as ever. Of what has one, a stack takes the memory alone.
      if (!(tier as unknown)) return driver
      const value = { ...tier, weigh: tier.weigh.bind(tier), entries: partOf(tier.entries, own) }
      return Object.create(driver, { tier: { value } }) as L1CacheDriver
    },
  })
}

function partOf(entries: Sieve<Entry>, own: (key: string) => boolean): Sieve<Entry> {
  return {
    ...entries,
    clear: () => {
      for (const { key } of entries.values()) if (own(key)) entries.delete(key)
    },
  }
}

function countOf({ l2, bus }: StoreEntry): number {
  const [ofL2, ofBus] = [l2?.shards?.length, bus?.shards?.length]
  if (ofL2 !== undefined && bus && ofBus !== ofL2) throw apart(ofL2, ofBus ?? 1)
  return ofL2 ?? ofBus ?? 1
}

function apart(ofL2: number, ofBus: number): InvalidOptionError {
  return new InvalidOptionError({
    option: 'useBus',
    received: `a bus of ${ofBus} ${ofBus === 1 ? 'shard' : 'shards'}`,
    allowed: `one divided as its L2 is (shards: ${ofL2})`,
  })
}
