import { journalOnly } from './journal-only.ts'
import type { CacheDriver, Coordination } from './ports.ts'
import { versionedValues } from './versioned-values.ts'

/**
 * The coordination a bus driver gives a store: to one with L1 alone its journal, to one whose L2 only keeps values all
 * of it. What it coordinates by and how it is subscribed to are the bus's own. For authors of bus drivers.
 */
export function busCoordination(coordination: Coordination, values: CacheDriver | undefined): Coordination {
  const { kind } = coordination
  const subscribe = coordination.subscribe?.bind(coordination)
  return {
    ...(values ? versionedValues(values, coordination) : journalOnly(coordination)),
    ...(kind === undefined ? {} : { kind }),
    ...(subscribe ? { subscribe } : {}),
  }
}
