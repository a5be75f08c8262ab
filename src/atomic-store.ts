import type { AtomicCalls, AtomicReply, AtomicStep, Linearizable } from './atomic-calls.ts'
import { NotAcknowledgedError, NotLinearizableError } from './atomic-errors.ts'
import { MAX_NAME_BYTES } from './atomic-limits.ts'
import { TIMED_OUT, within } from './deadline.ts'
import { InvalidOptionError, L2TimeoutError, SetupError } from './errors.ts'
import { fitKey } from './key.ts'
import type { CreateDriverResult, Runtime } from './ports.ts'
import type { Scope } from './scope.ts'
import { shardOf } from './shard-of.ts'

/** What a step is asked with, but for the name. */
export type Details<Step extends AtomicStep> = Omit<Parameters<AtomicCalls[Step]>[0], 'name'>

/** Where a step is taken: in which namespace, on which name, and how long its answer is waited for. */
export interface Target {
  readonly scope: Scope
  /** As the caller said it. */
  readonly name: string
  /** Milliseconds. */
  readonly timeout: number
}

/** A store whose changes have one order, or several of them that share the names. */
export interface AtomicStore {
  readonly runtime: Runtime
  /**
   * Takes one step, in one round trip, with a deadline on a timer of the caller's own. Nothing is repeated here.
   *
   * @throws {@link NotAcknowledgedError}
   */
  ask<Step extends AtomicStep>(step: Step, target: Target, details: Details<Step>): Promise<AtomicReply<Step>>
  disconnect(): Promise<void>
}

/**
 * Opens the store of a driver. Drivers connect at their first call, so nothing happens here.
 *
 * @throws {@link NotLinearizableError}
 */
export function openAtomicStore(
  driver: CreateDriverResult<Linearizable>,
  { prefix, runtime }: { readonly prefix: string; readonly runtime: Runtime },
): AtomicStore {
  const stores = (driver.shards ?? [driver]).map((part) => open(part, prefix, runtime))
  return {
    runtime,
    ask: async (step, { scope, name, timeout }, details) => {
      const id = scope.path + name
      const { atomics } = stores[shardOf(id, stores.length)] as Linearizable
      const request = { ...details, name: await fitName(scope.l2Key(id)) }
      const { op } = request as { op?: string }
      try {
        // The method is called on its owner: a store may be an object with state.
        const reply = await within<unknown>(runtime, atomics[step](request as never), timeout)
        if (reply === TIMED_OUT) throw new L2TimeoutError(timeout)
        return reply as AtomicReply<typeof step>
      } catch (error) {
        // Refused before anything was sent, or never configured: that is known.
        if (error instanceof SetupError || error instanceof InvalidOptionError) throw error
        throw new NotAcknowledgedError(step, error, op)
      }
    },
    disconnect: async () => {
      for (const store of stores) await store.disconnect()
    },
  }
}

function open(driver: CreateDriverResult<Linearizable>, prefix: string, runtime: Runtime): Linearizable {
  const made = driver.factory({ prefix })
  if ((made as Partial<Linearizable> | undefined)?.atomics) return made
  close(made, runtime)
  throw new NotLinearizableError()
}

/** Drivers of others may have connected already. They are turned away in any case, so how they end is nobody's business. */
function close(driver: Partial<Linearizable> | undefined, runtime: Runtime): void {
  const ending = (async () => driver?.disconnect?.())().catch(() => {})
  runtime.waitUntil?.(ending)
}

/** What looks like a hashed name is hashed as well, so that nobody can make up another's. */
function fitName(name: string): string | Promise<string> {
  return fitKey(name, /~[0-9a-f]{64}$/.test(name) ? -1 : MAX_NAME_BYTES)
}
