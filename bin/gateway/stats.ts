/** What the gateway counts. */
export interface GatewayStats {
  /** HTTP requests, refused ones included. */
  readonly requests: number
  /**
   * The same by what they ask for: `/`, `/pipeline`, `/multi-exec`, `/subscribe`, `/psubscribe`, and `/command` for
   * all commands in the path. Absent if there was none.
   */
  readonly paths: Readonly<Record<string, number>>
  /** Commands sent to Redis. A script is one; MULTI and EXEC around a transaction are none. */
  readonly commands: number
  /** Event streams that are open. Not reset. */
  readonly streams: number
}

/** Counts since the start or the last reset. */
export class Counters {
  #requests = 0
  #commands = 0
  #paths: Record<string, number> = {}

  request(route: string): void {
    this.#requests += 1
    this.#paths[route] = (this.#paths[route] ?? 0) + 1
  }

  command(): void {
    this.#commands += 1
  }

  reset(): void {
    this.#requests = 0
    this.#commands = 0
    this.#paths = {}
  }

  read(): Omit<GatewayStats, 'streams'> {
    return { requests: this.#requests, paths: { ...this.#paths }, commands: this.#commands }
  }
}
