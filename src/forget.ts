import { invalidate } from './invalidate.ts'
import { nameInL2 } from './key.ts'
import type { Invalidation } from './ports.ts'
import { type Operation, publish } from './stack.ts'

/** Drops keys everywhere, or makes them stale. `false`: not acknowledged; it is tried again in the background. */
export async function forget(
  operation: Operation,
  given: string | readonly string[],
  type: 'deleted' | 'expired',
): Promise<boolean> {
  const { stack, scope } = operation
  const keys = [given].flat()
  const soft = type === 'expired'
  const events = keys.map(async (key): Promise<Invalidation> => {
    const id = scope.path + key
    if (soft) stack.l1?.expire(id)
    else stack.l1?.delete(id)
    return { kind: 'key', name: await nameInL2(operation, id), soft }
  })
  if (keys.length === 0) return true
  if (!(await invalidate(operation, await Promise.all(events)))) return false
  for (const key of keys) stack.trace.tell({ type, store: stack.name, key })
  publish(stack, soft ? 'expire' : 'delete', keys)
  return true
}

/** Drops everything in a namespace and below. */
export async function clear(operation: Operation): Promise<void> {
  const { stack, scope } = operation
  if (scope === stack.root) stack.l1?.clear()
  if (!(await invalidate(operation, [scope.everything]))) return
  stack.trace.tell({ type: 'cleared', store: stack.name })
  publish(stack, 'clear', [])
}
