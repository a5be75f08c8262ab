import type { Redis } from 'ioredis'
import type { Command } from './command.ts'
import { addressOf, type OpenClient } from './client.ts'
import type { Settings } from './options.ts'
import { unavailable } from './refusal.ts'
import type { Reply } from './reply.ts'

const LONGEST_PAUSE = 1000

/** The one connection that carries all commands. */
export class RedisLink {
  readonly #client: Redis
  readonly #settings: Settings
  readonly #onCommand: (command: Command) => void
  #wasReady = false
  #reason = ''

  /** `onCommand` is told of every command that is sent. */
  constructor(open: OpenClient, settings: Settings, onCommand: (command: Command) => void) {
    this.#settings = settings
    this.#onCommand = onCommand
    this.#client = open(settings, (attempt) => Math.min(50 * attempt, LONGEST_PAUSE))
    this.#client.on('error', (error) => {
      this.#reason = 'code' in error ? ` (${String(error.code)})` : ''
    })
    this.#client.on('ready', () => this.#tell(true))
    this.#client.on('close', () => this.#tell(false))
  }

  /** The first attempt to connect; later ones follow by themselves until `close`. */
  async open(): Promise<void> {
    await this.#client.connect().catch(() => {
      const address = addressOf(this.#settings.redis)
      this.#settings.log(
        `Redis at ${address} is out of reach${this.#reason}: answering 503 until it is there`,
      )
    })
  }

  /** Runs commands in order. What Redis refuses is an error in its place. */
  async run(commands: readonly Command[]): Promise<Reply[]> {
    this.#begin(commands)
    const settled = await this.#send(commands)
    return settled.map((outcome) => this.#replyOf(outcome))
  }

  /** Runs commands as one step. An error instead of the list means that none has run. */
  async transaction(commands: readonly Command[]): Promise<readonly Reply[] | Error> {
    this.#begin(commands)
    const settled = await this.#send([{ name: 'MULTI', args: [] }, ...commands, { name: 'EXEC', args: [] }])
    const replies = settled.map((outcome) => this.#replyOf(outcome))
    const executed = replies.at(-1)
    if (Array.isArray(executed)) return executed
    const failed = replies.filter((reply) => reply instanceof Error)
    // Redis names the cause where the command was queued, and not again at the end.
    return new Error([failed.at(-1), failed[0]].map((error) => error?.message).join(' '))
  }

  close(): void {
    this.#client.removeAllListeners('close')
    this.#client.disconnect()
  }

  #begin(commands: readonly Command[]): void {
    // Before it is ready the client sends some commands and refuses others: half a transaction.
    if (this.#client.status !== 'ready') throw unavailable('Redis is out of reach')
    for (const command of commands) this.#onCommand(command)
  }

  /** Sends without a pause in between, so that no other request gets into a transaction. */
  #send(commands: readonly Command[]): Promise<PromiseSettledResult<unknown>[]> {
    return Promise.allSettled(
      commands.map(({ name, args }) => this.#client.callBuffer(name, args as (string | Buffer)[])),
    )
  }

  #replyOf(outcome: PromiseSettledResult<unknown>): Reply {
    if (outcome.status === 'fulfilled') return outcome.value as Reply
    const error: unknown = outcome.reason
    if (error instanceof Error && error.name === 'ReplyError') return error
    const isLate = error instanceof Error && error.message === 'Command timed out'
    const { commandTimeout } = this.#settings
    throw unavailable(
      isLate
        ? `Redis did not answer within ${commandTimeout} ms: the command may have run`
        : 'the connection to Redis was lost: the command may have run',
    )
  }

  #tell(isReady: boolean): void {
    if (isReady === this.#wasReady) return
    this.#wasReady = isReady
    this.#settings.log(`Redis at ${addressOf(this.#settings.redis)} is ${isReady ? 'connected' : 'lost'}`)
  }
}
