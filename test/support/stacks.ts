import { memoryDriver, type MemoryOptions } from '../../drivers/memory.ts'
import { BentoCache, type BentoStore, bentostore, type Step, type StoreOptions } from '../../src/index.ts'
import { type ManualClock, manualClock, manualRuntime } from './clock.ts'
import { world } from './world.ts'

/** One cache on a manual clock, whatever it is made of. */
export interface Stand {
  readonly clock: ManualClock
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly steps: Step[]
  /** Names of the steps, joined: the story of what happened. Forgets them. */
  story(): string
  /** Calls L2 has received. */
  calls(): number
}

/** A store of memory alone. `waits`: whether its runtime has `waitUntil`. */
export function memoryStand(options: StoreOptions = {}, memory: MemoryOptions = {}, waits = true): Stand {
  const clock = manualClock()
  const main = bentostore(options).useL1Layer(memoryDriver(memory))
  const bento = new BentoCache({
    default: 'main',
    stores: { main },
    runtime: manualRuntime(clock, 'one', waits),
  })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  const story = (): string =>
    steps
      .splice(0)
      .map(({ type }) => type)
      .join(' > ')
  return { clock, bento, steps, story, calls: () => 0 }
}

/** A store with an L2 that coordinates; `memory: false` leaves L1 out. */
export function sharedStand(options: StoreOptions = {}, memory: MemoryOptions | false = {}): Stand {
  const { clock, isolate, calls } = world()
  const { bento, steps, story } = isolate('one', options, memory)
  return { clock, bento, steps, story, calls }
}

/** Every kind of stack: the same cases hold for all of them. */
export const STACKS: readonly (readonly [string, (options?: StoreOptions) => Stand])[] = [
  ['L1 alone', (options) => memoryStand(options)],
  ['L2 alone', (options) => sharedStand(options, false)],
  ['L1 and L2', (options) => sharedStand(options)],
]
