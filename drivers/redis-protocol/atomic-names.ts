import { STATE } from './names.ts'

/** What locks and atomic values are called in Redis. */
export interface AtomicKeys {
  readonly fence: string
  lock(name: string): string
  value(name: string): string
  /** What the step `op` on a value was answered. */
  answer(op: string, name: string): string
}

/**
 * Names them apart from entries and from what coordinates those: no entry's key begins like that. The kind comes first,
 * since a prefix may be any text. `cluster` puts all of a store into one slot.
 */
export function nameAtomics(prefix: string, cluster: boolean): AtomicKeys {
  const slot = cluster ? `{${prefix || STATE}}:` : ''
  const key = (kind: string, name: string): string => `${STATE}@${kind}:${slot}${name}`
  return {
    fence: key('fence', prefix),
    lock: (name) => key('lock', name),
    value: (name) => key('value', name),
    answer: (op, name) => key('answer', `${encodeURIComponent(op)}:${name}`),
  }
}
