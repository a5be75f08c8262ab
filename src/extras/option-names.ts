import { PARSERS } from '../options.ts'
import { EXTRA_PARSERS } from './extra-options.ts'

/** What may stand beside a store's options at the top. */
const GLOBAL = [
  'default',
  'stores',
  'plugins',
  'emitter',
  'logger',
  'internalOperationWrapper',
  'connectPlain',
  'runtime',
  'advice',
]

const NAMES = [...Object.keys(PARSERS), ...Object.keys(EXTRA_PARSERS)]

/** Names that are no option of a store, and of the top if `isTop`, each with the option that was probably meant. */
export function unknownOptions(options: object, isTop: boolean): readonly string[] {
  const known = isTop ? [...NAMES, ...GLOBAL] : NAMES
  return Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const close = known.find((option) => distance(name.toLowerCase(), option.toLowerCase()) <= 2)
      return close === undefined ? name : `${name} (did you mean ${close}?)`
    })
}

/** Edits that lead from one word to another: Levenshtein, one row at a time. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 0; at < one.length; at++) {
    const next = [at + 1]
    for (let to = 1; to <= other.length; to++) {
      const same = (row[to - 1] as number) + (one[at] === other[to - 1] ? 0 : 1)
      next.push(Math.min(same, (row[to] as number) + 1, (next[to - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}
