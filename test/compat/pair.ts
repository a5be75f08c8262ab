import { BentoCache as Bentocache, bentostore as bentocacheStore } from 'bentocache'
import { memoryDriver as bentocacheMemory } from 'bentocache/drivers/memory'
import { BentoCache, bentostore } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { AnyCache, Stacked } from './scripts.ts'

/** A driver written for Bentocache that is no client of anything: both caches use it as their L2. */
const sharedStore = (): never => bentocacheMemory({}) as never

export interface Setup {
  readonly stack: Stacked
  readonly grace: boolean
  readonly more?: object
}

/** Bentocache itself. */
export function theirs({ stack, grace, more }: Setup): AnyCache {
  const store = bentocacheStore(grace ? { grace: '1h' } : {})
  if (stack !== 'L2 alone') store.useL1Layer(bentocacheMemory({}))
  if (stack !== 'L1 alone') store.useL2Layer(sharedStore())
  return new Bentocache({ ...more, default: 'main', stores: { main: store } })
}

/** Ekiben, made as the same. */
export function ours({ stack, grace, more }: Setup): AnyCache {
  const store = bentostore(grace ? { grace: '1h' } : {})
  if (stack !== 'L2 alone') store.useL1Layer(memoryDriver())
  if (stack !== 'L1 alone') store.useL2Layer(sharedStore())
  return new BentoCache({ ...more, default: 'main', stores: { main: store } })
}

/** Lets all happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
}
