import { connect } from 'node:net'
import { type CountBody, type GetBody, hangBound } from './scenes.ts'

/** What one request came to. */
export interface Answer {
  readonly status: number | 'hang'
  readonly ms: number
  /** Number of the factory run whose value was served. */
  readonly value?: number
  readonly error?: string
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks once, and calls it a hang when nothing came within the bound. */
export async function ask(url: URL): Promise<Answer> {
  const sent = performance.now()
  const since = () => Math.round(performance.now() - sent)
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(hangBound) })
    const text = await response.text()
    return { status: response.status, ms: since(), ...parse(text) }
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      return { status: 'hang', ms: since() }
    }
    // A connection closed without an answer is the runtime giving the request up.
    return { status: 500, ms: since(), error: String(error) }
  }
}

// The runtime answers for a Worker it has cancelled, and does so in plain text.
function parse(text: string): GetBody {
  try {
    return JSON.parse(text) as GetBody
  } catch {
    return { error: text.trim().slice(0, 200) }
  }
}

export async function countOf(base: URL, key: string): Promise<CountBody> {
  const url = new URL(`/count?key=${key}`, base)
  return (await (await fetch(url)).json()) as CountBody
}

/** Returns once the factory has begun to run. */
export async function factoryBegan(base: URL, key: string): Promise<void> {
  const until = performance.now() + hangBound
  while (performance.now() < until) {
    if ((await countOf(base, key)).started > 0) return
    await pause(10)
  }
  throw new Error(`The factory of ${base.href} never began`)
}

/**
 * Sends a request and returns what resets its connection. It must be a reset: workerd takes a
 * FIN for half of a conversation, goes on with the request, and nothing is cancelled.
 */
export async function askAndReset(url: URL): Promise<() => void> {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
  return () => socket.resetAndDestroy()
}
