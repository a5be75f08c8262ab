import type { ServerResponse } from 'node:http'

/** One client that listens to channels: its response, as server-sent events. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #maxBufferedBytes: number
  #early: string[] | undefined = []

  constructor(response: ServerResponse, maxBufferedBytes: number) {
    this.#response = response
    this.#maxBufferedBytes = maxBufferedBytes
  }

  /** Answers, and then sends what came in while the subscription was made. */
  open(headers: Readonly<Record<string, string>>, first: string): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'close',
      // Proxies would hold the events back to compress them or to fill a buffer.
      'x-accel-buffering': 'no',
      ...headers,
    })
    this.write([first, ...early].join(''))
  }

  /** Who does not read is disconnected: memory is for those who do. */
  write(text: string): void {
    if (this.#early !== undefined) {
      this.#early.push(text)
      return
    }
    if (this.#response.destroyed || this.#response.writableEnded) return
    this.#response.write(text)
    if (this.#response.writableLength > this.#maxBufferedBytes) this.#response.destroy()
  }

  /** Ends it so that the client connects again. One that is not open yet is answered with an error instead. */
  end(): void {
    if (this.#early === undefined) this.#response.end()
  }
}

/** An event. A payload of several lines becomes several `data` lines, as the format wants it. */
export function eventOf(...parts: readonly string[]): string {
  const lines = parts.join(',').split(/\r\n|\r|\n/)
  return `${lines.map((line) => `data: ${line}\n`).join('')}\n`
}

/** A comment that says how often it comes, so that a client can tell silence from a lost connection. */
export function heartbeatOf(interval: number): string {
  return `: heartbeat ${interval}\n\n`
}
