/** One operation that an isolate is told to do. */
export interface Order {
  readonly operation:
    | 'getOrSet'
    | 'set'
    | 'delete'
    | 'deleteMany'
    | 'expire'
    | 'deleteByTag'
    | 'clear'
    | 'pull'
    | 'getMany'
    | 'setMany'
    | 'getOrSetMany'
    | 'expireByTag'
    | 'touch'
    /** `getOrSet` whose factory says that nothing has changed. */
    | 'revalidate'
  readonly options?: unknown
  /** What the factory makes. */
  readonly value?: string
  /** In the store that asks for news at once. */
  readonly eager?: boolean
}
