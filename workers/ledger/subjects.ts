import type { Invalidation, Names } from '../../src/ports.ts'

/**
 * A key, tag or namespace path in one text, told apart by its first two characters, so that one column, one index
 * and one list serve all three.
 */
export type Subject = `${'k' | 't' | 'n'}:${string}`

const LETTERS = { key: 'k', tag: 't', namespace: 'n' } as const
const KINDS = { k: 'key', t: 'tag', n: 'namespace' } as const

/** The subject of an event. */
export function subjectOf({ kind, name }: Pick<Invalidation, 'kind' | 'name'>): Subject {
  return `${LETTERS[kind]}:${name}`
}

/** The tags and namespaces an entry hangs on, each once, in the order given. */
export function subjectsOf(names: Names): Subject[] {
  return [...new Set([...names.tags.map((tag): Subject => `t:${tag}`), ...namespacesOf(names)])]
}

/** The namespaces alone. */
export function namespacesOf(names: Names): Subject[] {
  return names.namespaces.map((path): Subject => `n:${path}`)
}

/** The way back from {@link subjectOf}. The birth event of a journal has no subject, and nobody is told of it. */
export function parseSubject(subject: string): Pick<Invalidation, 'kind' | 'name'> {
  const letter = subject[0] as keyof typeof KINDS
  return { kind: KINDS[letter], name: subject.slice(2) }
}

/** The way back from {@link subjectsOf}. */
export function parseNames(subjects: Iterable<string>): { tags: string[]; namespaces: string[] } {
  const names = { tags: [] as string[], namespaces: [] as string[] }
  for (const subject of subjects) {
    const { kind, name } = parseSubject(subject)
    if (kind === 'tag') names.tags.push(name)
    else names.namespaces.push(name)
  }
  return names
}
