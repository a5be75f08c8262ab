/** What a {@link Sieve} holds: the owner's data plus the links of the queue, in one object. */
export interface SieveNode {
  readonly key: string
  /** Weight against the bounds. */
  readonly bytes: number
  /** Seen since the hand last passed. */
  visited: boolean
  /** Towards the newer end. */
  newer: this | undefined
  older: this | undefined
}

/** A map bounded in items and bytes. */
export interface Sieve<Node extends SieveNode> {
  readonly size: () => number
  readonly bytes: () => number
  get(key: string): Node | undefined
  /** Looks without counting as a read. */
  peek(key: string): Node | undefined
  /** Puts a node in, evicting until it fits. One that could never fit is not put in: `false`. */
  set(node: Node): boolean
  delete(key: string): boolean
  clear(): void
  /** All nodes, in no useful order. */
  values(): IterableIterator<Node>
}

/**
 * Makes a bounded map that evicts by SIEVE (Zhang et al., NSDI 2024): one queue in order of arrival, and a hand that
 * walks from old to new, sparing what was read since its last pass. A hit sets one bit; eviction is O(1) amortised;
 * one scan of cold keys cannot flush the hot ones.
 */
// oxlint-disable-next-line max-lines-per-function -- a closure over one queue, whose parts mean nothing apart
export function makeSieve<Node extends SieveNode>(
  maxItems: number,
  maxBytes: number,
  maxEntryBytes: number = maxBytes,
): Sieve<Node> {
  const nodes = new Map<string, Node>()
  let bytes = 0
  let newest: Node | undefined
  let oldest: Node | undefined
  let hand: Node | undefined

  const get = (key: string): Node | undefined => {
    const node = nodes.get(key)
    if (node) node.visited = true
    return node
  }

  const remove = (key: string): boolean => {
    const node = nodes.get(key)
    if (!node) return false
    const { newer, older } = node
    if (hand === node) hand = newer
    if (newer) newer.older = older
    else newest = older
    if (older) older.newer = newer
    else oldest = newer
    node.newer = node.older = undefined
    bytes -= node.bytes
    return nodes.delete(key)
  }

  const evict = (): void => {
    let node = hand ?? oldest
    while (node?.visited) {
      node.visited = false
      node = node.newer ?? oldest
    }
    hand = node?.newer
    if (node) remove(node.key)
  }

  return {
    size: () => nodes.size,
    bytes: () => bytes,
    get,
    peek: (key) => nodes.get(key),
    set: (node) => {
      remove(node.key)
      if (node.bytes > maxEntryBytes || node.bytes > maxBytes) return false
      while (nodes.size >= maxItems || bytes + node.bytes > maxBytes) evict()
      // It may have been in here before, when everything was dropped at once.
      node.newer = undefined
      node.older = newest
      if (newest) newest.newer = node
      newest = node
      oldest ??= node
      nodes.set(node.key, node)
      bytes += node.bytes
      return true
    },
    delete: remove,
    clear: () => {
      nodes.clear()
      bytes = 0
      newest = oldest = hand = undefined
    },
    values: () => nodes.values(),
  }
}
