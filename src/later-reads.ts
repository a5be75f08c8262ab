import type { ReadManyReply } from './ports.ts'

/** What is told of a key that nothing can be told of. */
const NOTHING = { stale: false, freshFor: null, staleFor: null }

/**
 * What a second call has read, for a reply with the page of the first: it must have asked for what followed that page. If
 * that cannot be told, because too much happened or the journal was lost, nothing counts as found. A lease that was given
 * is handed on all the same: nobody else gets it, and what is computed under it is judged when it is committed.
 */
export function laterReads({ entries, page }: ReadManyReply): ReadManyReply['entries'] {
  if (page.events !== 'gap') return entries
  return entries.map(({ lease, leaseLeft }) => ({ ...NOTHING, lease, leaseLeft }))
}
