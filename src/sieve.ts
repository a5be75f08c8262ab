/** What a {@link Sieve} holds: the owner's data plus the links of the queue, in one object. */
export interface SieveNode {
  readonly key: string
  /** Weight against `maxBytes`. */
  readonly bytes: number
  /** Seen since the hand last passed. Set by whoever reads. */
  visited: boolean
  /** Towards the newer end. */
  newer: this | undefined
  older: this | undefined
}

/**
 * A map bounded in items and bytes that evicts by SIEVE (Zhang et al., NSDI 2024): one queue in order of arrival,
 * and a hand that walks from old to new, sparing what was read since its last pass. A hit sets one bit; eviction is
 * O(1) amortised; one scan of cold keys cannot flush the hot ones.
 */
export class Sieve<Node extends SieveNode> {
  readonly #nodes = new Map<string, Node>()
  readonly #maxItems: number
  readonly #maxBytes: number
  #bytes = 0
  #newest: Node | undefined
  #oldest: Node | undefined
  #hand: Node | undefined

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#nodes.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Node | undefined {
    const node = this.#nodes.get(key)
    if (node) node.visited = true
    return node
  }

  /** Looks without counting as a read. */
  peek(key: string): Node | undefined {
    return this.#nodes.get(key)
  }

  /** Puts a node in, evicting until it fits. One that could never fit is not put in: `false`. */
  set(node: Node): boolean {
    this.delete(node.key)
    if (node.bytes === Infinity || node.bytes > this.#maxBytes) return false
    while (this.#nodes.size >= this.#maxItems || this.#bytes + node.bytes > this.#maxBytes) this.#evict()
    node.older = this.#newest
    if (this.#newest) this.#newest.newer = node
    this.#newest = node
    this.#oldest ??= node
    this.#nodes.set(node.key, node)
    this.#bytes += node.bytes
    return true
  }

  delete(key: string): boolean {
    const node = this.#nodes.get(key)
    if (!node) return false
    if (this.#hand === node) this.#hand = node.newer
    if (node.newer) node.newer.older = node.older
    else this.#newest = node.older
    if (node.older) node.older.newer = node.newer
    else this.#oldest = node.newer
    node.newer = node.older = undefined
    this.#nodes.delete(key)
    this.#bytes -= node.bytes
    return true
  }

  clear(): void {
    this.#nodes.clear()
    this.#bytes = 0
    this.#newest = this.#oldest = this.#hand = undefined
  }

  /** All nodes, oldest first. */
  values(): IterableIterator<Node> {
    return this.#nodes.values()
  }

  #evict(): void {
    let node = this.#hand ?? this.#oldest
    while (node?.visited) {
      node.visited = false
      node = node.newer ?? this.#oldest
    }
    if (!node) return
    this.#hand = node.newer
    this.delete(node.key)
  }
}
