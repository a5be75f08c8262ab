/** What a test and the Worker of `test/workerd/isolate.ts` say to each other. */

/** The stores of the Worker. */
export type StoreName = 'main' | 'patient' | 'kv'

/** A call of `getOrSet`. */
export interface Ask {
  readonly store?: StoreName
  readonly options: { readonly key: string } & Record<string, unknown>
  /** What the factory gives. */
  readonly value: string
  /** The factory waits until this gate is opened. */
  readonly gate?: string
  /** Tags the factory adds. */
  readonly late?: readonly string[]
  /** The first factory of the key in this isolate never settles. */
  readonly never?: boolean
}

/** Any other operation. */
export interface Act {
  readonly store?: StoreName
  readonly operation:
    | 'get'
    | 'has'
    | 'set'
    | 'delete'
    | 'deleteMany'
    | 'expire'
    | 'deleteByTag'
    | 'clear'
    | 'pull'
  readonly options?: unknown
}

/** What an isolate did so far. */
export interface State {
  readonly isolate: string
  /** Computations under way. */
  readonly inflight: number
  /** Calls of `getOrSet`, by key. */
  readonly asked: Readonly<Record<string, number>>
  /** Runs of factories, by key. */
  readonly runs: Readonly<Record<string, number>>
  /** Answers to writes, by key: accepted or refused. */
  readonly commits: Readonly<Record<string, readonly boolean[]>>
  /** Calls to KV so far, by method. */
  readonly kv: Readonly<Record<string, number>>
  /** Rounds that a request without a cache has waited. */
  readonly rounds: number
  /** Globals of Node that the isolate has. */
  readonly globals: readonly string[]
}
