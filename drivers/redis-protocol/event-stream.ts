import { StoreError } from '../../src/errors.ts'
import type { Subscriber, Subscription } from '../../src/ports.ts'
import { parsePush } from './wire.ts'

/** Opens a request, with the address and the token of whoever gives it. Rejects unless it is answered well. */
export type Open = (
  path: string,
  request: { readonly body?: string; readonly headers: object; readonly signal: AbortSignal },
) => Promise<Response>

/** Longest line that is put together. Events are far shorter. */
const LONGEST_LINE = 16_000_000

/** One stream of what is published on a channel: https://upstash.com/docs/redis/features/restapi#subscribe. */
export function listen(open: Open, channel: string, subscriber: Subscriber): Subscription {
  const abort = new AbortController()
  const prefix = `message,${channel},`
  const run = async (): Promise<void> => {
    const response = await open(`/subscribe/${encodeURIComponent(channel)}`, {
      headers: { accept: 'text/event-stream' },
      signal: abort.signal,
    })
    for await (const line of linesOf(response)) {
      // What `ekiben gateway` says of its sign of life; Upstash promises none.
      const [, within] = /^: heartbeat (\d{1,9})$/.exec(line) ?? []
      subscriber.onAlive(within === undefined ? undefined : Number(within))
      const [, data = ''] = /^data: ?(.*)$/s.exec(line) ?? []
      if (data.startsWith('subscribe,')) subscriber.onOpen()
      if (data.startsWith(prefix)) subscriber.onPush(parsePush(data.slice(prefix.length)))
    }
  }
  run().then(
    () => abort.signal.aborted || subscriber.onEnd(),
    (error: unknown) => abort.signal.aborted || subscriber.onEnd(error),
  )
  return { close: () => abort.abort() }
}

/** The lines of a response, as they come. */
async function* linesOf(response: Response): AsyncGenerator<string> {
  if (!response.body) throw new StoreError('Redis', 'an answer without a stream')
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + decoder.decode(part.value, { stream: true })).split(/\r?\n/)
      rest = lines.pop() ?? ''
      if (rest.length > LONGEST_LINE) throw new StoreError('Redis', 'a line too large')
      yield* lines
    }
  } finally {
    reader.releaseLock()
    await response.body.cancel().catch(() => {})
  }
}
