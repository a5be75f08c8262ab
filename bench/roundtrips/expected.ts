import type { Costs, OperationName } from './measure.ts'
import type { Cost, StackName } from './stage.ts'

/**
 * The price list of DESIGN.md, section 5. Where values lie in KV, each of them is one more call: beside the
 * coordinator's on a read whose version is known, before it on a write.
 */
export const PRICES: Readonly<Record<StackName, Costs>> = {
  upstash: prices(),
  'vercel-kv': prices(),
  'kv+do': prices({
    'l2-hit': 2,
    'l2-hit-3-tags': 2,
    'l2-hit-100-tags': 2,
    'cold-miss': 3,
    set: 2,
    pull: 2,
    'get-many-50': 2,
    'set-many-50': 51,
    'many-50-cold': 52,
    touch: 4,
    'refresh-304': 5,
  }),
  do: prices(),
}

function prices(other: Partial<Record<OperationName, number>> = {}): Costs {
  const one: Record<OperationName, number> = {
    'l1-hit': 0,
    'l2-hit': 1,
    'l2-hit-3-tags': 1,
    'l2-hit-100-tags': 1,
    'cold-miss': 2,
    set: 1,
    delete: 1,
    'delete-many-50': 1,
    expire: 1,
    'delete-by-tag-3': 1,
    clear: 1,
    pull: 1,
    'journal-pull': 1,
    'expire-by-tag-3': 1,
    touch: 1,
    'refresh-304': 2,
    'get-many-50': 1,
    'set-many-50': 1,
    'many-50-cold': 2,
    'many-50-warm': 0,
  }
  const all = Object.entries({ ...one, ...other })
  return Object.fromEntries(
    all.map(([name, requests]): [string, Cost] => [name, { requests, commands: requests }]),
  ) as unknown as Costs
}
