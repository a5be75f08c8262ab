import { conformanceCases } from './suite/conformance.ts'
import { suiteCases } from './suite/index.ts'
import type { RuntimeCase, Setup } from './world.ts'

/** All that is asked of each runtime, the same everywhere; or those cases whose names hold a text. */
export function allCases({ only = '' }: Pick<Setup, 'only'>): RuntimeCase[] {
  return [...suiteCases(), ...conformanceCases()].filter(({ name }) => name.includes(only))
}
