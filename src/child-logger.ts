import type { Logger, ParentLogger } from './log.ts'

/** Of which part of the cache a line tells, by the step that ends its message. */
const PARTS: readonly (readonly [RegExp, object])[] = [
  [/: l1\./, { layer: 'l1' }],
  [/: l2\./, { layer: 'l2' }],
  [/: (?:published|received|push)$/, { context: 'bentocache.bus' }],
]

/**
 * Has each line written by a child of `logger` that says whose it is, as Bentocache's lines do: `{ cache }` for each
 * store, and below it `{ layer }` of a tier and `{ context: 'bentocache.bus' }`. Each child is made once. What
 * `import 'ekiben'` gives in Node does this by itself; on Workers it is a call away.
 *
 * @example
 * ```ts
 * import { BentoCache, bentostore, childLogger, type ParentLogger } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 *
 * declare const pino: ParentLogger
 * const bento = new BentoCache({
 *   default: 'main',
 *   stores: { main: bentostore().useL1Layer(memoryDriver()) },
 *   logger: childLogger(pino),
 * })
 * ```
 */
export function childLogger(logger: ParentLogger): Logger {
  if (!logger.child) return logger
  const children = new Map<string, ParentLogger>()
  const childOf = (parent: ParentLogger, name: string, fields: object): ParentLogger => {
    const child = children.get(name) ?? parent.child?.(fields) ?? parent
    children.set(name, child)
    return child
  }
  const writerOf = (fields: object, message: string): Logger => {
    const { store } = fields as { readonly store?: string }
    // What concerns no store is said by none.
    if (store === undefined) return logger
    const own = childOf(logger, store, { cache: store })
    const part = PARTS.find(([steps]) => steps.test(message))?.[1]
    return part ? childOf(own, `${store} ${JSON.stringify(part)}`, part) : own
  }
  return {
    debug: (fields, message) => writerOf(fields, message).debug(fields, message),
    error: (fields, message) => writerOf(fields, message).error(fields, message),
    ...(typeof logger.warn === 'function' && {
      warn: (fields, message) => writerOf(fields, message).warn?.(fields, message),
    }),
  }
}
