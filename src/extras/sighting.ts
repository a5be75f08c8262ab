import type { Invalidation } from '../ports.ts'
import { clear, forget } from '../forget.ts'
import { get, has, pull } from '../get.ts'
import { getOrSet } from '../get-or-set.ts'
import { invalidate } from '../invalidate.ts'
import { set } from '../set.ts'
import type { Call, Hooks, Operation } from '../stack.ts'
import type { EntryInfo, Reason } from './entry-info.ts'
import { type Fetched, known, knownWithout, type Served } from './info-of.ts'

/** How a read was answered: what {@link EntryInfo} tells, without the value. */
export interface ObservedAnswer extends Omit<EntryInfo<unknown>, 'value' | 'reason'> {
  /** As of {@link EntryInfo}. `'miss'` without a tier: nothing was found, and nothing made. `'failed'`: it rejected. */
  readonly reason: Reason | 'failed'
}

/** One operation of a request. */
export interface ObservedOperation {
  readonly operation:
    | 'get'
    | 'getOrSet'
    | 'pull'
    | 'has'
    | 'set'
    | 'delete'
    | 'deleteMany'
    | 'expire'
    | 'deleteByTag'
    | 'expireByTag'
    | 'clear'
  /** Name of the store. */
  readonly store: string
  /** The keys it was about, with their namespaces in front: `users:42`. */
  readonly keys: readonly string[]
  /** How long it took, in milliseconds. Clocks of Workers stand still between two calls to the outside. */
  readonly ms: number
  /** Of `get`, `getOrSet` and `pull`. */
  readonly answer?: ObservedAnswer
  /** What it rejected with. */
  readonly error?: unknown
}

type Kind = ObservedOperation['operation']

/** What was seen of the operations of a request. */
export interface SightingLog {
  open: boolean
  readonly most: number
  readonly sightings: Sighting[]
}

/** What the work of an operation is called. `undefined`: it is no operation by itself, but may hold one. */
function kindOf(work: unknown, [first, second]: readonly unknown[]): Kind | undefined {
  switch (work) {
    case get:
      return 'get'
    case getOrSet:
      return 'getOrSet'
    case pull:
      return 'pull'
    case has:
      return 'has'
    case set:
      return 'set'
    case forget:
      return second === 'expired' ? 'expire' : Array.isArray(first) ? 'deleteMany' : 'delete'
    case invalidate:
      return (first as readonly Invalidation[])[0]?.soft ? 'expireByTag' : 'deleteByTag'
    case clear:
      return 'clear'
    default:
      return undefined
  }
}

/** One operation, be it several inside each other: what the outermost of them tells at its end is what stands. */
export class Sighting {
  readonly #operation: Operation
  readonly #log: SightingLog
  #kind: Kind | undefined
  #keys: readonly string[] = []
  #begun = 0
  #served: Served | undefined
  /** What is known, once it is over. */
  told: ObservedOperation | undefined

  constructor(operation: Operation, log: SightingLog) {
    this.#operation = operation
    this.#log = log
  }

  /** The same operation, which tells this what it serves beside whom it told before. */
  hook<O extends Operation>(operation: O): O {
    if (!('key' in operation)) return operation
    const { hooks } = operation as unknown as Call
    const own: Hooks = {
      ...hooks,
      served: (entry, layer, manner) => {
        this.#served = { entry, layer, manner }
        hooks?.served?.(entry, layer, manner)
      },
      whole: (run) => this.#whole(run),
    }
    return { ...operation, hooks: own }
  }

  /** Sees an operation from its begin to its end. */
  async watch<T>(work: unknown, given: readonly unknown[], run: () => Promise<T>): Promise<T> {
    const kind = kindOf(work, given)
    if (!kind) return run()
    this.#begin(kind, given)
    return this.#until(run, () => {
      if (kind === 'get' || kind === 'pull') return this.#answer(this.#served ? 'grace' : 'miss')
      return kind === 'getOrSet' ? this.#answer(this.#served ? 'error' : 'skipped') : undefined
    })
  }

  async #whole(run: () => Promise<Fetched>): Promise<Fetched> {
    this.#begin('getOrSet', [])
    return this.#until(run, ({ served, reason }) => {
      this.#served = served
      return this.#answer(reason)
    })
  }

  async #until<T>(run: () => Promise<T>, answerOf: (result: T) => ObservedAnswer | undefined): Promise<T> {
    try {
      const result = await run()
      this.#end(answerOf(result))
      return result
    } catch (error) {
      this.#served = undefined
      const isRead = this.#kind === 'get' || this.#kind === 'getOrSet' || this.#kind === 'pull'
      this.#end(isRead ? this.#answer('failed') : undefined, { error })
      throw error
    }
  }

  #begin(kind: Kind, [first]: readonly unknown[]): void {
    if (this.#kind) return
    const { scope, key } = this.#operation as Call
    const given = kind === 'delete' || kind === 'deleteMany' || kind === 'expire' ? first : key
    this.#kind = kind
    this.#keys = [(given ?? []) as string | readonly string[]].flat().map((own) => scope.path + own)
    this.#begun = this.#now()
    const { open, most, sightings } = this.#log
    if (open && sightings.length < most) sightings.push(this)
  }

  #end(answer: ObservedAnswer | undefined, failure?: { readonly error: unknown }): void {
    if (!this.#log.open || !this.#kind) return
    const { name: store } = this.#operation.stack
    const ms = Math.max(0, this.#now() - this.#begun)
    this.told = { operation: this.#kind, store, keys: this.#keys, ms, ...(answer && { answer }), ...failure }
  }

  #answer(reason: Reason | 'failed'): ObservedAnswer {
    const call = this.#operation as Call
    const [key = call.key] = this.#keys
    if (this.#served && reason !== 'failed') return { ...known(call, this.#served, reason), key }
    return reason === 'failed' ? { ...knownWithout(key, 'miss'), reason } : knownWithout(key, reason)
  }

  #now(): number {
    return this.#operation.runtime.monotonic()
  }
}
