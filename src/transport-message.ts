import type { Invalidation } from './ports.ts'
import type { Scope } from './scope.ts'
import type { TransportMessage } from './store.ts'

/** How Bentocache calls the key that holds the last invalidation of a tag. Its news are the tag's. */
const TAG_KEY = '___bc:t:'

/** How Bentocache calls a store without a prefix, once it has looked at a message. */
const NO_NAMESPACE = '__default__'

const TYPES: readonly unknown[] = ['set', 'clear', 'delete', 'expire'] satisfies TransportMessage['type'][]

/** A message that names its namespace. */
export type Message = TransportMessage & { readonly namespace: string }

/** A message that was understood: what it tells, and of which namespace below the store's. */
export interface Heard {
  readonly type: Message['type']
  readonly keys: readonly string[]
  /** `''`, or names joined by colons. */
  readonly path: string
}

/**
 * What has happened to keys, tags or all of a namespace, as Bentocache tells it. Names are those of L2, where long ones
 * are hashed: a hashed key is told as it is.
 */
export function makeMessage(
  prefix: string,
  scope: Scope,
  type: Message['type'],
  events: readonly Invalidation[],
): Message {
  const path = scope.path.slice(0, -1)
  const namespace = prefix && path ? `${prefix}:${path}` : prefix || path
  const within = scope.l2Key(scope.path)
  const tag = scope.tag('')
  // A hash may have swallowed the end of a long namespace: then it is told as a whole.
  if (events.some(({ kind, name }) => kind === 'key' && !name.startsWith(within)))
    return { type: 'clear', keys: [], namespace }
  const keys = events
    .filter(({ kind }) => kind !== 'namespace')
    .map(({ kind, name }) => (kind === 'tag' ? TAG_KEY + name.slice(tag.length) : name.slice(within.length)))
  return { type, keys, namespace }
}

/** Reads a message. `undefined`: it is none, or concerns another store's keys. */
export function readMessage(prefix: string, message: unknown): Heard | undefined {
  const { type, keys, namespace = '' } = (message ?? {}) as Partial<Record<keyof Message, unknown>>
  if (!TYPES.includes(type) || !Array.isArray(keys) || !keys.every((key) => typeof key === 'string'))
    return undefined
  if (typeof namespace !== 'string' || (keys.length === 0 && type !== 'clear')) return undefined
  const path = pathOf(prefix, namespace === NO_NAMESPACE ? '' : namespace)
  return path === undefined ? undefined : { type: type as Message['type'], keys, path }
}

function pathOf(prefix: string, namespace: string): string | undefined {
  if (namespace === prefix) return ''
  if (prefix === '') return namespace
  return namespace.startsWith(`${prefix}:`) ? namespace.slice(prefix.length + 1) : undefined
}

/** What a message means for L1, as Bentocache takes it. `fit` makes a key what L2 calls it. */
export function eventsOf(
  root: Scope,
  { type, keys, path }: Heard,
  fit: (name: string) => string | Promise<string>,
): readonly (Invalidation | Promise<Invalidation>)[] {
  const top = root.namespaces.at(-1)
  const namespace = top && path ? `${top}:${path}` : top || path
  if (type === 'clear') return [{ kind: 'namespace', name: namespace, soft: false }]
  return keys.flatMap((key) => {
    const soft = type !== 'delete'
    const name = fit(root.l2Key(path ? `${path}:${key}` : key))
    const own =
      typeof name === 'string'
        ? ({ kind: 'key', name, soft } as const)
        : name.then((hash) => ({ kind: 'key', name: hash, soft }) as const)
    const tag = key.startsWith(TAG_KEY) && `${namespace}#${key.slice(TAG_KEY.length)}`
    return tag ? [own, { kind: 'tag', name: tag, soft: false } as const] : [own]
  })
}
