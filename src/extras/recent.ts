import { keepLast } from '../keep-last.ts'
import type { Call, Stack } from '../stack.ts'

/** Keys one store remembers something of. Beyond that the oldest go. */
const MOST = 1000

/** What this isolate remembers of a store's keys for a while, in bounded memory. */
export interface Recent<T> {
  get(call: Call): T | undefined
  set(call: Call, what: T): void
  delete(call: Call): void
}

export function makeRecent<T>(): Recent<T> {
  const stores = new WeakMap<Stack, Map<string, T>>()
  return {
    get: ({ stack, id }) => stores.get(stack)?.get(id),
    set: ({ stack, id }, what) => {
      let known = stores.get(stack)
      if (!known) stores.set(stack, (known = new Map()))
      keepLast(known, id, what, MOST)
    },
    delete: ({ stack, id }) => void stores.get(stack)?.delete(id),
  }
}
