import type { AtomicCase } from './atomic-scene.ts'
import { lockCases } from './lock-cases.ts'
import { valueSteps } from './value-steps.ts'

/** All that is asked of a store that takes atomic steps. */
export function atomicCases(): AtomicCase[] {
  return [...lockCases(), ...valueSteps()]
}
