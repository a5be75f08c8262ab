/** The first segment of all keys that are no entry. */
export const STATE = '___ekiben'

/** What a store's keys are called in Redis. */
export interface KeyNames {
  readonly journal: string
  readonly epochs: string
  readonly due: string
  readonly channel: string
  entry(name: string): string
  lease(name: string): string
  answer(op: string): string
}

/**
 * Names the keys of a store. Entries are called as Bentocache calls them; what coordinates them lies beside them, under
 * a segment that no entry's name begins with. `cluster` puts all of a store into one slot of a Redis Cluster.
 */
export function nameKeys(prefix: string, cluster: boolean): KeyNames {
  const root = cluster ? `{${prefix || STATE}}` : prefix
  const state = (part: string): string => `${STATE}:${root}:${part}`
  const own = (name: string): string => {
    if (!cluster) return name
    return prefix !== '' && name.startsWith(`${prefix}:`)
      ? root + name.slice(prefix.length)
      : `${root}:${name}`
  }
  return {
    journal: state('journal'),
    epochs: state('epochs'),
    due: state('due'),
    // Channels of Upstash's HTTP interface hold no comma and no slash.
    channel: `${STATE}.${encodeURIComponent(prefix)}`,
    entry: (name) => (name.startsWith(STATE) ? state(`entry:${name}`) : own(name)),
    lease: (name) => state(`lease:${name}`),
    answer: (op) => state(`answer:${op}`),
  }
}
