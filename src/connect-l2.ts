import { commit } from './commit.ts'
import { noCoordination } from './errors.ts'
import { type Guard, makeGuard } from './guard.ts'
import { fitKey, storeKey } from './key.ts'
import { type ConnectL2, type L2, type L2Config, namesOf } from './l2.ts'
import { awaitLease } from './lease.ts'
import { prepareTier } from './prepare-tier.ts'
import { openEntry, readL2 } from './read-l2.ts'
import { acknowledge } from './retry.ts'
import { inBackground } from './runtime.ts'
import { makeSync } from './sync.ts'

/**
 * Makes the shared tier of a store from what coordinates it. For authors of drivers that coordinate: hand it over as
 * `connect`.
 *
 * @throws {@link InvalidOptionError} for a driver that does not coordinate.
 */
export const connectL2: ConnectL2 = {
  prepare: prepareTier,
  connect: (config) => {
    if (!config.coordination) throw noCoordination()
    return connectGuarded(config, makeGuard(config, config.coordination))
  },
}

/** Makes it of calls that are guarded already. */
export function connectGuarded({ driver, coordination, journal, settings }: L2Config, guard: Guard): L2 {
  const limits = driver?.limits ?? {}
  return {
    ...makeSync(journal, guard, settings),
    ask: (runtime, operation, request, options) => guard.ask(runtime, operation, request, options),
    retry: (runtime, events) => guard.retry(runtime, events),
    // A store that only keeps values has them under `key@version`.
    key: (name) =>
      driver?.coordination === coordination ? fitKey(name, limits.maxKeyBytes) : storeKey(name, limits),
    read: (call, options) => readL2(guard, call, options),
    awaitLease,
    commit: (call, draft, mode) => commit(guard, limits, { call, draft, mode }),
    release: ({ runtime, l2Key }, token) =>
      inBackground(runtime, guard.ask(runtime, 'release', { key: l2Key, token })),
    invalidate: async (operation, events) => {
      const told = await acknowledge(guard, operation, events, { name: 'invalidate', request: { events } })
      return told && { gen: told.gen, page: told.reply.page }
    },
    take: async (call) => {
      const events = [{ kind: 'key', name: call.l2Key, soft: false }] as const
      const told = await acknowledge(guard, call, events, {
        name: 'take',
        request: { key: call.l2Key, ...namesOf(call) },
      })
      return told && { entry: await openEntry(call, told) }
    },
  }
}
