import { InvalidOptionError, StoreError } from '../../src/errors.ts'
import type { Loose } from '../../src/loose.ts'
import type { Coordination } from '../../src/ports.ts'
import type { Send } from './evaluate.ts'
import { reasonOf } from './reason.ts'
import { parsePush } from './wire.ts'

type Run = (script: string, keys: string[], args: string[]) => unknown

/** The part of a pipeline of `@upstash/redis` that is used. */
export interface ScriptPipeline {
  eval: Run
  evalsha: Run
  evalRo: Run
  evalshaRo: Run
  exec(): Promise<unknown[]>
}

/** What is used of a client of `@upstash/redis` or `@vercel/kv`, by shape: the package comes with whoever brings it. */
export interface UpstashClient {
  pipeline(): ScriptPipeline
  subscribe?(channels: string): ClientSubscriber
}

interface ClientSubscriber {
  // The client types its listeners by event, in a way that changes with its versions.
  on(event: Loose, listener: Loose): void
  unsubscribe(channels?: string[]): Promise<void>
}

const METHODS: Readonly<Record<string, Exclude<keyof ScriptPipeline, 'exec'>>> = {
  EVAL: 'eval',
  EVALSHA: 'evalsha',
  EVAL_RO: 'evalRo',
  EVALSHA_RO: 'evalshaRo',
}

/**
 * Sends through a client. Each command is a pipeline of its own: the client's automatic ones put commands of several
 * requests into one `fetch`, which dies with the request it belongs to. A client repeats what failed; every script
 * may be repeated.
 */
export function sendThrough(client: UpstashClient): Send {
  return async ([command = '', script = '', count = '0', ...operands]) => {
    const pipeline = client.pipeline()
    const keys = operands.slice(0, Number(count))
    pipeline[METHODS[command] ?? 'eval'](script, keys, operands.slice(keys.length))
    try {
      const [result] = await pipeline.exec()
      return result
    } catch (error) {
      // Without the client's error: its text and its cause quote the command, values and all.
      throw new StoreError('Redis', saidBy(error))
    }
  }
}

/** Listens through a client. It tells of no end and of no silence: a pull that brings what it left out does. */
export function subscribeThrough(
  client: UpstashClient,
): ((channel: string) => NonNullable<Coordination['subscribe']>) | undefined {
  if (typeof client.subscribe !== 'function') return undefined
  return (channel) => (subscriber) => {
    const stream = client.subscribe?.(channel)
    const on = (
      event: 'subscribe' | 'message' | 'error',
      listener: (data: { message?: unknown }) => void,
    ): void => stream?.on(event, listener)
    let over = false
    on('subscribe', () => over || subscriber.onOpen())
    on('message', ({ message }) => {
      if (over) return
      subscriber.onAlive()
      subscriber.onPush(parsePush(typeof message === 'string' ? message : JSON.stringify(message)))
    })
    on('error', () => {
      if (!over) subscriber.onEnd(new StoreError('Redis', 'the subscription ended'))
      over = true
    })
    return {
      close: () => {
        over = true
        stream?.unsubscribe().catch(() => {})
      },
    }
  }
}

/** @throws {@link InvalidOptionError} */
export function checkClient(client: unknown): UpstashClient {
  if (typeof (client as Partial<UpstashClient> | null)?.pipeline === 'function')
    return client as UpstashClient
  throw new InvalidOptionError({
    option: 'client',
    received: client === null ? 'null' : typeof client,
    allowed: "a client of '@upstash/redis' or '@vercel/kv'",
  })
}

function saidBy(error: unknown): string {
  const { message, name } = error as { message?: unknown; name?: unknown }
  const [, said] = /(?:failed: |^)([A-Z]{2,32} [^\n]{0,60})/.exec(String(message)) ?? []
  return said === undefined ? `the client failed (${String(name)})` : reasonOf(said)
}
