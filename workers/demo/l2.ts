/** The names of the demo's stacks, by their L2. Plain data: the Worker and its driver speak of the same ones. */
import { InvalidOptionError } from '../../src/errors.ts'

const L2_NAMES = ['do', 'kv', 'upstash'] as const

export type L2Name = (typeof L2_NAMES)[number]

/** Takes the Durable Object where nothing is said. `option` is what the one who said it calls it. */
export function readL2(option: string, text: string | undefined): L2Name {
  const name = L2_NAMES.find((known) => known === (text ?? 'do'))
  if (name !== undefined) return name
  throw new InvalidOptionError({ option, received: `'${text}'`, allowed: `one of ${L2_NAMES.join(', ')}` })
}

/** Whether there is a Durable Object to ask what it counted. */
export function hasCoordinator(l2: L2Name): boolean {
  return l2 !== 'upstash'
}
