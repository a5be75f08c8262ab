/** An answer of a gateway, read to its end. */
export interface RawAnswer {
  readonly status: number
  /** The body as JSON. */
  readonly json: unknown
  readonly text: string
  readonly headers: Headers
}

/** What to send: `body` is sent as it is if it is text or bytes, else as JSON. */
export interface RawRequest {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Speaks to a gateway without any client in between. */
export interface RawClient {
  send(path: string, request?: RawRequest): Promise<RawAnswer>
  /** `POST /` with a command. */
  run(...command: readonly (string | number)[]): Promise<RawAnswer>
  /** Opens an event stream. */
  listen(path: string, request?: RawRequest): Promise<Listener>
}

/** Reads an event stream, block by block. */
export interface Listener {
  readonly status: number
  /** The next block, such as `data: message,channel,text` or `: heartbeat 10000`. `undefined` at the end. */
  next(): Promise<string | undefined>
  /** The next block that is no heartbeat. */
  nextEvent(): Promise<string | undefined>
  /** Leaves. */
  cancel(): void
}

export function rawClient(url: string, token: string): RawClient {
  async function request(path: string, { method, body, headers }: RawRequest, signal?: AbortSignal) {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    return fetch(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  }
  async function send(path: string, options: RawRequest = {}): Promise<RawAnswer> {
    const response = await request(path, options)
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json' && text !== ''
    return {
      status: response.status,
      json: isJson ? JSON.parse(text) : undefined,
      text,
      headers: response.headers,
    }
  }
  return {
    send,
    run: (...command) => send('/', { body: command }),
    async listen(path, options = {}) {
      const controller = new AbortController()
      const response = await request(path, options, controller.signal)
      const blocks = blocksOf(response.body!)
      const next = async () => (await blocks.next()).value
      return {
        status: response.status,
        next,
        async nextEvent() {
          for (;;) {
            const block = await next()
            if (!block?.startsWith(':')) return block
          }
        },
        cancel: () => controller.abort(),
      }
    },
  }
}

async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const bytes of body) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      yield* blocks
    }
  } catch {
    // Cut or cancelled: nothing more comes, which is what a reader wants to know.
  }
  return undefined
}
