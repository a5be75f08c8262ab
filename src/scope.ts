import { checkName } from './options.ts'
import type { Invalidation } from './ports.ts'

/**
 * Where a cache stands in the tree of namespaces, and what its keys and tags are called there.
 *
 * An entry belongs to the namespace it is written through and to all above it, so dropping a namespace is one new
 * epoch, whatever it holds. A parent reads its children's entries as `child:key`. In names of namespaces the
 * separators are escaped, so neither siblings nor tenants can meet.
 */
export class Scope {
  /** Put before a key to make it unique in the isolate: `''`, `'users:'`, `'users:admins:'`. */
  declare readonly path: string
  /** All namespaces the scope lies in, as L2 knows them, outermost first. */
  declare readonly namespaces: readonly string[]
  readonly #prefix: string

  constructor(prefix: string, path = '', namespaces: readonly string[] = [prefix]) {
    this.#prefix = prefix
    this.path = path
    this.namespaces = namespaces
  }

  /** @throws {@link InvalidOptionError} unless the name is a string that is not empty. */
  child(name: string): Scope {
    const segment = escape(checkName(name, 'namespace'))
    const own = this.namespaces.at(-1)
    return new Scope(this.#prefix, `${this.path}${segment}:`, [
      ...this.namespaces,
      own ? `${own}:${segment}` : segment,
    ])
  }

  /** A key's full name in L2, before any hashing. */
  l2Key(id: string): string {
    return this.#prefix ? `${this.#prefix}:${id}` : id
  }

  /** A tag's full name. Tags live in the namespace they are used through; `#` stands in no namespace. */
  tag(name: string): string {
    return `${this.namespaces.at(-1)}#${name}`
  }

  tags(names: readonly string[]): readonly string[] {
    return names.map((name) => this.tag(name))
  }

  /** What drops everything in this namespace and below. */
  get everything(): Invalidation {
    return { kind: 'namespace', name: this.namespaces.at(-1) as string, soft: false }
  }
}

function escape(segment: string): string {
  return segment.replace(/[%:#]/g, (separator) => encodeURIComponent(separator))
}
